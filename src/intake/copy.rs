//! A copy of a file for whoever mends it: all of its sheets, and beside each wrong row what is wrong there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Color, Format, Workbook, Worksheet, XlsxError};

use super::header::NOTES;
use super::marked::{Marks, marked};
use super::original::{Form, Original};
use super::refusal::{ImportError, RowError};
use super::row::{Held, Row};
use super::survey::Book;
use super::text::TO_CHECK;
use crate::cell_text::fitted;
use crate::private_file::{self, Existing};

/// Writes a copy of the file with a column that says what is wrong in each row; returns its path.
pub fn write_error_copy(
    file: &Path,
    folder: Option<&Path>,
    original: &Original,
    errors: &[RowError],
) -> Result<PathBuf, ImportError> {
    let stem = file.file_stem().map_or_else(|| "file".into(), |stem| stem.to_string_lossy());
    let folder = folder.or(file.parent()).unwrap_or(Path::new("."));
    let named =
        |number: &str| folder.join(format!("{stem}.错误.{number}{}", original.copy_extension()));
    let copy = named("");
    let bytes = copy_of(original, errors)?;
    keep_other(&copy, &bytes, named);
    private_file::write(&copy, &bytes, Existing::Replace).map_err(|why| {
        ImportError::Unreadable { file: copy.display().to_string(), why: why.to_string() }
    })?;
    Ok(copy)
}

/// A copy of before in which somebody may have mended rows gets a number: the newest has the name.
fn keep_other(copy: &Path, bytes: &[u8], named: impl Fn(&str) -> PathBuf) {
    if copy.is_symlink() || std::fs::read(copy).is_ok_and(|there| there == bytes) {
        return;
    }
    let mut names = (1..1000).map(|n| named(&format!("{n}.")));
    if copy.exists()
        && let Some(free) = names.find(|name| name.symlink_metadata().is_err())
    {
        // One that can't be moved can't be replaced either, which is said below.
        let _ = std::fs::rename(copy, free);
    }
}

/// The same for whoever brought a file of this name by a browser: what the copy is called, and the copy.
pub(super) fn error_copy(
    name: &str,
    original: &Original,
    errors: &[RowError],
) -> Result<(String, Vec<u8>), ImportError> {
    let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy());
    let stem = stem.unwrap_or_else(|| "文件".into());
    Ok((format!("{stem}.错误.{}", original.copy_extension()), copy_of(original, errors)?))
}

fn copy_of(original: &Original, errors: &[RowError]) -> Result<Vec<u8>, ImportError> {
    let book = Book::open(original.clone())?;
    let mut notes = Notes::default();
    for error in errors {
        let sheet = notes.0.entry(error.place.sheet).or_default();
        sheet.header_row = error.place.header_row;
        let row = sheet.rows.entry(error.row).or_default();
        row.push((error.column, error.in_row()));
    }
    if original.form == Form::Text {
        return csv_copy(&book, &notes);
    }
    if original.form == Form::Xlsx
        && let Some(copy) = marked_copy(&book, &notes)?
    {
        return Ok(copy);
    }
    workbook_copy(&book, &notes).map_err(|error| match error {
        Failed::Reading(error) => error,
        Failed::Writing(error) => ImportError::broken(&original.file, error),
    })
}

/// What is wrong, by sheet and row.
#[derive(Default)]
struct Notes(BTreeMap<usize, SheetNotes>);

#[derive(Default)]
struct SheetNotes {
    header_row: usize,
    /// The columns, from 1 where they are there, and what is wrong in each.
    rows: BTreeMap<usize, Vec<(usize, String)>>,
}

impl SheetNotes {
    fn of(&self, row: usize) -> String {
        if row == self.header_row {
            return NOTES.to_owned();
        }
        let texts = self.rows.get(&row).into_iter().flatten().map(|(_, text)| text.as_str());
        texts.collect::<Vec<_>>().join("；")
    }
}

