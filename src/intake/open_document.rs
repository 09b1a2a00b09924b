//! Open Document tables (.ods), read as they stream by: repeated cells and rows cost nothing, what is shown is what is read.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Cursor};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::assemble::Rows;
use super::bounds::MIB;
use super::original::Original;
use super::refusal::ImportError;
use super::row::{Cell, Take};
use super::scan::{Region, SheetInfo, attribute, extend};
use super::workbook::{UNCOMPUTED, number_cell};

/// What sheets there are.
pub(super) fn sheets(original: &Original) -> Result<Vec<SheetInfo>, ImportError> {
    super::scan::within_bounds(original)?;
    let mut found = Vec::new();
    let mut walk = Walk::new(original, usize::MAX);
    walk.through(&mut |step| {
        match step {
            Step::Sheet { name, is_hidden } => {
                found.push(SheetInfo { name, is_hidden, is_table: true, facts: Default::default() })
            }
            Step::HiddenRows(first, last) => {
                if let Some(sheet) = found.last_mut() {
                    for row in (first..=last).take(10_000) {
                        extend(&mut sheet.facts.hidden_rows, row);
                    }
                }
            }
            Step::Cell { .. } => {}
        }
        Ok(true)
    })?;
    Ok(found)
}

/// Reads the rows of these sheets.
pub(super) fn read(
    original: &Original,
    sheets: &[SheetInfo],
    wanted: &[usize],
    take: &mut Take<'_>,
) -> Result<(), ImportError> {
    for index in wanted {
        let mut rows = Rows::of(original, sheets, *index, take);
        Walk::new(original, *index).through(&mut |step| {
            if let Step::Cell { row, column, cell, merged } = step {
                rows.merge(merged);
                rows.put(row, column, cell)?;
            }
            Ok(!rows.is_enough())
        })?;
        rows.flush()?;
    }
    Ok(())
}

/// What is passed on the way.
enum Step {
    Sheet { name: String, is_hidden: bool },
    HiddenRows(usize, usize),
    Cell { row: usize, column: usize, cell: Cell, merged: Option<Region> },
}

type Look<'l> = dyn FnMut(Step) -> Result<bool, ImportError> + 'l;

struct Walk<'w> {
    original: &'w Original,
    /// Only this sheet's cells are wanted.
    only: usize,
    hidden_styles: HashSet<String>,
    style: String,
    sheet: Option<usize>,
    row: usize,
    rows: usize,
    column: usize,
    /// Cells of a row that is repeated.
    repeated: Vec<(usize, Cell)>,
}

/// A cell as it opens.
struct Opened {
    columns: usize,
    spans: (usize, usize),
    value: Option<Cell>,
    is_number: bool,
    has_formula: bool,
    is_typed: bool,
    text: String,
    paragraphs: usize,
    /// Within a note or a drawing.
    aside: usize,
}

