//! Workbooks of the older form (.xls): their records are walked before the library reads them, which holds them whole.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};

use calamine::Data;
use cfb::CompoundFile;

use super::bounds::MIB;
use super::compound::chains_end;
use super::number_format::NumberFormat;
use super::original::Original;
use super::package::{MOST_SHEETS, too_many};
use super::refusal::ImportError;
use super::scan::{Facts, MOST_MERGED, extend};

/// The workbook within the container, and what formats its cells may have.
pub(super) struct Walked {
    /// What each sheet says beside its values, in their order.
    pub sheets: Vec<Facts>,
    pub formats: Vec<NumberFormat>,
}

/// The container, whose chains of sectors end.
fn opened(bytes: &[u8]) -> Option<CompoundFile<Cursor<&[u8]>>> {
    if chains_end(bytes) { CompoundFile::open(Cursor::new(bytes)).ok() } else { None }
}

/// What streams a container holds at its top.
pub(super) fn streams(bytes: &[u8]) -> Option<Vec<String>> {
    let container = opened(bytes)?;
    let names = container.read_root_storage().map(|entry| entry.name().to_lowercase());
    Some(names.collect())
}

/// Whether the workbook within the container can't be read without a password.
pub(super) fn is_protected(bytes: &[u8]) -> bool {
    let Some(stream) = book_stream(bytes) else { return false };
    let globals = Records::of(&stream).take_while(|(kind, _)| *kind != END);
    let mut passwords = globals.filter(|(kind, _)| *kind == 0x2f);
    passwords.any(|(_, data)| u16_at(data, 0) != Some(0) || data.len() > 2)
}

fn book_stream(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut container = opened(bytes)?;
    let mut stream = Vec::new();
    let name = ["/Workbook", "/Book"].into_iter().find(|name| container.is_stream(name))?;
    container.open_stream(name).ok()?.read_to_end(&mut stream).ok()?;
    Some(stream)
}

const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
const MOST_FORMATS: usize = 130_000;
/// What a text takes in memory beside its letters, and a letter at the most.
const A_TEXT: u64 = 40;
const A_LETTER: u64 = 3;
/// What a cell's format takes in memory beside the cell.
const A_PLACE: u64 = 64;
const MOST_NAMES: usize = 200_000;

/// Walks the records; what the library would hold of them stays within bounds.
pub(super) fn walk(original: &Original) -> Result<Walked, ImportError> {
    let file = original.file.as_str();
    let stream = book_stream(&original.bytes);
    let stream = stream.ok_or_else(|| ImportError::broken(file, "no workbook within"))?;
    let globals = Globals::of(file, &stream)?;
    let letters: u64 = globals.texts.iter().map(|length| u64::from(*length)).sum();
    let (mut sheets, mut held) = (Vec::new(), globals.texts.len() as u64 * A_TEXT + letters);
    for (name, at) in &globals.sheets {
        let records = stream.get(*at..).unwrap_or_default();
        let mut sheet = Sheet::default();
        for (kind, data) in Records::of(records) {
            if !sheet.take(kind, data, &globals) {
                break;
            }
            if sheet.merged > MOST_MERGED {
                return Err(too_many(file, "合并的单元格", MOST_MERGED));
            }
        }
        held += sheet.held();
        if held > original.bounds.held_mib * MIB {
            let name = (globals.sheets.len() > 1).then_some(name.as_str());
            return Err(sheet.too_far(original, name, held));
        }
        sheets.push(sheet.facts);
    }
    Ok(Walked { sheets, formats: globals.formats })
}

/// What stands before the sheets.
#[derive(Default)]
struct Globals {
    /// Their names and where their records begin.
    sheets: Vec<(String, usize)>,
    formats: Vec<NumberFormat>,
    /// Which formats of cells strike them through.
    struck: HashSet<usize>,
    /// That a program worked its formulas out, and wrote by which rules.
    was_computed: bool,
    /// How long the texts are that cells share, in letters: every cell gets its own copy.
    texts: Vec<u16>,
}

