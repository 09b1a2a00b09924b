//! Open Document tables (.ods), read as they stream by: repeated cells and rows cost nothing, what is shown is what is read.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::assemble::Rows;
use super::bounds::MIB;
use super::comments::{Comment, note_comment};
use super::open_cell::{Opened, count, is_aside};
use super::open_styles::{For, Styles};
use super::original::Original;
use super::package::{DEEPEST, MOST_SHEETS, Package, attribute, too_many, walk};
use super::refusal::{ImportError, sheet_text};
use super::row::{Cell, Take};
use super::scan::{MOST_MERGED, Region, SheetInfo, extend};
use super::workbook::struck;

/// So many cells may be said again by rows that are repeated.
const MOST_AGAIN: usize = 1_000_000;

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
            Step::Comment(comment) => {
                if let Some(sheet) = found.last_mut() {
                    note_comment(&mut sheet.facts.comments, comment);
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
    Comment(Comment),
    Cell { row: usize, column: usize, cell: Cell, merged: Option<Region> },
}

type Look<'l> = dyn FnMut(Step) -> Result<bool, ImportError> + 'l;

struct Walk<'w> {
    original: &'w Original,
    /// Only these sheets' cells are wanted.
    only: &'w [usize],
    is_wanted: bool,
    styles: Styles,
    /// Where what has no style of its own is struck through: columns of the sheet, and the row where it says so.
    struck_columns: Vec<(usize, usize)>,
    struck_row: Option<bool>,
    /// How many of the sheet's cells are several.
    merged: usize,
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

impl<'w> Walk<'w> {
    fn new(original: &'w Original, only: &'w [usize]) -> Walk<'w> {
        Walk {
            original,
            only,
            is_wanted: false,
            styles: Styles::default(),
            struck_columns: Vec::new(),
            struck_row: None,
            merged: 0,
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
        // Styles with names of their own stand apart; those of the cells come of them.
        if let Some(mut part) = package.part("styles.xml", limit * MIB)? {
            let walked = walk(&mut part, file, |event| {
                if let Event::Start(tag) | Event::Empty(tag) = event {
                    self.styles.look_at(tag);
                }
                Ok(())
            });
            part.within("里面的格式解开后", file, limit)?;
            walked?;
        }
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
        // What is longer than any cell may be is refused without being held.
        let room = self.original.bounds.text * 8;
        let say = |cell: &mut Option<Opened>, text: &str| {
            cell.iter_mut().for_each(|cell| cell.say(text, room));
        };
        match xml.read_event_into(buffer) {
            Err(error) => Err(ImportError::broken(&self.original.file, error)),
            Ok(Event::Eof) => Ok(false),
            Ok(Event::Start(tag)) => {
                *depth += 1;
                self.start(&tag, cell, look)
            }
            Ok(Event::Text(text)) => {
                say(cell, &text.xml10_content());
                Ok(true)
            }
            Ok(Event::CData(text)) => {
                say(cell, text.as_ref());
                Ok(true)
            }
            Ok(Event::GeneralRef(name)) => {
                let name = format!("&{};", AsRef::<str>::as_ref(&name));
                if let Ok(text) = quick_xml::escape::unescape(&name) {
                    say(cell, &text);
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
        let open = cell.as_mut();
        match tag.local_name().as_ref() {
            "table" => {
                let (index, is_hidden) = self.turn_to_sheet(tag);
                return look(Step::Sheet { index, name: self.name.clone(), is_hidden });
            }
            "table-column" => {
                let (first, columns) = (self.column, count(tag, "number-columns-repeated"));
                self.column += columns;
                if self.strikes_cells_of(tag) == Some(true) {
                    extend(&mut self.struck_columns, first, first + columns - 1);
                }
                if attribute(tag, "visibility").is_some_and(|seen| seen != "visible") {
                    return look(Step::HiddenColumns(first, first + columns - 1));
                }
            }
            "table-row" => {
                self.row += if self.row == 0 { 1 } else { self.rows };
                self.rows = count(tag, "number-rows-repeated");
                self.column = 1;
                self.struck_row = self.strikes_cells_of(tag);
                self.repeated.clear();
                if attribute(tag, "visibility").is_some_and(|seen| seen != "visible") {
                    return look(Step::HiddenRows(self.row, self.row + self.rows - 1));
                }
            }
            "table-cell" | "covered-table-cell" => {
                *cell = Some(Opened::of(tag, self.is_struck(tag)));
            }
            "span" => self.strike(open, tag, For::Text),
            of if is_aside(tag.name().as_ref()) => {
                open.into_iter().for_each(|cell| cell.aside_begins(of));
            }
            "p" => {
                self.strike(open, tag, For::Paragraph);
                cell.iter_mut().for_each(Opened::paragraph);
            }
            "s" => open.into_iter().for_each(|cell| cell.spaces(count(tag, "c"))),
            "line-break" | "tab" => open.into_iter().for_each(|cell| cell.spaces(1)),
            _ => self.styles.look_at(tag),
        }
        Ok(true)
    }

    /// Goes on with the next sheet: its place, and whether it's hidden.
    fn turn_to_sheet(&mut self, tag: &BytesStart<'_>) -> (usize, bool) {
        let index = self.sheet.map_or(0, |sheet| sheet + 1);
        self.sheet = Some(index);
        (self.row, self.rows, self.column, self.again) = (0, 1, 1, 0);
        (self.struck_row, self.merged) = (None, 0);
        self.struck_columns.clear();
        self.name = attribute(tag, "name").unwrap_or_default();
        self.is_wanted = self.only.contains(&index);
        (index, attribute(tag, "style-name").is_some_and(|style| self.styles.hides(&style)))
    }

    /// Whether a column or a row strikes through its cells that have no style of their own, where it says how they are.
    fn strikes_cells_of(&self, tag: &BytesStart<'_>) -> Option<bool> {
        let style = attribute(tag, "default-cell-style-name")?;
        Some(self.styles.strikes(For::Cell, &style))
    }

    fn is_struck(&self, cell: &BytesStart<'_>) -> bool {
        let own = attribute(cell, "style-name");
        let own = own.map(|style| self.styles.strikes(For::Cell, &style));
        own.or(self.struck_row).unwrap_or_else(|| {
            self.struck_columns.iter().any(|(first, last)| (*first..=*last).contains(&self.column))
        })
    }

    /// Notes whether a part of a cell's text is struck through.
    fn strike(&self, cell: Option<&mut Opened>, tag: &BytesStart<'_>, of: For) {
        if let Some(cell) = cell.filter(|cell| cell.aside == 0) {
            let style = attribute(tag, "style-name");
            cell.is_struck |= style.is_some_and(|style| self.styles.strikes(of, &style));
        }
    }

    fn end(
        &mut self,
        whole: &str,
        cell: &mut Option<Opened>,
        look: &mut Look<'_>,
    ) -> Result<bool, ImportError> {
        match whole.rsplit(':').next().unwrap_or(whole) {
            of if is_aside(whole) => cell.iter_mut().for_each(|cell| cell.aside_ends(of)),
            "p" => cell.iter_mut().for_each(|cell| cell.is_noting = false),
            "table-cell" | "covered-table-cell" => {
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
        let comment = Comment::of(self.row, first, &opened.note);
        if let Some(comment) = comment
            && !look(Step::Comment(comment))?
        {
            return Ok(false);
        }
        let is_struck = opened.is_struck;
        let cell = struck(opened.cell(), is_struck);
        let is_merged = right > 1 || down > 1;
        self.merged += usize::from(is_merged);
        if self.merged > MOST_MERGED {
            return Err(too_many(&self.original.file, "合并的单元格", MOST_MERGED));
        }
        if !self.is_wanted || cell.is_blank() && !is_merged {
            return Ok(true);
        }
        for column in (first..first + columns).take(self.original.bounds.columns + 1) {
            let merged = is_merged.then(|| Region {
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
