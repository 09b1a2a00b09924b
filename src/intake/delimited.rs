//! Tables as plain text: whatever encodes them, parts their cells and ends their lines.

use std::borrow::Cow;

use super::bounds::Bounds;
use super::kinds::is_a_name;
use super::names::plain;
use super::original::Original;
use super::refusal::{At, ImportError};
use super::row::{Cell, Row, Take};
use crate::domain::reason::is_common_hanzi;

/// Reads the rows, with the numbers that a spreadsheet shows: a cell of several lines is one row, a blank line another.
pub(super) fn read(original: &Original, take: &mut Take<'_>) -> Result<(), ImportError> {
    let Original { file, bytes, bounds, .. } = original;
    if let Some(row) = other_encoding(bytes) {
        return Err(ImportError::Encodings { file: file.clone(), row });
    }
    let text = decode(bytes);
    let (text, separator) = separator_of(&text);
    let mut lines =
        Lines { rest: text, separator, file, bounds, number: 0, width: 0, before: Vec::new() };
    let mut count = 0;
    while let Some(row) = lines.next_row()? {
        if row.is_blank() {
            continue;
        }
        count += 1;
        if count > bounds.rows {
            let (file, sheet) = (file.clone(), "表格".to_owned());
            return Err(ImportError::TooLong { file, sheet, limit: bounds.rows });
        }
        if take(0, row).is_break() {
            break;
        }
    }
    Ok(())
}

/// UTF-8 and UTF-16 with or without their marks, else GB18030, as Excel in Chinese writes csv. Where a few bytes are
/// wrong the rest is read, and what was lost is shown as such.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, length)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[length..]).0;
    }
    if let Some(wide) = wide_encoding(bytes) {
        return wide.decode_without_bom_handling(bytes).0;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let (mut wrong, mut right) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    if wrong * 4 < right {
        return String::from_utf8_lossy(bytes);
    }
    encoding_rs::GB18030.decode_without_bom_handling(bytes).0
}

/// The first line that is encoded otherwise than those before it: rows were put behind each other from two files.
fn other_encoding(bytes: &[u8]) -> Option<usize> {
    if wide_encoding(bytes).is_some() || std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let mut first = None;
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let Some(is_utf8) = is_utf8(line) else { continue };
        if *first.get_or_insert(is_utf8) != is_utf8 {
            return Some(index + 1);
        }
    }
    None
}

/// Whether a line's hanzi are surely UTF-8, or surely aren't.
fn is_utf8(line: &[u8]) -> Option<bool> {
    let hanzi = |text: &str| text.chars().filter(|c| is_common_hanzi(*c)).count();
    match std::str::from_utf8(line) {
        Ok(text) => (hanzi(text) >= 2).then_some(true),
        Err(_) => {
            let (text, has_errors) = encoding_rs::GB18030.decode_without_bom_handling(line);
            let is_other = !has_errors && hanzi(&text) >= 2;
            (is_other && hanzi(&String::from_utf8_lossy(line)) == 0).then_some(false)
        }
    }
}

/// UTF-16 without its mark: every other byte of separators and digits is zero.
fn wide_encoding(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let start = &bytes[..bytes.len().min(4_096)];
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if even + odd < start.len() / 16 + 1 {
        return None;
    }
    Some(if odd > even { encoding_rs::UTF_16LE } else { encoding_rs::UTF_16BE })
}

const SEPARATORS: [char; 5] = [',', '\t', ';', '，', '|'];

/// The text after Excel's own line about it, and what parts its cells: that by which most names of columns are found.
fn separator_of(text: &str) -> (&str, char) {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(rest) = text.strip_prefix("sep=") {
        let mut rest = rest.chars();
        if let Some(separator) = rest.next() {
            let rest = rest.as_str().trim_start_matches('\r');
            return (rest.strip_prefix('\n').unwrap_or(rest), separator);
        }
    }
    let head: Vec<&str> = text
        .split(['\n', '\r'])
        .filter(|line| !line.trim().is_empty())
        .take(12)
        .map(head_of)
        .collect();
    let names = |separator: char| {
        let known = |line: &&str| {
            let name = |cell: &str| is_a_name(&plain(cell.trim().trim_matches('"')));
            line.split(separator).filter(|cell| name(cell)).count()
        };
        head.iter().map(known).max().unwrap_or(0)
    };
    let best = SEPARATORS.iter().rev().max_by_key(|separator| names(**separator));
    (text, best.copied().unwrap_or(','))
}

