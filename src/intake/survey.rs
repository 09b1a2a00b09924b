//! A file is looked through before anything of it is taken: which sheets it has, what each is, which of its columns and
//! rows are read and which aren't.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::below::{another, goes_on};
use super::comments::Comment;
use super::header::{HEADER_WITHIN, Table, Understood, no_header, understand};
use super::kinds::Field;
use super::original::{Form, Original};
use super::refusal::{ImportError, sheet_text};
use super::row::{Row, Take, letters};
use super::scan::SheetInfo;
use super::{delimited, open_document, workbook};

/// A file as it's read: its sheets, row by row, as often as it takes.
#[derive(Debug)]
pub(super) struct Book {
    pub original: Original,
    sheets: Vec<SheetInfo>,
    is_1904: bool,
}

impl Book {
    pub fn open(original: Original) -> Result<Book, ImportError> {
        let (sheets, is_1904) = match original.form {
            Form::Text => (Vec::new(), false),
            Form::Ods => (open_document::sheets(&original)?, false),
            _ => workbook::sheets(&original)?,
        };
        Ok(Book { original, sheets, is_1904 })
    }

    /// Reads the rows of these sheets, one sheet after the other.
    pub fn read(&self, wanted: &[usize], take: &mut Take<'_>) -> Result<(), ImportError> {
        let Book { original, sheets, .. } = self;
        match original.form {
            Form::Text if wanted.is_empty() => Ok(()),
            Form::Text => delimited::read(original, take),
            Form::Ods => open_document::read(original, sheets, wanted, take),
            _ => workbook::read(original, sheets, wanted, take),
        }
    }

    /// Its sheets that are tables, with their places.
    pub fn sheet_names(&self) -> impl Iterator<Item = (usize, &str)> {
        let tables = self.sheets.iter().enumerate().filter(|(_, sheet)| sheet.is_table);
        tables.map(|(index, sheet)| (index, sheet.name.as_str()))
    }

    /// A sheet's name, where there are several.
    fn name(&self, index: usize) -> Option<&str> {
        (self.sheets.len() > 1).then(|| self.sheets[index].name.as_str())
    }

    /// Whether a sheet is hidden.
    pub fn hides_sheet(&self, index: usize) -> bool {
        self.sheets.get(index).is_some_and(|sheet| sheet.is_hidden)
    }

    /// Whether a row is hidden.
    pub fn hides(&self, sheet: usize, row: usize) -> bool {
        self.sheets.get(sheet).is_some_and(|sheet| sheet.facts.hides_row(row))
    }
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Survey {
    pub book: Book,
    /// In the order in which they build on each other.
    pub tables: Vec<Surveyed>,
    /// Sheets that aren't read, and why.
    pub passed: Vec<(String, String)>,
}

/// A table and what its rows are.
#[derive(Debug)]
pub(super) struct Surveyed {
    pub table: Table,
    pub rows: usize,
    pub hidden_rows: Vec<(usize, usize)>,
    pub hidden_columns: Vec<String>,
    /// Rows that aren't read, and why.
    pub passed: Vec<((usize, usize), String)>,
    /// What people remarked on cells below the header.
    pub comments: Vec<Comment>,
    /// How many cells of the columns that aren't used say something, by the columns' places.
    pub unused_cells: HashMap<usize, usize>,
}

/// So many ranges of rows are remembered to be told.
const MOST_RANGES: usize = 1_000;

impl Survey {
    /// Looks a file through.
    pub fn of(original: Original, ignored: &[String]) -> Result<Survey, ImportError> {
        let book = Book::open(original)?;
        let (wanted, mut passed) = wanted_sheets(&book);
        let mut looks: Vec<Look<'_>> = Vec::new();
        book.read(&wanted, &mut |sheet, row| {
            if looks.last().is_none_or(|look| look.sheet != sheet) {
                looks.push(Look { book: &book, ignored, sheet, head: Vec::new(), found: None });
            }
            if let Some(look) = looks.last_mut() {
                look.take(row);
            }
            ControlFlow::Continue(())
        })?;
        let mut tables = Vec::new();
        let (mut unclear, mut covers, mut is_unknown) = (Vec::new(), Vec::new(), false);
        for mut look in looks {
            look.decide();
            let name = sheet_text(book.name(look.sheet));
            match look.found {
                Some(Found::Table(table)) => tables.push(*table),
                Some(Found::Unclear(text)) => unclear.push(format!("{name}{text}")),
                Some(Found::Unknown(text)) => {
                    is_unknown = true;
                    unclear.push(format!("{name}{text}"));
                }
                _ => covers.push((look.sheet, look.head)),
            }
        }
        let pages: Vec<String> = covers
            .iter()
            .filter_map(|(sheet, head)| next_page(&tables, head).map(|text| (sheet, text)))
            .map(|(sheet, text)| format!("{}{text}", sheet_text(book.name(*sheet))))
            .collect();
        let covers: Vec<(usize, String)> =
            covers.into_iter().map(|(sheet, head)| (sheet, no_header(&head))).collect();
        let file = book.original.file.clone();
        unclear.extend(pages);
        if !unclear.is_empty() {
            let cure = if is_unknown && !tables.is_empty() { BESIDE_OTHERS } else { "" };
            return Err(ImportError::Header { file, text: unclear.join("；\n  ") + cure });
        }
        if tables.is_empty() {
            return Err(nothing(file, &book, &covers, &passed));
        }
        for (sheet, text) in covers {
            passed.push((
                book.sheets[sheet].name.clone(),
                format!("不是能导入的表，没有读（{}）", brief(&text)),
            ));
        }
        tables.sort_by_key(|surveyed: &Surveyed| (surveyed.table.kind, surveyed.table.place.sheet));
        Ok(Survey { book, tables, passed })
    }

