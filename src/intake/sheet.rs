//! Reading a file into rows of text, within bounds, whatever its encoding; and writing it back with
//! what is wrong.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use calamine::{Data, Reader, Xlsx};
use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::{ImportError, RowError};

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 256 << 20;
/// The largest workbook, unpacked.
const LARGEST_UNPACKED: u64 = 512 << 20;
/// The longest cell, in characters.
const LONGEST_CELL: usize = 5_000;
const MIB: u64 = 1 << 20;

/// A file as rows of text. Row numbers are the file's own, from 1.
#[derive(Debug, Clone)]
pub struct Sheet {
    pub file: String,
    pub rows: Vec<(usize, Vec<String>)>,
    is_workbook: bool,
}

/// Reads a file that isn't too big.
pub(super) fn read_bounded(file: &Path, name: &str) -> Result<Vec<u8>, ImportError> {
    let unreadable = |why: std::io::Error| ImportError::Unreadable {
        file: name.to_owned(),
        why: why.to_string(),
    };
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    let size = opened.metadata().map_err(unreadable)?.len();
    if size > LONGEST_FILE {
        return Err(ImportError::TooBig {
            file: name.to_owned(),
            size: size / MIB,
            limit: LONGEST_FILE / MIB,
        });
    }
    let mut bytes = Vec::new();
    opened.take(LONGEST_FILE).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

impl Sheet {
    /// Reads .xlsx (by its first bytes, not its name) or .csv in UTF-8 or GB18030.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Sheet, ImportError> {
        let is_workbook = bytes.starts_with(b"PK");
        let rows = if is_workbook {
            read_workbook(name, bytes)?
        } else if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
            return Err(ImportError::OldWorkbook { file: name.to_owned() });
        } else if name.to_lowercase().ends_with(".xlsx") && !bytes.is_empty() {
            let why = "开头不是工作簿的标记".to_owned();
            return Err(ImportError::BrokenWorkbook { file: name.to_owned(), why });
        } else {
            read_csv(name, bytes)?
        };
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()))
            .collect();
        if rows.is_empty() {
            return Err(ImportError::Empty { file: name.to_owned() });
        }
        for (row, cells) in &rows {
            for (index, cell) in cells.iter().enumerate() {
                let length = cell.chars().count();
                if length > LONGEST_CELL {
                    let (row, column) = (*row, index + 1);
                    return Err(ImportError::LongCell {
                        file: name.to_owned(),
                        row,
                        column,
                        length,
                        limit: LONGEST_CELL,
                    });
                }
            }
        }
        Ok(Sheet { file: name.to_owned(), rows, is_workbook })
    }

    /// The extension that a copy gets.
    pub(super) fn extension(&self) -> &'static str {
        if self.is_workbook { "xlsx" } else { "csv" }
    }

    /// Writes the rows with one more column: what is wrong in each.
    pub(super) fn write_with_errors(&self, to: &Path, errors: &[RowError]) -> Result<(), String> {
        let mut by_row: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for error in errors {
            by_row.entry(error.row).or_default().push(error.in_row());
        }
        let width = self.rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        let header_row = errors.first().map_or(0, |error| error.header_row);
        let note = |row: usize| match by_row.get(&row) {
            Some(errors) => errors.join("；"),
            None if row == header_row => "问题说明".to_owned(),
            None => String::new(),
        };
        if self.is_workbook {
            self.write_workbook(to, width, note).map_err(|error| error.to_string())
        } else {
            self.write_csv(to, width, note).map_err(|error| error.to_string())
        }
    }

    fn write_workbook(
        &self,
        to: &Path,
        width: usize,
        note: impl Fn(usize) -> String,
    ) -> Result<(), rust_xlsxwriter::XlsxError> {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        for (number, cells) in &self.rows {
            for (column, cell) in cells.iter().enumerate() {
                sheet.write_string(place(number - 1), column as u16, cell)?;
            }
            sheet.write_string(place(number - 1), width as u16, note(*number))?;
        }
        workbook.save(to)
    }

    fn write_csv(
        &self,
        to: &Path,
        width: usize,
        note: impl Fn(usize) -> String,
    ) -> Result<(), csv::Error> {
        // The mark makes Excel read it as UTF-8.
        let mut bytes = "\u{feff}".as_bytes().to_vec();
        let mut writer = csv::Writer::from_writer(&mut bytes);
        for (number, cells) in &self.rows {
            let mut cells = cells.clone();
            cells.resize(width, String::new());
            cells.push(note(*number));
            writer.write_record(&cells)?;
        }
        writer.flush()?;
        drop(writer);
        Ok(std::fs::write(to, bytes)?)
    }
}

