//! A row as it stands in a file: texts, and what makes some of them unfit to be used.

use std::ops::ControlFlow;

/// What a program keeps in a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Held {
    #[default]
    Text,
    Number(f64),
    /// A number whose format shows it otherwise than can be told.
    Disguised(f64),
    Time,
    Truth,
}

/// What stands in a cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cell {
    /// As the file shows it.
    pub text: String,
    /// Why it can't be used as it stands: what was seen, and what to do.
    pub flaw: Option<String>,
    pub held: Held,
}

impl Cell {
    /// That can be used.
    pub fn of(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    /// That can't.
    pub fn flawed(text: impl Into<String>, flaw: impl Into<String>) -> Cell {
        Cell { text: text.into(), flaw: Some(flaw.into()), held: Held::Text }
    }

    /// That is kept as something else than text.
    pub fn held(self, held: Held) -> Cell {
        Cell { held, ..self }
    }

    /// The mark of an error.
    pub fn error(mark: &str) -> Cell {
        Cell::flawed(
            mark,
            format!("「{}」是公式出错的标记，请填上真正的内容", super::text::short(mark)),
        )
    }

    /// Whether nothing stands there that anybody could see.
    pub fn is_blank(&self) -> bool {
        self.flaw.is_none() && self.text.chars().all(is_unseen)
    }
}

fn is_unseen(c: char) -> bool {
    c.is_whitespace() || c.is_control() || super::text::is_invisible(c)
}

/// A row with its number in the file, from 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub number: usize,
    pub cells: Vec<Cell>,
}

impl Row {
    /// Whether nothing stands in it.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }

    /// The text of a column.
    pub fn text(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.text.as_str())
    }
}

/// Whether something stands in a column of these rows, and nothing that isn't so.
pub(super) fn all_are(rows: &[Row], column: usize, is_so: impl Fn(&str) -> bool) -> bool {
    let mut texts = rows.iter().map(|row| row.text(column).trim()).filter(|text| !text.is_empty());
    texts.clone().next().is_some() && texts.all(is_so)
}

/// Whoever is handed each row that isn't blank, with the place of its sheet, and may say that it's enough.
pub(super) type Take<'t> = dyn FnMut(usize, Row) -> ControlFlow<()> + 't;

/// A column as a spreadsheet names it: A, B … XFD.
pub(super) fn letters(column: usize) -> String {
    let (mut left, mut name) = (column + 1, Vec::new());
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or(0);
        name.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    name.iter().rev().collect()
}

/// B3 as row and column, from 1.
pub(super) fn cell_place(name: &str) -> Option<(usize, usize)> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (letters, row) = name.split_at(digits);
    let column = letters.bytes().try_fold(0_usize, |column, letter| {
        let letter = letter.to_ascii_uppercase();
        (letter.is_ascii_uppercase() && column < 1 << 20)
            .then(|| column * 26 + usize::from(letter - b'A') + 1)
    })?;
    Some((row.parse().ok()?, column))
}
