//! A file's rows in pieces, read beside whoever else runs, no faster than they are taken.

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
            let mut reading = Reading { sender: &sender, table: 0, rows: Vec::new() };
            for table in 0..survey.tables.len() {
                reading.table = table;
                let file = &survey.book.original.file;
                let read = guarded(file, || reading.read(&survey, size(table)));
                if let Err(error) = read {
                    // Whoever doesn't want more doesn't want to know why there is none.
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
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
}

impl Reading<'_> {
    fn read(&mut self, survey: &Survey, size: usize) -> Result<(), ImportError> {
        let table = &survey.tables[self.table].table;
        let mut is_wanted = true;
        survey.book.read(&[table.place.sheet], &mut |_, row| {
            if row.number > table.place.header_row && table.passes_over(&row).is_none() {
                self.rows.push(row);
                if self.rows.len() >= size {
                    is_wanted = self.send();
                }
            }
            if is_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if !self.rows.is_empty() {
            self.send();
        }
        Ok(())
    }

    /// False where nobody waits for more.
    fn send(&mut self) -> bool {
        let rows = std::mem::take(&mut self.rows);
        self.sender.blocking_send(Ok(Piece { table: self.table, rows })).is_ok()
    }
}