fn read_csv(name: &str, bytes: &[u8]) -> Result<Vec<(usize, Vec<String>)>, ImportError> {
    let text = decode(bytes);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| ImportError::BrokenLine {
            file: name.to_owned(),
            row: error.position().map_or(0, csv::Position::line),
            why: error.to_string(),
        })?;
        let row = record.position().map_or(0, |position| position.line() as usize);
        rows.push((row, record.iter().map(clean).collect()));
    }
    Ok(rows)
}

/// UTF-8, with or without its mark; what isn't UTF-8 is GB18030, as Excel in Chinese writes csv.
fn decode(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling(bytes).0,
    }
}

fn read_workbook(name: &str, bytes: &[u8]) -> Result<Vec<(usize, Vec<String>)>, ImportError> {
    let broken = |why: String| ImportError::BrokenWorkbook { file: name.to_owned(), why };
    check_unpacked_size(name, bytes)?;
    let mut workbook: Xlsx<_> =
        Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(error.to_string()))?;
    let Some(first) = workbook.sheet_names().first().cloned() else {
        return Ok(Vec::new());
    };
    let range = workbook.worksheet_range(&first).map_err(|error| broken(error.to_string()))?;
    let top = range.start().map_or(0, |(row, _)| row as usize);
    let left = range.start().map_or(0, |(_, column)| column as usize);
    let row = |(index, cells): (usize, &[Data])| {
        let blank = std::iter::repeat_n(String::new(), left);
        (top + index + 1, blank.chain(cells.iter().map(text_of)).collect())
    };
    Ok(range.rows().enumerate().map(row).collect())
}

/// A small file can unpack to gigabytes: its directory says so before anything is unpacked.
fn check_unpacked_size(name: &str, bytes: &[u8]) -> Result<(), ImportError> {
    let broken = |why: zip::result::ZipError| ImportError::BrokenWorkbook {
        file: name.to_owned(),
        why: why.to_string(),
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut unpacked = 0u64;
    for index in 0..archive.len() {
        unpacked = unpacked.saturating_add(archive.by_index_raw(index).map_err(broken)?.size());
    }
    if unpacked > LARGEST_UNPACKED {
        let (size, limit) = (unpacked / MIB, LARGEST_UNPACKED / MIB);
        return Err(ImportError::TooBig { file: name.to_owned(), size, limit });
    }
    Ok(())
}

fn text_of(cell: &Data) -> String {
    match cell {
        Data::DateTime(at) => serial_time(at.as_f64()).unwrap_or_else(|| at.to_string()),
        Data::DateTimeIso(text) => clean(&text.replace('T', " ")),
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        Data::Empty => String::new(),
        other => clean(&other.to_string()),
    }
}

/// The date of a workbook's day number (day 1 is 1900-01-01; the format's leap-year mistake lies before
/// anything that matters here).
pub(super) fn serial_date(serial: f64) -> Option<Date> {
    if !(1.0..200_000.0).contains(&serial) {
        return None;
    }
    date(1899, 12, 30).checked_add((serial as i64).days()).ok()
}

/// As [`serial_date`], with the time of day where it isn't midnight.
fn serial_time(serial: f64) -> Option<String> {
    let on = serial_date(serial)?;
    let seconds = (serial.fract() * 86_400.0).round() as i64;
    if seconds == 0 {
        return Some(on.to_string());
    }
    let at = on.at(0, 0, 0, 0).checked_add(seconds.seconds()).ok()?;
    Some(at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// Without the blanks around it, full-width ones and byte-order marks among them.
fn clean(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}').to_owned()
}
