//! What came back from a portal: rows about what was handed off, and rows that match nothing.

use std::collections::HashMap;

use super::beside::{claims_about, judge};
use super::cells::Cells;
use super::header::Table;
use super::kinds::Field;
use super::refusal::RowError;
use super::repeated::{Seen, note_repeated};
use super::report::{RowDid, RowsDid, note_did};
use super::row::Row;
use crate::app::beside::Whose;
use crate::app::hand_off::{Came, take_return};
use crate::app::problem::Outcomes;
use crate::clock::Clock;
use crate::db::{Return, StoreError, Tx, Upsert};
use crate::domain::referral::issue_of;

/// What rows did, what is about nothing known here, and all that is wrong.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub outcomes: Outcomes,
    /// What each row did.
    pub each: Vec<RowsDid>,
    pub unmatched: Vec<RowError>,
    pub errors: Vec<RowError>,
    /// What is worth a word, though it's taken.
    pub remarks: Vec<RowError>,
    said: Said,
}

/// Which number the file gives to what, and in which row: what contradicts itself is seen, however far apart its rows are.
#[derive(Debug, Default)]
struct Said {
    references: HashMap<String, (String, usize)>,
    numbers: HashMap<String, (String, usize)>,
}

impl Said {
    /// Why a row contradicts one before it.
    fn note(&mut self, row: usize, returned: &Return, reference: &str) -> Option<String> {
        let number = returned.remote_id.as_ref()?;
        let (of, at) =
            self.references.entry(number.clone()).or_insert_with(|| (reference.to_owned(), row));
        if of != reference {
            return Some(format!("平台编号「{number}」在第 {at} 行是「{of}」的"));
        }
        if !returned.successors.is_empty() {
            return None;
        }
        let (other, at) =
            self.numbers.entry(reference.to_owned()).or_insert_with(|| (number.clone(), row));
        (other != number).then(|| format!("「{reference}」在第 {at} 行的平台编号是「{other}」"))
    }
}

/// Takes rows; where any contradicts the record the caller takes all back.
pub(super) async fn take(
    tx: &mut Tx,
    table: &Table,
    rows: &mut [Row],
    seen: &mut Seen,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    let clock = tx.context().clock.clone();
    let mut claims = Vec::new();
    for row in rows {
        super::cells::tidy(table, row);
        let mut cells = Cells::new(table, row);
        note_repeated(&mut cells, seen);
        let mut did = None;
        match read_return(&clock, &mut cells) {
            None => {
                did = Some(RowDid::Idle);
                taken.outcomes.push(Ok(Upsert::Same.into()));
            }
            Some(returned) if cells.errors.is_empty() => match take_return(tx, &returned).await {
                Ok(Some(Came { reference, upsert })) => {
                    claims.extend(claims_about(
                        &mut cells,
                        &Whose::Issue(issue_of(&reference).to_owned()),
                    ));
                    match taken.said.note(cells.row(), &returned, &reference) {
                        Some(text) => cells.wrong(Field::RemoteNumber, text),
                        None => did = Some(upsert.into()),
                    }
                    taken.outcomes.push(Ok(upsert.into()));
                }
                Ok(None) => {
                    let text = "对不上本系统上报的任何一件".to_owned();
                    taken.unmatched.push(cells.remark(Field::RemoteNumber, text));
                }
                Err(error @ (StoreError::Rule(_) | StoreError::Refused(_))) => {
                    cells.wrong(Field::RemoteNumber, error.to_string());
                }
                Err(error) => return Err(error),
            },
            Some(_) => {}
        }
        taken.errors.append(&mut cells.errors);
        if let Some(did) = did {
            note_did(&mut taken.each, table.sheet.as_deref(), row.number, did);
        }
    }
    let (errors, remarks) = judge(claims, tx).await?;
    taken.errors.extend(errors);
    taken.remarks.extend(remarks);
    Ok(())
}

/// A row that came back from the platform's people; nothing where it wasn't filled in.
fn read_return(clock: &Clock, cells: &mut Cells<'_>) -> Option<Return> {
    let own = |field| cells.optional(field).map(str::to_owned);
    let (remote_id, word) = (own(Field::RemoteNumber), own(Field::RemoteStatus));
    if remote_id.is_none() && word.is_none() {
        return None;
    }
    let (reference, text) = (own(Field::Reference), own(Field::Reply).unwrap_or_default());
    let successors = own(Field::Successors).unwrap_or_default();
    let at = cells.time(Field::AnsweredAt).map(|at| clock.instant(at));
    let successors = successors.split(['、', '，', ',', ' ']).filter(|number| !number.is_empty());
    let successors = successors.map(str::to_owned).collect();
    Some(Return { reference, remote_id, word, text, at, successors })
}
