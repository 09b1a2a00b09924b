//! A file's rows in pieces, read beside whoever else runs, no faster than they are taken.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::guard::guarded;
use super::refusal::ImportError;
use super::row::Row;
use super::survey::Survey;

/// Rows of one table that are read together.
pub(super) struct Piece {
    /// The table's place in the survey.
    pub table: usize,
    pub rows: Vec<Row>,
}

/// So many pieces are read ahead.
const AHEAD: usize = 2;

/// The pieces of a file, table by table.
pub(super) struct Pieces(mpsc::Receiver<Result<Piece, ImportError>>);

impl Pieces {
    /// Begins to read; a piece of the table at `table` has `size(table)` rows at the most.
    pub fn of(survey: &Arc<Survey>, size: impl Fn(usize) -> usize + Send + 'static) -> Pieces {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let survey = survey.clone();
        tokio::task::spawn_blocking(move || {
            let mut reading =
                Reading { sender: &sender, table: 0, rows: Vec::new(), is_wanted: true };
            let file = &survey.book.original.file;
            if let Err(error) = guarded(file, || reading.read(&survey, &size)) {
                // Whoever doesn't want more doesn't want to know why there is none.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Pieces(receiver)
    }

    /// The next piece; nothing at the end.
    pub async fn next(&mut self) -> Result<Option<Piece>, ImportError> {
        self.0.recv().await.transpose()
    }
}

struct Reading<'s> {
    sender: &'s mpsc::Sender<Result<Piece, ImportError>>,
    table: usize,
    rows: Vec<Row>,
    is_wanted: bool,
}

impl Reading<'_> {
    /// Reads all tables in one go: a workbook of many sheets is opened once.
    fn read(&mut self, survey: &Survey, size: &dyn Fn(usize) -> usize) -> Result<(), ImportError> {
        let places = survey.tables.iter().map(|of| of.table.place.sheet);
        let tables: HashMap<usize, usize> =
            places.clone().enumerate().map(|(table, sheet)| (sheet, table)).collect();
        survey.book.read(&places.collect::<Vec<_>>(), &mut |sheet, row| {
            let Some(at) = tables.get(&sheet) else { return ControlFlow::Continue(()) };
            if *at != self.table {
                self.send();
                self.table = *at;
            }
            let table = &survey.tables[*at].table;
            if row.number > table.place.header_row && table.passes_over(&row).is_none() {
                self.rows.push(row);
                if self.rows.len() >= size(*at) {
                    self.send();
                }
            }
            if self.is_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        self.send();
        Ok(())
    }

    fn send(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() && self.is_wanted {
            let piece = Piece { table: self.table, rows };
            self.is_wanted = self.sender.blocking_send(Ok(piece)).is_ok();
        }
    }
}
