//! What came back from a portal: rows about what was handed off, and rows that match nothing.

use std::collections::HashMap;

use super::Progress;
use super::cells::{Cells, RowError};
use super::columns::{Field, Table};
use super::rows::{note_repeated, read_return};
use crate::app::hand_off::take_return;
use crate::app::problem::Outcomes;
use crate::db::{StoreError, Tx, Upsert};

/// What each row did, and what is about nothing known here; or all that is wrong.
pub(super) type Taken = Result<(Outcomes, Vec<RowError>), Vec<RowError>>;

/// Takes every row; where any contradicts the record the caller takes all back.
pub(super) async fn take(
    tx: &mut Tx,
    table: &Table<'_>,
    progress: Progress<'_>,
) -> Result<Taken, StoreError> {
    let clock = tx.context().clock.clone();
    let mut seen = HashMap::new();
    let (mut outcomes, mut unmatched, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (done, (row, texts)) in table.rows.iter().enumerate() {
        let mut cells = Cells::new(table, *row, texts);
        note_repeated(&mut cells, table.kind, texts, *row, &mut seen);
        match read_return(&clock, &mut cells) {
            None => outcomes.push(Ok(Upsert::Same)),
            Some(returned) => match take_return(tx, &returned).await {
                Ok(Some(upsert)) => outcomes.push(Ok(upsert)),
                Ok(None) if cells.errors.is_empty() => {
                    cells.wrong(Field::RemoteNumber, "对不上本系统上报的任何一件".to_owned());
                    unmatched.append(&mut cells.errors);
                }
                Ok(None) => {}
                Err(error @ (StoreError::Rule(_) | StoreError::Refused(_))) => {
                    cells.wrong(Field::RemoteNumber, error.to_string());
                }
                Err(error) => return Err(error),
            },
        }
        errors.append(&mut cells.errors);
        progress(done + 1, table.rows.len());
    }
    Ok(if errors.is_empty() { Ok((outcomes, unmatched)) } else { Err(errors) })
}