impl Globals {
    fn of(file: &str, stream: &[u8]) -> Result<Globals, ImportError> {
        let (mut globals, mut codes) = (Globals::default(), HashMap::new());
        let (mut styles, mut names, mut texts) = (Vec::new(), 0, Vec::new());
        let (mut before, mut fonts) = (0, Vec::new());
        for (kind, data) in Records::of(stream) {
            match kind {
                0x00fc => texts = vec![data.get(8..).unwrap_or_default()],
                0x003c if before == 0x00fc => texts.push(data),
                END => break,
                0x041e => {
                    if let (Some(id), Some(code)) = (u16_at(data, 0), text(data, 2)) {
                        codes.insert(id, NumberFormat::of(&code));
                    }
                }
                0x0031 => fonts.push(u16_at(data, 2).is_some_and(|flags| flags & 8 != 0)),
                0x00e0 => {
                    let font = u16_at(data, 0).map_or(0, usize::from);
                    if is_struck(&fonts, font) {
                        globals.struck.insert(styles.len());
                    }
                    styles.push(u16_at(data, 2).unwrap_or(0));
                }
                0x0085 => {
                    let at = u32_at(data, 0).unwrap_or(u32::MAX) as usize;
                    globals.sheets.push((short_text(data, 6), at));
                }
                0x0018 => names += 1,
                0x01c1 => globals.was_computed = true,
                _ => {}
            }
            if kind != 0x003c {
                before = kind;
            }
        }
        for (count, limit, what) in [
            (styles.len() + codes.len(), MOST_FORMATS, "单元格格式"),
            (globals.sheets.len(), MOST_SHEETS, "工作表"),
            (names, MOST_NAMES, "工作簿里定义的名称"),
        ] {
            if count > limit {
                return Err(too_many(file, what, limit));
            }
        }
        let format = |id: u16| codes.get(&id).cloned().unwrap_or_else(|| NumberFormat::builtin(id));
        globals.formats = styles.into_iter().map(format).collect();
        globals.texts = lengths(&texts);
        Ok(globals)
    }
}

/// Whether a font strikes through. There's none of number 4.
fn is_struck(fonts: &[bool], font: usize) -> bool {
    let at = if font > 4 { font - 1 } else { font };
    font != 4 && fonts.get(at).copied().unwrap_or(false)
}

/// A sheet as its records go by.
#[derive(Default)]
struct Sheet {
    facts: Facts,
    /// How many substreams (charts) are open within it.
    depth: usize,
    has_begun: bool,
    promised: u64,
    merged: usize,
    letters: u64,
    values: Extent,
    formulas: Extent,
}

/// The cells between the first and the last row and column are all held.
#[derive(Default)]
struct Extent {
    count: u64,
    rows: Option<(usize, usize)>,
    columns: Option<(usize, usize)>,
    /// The cells that stand furthest down and furthest to the right.
    lowest: (usize, usize),
    rightmost: (usize, usize),
}

impl Extent {
    fn add(&mut self, (row, column): (usize, usize)) {
        self.count += 1;
        let (first, last) = self.rows.unwrap_or((row, row));
        self.rows = Some((first.min(row), last.max(row)));
        let (left, right) = self.columns.unwrap_or((column, column));
        self.columns = Some((left.min(column), right.max(column)));
        if row >= self.lowest.0 {
            self.lowest = (row, column);
        }
        if column >= self.rightmost.1 {
            self.rightmost = (row, column);
        }
    }

    fn height(&self) -> u64 {
        self.rows.map_or(0, |(first, last)| (last - first + 1) as u64)
    }

    fn size(&self) -> u64 {
        self.height() * self.columns.map_or(0, |(first, last)| (last - first + 1) as u64)
    }

    /// The cell that stands furthest from the others: where most rows hold something it's one at the side.
    fn furthest(&self) -> (usize, usize) {
        if self.count >= self.height() { self.rightmost } else { self.lowest }
    }
}

impl Sheet {
    /// One record; false at the sheet's end.
    fn take(&mut self, kind: u16, data: &[u8], globals: &Globals) -> bool {
        match kind {
            BEGIN if self.has_begun => self.depth += 1,
            BEGIN => self.has_begun = true,
            END if self.depth == 0 => return false,
            END => self.depth -= 1,
            _ if self.depth > 0 => {}
            // Of a broken one the library must not know either.
            0x0200 => self.promised = self.promised.max(dimensions(data)),
            0x0207 => self.values.count += 1,
            0x00e5 => self.merged += usize::from(u16_at(data, 0).unwrap_or(0)),
            0x0208 => self.row(data),
            0x007d => self.column(data),
            _ => self.cell(kind, data, globals),
        }
        true
    }

