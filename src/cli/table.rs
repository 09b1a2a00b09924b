//! Tables on standard output: nothing in them is anything that a spreadsheet evaluates.

use std::io::{self, Write};

use crate::intake::written;

/// A table as it's written, row by row.
pub(super) struct Table(csv::Writer<super::Reader>);

impl Table {
    /// For a spreadsheet: begins with the mark by which Excel in Chinese knows UTF-8.
    pub fn marked<'n>(names: impl IntoIterator<Item = &'n str>) -> io::Result<Table> {
        super::Reader.write_all("\u{feff}".as_bytes())?;
        Table::new(names)
    }

    /// For programs, which would take the mark for a part of the first name. Begins with the names of its columns.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> io::Result<Table> {
        let mut table = Table(csv::Writer::from_writer(super::Reader));
        table.row(names)?;
        Ok(table)
    }

    /// Writes a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) -> io::Result<()> {
        for cell in cells {
            self.0.write_field(written(cell.as_ref()).as_bytes())?;
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    /// Writes what is left.
    pub fn end(mut self) -> io::Result<()> {
        self.0.flush()
    }
}