/// The workbook itself, marked; nothing where its parts are none that could be.
fn marked_copy(book: &Book, notes: &Notes) -> Result<Option<Vec<u8>>, ImportError> {
    let names: Vec<(usize, &str)> =
        book.sheet_names().filter(|(index, _)| notes.0.contains_key(index)).collect();
    // How wide each is, and where a copy that came before has its notes.
    let mut seen: HashMap<usize, (usize, Option<usize>)> = HashMap::new();
    let wanted: Vec<usize> = names.iter().map(|(index, _)| *index).collect();
    book.read(&wanted, &mut |sheet, row| {
        let (width, noted_before) = seen.entry(sheet).or_default();
        *width = (*width).max(row.cells.len());
        if notes.0.get(&sheet).is_some_and(|notes| notes.header_row == row.number) {
            *noted_before = row.cells.iter().rposition(|cell| cell.text == NOTES);
        }
        ControlFlow::Continue(())
    })?;
    let mut marks = BTreeMap::new();
    for (index, name) in names {
        let Some(notes) = notes.0.get(&index) else { continue };
        let (width, noted_before) = seen.get(&index).copied().unwrap_or_default();
        let rows = notes.rows.keys().chain([&notes.header_row]);
        let wrong = notes.rows.iter().flat_map(|(row, wrong)| {
            wrong.iter().filter(|(column, _)| *column > 0).map(|(column, _)| (*row, *column))
        });
        let marks_of = Marks {
            column: noted_before.map_or(width + 1, |at| at + 1),
            notes: rows.map(|row| (*row, notes.of(*row))).collect(),
            wrong: wrong.collect(),
        };
        marks.insert(name.to_owned(), marks_of);
    }
    match marked(&book.original.bytes, &marks) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(_) => {
            tracing::warn!(event = "import.unmarked", "a workbook can't be marked as it is");
            Ok(None)
        }
    }
}

