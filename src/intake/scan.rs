//! What a workbook says beside its cells' values: which sheets it has and where they lie, hidden rows and columns, merged
//! cells, formulas without a value. Reads everything once, so that no part is larger than its directory pretends.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::bounds::{Bounds, MIB};
use super::original::Original;
use super::refusal::{At, ImportError};

/// A rectangle of cells, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

/// What a sheet says beside its values. Rows and columns from 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// One after the other.
    pub hidden_rows: Vec<(usize, usize)>,
    pub hidden_columns: Vec<(usize, usize)>,
    /// By their first rows.
    pub merged: Vec<Region>,
    pub uncomputed: HashSet<(usize, usize)>,
}

/// A sheet before its rows are read.
#[derive(Debug, Clone)]
pub(super) struct SheetInfo {
    pub name: String,
    pub is_hidden: bool,
    /// Not a chart.
    pub is_table: bool,
    pub facts: Facts,
}

impl Facts {
    pub fn hides_row(&self, row: usize) -> bool {
        let above = self.hidden_rows.partition_point(|(_, last)| *last < row);
        self.hidden_rows.get(above).is_some_and(|(first, _)| *first <= row)
    }
}

/// So many merged cells, hidden rows or formulas without a value are remembered.
const MOST: usize = 200_000;
/// No piece of XML between two tags is longer, in bytes.
const LONGEST_PIECE: usize = 1 << 20;

/// Looks through every part of an .xlsx; what its sheets say, by their names.
pub(super) fn look_through(original: &Original) -> Result<HashMap<String, Facts>, ImportError> {
    let (file, bounds) = (original.file.as_str(), &original.bounds);
    let broken = |why: zip::result::ZipError| ImportError::broken(file, why);
    let mut archive = ZipArchive::new(Cursor::new(original.bytes.as_slice())).map_err(broken)?;
    let paths = sheet_paths(&mut archive, file)?;
    let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
    let (mut facts, mut unpacked, mut held) = (HashMap::new(), 0, 0);
    for name in names {
        let sheet = paths.iter().find(|(_, path)| path.eq_ignore_ascii_case(&name));
        let is_read =
            sheet.is_some() || name.ends_with("sharedStrings.xml") || name.ends_with("styles.xml");
        if !is_read {
            continue;
        }
        let entry = archive.by_name(&name).map_err(broken)?;
        let mut part = Part { from: BufReader::new(entry), size: 0, piece: 0, left: 0 };
        if let Some((sheet, _)) = sheet {
            part.left = (bounds.unpacked_mib * MIB).saturating_sub(unpacked);
            let scanned =
                scan_sheet(&mut part, At { file, sheet: Some(sheet), row: 1, column: 1 }, bounds);
            unpacked += part.size;
            part.within("各表解开后", file, bounds.unpacked_mib)?;
            facts.insert(sheet.clone(), scanned?);
        } else {
            part.left = (bounds.held_mib * MIB).saturating_sub(held);
            let scanned = scan_other(&mut part);
            held += part.size;
            part.within("共用的文字解开后", file, bounds.held_mib)?;
            scanned.map_err(|why| ImportError::broken(file, why))?;
        }
    }
    Ok(facts)
}

/// A part as it's unpacked, to its bound.
struct Part<R> {
    from: R,
    size: u64,
    left: u64,
    /// How many bytes were read since the last tag.
    piece: usize,
}

impl<R> Part<R> {
    fn within(&self, what: &'static str, file: &str, limit: u64) -> Result<(), ImportError> {
        if self.size <= self.left {
            return Ok(());
        }
        let size = limit + 1;
        Err(ImportError::TooBig { file: file.to_owned(), what, size, limit })
    }
}

impl<R: BufRead> Read for Part<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let from = self.fill_buf()?;
        let length = from.len().min(to.len());
        to[..length].copy_from_slice(&from[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Part<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.size > self.left || self.piece > LONGEST_PIECE {
            return Err(std::io::Error::other("too large"));
        }
        self.from.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(bytes) = self.from.fill_buf() {
            let read = &bytes[..amount.min(bytes.len())];
            self.piece = match read.iter().rposition(|byte| *byte == b'<') {
                Some(at) => read.len() - at,
                None => self.piece + read.len(),
            };
        }
        self.size += amount as u64;
        self.from.consume(amount);
    }
}

fn scan_other(part: &mut Part<impl BufRead>) -> Result<(), String> {
    loop {
        let length = part.fill_buf().map_err(|error| error.to_string())?.len();
        if length == 0 {
            return Ok(());
        }
        part.consume(length);
    }
}

/// A cell as it's passed over.
#[derive(Default)]
struct Passing {
    is_text: bool,
    formula: bool,
    value: bool,
    in_value: bool,
}