    fn row(&mut self, data: &[u8]) {
        if let (Some(row), Some(flags)) = (u16_at(data, 0), u16_at(data, 12))
            && flags & 0x20 != 0
        {
            let row = usize::from(row) + 1;
            extend(&mut self.facts.hidden_rows, row, row);
        }
    }

    fn column(&mut self, data: &[u8]) {
        let number = |at| u16_at(data, at).map(usize::from);
        if let (Some(first), Some(last), Some(flags)) = (number(0), number(2), number(8))
            && (flags & 1 != 0 || number(4) == Some(0))
        {
            extend(&mut self.facts.hidden_columns, first + 1, last + 1);
        }
    }

    fn cell(&mut self, kind: u16, data: &[u8], globals: &Globals) {
        let formats = &globals.formats;
        let number = |at| u16_at(data, at).map(usize::from);
        let (Some(row), Some(column)) = (number(0), number(2)) else { return };
        let place = (row + 1, column + 1);
        let is_one = matches!(kind, 0x0203 | 0x027e | 0x0204 | 0x00d6 | 0x0205 | 0x00fd | 0x0006);
        if is_one && number(4).is_some_and(|style| globals.struck.contains(&style)) {
            self.facts.struck.insert(place);
        }
        match kind {
            0x0203 | 0x027e => self.number(place, number(4), formats),
            0x00bd => {
                for (index, one) in data
                    .get(4..data.len().saturating_sub(2))
                    .unwrap_or_default()
                    .chunks(6)
                    .enumerate()
                {
                    let style = u16_at(one, 0).map(usize::from);
                    self.number((place.0, place.1 + index), style, formats);
                }
            }
            0x0204 | 0x00d6 | 0x0205 => self.values.add(place),
            0x00fd => {
                let text = u32_at(data, 6).and_then(|text| globals.texts.get(text as usize));
                self.letters += text.map_or(0, |length| u64::from(*length) * A_LETTER);
                self.values.add(place);
            }
            0x0006 => {
                self.formulas.add(place);
                self.number(place, number(4), formats);
                if is_uncomputed(data, globals.was_computed) {
                    self.facts.uncomputed.insert(place);
                }
            }
            _ => {}
        }
    }

    fn number(&mut self, place: (usize, usize), style: Option<usize>, formats: &[NumberFormat]) {
        self.values.add(place);
        let style = style.unwrap_or(0);
        if formats.get(style).is_some_and(|format| !format.is_plain() && !format.is_time()) {
            self.facts.formats.insert(place, style);
        }
    }

    /// What the library takes in memory for it, in bytes.
    fn held(&self) -> u64 {
        let (cell, value) = (size_of::<calamine::Cell<Data>>() as u64, size_of::<Data>() as u64);
        let cells = self.promised.max(self.values.count).saturating_mul(cell);
        let formulas = self.formulas.size() * size_of::<String>() as u64;
        let Facts { formats, uncomputed, struck, .. } = &self.facts;
        let places = (formats.len() + uncomputed.len() + struck.len()) as u64 * A_PLACE;
        cells.saturating_add(self.values.size() * value + formulas + places + self.letters)
    }

    /// Names the cell for which so much is held; where the cells stand close together, or nothing is there at all, the
    /// sheet's size.
    fn too_far(&self, original: &Original, sheet: Option<&str>, held: u64) -> ImportError {
        let (file, limit) = (original.file.clone(), original.bounds.held_mib);
        if self.values.size() <= self.values.count.saturating_mul(4) {
            let (what, size) = ("里面的表展开后", held / MIB);
            return ImportError::TooBig { file, what, size, limit };
        }
        let (row, column) = self.values.furthest();
        let sheet = super::refusal::sheet_text(sheet);
        ImportError::StrayCell { file, sheet, row, column }
    }
}

/// How many cells a sheet says that it has: the library makes room for them at once.
fn dimensions(data: &[u8]) -> u64 {
    let small = |at| u16_at(data, at).map(u64::from);
    let large = |at| u32_at(data, at).map(u64::from);
    let (top, bottom, columns) =
        if data.len() >= 14 { (large(0), large(4), 8) } else { (small(0), small(2), 4) };
    let height = bottom.unwrap_or(0).abs_diff(top.unwrap_or(0)) + 1;
    let width = small(columns + 2).unwrap_or(0).abs_diff(small(columns).unwrap_or(0)) + 1;
    height.saturating_mul(width)
}