fn csv_copy(book: &Book, notes: &Notes) -> Result<Vec<u8>, ImportError> {
    let none = SheetNotes::default();
    let notes = notes.0.get(&0).unwrap_or(&none);
    let (mut width, mut rows) = (0, Vec::new());
    book.read(&[0], &mut |_, row| {
        width = width.max(row.cells.len());
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    // The mark makes Excel read it as UTF-8.
    let mut bytes = "\u{feff}".as_bytes().to_vec();
    let mut writer = csv::Writer::from_writer(&mut bytes);
    let mut next = 1;
    // A copy of a copy says what is wrong now in the same column.
    let header = rows.iter().find(|row| row.number == notes.header_row);
    let noted_before = header.and_then(|row| row.cells.iter().rposition(|cell| cell.text == NOTES));
    let others: Vec<usize> = (0..width).filter(|column| Some(*column) != noted_before).collect();
    let mut write = |number: usize, row: Option<&Row>| {
        let text = |column: &usize| row.map_or("", |row| row.text(*column)).to_owned();
        let texts = others.iter().map(text).chain([notes.of(number)]);
        writer.write_record(texts).is_ok()
    };
    for row in &rows {
        while next < row.number {
            write(next, None);
            next += 1;
        }
        write(row.number, Some(row));
        next = row.number + 1;
    }
    drop(writer);
    Ok(bytes)
}

enum Failed {
    Reading(ImportError),
    Writing(XlsxError),
}

impl From<ImportError> for Failed {
    fn from(error: ImportError) -> Failed {
        Failed::Reading(error)
    }
}

impl From<XlsxError> for Failed {
    fn from(error: XlsxError) -> Failed {
        Failed::Writing(error)
    }
}

fn workbook_copy(book: &Book, notes: &Notes) -> Result<Vec<u8>, Failed> {
    let mut workbook = Workbook::new();
    let none = SheetNotes::default();
    let (mut taken, mut sheets) = (HashSet::new(), Vec::new());
    for (index, name) in book.sheet_names() {
        let sheet = workbook.add_worksheet().set_name(sheet_name(name, &mut taken))?;
        // What nobody saw isn't read, and isn't to be read of the copy either.
        sheet.set_hidden(book.hides_sheet(index));
        sheets.push(index);
    }
    if let Some(shown) = sheets.iter().position(|index| !book.hides_sheet(*index)) {
        workbook.worksheet_from_index(shown)?.set_active(true).set_first_tab(true);
    }
    let places: HashMap<usize, usize> =
        sheets.iter().enumerate().map(|(place, index)| (*index, place)).collect();
    let wrong = Format::new().set_background_color(Color::RGB(0x00FF_C7CE));
    let (mut widths, mut failed) = (vec![0; sheets.len()], Ok(()));
    book.read(&sheets, &mut |index, row| {
        let Some(place) = places.get(&index) else { return ControlFlow::Continue(()) };
        widths[*place] = row.cells.len().max(widths[*place]);
        let notes = notes.0.get(&index).unwrap_or(&none);
        let sheet = workbook.worksheet_from_index(*place);
        let is_hidden = book.hides(index, row.number);
        failed = sheet.and_then(|sheet| write_row(sheet, &row, notes, (&wrong, is_hidden)));
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    for (place, (index, width)) in sheets.iter().zip(widths).enumerate() {
        let notes = notes.0.get(index).filter(|notes| !notes.rows.is_empty());
        if let Some(notes) = notes {
            write_notes(workbook.worksheet_from_index(place)?, width, notes)?;
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// A sheet's name as Excel takes it, whoever wrote it: at most 31 characters, none that it forbids, each once.
fn sheet_name(name: &str, taken: &mut HashSet<String>) -> String {
    const LONGEST: usize = 31;
    let allowed = |c: &char| !c.is_control() && !"[]:*?/\\".contains(*c);
    let plain: String = name.chars().filter(allowed).collect();
    let plain = plain.trim_matches(['\'', ' ']);
    let plain = if plain.is_empty() { "表" } else { plain };
    let numbered = (1..).map(|number| match number {
        1 => String::new(),
        _ => format!("~{number}"),
    });
    let fitting = numbered.map(|end| {
        let room = LONGEST - end.len();
        let mut fitting = String::new();
        for c in plain.chars() {
            // Counted as Excel counts.
            if fitting.encode_utf16().count() + c.len_utf16() > room {
                break;
            }
            fitting.push(c);
        }
        fitting + &end
    });
    let mut free = fitting.filter(|name| taken.insert(name.to_lowercase()));
    free.next().unwrap_or_default()
}

/// What is wrong in each row, behind its last column.
fn write_notes(sheet: &mut Worksheet, width: usize, notes: &SheetNotes) -> Result<(), XlsxError> {
    let width = u16::try_from(width).unwrap_or(0);
    sheet.set_column_width(width, 60)?;
    for row in notes.rows.keys().chain([&notes.header_row]) {
        sheet.write_string(place(*row), width, fitted(&notes.of(*row)))?;
    }
    Ok(())
}

/// What was wrong for how it was kept, struck or computed would be right as a bare text: it says that it's to be seen to.
fn write_row(
    sheet: &mut Worksheet,
    row: &Row,
    notes: &SheetNotes,
    (wrong, is_hidden): (&Format, bool),
) -> Result<(), XlsxError> {
    if is_hidden {
        sheet.set_row_hidden(place(row.number))?;
    }
    let marked = notes.rows.get(&row.number);
    for (column, cell) in (0_u16..).zip(&row.cells) {
        let is_wrong =
            marked.is_some_and(|wrong| wrong.iter().any(|(at, _)| *at == usize::from(column) + 1));
        let is_lost = cell.flaw.is_some() && row.number > notes.header_row;
        if is_lost || is_wrong && cell.held != Held::Text {
            let text = format!("{TO_CHECK}{}", cell.text);
            sheet.write_string_with_format(place(row.number), column, fitted(&text), wrong)?;
        } else if is_wrong {
            sheet.write_string_with_format(place(row.number), column, fitted(&cell.text), wrong)?;
        } else if !cell.text.is_empty() {
            sheet.write_string(place(row.number), column, fitted(&cell.text))?;
        }
    }
    Ok(())
}

fn place(number: usize) -> u32 {
    u32::try_from(number.saturating_sub(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_sheet_is_called_its_copy_can_be_written() {
        let mut taken = HashSet::new();
        let long = "柴胡店镇联系服务群众大走访活动入户走访记录表二〇二二年三月份第一批";
        let names = ["A", "a", "'表1'", "a/b:c*d[e]?", "", long, long];
        let names: Vec<String> = names.iter().map(|name| sheet_name(name, &mut taken)).collect();
        assert_eq!(names[..5], ["A", "a~2", "表1", "abcde", "表"]);
        assert_eq!(names[5].chars().count(), 31);
        assert!(names[6].ends_with("~2") && names[6].chars().count() == 31);
        let mut workbook = Workbook::new();
        for name in &names {
            workbook.add_worksheet().set_name(name).unwrap();
        }
        workbook.save_to_buffer().unwrap();
    }
}