fn scan_sheet(
    part: &mut Part<impl BufRead>,
    mut at: At<'_>,
    bounds: &Bounds,
) -> Result<Facts, ImportError> {
    let mut xml = Reader::from_reader(part);
    xml.config_mut().check_end_names = false;
    let (mut facts, mut passing, mut buffer) = (Facts::default(), Passing::default(), Vec::new());
    at.row = 0;
    loop {
        buffer.clear();
        let event = match xml.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(_) if xml.get_ref().piece > LONGEST_PIECE => {
                return Err(ImportError::long_cell(&at, bounds));
            }
            Err(error) => return Err(ImportError::broken(at.file, error)),
        };
        match event {
            Event::Start(tag) => scan_tag(&tag, &mut at, &mut facts, &mut passing),
            Event::Empty(tag) => {
                scan_tag(&tag, &mut at, &mut facts, &mut passing);
                passing.in_value = false;
            }
            Event::Text(text) => {
                passing.value |= passing.in_value && !AsRef::<str>::as_ref(&text).trim().is_empty()
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                "v" => passing.in_value = false,
                "c" => {
                    if passing.formula
                        && !passing.value
                        && !passing.is_text
                        && facts.uncomputed.len() < MOST
                    {
                        facts.uncomputed.insert((at.row, at.column));
                    }
                    at.column += 1;
                }
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    facts.merged.sort_by_key(|region| region.top);
    Ok(facts)
}

fn scan_tag(tag: &BytesStart<'_>, at: &mut At<'_>, facts: &mut Facts, passing: &mut Passing) {
    match tag.local_name().as_ref() {
        "c" => {
            if let Some((row, column)) = attribute(tag, "r").and_then(|place| cell_place(&place)) {
                (at.row, at.column) = (row, column);
            }
            let is_text = attribute(tag, "t")
                .is_some_and(|kind| matches!(kind.as_str(), "str" | "inlineStr"));
            *passing = Passing { is_text, ..Passing::default() };
        }
        "v" => passing.in_value = true,
        "f" => passing.formula = true,
        "row" => {
            let row = attribute(tag, "r").and_then(|row| row.parse().ok());
            (at.row, at.column) = (row.unwrap_or(at.row + 1), 1);
            if is_true(tag, "hidden") {
                extend(&mut facts.hidden_rows, at.row);
            }
        }
        "col" if is_true(tag, "hidden") => {
            let number = |name| attribute(tag, name).and_then(|number| number.parse().ok());
            if let (Some(first), Some(last)) = (number("min"), number("max")) {
                facts.hidden_columns.push((first, last));
            }
        }
        "mergeCell" if facts.merged.len() < MOST => {
            facts.merged.extend(attribute(tag, "ref").and_then(|range| region(&range)));
        }
        _ => {}
    }
}

/// Adds a row to ranges that grow downward.
pub(super) fn extend(ranges: &mut Vec<(usize, usize)>, row: usize) {
    let room = ranges.len() < MOST;
    match ranges.last_mut() {
        Some((_, last)) if *last + 1 == row => *last = row,
        _ if room => ranges.push((row, row)),
        _ => {}
    }
}

pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    let value = AsRef::<str>::as_ref(&found.value);
    quick_xml::escape::unescape(value).map(|text| text.into_owned()).ok()
}

fn is_true(tag: &BytesStart<'_>, name: &str) -> bool {
    attribute(tag, name).is_some_and(|value| value == "1" || value == "true")
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

fn region(range: &str) -> Option<Region> {
    let (first, last) = range.split_once(':')?;
    let ((top, left), (bottom, right)) = (cell_place(first)?, cell_place(last)?);
    Some(Region { top, bottom, left, right })
}

/// The sheets' names and the parts that they are.
pub(super) fn sheet_paths(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    file: &str,
) -> Result<Vec<(String, String)>, ImportError> {
    let mut book = String::new();
    let mut relations = String::new();
    for (name, text) in
        [("xl/workbook.xml", &mut book), ("xl/_rels/workbook.xml.rels", &mut relations)]
    {
        let found = archive
            .file_names()
            .flatten()
            .map(|name| name.into_owned())
            .find(|there| there.eq_ignore_ascii_case(name));
        let Some(found) = found else { continue };
        let entry = archive.by_name(&found).map_err(|why| ImportError::broken(file, why))?;
        let mut bytes = Vec::new();
        entry
            .take(16 * MIB)
            .read_to_end(&mut bytes)
            .map_err(|why| ImportError::broken(file, why))?;
        *text = String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut targets = HashMap::new();
    for_each_tag(&relations, |tag| {
        if let (Some(id), Some(target)) = (attribute(tag, "Id"), attribute(tag, "Target")) {
            let target = target.trim_start_matches('/').to_owned();
            let inner = target.to_ascii_lowercase().starts_with("xl/");
            targets.insert(id, if inner { target } else { format!("xl/{target}") });
        }
    });
    let mut paths = Vec::new();
    for_each_tag(&book, |tag| {
        if tag.local_name().as_ref() != "sheet" {
            return;
        }
        let relation = tag.attributes().with_checks(false).flatten().find(|attribute| {
            attribute.key.local_name().as_ref() == "id" && attribute.key.prefix().is_some()
        });
        let path = relation.and_then(|relation| targets.get(AsRef::<str>::as_ref(&relation.value)));
        if let (Some(name), Some(path)) = (attribute(tag, "name"), path) {
            paths.push((name, path.clone()));
        }
    });
    Ok(paths)
}

fn for_each_tag(xml: &str, mut look: impl FnMut(&BytesStart<'_>)) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) | Event::Empty(tag) => look(&tag),
            Event::Eof => break,
            _ => {}
        }
    }
}

/// That the parts of an archive, unpacked, are no larger than that.
pub(super) fn within_bounds(original: &Original) -> Result<(), ImportError> {
    let (file, bounds) = (original.file.as_str(), &original.bounds);
    let broken = |why: zip::result::ZipError| ImportError::broken(file, why);
    let mut archive = ZipArchive::new(Cursor::new(original.bytes.as_slice())).map_err(broken)?;
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(broken)?;
        let left = (bounds.unpacked_mib * MIB).saturating_sub(unpacked);
        let mut part = Part { from: BufReader::new(entry), size: 0, left, piece: 0 };
        let read = std::io::copy(&mut (&mut part).take(left + 1), &mut std::io::sink());
        unpacked += part.size;
        part.within("解开后", file, bounds.unpacked_mib)?;
        read.map_err(|why| ImportError::broken(file, why))?;
    }
    Ok(())
}
