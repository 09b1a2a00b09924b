//! Cells become rows: within bounds, and with what merged cells above say.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::bounds::Bounds;
use super::original::Original;
use super::refusal::{At, ImportError, sheet_text};
use super::row::{Cell, Row, Take};
use super::scan::{Region, SheetInfo};
use super::text::short;

/// The sheet that rows are of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of<'a> {
    pub file: &'a str,
    /// Where the file has several.
    pub sheet: Option<&'a str>,
    /// Its place in the file, from 0.
    pub index: usize,
}

/// Rows as they are put together from cells.
pub(super) struct Rows<'r, 't> {
    of: Of<'r>,
    bounds: &'r Bounds,
    take: &'r mut Take<'t>,
    row: Row,
    /// Merged cells that may still cover others: by their first columns, to which row and column they go and what they say.
    covering: BTreeMap<usize, (usize, usize, Cell)>,
    /// Those that begin further down, by their first row and column and their last.
    ahead: BTreeSet<(usize, usize, usize, usize)>,
    count: usize,
    is_enough: bool,
}

impl<'r, 't> Rows<'r, 't> {
    /// Rows of the sheet of that place.
    pub fn of(
        original: &'r Original,
        sheets: &'r [SheetInfo],
        index: usize,
        take: &'r mut Take<'t>,
    ) -> Rows<'r, 't> {
        let sheet = (sheets.len() > 1).then(|| sheets[index].name.as_str());
        let (of, bounds) = (Of { file: &original.file, sheet, index }, &original.bounds);
        let (row, covering, ahead) = (Row::default(), BTreeMap::new(), BTreeSet::new());
        Rows { of, bounds, take, row, covering, ahead, count: 0, is_enough: false }
    }

    /// Goes on with another sheet.
    pub fn turn_to(&mut self, sheets: &'r [SheetInfo], index: usize) -> Result<(), ImportError> {
        self.flush()?;
        self.of.sheet = (sheets.len() > 1).then(|| sheets[index].name.as_str());
        self.of.index = index;
        self.covering.clear();
        self.ahead.clear();
        self.count = 0;
        Ok(())
    }

    /// Whether nobody wants more.
    pub fn is_enough(&self) -> bool {
        self.is_enough
    }

    /// What it's a sheet of can't be read.
    pub fn broken(&self, why: impl std::fmt::Display) -> ImportError {
        ImportError::broken(self.of.file, why)
    }

    /// That these cells are one.
    pub fn merge(&mut self, regions: impl IntoIterator<Item = Region>) {
        let corners = |region: Region| (region.top, region.left, region.bottom, region.right);
        self.ahead.extend(regions.into_iter().map(corners));
    }

    /// One cell more, in the order of the file; row and column from 1.
    pub fn put(&mut self, row: usize, column: usize, cell: Cell) -> Result<(), ImportError> {
        if row != self.row.number {
            self.flush()?;
            self.row.number = row;
        }
        let at = At { file: self.of.file, sheet: self.of.sheet, row, column };
        if cell.text.len() > self.bounds.text && cell.text.chars().count() > self.bounds.text {
            return Err(ImportError::long_cell(&at, self.bounds));
        }
        if cell.is_blank() {
            return Ok(());
        }
        if column > self.bounds.columns {
            let text = short(&cell.text).into_owned();
            return Err(ImportError::far_cell(&at, text, self.bounds));
        }
        if self.row.cells.len() < column {
            self.row.cells.resize(column, Cell::default());
        }
        if !self.row.cells[column - 1].is_blank() {
            return Err(self.broken("two cells in one place"));
        }
        self.row.cells[column - 1] = cell;
        Ok(())
    }

    /// Hands on the row that is whole now.
    pub fn flush(&mut self) -> Result<(), ImportError> {
        let mut row = std::mem::take(&mut self.row);
        if row.is_blank() || self.is_enough {
            return Ok(());
        }
        self.cover(&mut row);
        self.count += 1;
        if self.count > self.bounds.rows {
            let (file, sheet) = (self.of.file.to_owned(), sheet_text(self.of.sheet));
            return Err(ImportError::TooLong { file, sheet, limit: self.bounds.rows });
        }
        self.is_enough = (self.take)(self.of.index, row).is_break();
        Ok(())
    }

    /// Gives a row what merged cells say that begin above it. What else is kept beneath one, nobody sees.
    fn cover(&mut self, row: &mut Row) {
        let number = row.number;
        self.covering.retain(|_, (bottom, ..)| *bottom >= number);
        for (column, (_, right, shown)) in self.covering.range(..=self.bounds.columns) {
            if row.cells.len() < *column {
                row.cells.resize(*column, Cell::default());
            }
            let covered = &mut row.cells[column - 1];
            if covered.is_blank() {
                *covered = shown.clone();
            }
            hide(row, *column..=*right, shown);
        }
        while self.ahead.first().is_some_and(|(top, ..)| *top <= number) {
            let Some((top, column, bottom, right)) = self.ahead.pop_first() else { break };
            let shown = row.cells.get(column - 1).filter(|_| top == number).cloned();
            let shown = shown.unwrap_or_default();
            hide(row, column + 1..=right, &shown);
            if bottom > number {
                self.covering.insert(column, (bottom, right, shown));
            }
        }
    }
}

/// Notes what is kept where a merged cell shows something else.
fn hide(row: &mut Row, columns: RangeInclusive<usize>, shown: &Cell) {
    let columns = columns.start() - 1..(*columns.end()).min(row.cells.len());
    for cell in row.cells.get_mut(columns).unwrap_or_default() {
        if cell.is_blank() || cell.flaw.is_some() || cell.text.trim() == shown.text.trim() {
            continue;
        }
        let seen = match shown.is_blank() {
            true => "空白".to_owned(),
            false => format!("「{}」", short(&shown.text)),
        };
        cell.flaw = Some(format!(
            "这一格被合并的单元格盖住了：看得见的是{seen}，下面还存着「{}」。请取消合并，每一格都填上该填的",
            short(&cell.text)
        ));
    }
}