/// As much of a line as a header ever is long.
fn head_of(line: &str) -> &str {
    const LONGEST: usize = 4_096;
    &line[..line.floor_char_boundary(LONGEST)]
}

/// So many cells at a row's beginning tell it from a text.
const ALIKE: usize = 2;

/// How a text is made: runs of hanzi, digits and letters.
fn shape(text: &str) -> String {
    let kinds = text.trim().chars().map(|c| match c {
        c if c.is_ascii_digit() => '9',
        c if c.is_ascii_alphabetic() => 'A',
        c if c.is_alphabetic() => '汉',
        c => c,
    });
    let mut kinds: Vec<char> = kinds.collect();
    kinds.dedup();
    kinds.into_iter().collect()
}

struct Lines<'t> {
    rest: &'t str,
    separator: char,
    file: &'t str,
    bounds: &'t Bounds,
    number: usize,
    /// The most cells that a row had so far.
    width: usize,
    /// The first cells of the row before, and of this one as far as it was read.
    before: Vec<String>,
}

/// What ended a cell.
enum End {
    Cell,
    Line,
    Text,
}

impl Lines<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, ImportError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let mut cells: Vec<Cell> = Vec::new();
        loop {
            let (text, end) = self.next_cell(cells.len())?;
            if cells.len() < ALIKE {
                self.before.resize(ALIKE, String::new());
                self.before[cells.len()] = shape(&text);
            }
            let cell = Cell::of(text);
            if cells.len() < self.bounds.columns {
                cells.push(cell);
            } else if !cell.is_blank() {
                let at = self.at(cells.len());
                let text = super::text::short(&cell.text).into_owned();
                return Err(ImportError::far_cell(&at, text, self.bounds));
            }
            if !matches!(end, End::Cell) {
                break;
            }
        }
        self.width = self.width.max(cells.len());
        Ok(Some(Row { number: self.number, cells }))
    }

    fn at(&self, index: usize) -> At<'_> {
        At { file: self.file, sheet: None, row: self.number, column: index + 1 }
    }

    fn next_cell(&mut self, index: usize) -> Result<(String, End), ImportError> {
        let unquoted = self.rest.trim_start_matches(' ');
        if let Some(rest) = unquoted.strip_prefix('"') {
            self.rest = rest;
            return self.quoted(index);
        }
        let separator = self.separator;
        let length = self.rest.find([separator, '\n', '\r']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.within_bounds(text, index)?;
        Ok((text.to_owned(), self.end_of_cell()))
    }

    fn within_bounds(&self, text: &str, index: usize) -> Result<(), ImportError> {
        if text.len() > self.bounds.text && text.chars().count() > self.bounds.text {
            return Err(ImportError::long_cell(&self.at(index), self.bounds));
        }
        Ok(())
    }

    /// A cell in quotes, from behind the first: what is within them may hold anything.
    fn quoted(&mut self, index: usize) -> Result<(String, End), ImportError> {
        let open = ImportError::OpenQuote {
            file: self.file.to_owned(),
            row: self.number,
            column: index + 1,
        };
        let mut text = String::new();
        loop {
            let Some(length) = self.rest.find('"') else { return Err(open) };
            text.push_str(&self.rest[..length]);
            self.rest = &self.rest[length + 1..];
            match self.rest.strip_prefix('"') {
                Some(rest) => {
                    text.push('"');
                    self.rest = rest;
                }
                None => break,
            }
        }
        let after = self.rest.trim_start_matches(' ');
        if !after.is_empty() && !after.starts_with([self.separator, '\n', '\r'])
            || self.holds_rows(&text)
        {
            return Err(open);
        }
        self.rest = after;
        self.within_bounds(&text, index)?;
        Ok((text, self.end_of_cell()))
    }

    /// Whether whole rows of the table stand in a cell: then its quote wasn't meant. They have as many cells as the table and
    /// begin as its rows do; or the quote that ends them stands where one begins.
    fn holds_rows(&self, text: &str) -> bool {
        let parts = self.width.saturating_sub(1);
        let ends_as_one_begins = text.ends_with([self.separator, '\n', '\r']);
        let is_row = |line: &str| {
            let mut cells = line.split(self.separator).map(shape);
            line.matches(self.separator).count() == parts
                && (ends_as_one_begins
                    || self.before.iter().all(|known| cells.next().as_ref() == Some(known)))
        };
        parts >= 2 && text.split(['\n', '\r']).skip(1).any(is_row)
    }

    fn end_of_cell(&mut self) -> End {
        if let Some(rest) = self.rest.strip_prefix(self.separator) {
            self.rest = rest;
            return End::Cell;
        }
        if self.rest.is_empty() {
            return End::Text;
        }
        let rest = self.rest.strip_prefix('\r').unwrap_or(self.rest);
        self.rest = rest.strip_prefix('\n').unwrap_or(rest);
        End::Line
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use super::*;
    use crate::intake::original::Form;

    fn rows(bytes: &[u8]) -> Result<Vec<(usize, Vec<String>)>, String> {
        let mut rows = Vec::new();
        let mut take = |_: usize, row: Row| {
            rows.push((row.number, row.cells.into_iter().map(|cell| cell.text).collect()));
            ControlFlow::Continue(())
        };
        let (file, bytes) = ("t.csv".to_owned(), Arc::new(bytes.to_vec()));
        let original = Original { file, bytes, form: Form::Text, bounds: Bounds::default() };
        read(&original, &mut take).map_err(|error| error.to_string())?;
        Ok(rows)
    }

    #[test]
    fn each_encoding_and_separator_gives_the_same() {
        let table = |separator: &str| format!("对象编号{separator}走访人员\nH1{separator}赵云\n");
        let expected = vec![
            (1, vec!["对象编号".to_owned(), "走访人员".to_owned()]),
            (2, vec!["H1".to_owned(), "赵云".to_owned()]),
        ];
        for separator in [",", "\t", ";", "，", "|"] {
            assert_eq!(rows(table(separator).as_bytes()).as_ref(), Ok(&expected), "{separator}");
        }
        let text = table("\t");
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            [&b"\xff\xfe"[..], &little].concat(),
            [&b"\xfe\xff"[..], &big].concat(),
            little,
            big,
            [&b"\xef\xbb\xbf"[..], text.as_bytes()].concat(),
            encoding_rs::GB18030.encode(&text).0.into_owned(),
            format!("sep=;\r\n{}", table(";")).into_bytes(),
        ] {
            assert_eq!(rows(&bytes).as_ref(), Ok(&expected), "{bytes:x?}");
        }
    }

    #[test]
    fn a_wrong_byte_costs_one_character() {
        let mut utf8 = "对象编号,走访人员\nH1,赵云\nH2,王强\n".as_bytes().to_vec();
        let at = utf8.len() - 5;
        utf8[at] = 0xff;
        let read = rows(&utf8).unwrap();
        assert_eq!(read[1].1, ["H1", "赵云"]);
        assert!(read[2].1[1].contains('\u{fffd}'), "{read:?}");
        let mut gbk =
            encoding_rs::GB18030.encode("对象编号,走访人员\nH1,赵云\nH2,王强\n").0.into_owned();
        let at = gbk.len() - 2;
        gbk.remove(at);
        let read = rows(&gbk).unwrap();
        assert_eq!(read[1].1, ["H1", "赵云"]);
        assert!(read[2].1[1].contains('\u{fffd}'), "{read:?}");
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_shows_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["对象编号,走访人员", "", "H1,\"赵\n云\"", "H2,\"a\"\"b\"", ""].join(end);
            let read = rows(text.as_bytes()).unwrap();
            let numbers: Vec<usize> = read.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, [1, 3, 4], "{end:?}");
            assert_eq!(read[2].1[1], "a\"b");
        }
    }

    #[test]
    fn an_open_quote_is_refused_where_it_was_opened() {
        for text in [
            "对象编号,走访人员,备注\nH1,\"赵云,\nH2,王强,\n",
            "对象编号,走访人员,备注\nH1,赵云,\"甲\nH2,王强,\nH3,李四,\"乙\n",
            "对象编号,走访人员,备注\nH1,赵云,\"甲\nH2,王强,\nH3,李四,\"\n",
        ] {
            let error = rows(text.as_bytes()).unwrap_err();
            assert!(error.contains("第 2 行第"), "{error}");
        }
        assert!(
            rows("对象编号,走访人员\nH1,赵云\"\n".as_bytes()).is_ok(),
            "an inch mark within is a mark"
        );
    }
}