    /// How many rows are read.
    pub fn rows(&self) -> usize {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// What else may be done with a sheet that isn't understood, where others are.
const BESIDE_OTHERS: &str = "。这个工作表本来就不用导入的（如下拉的选项），请把它隐藏或删掉";

/// What to do with a sheet without a header whose rows go on with another sheet's table.
fn next_page(tables: &[Surveyed], head: &[Row]) -> Option<String> {
    let goes_on = |row: &Row| tables.iter().find(|of| is_row_of(&of.table, row));
    let (row, of) = head.iter().find_map(|row| Some((row, goes_on(row)?)))?;
    let kind = of.table.kind;
    let other = sheet_text(of.table.sheet.as_deref());
    Some(format!(
        "没有表头，第 {} 行却像{other}的{kind}接着往下写的：请把那里的表头也写在这一页的第一行，再导入",
        row.number
    ))
}

/// Whether a row could stand in a table: all that it needs is there, and is of its kind.
fn is_row_of(table: &Table, row: &Row) -> bool {
    let required = table.kind.columns().0;
    let told = |field: &Field| row.text(table.columns.get(field).copied().unwrap_or(usize::MAX));
    let fits = required.iter().map(|field| (told(field).trim(), field.fits(told(field))));
    let fits: Vec<(&str, Option<bool>)> = fits.collect();
    fits.iter().all(|(text, fits)| !text.is_empty() && *fits != Some(false))
        && fits.iter().any(|(_, fits)| *fits == Some(true))
}

fn brief(text: &str) -> String {
    text.split('。').next().unwrap_or(text).to_owned()
}

/// Nothing in the file is a table that is known.
fn nothing(
    file: String,
    book: &Book,
    covers: &[(usize, String)],
    passed: &[(String, String)],
) -> ImportError {
    let not_read: Vec<String> =
        passed.iter().map(|(sheet, why)| format!("工作表「{sheet}」{why}")).collect();
    match (covers, not_read.is_empty()) {
        ([], true) => ImportError::Empty { file },
        ([], false) => ImportError::Header {
            file,
            text: format!("没有可读的表：{}", not_read.join("；")),
        },
        (covers, _) => {
            let texts = covers
                .iter()
                .map(|(sheet, text)| format!("{}{text}", sheet_text(book.name(*sheet))));
            let text: Vec<String> = texts.chain(not_read).collect();
            ImportError::Header { file, text: text.join("；\n  ") }
        }
    }
}

/// The sheets that are read, and why others aren't.
fn wanted_sheets(book: &Book) -> (Vec<usize>, Vec<(String, String)>) {
    if book.original.form == Form::Text {
        return (vec![0], Vec::new());
    }
    let (mut wanted, mut passed) = (Vec::new(), Vec::new());
    for (index, sheet) in book.sheets.iter().enumerate() {
        let why = match (sheet.is_table, sheet.is_hidden) {
            (true, false) if is_set_aside(&sheet.name) => {
                "的名字说它不作数（作废、示例等），没有读；要读请改个名字"
            }
            (true, false) => {
                wanted.push(index);
                continue;
            }
            (false, _) => "是图，不是表，没有读",
            (_, true) => "是隐藏的，没有读；要读请先取消隐藏",
        };
        passed.push((sheet.name.clone(), why.to_owned()));
    }
    (wanted, passed)
}

/// Whether a sheet is called something that nobody means to hand in.
fn is_set_aside(name: &str) -> bool {
    const ASIDE: [&str; 8] = ["作废", "示例", "样例", "样表", "范例", "不用", "旧表", "草稿"];
    ASIDE.iter().any(|word| name.contains(word))
}

/// A sheet as its rows go by.
struct Look<'b> {
    book: &'b Book,
    ignored: &'b [String],
    sheet: usize,
    head: Vec<Row>,
    found: Option<Found>,
}

enum Found {
    Table(Box<Surveyed>),
    Cover,
    Unclear(String),
    Unknown(String),
}

impl Look<'_> {
    fn take(&mut self, row: Row) {
        match &mut self.found {
            Some(Found::Table(surveyed)) => {
                let is_hidden = self.book.hides(self.sheet, row.number);
                if let Err(hint) = surveyed.take(&row, is_hidden) {
                    self.found = Some(Found::Unclear(hint));
                }
            }
            Some(_) => {}
            None => {
                self.head.push(row);
                self.try_header();
                if self.found.is_none() && self.head.len() >= HEADER_WITHIN {
                    self.decide();
                }
            }
        }
    }