impl<'w> Walk<'w> {
    fn new(original: &'w Original, only: usize) -> Walk<'w> {
        let (hidden_styles, style) = (HashSet::new(), String::new());
        Walk {
            original,
            only,
            hidden_styles,
            style,
            sheet: None,
            row: 0,
            rows: 1,
            column: 0,
            repeated: Vec::new(),
        }
    }

    fn through(&mut self, look: &mut Look<'_>) -> Result<(), ImportError> {
        let file = self.original.file.as_str();
        let mut archive = ZipArchive::new(Cursor::new(self.original.bytes.as_slice()))
            .map_err(|why| ImportError::broken(file, why))?;
        let entry = archive.by_name("content.xml").map_err(|why| ImportError::broken(file, why))?;
        let entry = std::io::Read::take(entry, self.original.bounds.unpacked_mib * MIB);
        let mut xml = Reader::from_reader(BufReader::new(entry));
        xml.config_mut().check_end_names = false;
        xml.config_mut().expand_empty_elements = true;
        let mut buffer = Vec::new();
        let mut cell = None;
        while self.step(&mut xml, &mut buffer, &mut cell, look)? {
            buffer.clear();
        }
        Ok(())
    }

    fn step(
        &mut self,
        xml: &mut Reader<impl BufRead>,
        buffer: &mut Vec<u8>,
        cell: &mut Option<Opened>,
        look: &mut Look<'_>,
    ) -> Result<bool, ImportError> {
        match xml.read_event_into(buffer) {
            Err(error) => Err(ImportError::broken(&self.original.file, error)),
            Ok(Event::Eof) => Ok(false),
            Ok(Event::Start(tag)) => self.start(&tag, cell, look),
            Ok(Event::Text(text)) => {
                if let Some(cell) =
                    cell.as_mut().filter(|cell| cell.aside == 0 && cell.paragraphs > 0)
                {
                    cell.text.push_str(&text.xml10_content());
                }
                Ok(true)
            }
            Ok(Event::GeneralRef(name)) => {
                let known =
                    quick_xml::escape::unescape(&format!("&{};", AsRef::<str>::as_ref(&name)))
                        .map(|text| text.into_owned());
                if let (Some(cell), Ok(text)) =
                    (cell.as_mut().filter(|cell| cell.aside == 0), known)
                {
                    cell.text.push_str(&text);
                }
                Ok(true)
            }
            Ok(Event::End(tag)) => self.end(tag.local_name().as_ref(), cell, look),
            Ok(_) => Ok(true),
        }
    }

    fn start(
        &mut self,
        tag: &BytesStart<'_>,
        cell: &mut Option<Opened>,
        look: &mut Look<'_>,
    ) -> Result<bool, ImportError> {
        let number = |name: &str| attribute(tag, name).and_then(|text| text.parse::<usize>().ok());
        match tag.local_name().as_ref() {
            "style" => self.style = attribute(tag, "name").unwrap_or_default(),
            "table-properties" if attribute(tag, "display").as_deref() == Some("false") => {
                self.hidden_styles.insert(self.style.clone());
            }
            "table" => {
                self.sheet = Some(self.sheet.map_or(0, |sheet| sheet + 1));
                (self.row, self.rows) = (0, 1);
                let is_hidden = attribute(tag, "style-name")
                    .is_some_and(|style| self.hidden_styles.contains(&style));
                return look(Step::Sheet {
                    name: attribute(tag, "name").unwrap_or_default(),
                    is_hidden,
                });
            }
            "table-row" => {
                self.row += self.rows;
                if self.row == 0 {
                    self.row = 1;
                }
                self.rows = number("number-rows-repeated").unwrap_or(1).max(1);
                self.column = 1;
                self.repeated.clear();
                if attribute(tag, "visibility").is_some_and(|seen| seen != "visible") {
                    return look(Step::HiddenRows(self.row, self.row + self.rows - 1));
                }
            }
            "table-cell" => *cell = Some(Opened::of(tag)),
            "covered-table-cell" => self.column += number("number-columns-repeated").unwrap_or(1),
            "annotation" | "shapes" | "frame" => aside(cell, 1),
            "p" => paragraph(cell),
            "s" => spaces(cell, number("c").unwrap_or(1)),
            "line-break" | "tab" => spaces(cell, 1),
            _ => {}
        }
        Ok(true)
    }

    fn end(
        &mut self,
        name: &str,
        cell: &mut Option<Opened>,
        look: &mut Look<'_>,
    ) -> Result<bool, ImportError> {
        match name {
            "annotation" | "shapes" | "frame" => aside(cell, -1),
            "table-cell" => {
                let Some(cell) = cell.take() else { return Ok(true) };
                return self.close(cell, look);
            }
            // A row that is repeated says the same again; rows without anything say nothing.
            "table-row" if self.rows > 1 && !self.repeated.is_empty() => {
                for row in (self.row + 1..self.row + self.rows).take(self.original.bounds.rows) {
                    for (column, cell) in &self.repeated {
                        let step =
                            Step::Cell { row, column: *column, cell: cell.clone(), merged: None };
                        if !look(step)? {
                            return Ok(false);
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(true)
    }

    fn close(&mut self, opened: Opened, look: &mut Look<'_>) -> Result<bool, ImportError> {
        let (first, columns, (right, down)) = (self.column, opened.columns, opened.spans);
        self.column += columns;
        let cell = opened.cell();
        if self.sheet != Some(self.only) || cell.is_blank() {
            return Ok(true);
        }
        for column in (first..first + columns).take(self.original.bounds.columns + 1) {
            let merged = (down > 1).then(|| Region {
                top: self.row,
                bottom: self.row + down - 1,
                left: column,
                right: column + right - 1,
            });
            if self.rows > 1 {
                self.repeated.push((column, cell.clone()));
            }
            if !look(Step::Cell { row: self.row, column, cell: cell.clone(), merged })? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn aside(cell: &mut Option<Opened>, by: isize) {
    if let Some(cell) = cell {
        cell.aside = cell.aside.saturating_add_signed(by);
    }
}

fn paragraph(cell: &mut Option<Opened>) {
    if let Some(cell) = cell.as_mut().filter(|cell| cell.aside == 0) {
        if cell.paragraphs > 0 {
            cell.text.push('\n');
        }
        cell.paragraphs += 1;
    }
}

fn spaces(cell: &mut Option<Opened>, count: usize) {
    if let Some(cell) = cell.as_mut().filter(|cell| cell.aside == 0) {
        cell.text.extend(std::iter::repeat_n(' ', count.min(100)));
    }
}

impl Opened {
    fn of(tag: &BytesStart<'_>) -> Opened {
        let number = |name: &str| attribute(tag, name).and_then(|text| text.parse::<usize>().ok());
        // The type stands twice, once in the program's own name space.
        let kind = tag
            .attributes()
            .with_checks(false)
            .flatten()
            .find(|attribute| AsRef::<str>::as_ref(&attribute.key) == "office:value-type");
        let kind =
            kind.map(|kind| AsRef::<str>::as_ref(&kind.value).to_owned()).unwrap_or_default();
        let value = match kind.as_str() {
            "float" | "currency" | "percentage" => attribute(tag, "value")
                .and_then(|value| value.parse().ok())
                .map(|value| number_cell(value, 0)),
            "date" => attribute(tag, "date-value").map(|at| Cell::of(at.replace('T', " "))),
            "boolean" => attribute(tag, "boolean-value")
                .map(|is| Cell::of(if is == "true" { "是" } else { "否" })),
            _ => None,
        };
        Opened {
            columns: number("number-columns-repeated").unwrap_or(1).max(1),
            spans: (
                number("number-columns-spanned").unwrap_or(1).max(1),
                number("number-rows-spanned").unwrap_or(1).max(1),
            ),
            is_number: kind == "float",
            value,
            has_formula: attribute(tag, "formula").is_some(),
            is_typed: !kind.is_empty(),
            text: String::new(),
            paragraphs: 0,
            aside: 0,
        }
    }

    /// What it says: its value, but a number with the zeros that are shown before it.
    fn cell(self) -> Cell {
        if self.has_formula && !self.is_typed && self.text.is_empty() {
            return Cell::flawed("", UNCOMPUTED);
        }
        let Some(value) = self.value else { return Cell::of(self.text) };
        let shown = self.text.trim();
        let is_padded = self.is_number
            && value.flaw.is_none()
            && shown.len() > value.text.len()
            && shown.bytes().all(|byte| byte.is_ascii_digit())
            && shown.trim_start_matches('0') == value.text.trim_start_matches('0');
        if is_padded { Cell::of(shown) } else { value }
    }
}
