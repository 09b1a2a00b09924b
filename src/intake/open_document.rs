//! Open Document tables (.ods), read as they stream by: repeated cells and rows cost nothing, what is shown is what is read.

use std::collections::HashSet;
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::assemble::Rows;
use super::bounds::MIB;
use super::original::Original;
use super::package::{DEEPEST, MOST_SHEETS, Package, attribute, too_many};
use super::refusal::{ImportError, sheet_text};
use super::row::{Cell, Held, Take};
use super::scan::{Region, SheetInfo, extend};
use super::workbook::{UNCOMPUTED, number_cell, struck, truth_cell};

/// So many cells may be said again by rows that are repeated.
const MOST_AGAIN: usize = 1_000_000;
const MOST_STYLES: usize = 100_000;

/// What sheets there are.
pub(super) fn sheets(original: &Original) -> Result<Vec<SheetInfo>, ImportError> {
    let mut found: Vec<SheetInfo> = Vec::new();
    let mut walk = Walk::new(original, &[]);
    walk.through(&mut |step| {
        match step {
            Step::Sheet { name, is_hidden, .. } => {
                found.push(SheetInfo { name, is_hidden, is_table: true, facts: Default::default() })
            }
            Step::HiddenRows(first, last) => {
                if let Some(sheet) = found.last_mut() {
                    extend(&mut sheet.facts.hidden_rows, first, last);
                }
            }
            Step::HiddenColumns(first, last) => {
                if let Some(sheet) = found.last_mut() {
                    extend(&mut sheet.facts.hidden_columns, first, last);
                }
            }
            Step::Cell { .. } => {}
        }
        if found.len() > MOST_SHEETS {
            return Err(too_many(&original.file, "工作表", MOST_SHEETS));
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
    // Sheets that stand in the file's order are read in one go.
    for run in wanted.chunk_by(|one, next| one < next) {
        let Some(first) = run.first() else { continue };
        let mut rows = Rows::of(original, sheets, *first, take);
        let (mut index, mut is_wanted) = (0, false);
        Walk::new(original, run).through(&mut |step| {
            match step {
                Step::Sheet { index: next, .. } => {
                    is_wanted = run.contains(&next);
                    if is_wanted && next != index {
                        rows.turn_to(sheets, next)?;
                    }
                    index = next;
                    if run.last().is_some_and(|last| next > *last) {
                        return Ok(false);
                    }
                }
                Step::Cell { row, column, cell, merged } if is_wanted => {
                    rows.merge(merged);
                    rows.put(row, column, cell)?;
                }
                _ => {}
            }
            Ok(!rows.is_enough())
        })?;
        rows.flush()?;
    }
    Ok(())
}

/// What is passed on the way.
enum Step {
    Sheet { index: usize, name: String, is_hidden: bool },
    HiddenRows(usize, usize),
    HiddenColumns(usize, usize),
    Cell { row: usize, column: usize, cell: Cell, merged: Option<Region> },
}

type Look<'l> = dyn FnMut(Step) -> Result<bool, ImportError> + 'l;

struct Walk<'w> {
    original: &'w Original,
    /// Only these sheets' cells are wanted.
    only: &'w [usize],
    is_wanted: bool,
    hidden_styles: HashSet<String>,
    struck_styles: HashSet<String>,
    style: String,
    sheet: Option<usize>,
    row: usize,
    rows: usize,
    column: usize,
    /// Cells of a row that is repeated.
    repeated: Vec<(usize, Cell)>,
    /// The sheet's name, and how many of its cells were said again.
    name: String,
    again: usize,
}

/// A cell as it opens.
struct Opened {
    columns: usize,
    spans: (usize, usize),
    value: Option<Cell>,
    /// What it says where nothing is shown.
    said: Option<String>,
    is_error: bool,
    has_formula: bool,
    is_typed: bool,
    text: String,
    paragraphs: usize,
    /// Within a note or a drawing.
    aside: usize,
    is_struck: bool,
}

impl<'w> Walk<'w> {
    fn new(original: &'w Original, only: &'w [usize]) -> Walk<'w> {
        let (hidden_styles, struck_styles, style) = Default::default();
        Walk {
            original,
            only,
            is_wanted: false,
            hidden_styles,
            struck_styles,
            style,
            sheet: None,
            row: 0,
            rows: 1,
            column: 1,
            repeated: Vec::new(),
            name: String::new(),
            again: 0,
        }
    }

    fn through(&mut self, look: &mut Look<'_>) -> Result<(), ImportError> {
        let (file, limit) = (self.original.file.as_str(), self.original.bounds.unpacked_mib);
        let mut package = Package::open(file, &self.original.bytes)?;
        let Some(mut part) = package.part("content.xml", limit * MIB)? else {
            return Err(ImportError::broken(file, "no content.xml"));
        };
        let read = self.each_step(&mut part, look);
        part.within("里面的表解开后", file, limit)?;
        read
    }

    fn each_step(
        &mut self,
        part: &mut impl BufRead,
        look: &mut Look<'_>,
    ) -> Result<(), ImportError> {
        let mut xml = Reader::from_reader(part);
        xml.config_mut().check_end_names = false;
        xml.config_mut().expand_empty_elements = true;
        let (mut buffer, mut cell, mut depth) = (Vec::new(), None, 0_usize);
        while self.step(&mut xml, &mut buffer, &mut cell, &mut depth, look)? {
            if depth > DEEPEST {
                let what = "工作簿里层层相套的标记";
                return Err(too_many(&self.original.file, what, DEEPEST));
            }
            buffer.clear();
        }
        Ok(())
    }

    fn step(
        &mut self,
        xml: &mut Reader<impl BufRead>,
        buffer: &mut Vec<u8>,
        cell: &mut Option<Opened>,
        depth: &mut usize,
        look: &mut Look<'_>,
    ) -> Result<bool, ImportError> {
        match xml.read_event_into(buffer) {
            Err(error) => Err(ImportError::broken(&self.original.file, error)),
            Ok(Event::Eof) => Ok(false),
            Ok(Event::Start(tag)) => {
                *depth += 1;
                self.start(&tag, cell, look)
            }
            Ok(Event::Text(text)) => {
                // What is longer than any cell may be is refused without being held.
                let room = self.original.bounds.text * 8;
                if let Some(cell) = cell
                    .as_mut()
                    .filter(|cell| cell.aside == 0 && cell.paragraphs > 0 && cell.text.len() < room)
                {
                    cell.text.push_str(&text.xml10_content());
                }
                Ok(true)
            }
            Ok(Event::CData(text)) => {
                let open = cell.as_mut().filter(|cell| cell.aside == 0 && cell.paragraphs > 0);
                if let Some(cell) = open {
                    cell.text.push_str(text.as_ref());
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
            Ok(Event::End(tag)) => {
                *depth = depth.saturating_sub(1);
                self.end(tag.name().as_ref(), cell, look)
            }
            Ok(_) => Ok(true),
        }
    }

    fn start(
        &mut self,
        tag: &BytesStart<'_>,
        cell: &mut Option<Opened>,
        look: &mut Look<'_>,
    ) -> Result<bool, ImportError> {
        match tag.local_name().as_ref() {
            "style" => self.style = attribute(tag, "name").unwrap_or_default(),
            "table-properties" | "text-properties" => self.note_style(tag),
            "table" => {
                self.sheet = Some(self.sheet.map_or(0, |sheet| sheet + 1));
                (self.row, self.rows, self.column, self.again) = (0, 1, 1, 0);
                self.name = attribute(tag, "name").unwrap_or_default();
                let is_hidden = attribute(tag, "style-name")
                    .is_some_and(|style| self.hidden_styles.contains(&style));
                let index = self.sheet.unwrap_or(0);
                self.is_wanted = self.only.contains(&index);
                return look(Step::Sheet { index, name: self.name.clone(), is_hidden });
            }
            "table-column" => {
                let (first, columns) = (self.column, count(tag, "number-columns-repeated"));
                self.column += columns;
                if attribute(tag, "visibility").is_some_and(|seen| seen != "visible") {
                    return look(Step::HiddenColumns(first, first + columns - 1));
                }
            }
            "table-row" => {
                self.row += if self.row == 0 { 1 } else { self.rows };
                self.rows = count(tag, "number-rows-repeated");
                self.column = 1;
                self.repeated.clear();
                if attribute(tag, "visibility").is_some_and(|seen| seen != "visible") {
                    return look(Step::HiddenRows(self.row, self.row + self.rows - 1));
                }
            }
            "table-cell" => {
                let is_struck = self.is_struck(tag);
                *cell = Some(Opened { is_struck, ..Opened::of(tag) });
            }
            "span" => {
                if let Some(cell) = cell.as_mut().filter(|cell| cell.aside == 0) {
                    cell.is_struck |= self.is_struck(tag);
                }
            }
            "covered-table-cell" => self.column += count(tag, "number-columns-repeated"),
            _ if is_aside(tag.name().as_ref()) => aside(cell, 1),
            "p" => paragraph(cell),
            "s" => spaces(cell, count(tag, "c")),
            "line-break" | "tab" => spaces(cell, 1),
            _ => {}
        }
        Ok(true)
    }

    /// What a style does to what has it.
    fn note_style(&mut self, tag: &BytesStart<'_>) {
        let is_hidden = attribute(tag, "display").as_deref() == Some("false");
        let line = attribute(tag, "text-line-through-style");
        for (does, styles) in [
            (is_hidden && tag.local_name().as_ref() == "table-properties", &mut self.hidden_styles),
            (line.is_some_and(|line| line != "none"), &mut self.struck_styles),
        ] {
            if does && styles.len() < MOST_STYLES {
                styles.insert(self.style.clone());
            }
        }
    }

    fn is_struck(&self, tag: &BytesStart<'_>) -> bool {
        attribute(tag, "style-name").is_some_and(|style| self.struck_styles.contains(&style))
    }

    fn end(
        &mut self,
        whole: &str,
        cell: &mut Option<Opened>,
        look: &mut Look<'_>,
    ) -> Result<bool, ImportError> {
        match whole.rsplit(':').next().unwrap_or(whole) {
            _ if is_aside(whole) => aside(cell, -1),
            "table-cell" => {
                let Some(cell) = cell.take() else { return Ok(true) };
                return self.close(cell, look);
            }
            // A row that is repeated says the same again; rows without anything say nothing.
            "table-row" if self.rows > 1 && !self.repeated.is_empty() => {
                self.again += self.rows * self.repeated.len();
                if self.again > MOST_AGAIN {
                    return Err(ImportError::SameAgain {
                        file: self.original.file.clone(),
                        sheet: sheet_text(Some(&self.name)),
                        row: self.row,
                        rows: self.rows,
                    });
                }
                for row in self.row + 1..self.row + self.rows {
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
        let is_struck = opened.is_struck;
        let cell = struck(opened.cell(), is_struck);
        if !self.is_wanted || cell.is_blank() {
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

/// Whether an element stands in a cell and is none of its text: a note, what is drawn over it, how it's read aloud.
fn is_aside(name: &str) -> bool {
    let (space, local) = name.split_once(':').unwrap_or(("", name));
    matches!(space, "draw" | "dr3d" | "chart")
        || matches!(local, "annotation" | "shapes" | "frame" | "ruby-text" | "note")
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

/// How often something is repeated or how far it spans: no more than any table has rows.
fn count(tag: &BytesStart<'_>, name: &str) -> usize {
    const MOST: usize = 1 << 21;
    let text = attribute(tag, name).unwrap_or_default();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().unwrap_or(MOST).clamp(1, MOST)
    } else {
        1
    }
}

impl Opened {
    fn of(tag: &BytesStart<'_>) -> Opened {
        // The type stands twice, once in the program's own name space.
        let (mut kind, mut is_error) = (String::new(), false);
        for attribute in tag.attributes().with_checks(false).flatten() {
            let value = AsRef::<str>::as_ref(&attribute.value);
            match AsRef::<str>::as_ref(&attribute.key) {
                "office:value-type" => kind = value.to_owned(),
                "calcext:value-type" => is_error |= value == "error",
                _ => {}
            }
        }
        let value = match kind.as_str() {
            "float" | "currency" | "percentage" => attribute(tag, "value")
                .and_then(|value| value.parse().ok())
                .map(|value| number_cell(value, None)),
            "date" => attribute(tag, "date-value")
                .map(|at| Cell::of(at.replace('T', " ")).held(Held::Time)),
            "boolean" => attribute(tag, "boolean-value").map(|is| truth_cell(is == "true")),
            _ => None,
        };
        Opened {
            columns: count(tag, "number-columns-repeated"),
            spans: (count(tag, "number-columns-spanned"), count(tag, "number-rows-spanned")),
            value,
            said: attribute(tag, "string-value").filter(|_| kind == "string"),
            is_error,
            has_formula: attribute(tag, "formula").is_some(),
            is_typed: !kind.is_empty(),
            text: String::new(),
            paragraphs: 0,
            aside: 0,
            is_struck: false,
        }
    }

    /// What it says: a number as it's shown, everything else by its value.
    fn cell(self) -> Cell {
        if self.has_formula && !self.is_typed && self.text.is_empty() {
            return Cell::flawed("", UNCOMPUTED);
        }
        if self.is_error {
            return Cell::error(self.text.trim());
        }
        let Some(value) = self.value else {
            let is_said = self.paragraphs == 0;
            return Cell::of(self.said.filter(|_| is_said).unwrap_or(self.text));
        };
        match value.held {
            Held::Number(number) if value.flaw.is_none() => as_shown(value, number, &self.text),
            _ => value,
        }
    }
}

/// A number with the zeros and letters that are shown with it; where other digits are shown, that is noted.
fn as_shown(value: Cell, number: f64, shown: &str) -> Cell {
    let shown = shown.trim();
    let same = |text: &str| text.parse() == Ok(number);
    let ungrouped = shown.replace([',', '\u{a0}', '\u{202f}', ' '], "");
    if shown.is_empty() || shown == value.text || same(&ungrouped) && ungrouped == value.text {
        return value;
    }
    let digits = |text: &str| -> String {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.trim_start_matches('0').to_owned()
    };
    let (of_shown, of_value) = (digits(shown), digits(&value.text));
    let is_whole = number.fract() == 0.0 && of_shown == of_value;
    if is_whole || shown.contains('.') && same(shown) {
        return Cell::of(shown).held(Held::Number(number));
    }
    value.held(Held::Disguised(number))
}