    /// Whether the row that came last is the header.
    fn try_header(&mut self) {
        let last = self.head.len().saturating_sub(2);
        let merged = self.merged();
        if let Understood::Table(table) = understand(&self.head[last..], &merged, self.ignored) {
            // Of two rows the upper one was tried before.
            self.found = Some(self.table(*table));
        }
    }

    fn merged(&self) -> Vec<super::scan::Region> {
        let sheet = self.book.sheets.get(self.sheet);
        let upper = |region: &&super::scan::Region| region.top <= 200;
        sheet
            .map(|sheet| sheet.facts.merged.iter().filter(upper).copied().collect())
            .unwrap_or_default()
    }

    /// What the sheet is, by all that was seen of its beginning.
    fn decide(&mut self) {
        if self.found.is_some() {
            return;
        }
        let merged = self.merged();
        self.found = Some(match understand(&self.head, &merged, self.ignored) {
            Understood::Table(table) => self.table(*table),
            Understood::Cover => Found::Cover,
            Understood::Unclear(text) => Found::Unclear(text),
            Understood::Unknown(text) => Found::Unknown(text),
        });
    }

    /// A table, with those of its rows that were needed to know it.
    fn table(&self, table: Table) -> Found {
        let mut surveyed = self.surveyed(table);
        let header = surveyed.table.place.header_row;
        for row in &self.head {
            if row.number < header {
                surveyed.table.note_above(row);
            } else if row.number > header
                && let Err(hint) = surveyed.take(row, self.book.hides(self.sheet, row.number))
            {
                return Found::Unclear(hint);
            }
        }
        Found::Table(Box::new(surveyed))
    }

    fn surveyed(&self, table: Table) -> Surveyed {
        let table = Table {
            place: super::refusal::Place { sheet: self.sheet, ..table.place },
            sheet: self.book.name(self.sheet).map(str::to_owned),
            is_1904: self.book.is_1904,
            is_delimited: self.book.original.form == Form::Text,
            ..table
        };
        let hidden =
            self.book.sheets.get(self.sheet).map(|sheet| sheet.facts.hidden_columns.as_slice());
        let is_hidden = |column: usize| {
            hidden
                .unwrap_or_default()
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&(column + 1)))
        };
        let hidden_columns = table.names.iter().enumerate().filter(|(index, _)| is_hidden(*index));
        let hidden_columns =
            hidden_columns.map(|(_, name)| name.clone()).filter(|name| !name.is_empty()).collect();
        let comments =
            self.book.sheets.get(self.sheet).map(|sheet| sheet.facts.comments.as_slice());
        let below = comments.unwrap_or_default().iter();
        let below = below.filter(|comment| comment.row > table.place.header_row);
        let comments = below.cloned().collect();
        Surveyed {
            table,
            comments,
            rows: 0,
            hidden_rows: Vec::new(),
            hidden_columns,
            passed: Vec::new(),
            unused_cells: HashMap::new(),
        }
    }
}

impl Surveyed {
    /// Takes a row below the header; one that isn't the table's at all is told with what to do.
    fn take(&mut self, row: &Row, is_hidden: bool) -> Result<(), String> {
        match goes_on(&self.table, row).or_else(|| another(&self.table, row)) {
            Some(hint) => Err(hint),
            None => {
                self.count(row, is_hidden);
                Ok(())
            }
        }
    }

    fn count(&mut self, row: &Row, is_hidden: bool) {
        if let Some(why) = self.table.passes_over(row) {
            let room = self.passed.len() < MOST_RANGES;
            match self.passed.last_mut() {
                Some(((_, last), before)) if *before == why && !why.starts_with('「') => {
                    *last = row.number
                }
                _ if room => self.passed.push(((row.number, row.number), why)),
                _ => {}
            }
            return;
        }
        self.rows += 1;
        if is_hidden {
            super::scan::extend(&mut self.hidden_rows, row.number, row.number);
        }
        self.note_unnamed(row);
        for (column, _) in &self.table.unused {
            if row.cells.get(*column).is_some_and(|cell| !cell.is_blank()) {
                *self.unused_cells.entry(*column).or_default() += 1;
            }
        }
    }

    /// A column without a name in which something stands is one that isn't used.
    fn note_unnamed(&mut self, row: &Row) {
        let named = self.table.names.len();
        for (index, cell) in row.cells.iter().enumerate() {
            let has_name = index < named && !self.table.names[index].is_empty();
            if has_name
                || cell.is_blank()
                || self.table.unused.iter().any(|(known, _)| *known == index)
            {
                continue;
            }
            if self.table.columns.values().any(|used| *used == index) {
                continue;
            }
            self.table.unused.push((index, format!("{} 列（没有表头）", letters(index))));
        }
    }
}