/// A formula that is to be computed when the file is opened, or never was, and says nothing yet.
fn is_uncomputed(data: &[u8], was_computed: bool) -> bool {
    let is_pending = u16_at(data, 14).is_some_and(|flags| flags & 2 != 0);
    let value = data.get(6..14).unwrap_or_default();
    let is_blank = matches!(value, [3, .., 0xff, 0xff]);
    is_blank && (is_pending || !was_computed) || is_pending && value.iter().all(|byte| *byte == 0)
}

/// The lengths of the texts that cells share, which go on from record to record; in each the width of letters is said again.
fn lengths(records: &[&[u8]]) -> Vec<u16> {
    let mut from = Spread { records, at: 0 };
    let mut lengths = Vec::new();
    while let Some(length) = from.text() {
        lengths.push(length);
    }
    lengths
}

/// Bytes that are spread over records.
struct Spread<'r> {
    records: &'r [&'r [u8]],
    at: usize,
}

impl Spread<'_> {
    /// How many bytes are left in the record in which the next one stands.
    fn left(&mut self) -> Option<usize> {
        while self.at >= self.records.first()?.len() {
            (self.records, self.at) = (&self.records[1..], 0);
        }
        Some(self.records.first()?.len() - self.at)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let mut number = 0;
        for place in 0..bytes {
            self.left()?;
            number |= usize::from(self.records[0][self.at]) << (8 * place);
            self.at += 1;
        }
        Some(number)
    }

    fn skip(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            let step = self.left()?.min(bytes);
            (self.at, bytes) = (self.at + step, bytes - step);
        }
        Some(())
    }

    /// Passes over a text: its length, how it's written, its letters, and what belongs to it.
    fn text(&mut self) -> Option<u16> {
        let length = self.number(2)?;
        let mut flags = self.number(1)?;
        let runs = if flags & 8 != 0 { self.number(2)? } else { 0 };
        let more = if flags & 4 != 0 { self.number(4)? } else { 0 };
        let mut letters = length;
        while letters > 0 {
            if self.at >= self.records.first()?.len() {
                self.left()?;
                flags = self.number(1)?;
            }
            let width = 1 + (flags & 1);
            let step = (self.left()? / width).max(1).min(letters);
            self.skip(step * width)?;
            letters -= step;
        }
        self.skip(runs * 4 + more)?;
        u16::try_from(length).ok()
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// A text with its length of two bytes and its width before it.
fn text(data: &[u8], at: usize) -> Option<String> {
    let length = usize::from(u16_at(data, at)?);
    letters(data, at + 2, length)
}

/// A text with its length of one byte and its width before it.
fn short_text(data: &[u8], at: usize) -> String {
    let length = data.get(at).map_or(0, |length| usize::from(*length));
    letters(data, at + 1, length).unwrap_or_default()
}

fn letters(data: &[u8], at: usize, length: usize) -> Option<String> {
    let is_wide = data.get(at)? & 1 == 1;
    let from = data.get(at + 1..)?;
    let bytes = from.get(..if is_wide { length * 2 } else { length })?;
    let encoding = if is_wide { encoding_rs::UTF_16LE } else { encoding_rs::WINDOWS_1252 };
    Some(encoding.decode_without_bom_handling(bytes).0.into_owned())
}

/// The records of a stream: kind, length, data.
struct Records<'r> {
    rest: &'r [u8],
}

impl<'r> Records<'r> {
    fn of(rest: &'r [u8]) -> Records<'r> {
        Records { rest }
    }
}

impl<'r> Iterator for Records<'r> {
    type Item = (u16, &'r [u8]);

    fn next(&mut self) -> Option<(u16, &'r [u8])> {
        let (kind, length) = (u16_at(self.rest, 0)?, usize::from(u16_at(self.rest, 2)?));
        let data = self.rest.get(4..4 + length)?;
        self.rest = &self.rest[4 + length..];
        Some((kind, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_go_on_in_the_next_record_are_measured() {
        // 甲乙 in wide letters that go on in the next record, abc with a run of formats, and nothing.
        let first = [2, 0, 1, 0x32, 0x75];
        let second = [1, 0x59, 0x4e, 3, 0, 8, 1, 0, b'a', b'b', b'c', 0, 0];
        let third = [0, 0, 0, 0, 0];
        assert_eq!(lengths(&[&first, &second, &third]), [2, 3, 0]);
        assert!(lengths(&[]).is_empty() && lengths(&[&first[..4]]).is_empty());
    }
}
