//! Tables on standard output: as csv, in which nothing is anything that a spreadsheet evaluates; or as one JSON list of
//! objects, named as the columns are.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::Reader;
use crate::intake::written;

/// A table as it's written, row by row.
pub(super) enum Table {
    Csv(Box<csv::Writer<Reader>>),
    Json { names: Vec<String>, row: Map<String, Value>, rows: usize },
}

impl Table {
    /// For a spreadsheet: begins with the mark by which Excel in Chinese knows UTF-8.
    pub fn marked<'n>(names: impl IntoIterator<Item = &'n str>, json: bool) -> io::Result<Table> {
        if !json {
            Reader.write_all("\u{feff}".as_bytes())?;
        }
        Table::new(names, json)
    }

    /// For programs, which would take the mark for a part of the first name. Begins with the names of its columns.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>, json: bool) -> io::Result<Table> {
        if json {
            let names = names.into_iter().map(str::to_owned).collect();
            return Ok(Table::Json { names, row: Map::new(), rows: 0 });
        }
        let mut table = Table::Csv(Box::new(csv::Writer::from_writer(Reader)));
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
            Table::Json { names, row, rows } => {
                row.clear();
                for (name, cell) in names.iter().zip(cells) {
                    row.insert(name.clone(), Value::from(cell.as_ref()));
                }
                let before = if *rows == 0 { "[\n" } else { ",\n" };
                *rows += 1;
                write!(Reader, "{before}{}", serde_json::to_string(row)?)
            }
        }
    }

    /// Writes what is left.
    pub fn end(self) -> io::Result<()> {
        match self {
            Table::Csv(mut csv) => csv.flush(),
            Table::Json { rows: 0, .. } => writeln!(Reader, "[]"),
            Table::Json { .. } => writeln!(Reader, "\n]"),
        }
    }
}
