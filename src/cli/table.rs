//! Tables on standard output or in a file: as csv, in which nothing is anything that a spreadsheet evaluates; or as one JSON
//! list of objects, named as the columns are.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value};

use super::{Reader, shown, wrong_input};
use crate::intake::written;
use crate::private_file::{Existing, PrivateFile};

/// Where what a command tells goes: to whoever reads, or into a file that only its owner reads.
pub(super) enum Output {
    Reader,
    File(PrivateFile),
}

impl Output {
    /// Into this file, where one is named; never over one that is there.
    pub fn to(file: Option<&Path>) -> anyhow::Result<Output> {
        let Some(file) = file else { return Ok(Output::Reader) };
        let begun = PrivateFile::begin(file, Existing::Keep);
        begun.map(Output::File).map_err(|why| wrong_input(format!("{}：{why}", shown(file))))
    }

    /// It's whole.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Output::Reader => Ok(()),
            Output::File(file) => file.finish(Existing::Keep).map_err(io::Error::other),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Reader => Reader.write(bytes),
            Output::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Reader => Reader.flush(),
            Output::File(file) => file.flush(),
        }
    }
}

/// A table as it's written, row by row.
pub(super) enum Table {
    Csv(Box<csv::Writer<Output>>),
    Json { to: Output, names: Vec<String>, row: Map<String, Value>, rows: usize },
}

impl Table {
    /// For a spreadsheet: begins with the mark by which Excel in Chinese knows UTF-8.
    pub fn marked_in<'n>(
        mut to: Output,
        names: impl IntoIterator<Item = &'n str>,
        json: bool,
    ) -> io::Result<Table> {
        if !json {
            to.write_all("\u{feff}".as_bytes())?;
        }
        Table::onto(to, names, json)
    }

    /// For programs, which would take the mark for a part of the first name. Begins with the names of its columns.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>, json: bool) -> io::Result<Table> {
        Table::onto(Output::Reader, names, json)
    }

    fn onto<'n>(
        to: Output,
        names: impl IntoIterator<Item = &'n str>,
        json: bool,
    ) -> io::Result<Table> {
        if json {
            let names = names.into_iter().map(str::to_owned).collect();
            return Ok(Table::Json { to, names, row: Map::new(), rows: 0 });
        }
        let mut table = Table::Csv(Box::new(csv::Writer::from_writer(to)));
        table.row(names)?;
        Ok(table)
    }

    /// Writes a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) -> io::Result<()> {
        match self {
            Table::Csv(csv) => {
                for cell in cells {
                    csv.write_field(written(cell.as_ref()).as_bytes())?;
                }
                Ok(csv.write_record(None::<&[u8]>)?)
            }
            Table::Json { to, names, row, rows } => {
                row.clear();
                for (name, cell) in names.iter().zip(cells) {
                    row.insert(name.clone(), Value::from(cell.as_ref()));
                }
                let before = if *rows == 0 { "[\n" } else { ",\n" };
                *rows += 1;
                write!(to, "{before}{}", serde_json::to_string(row)?)
            }
        }
    }

    /// Writes what is left.
    pub fn end(self) -> io::Result<()> {
        match self {
            Table::Csv(csv) => csv.into_inner().map_err(csv::IntoInnerError::into_error)?.finish(),
            Table::Json { mut to, rows, .. } => {
                writeln!(to, "{}", if rows == 0 { "[]" } else { "\n]" })?;
                to.finish()
            }
        }
    }
}
