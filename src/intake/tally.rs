//! What the rows of a file did, all together, and what is wrong with them.

use super::refusal::{MOST_ERRORS, RowError, Stop};
use super::report::{MOST_REMARKS, Report, RowDid, note_did};
use super::returns;
use super::rows::{Piece, row_error};
use super::survey::Survey;
use crate::app::problem::Outcomes;
use crate::db::Upsert;

/// What rows did so far.
pub(super) struct Tally {
    pub report: Report,
    pub errors: Vec<RowError>,
}

impl Tally {
    pub fn of(survey: &Survey) -> Tally {
        Tally { report: Report::of(survey), errors: Vec::new() }
    }

    pub fn add(&mut self, survey: &Survey, table: usize, piece: &mut Piece, outcomes: &Outcomes) {
        let table = &survey.tables[table].table;
        self.count(outcomes);
        self.errors.append(&mut piece.errors);
        self.report.idle += piece.idle.len();
        let mut did: Vec<(usize, RowDid)> =
            piece.idle.drain(..).map(|row| (row, RowDid::Idle)).collect();
        let mut remarks = std::mem::take(&mut piece.remarks);
        for (row, outcome) in piece.rows.iter().zip(outcomes) {
            match outcome {
                Err(problem) => self.errors.push(row_error(table, row, problem)),
                Ok(done) => {
                    did.push((row.number, done.upsert.into()));
                    remarks.extend(done.note.as_ref().map(|note| row_error(table, row, note)));
                }
            }
        }
        did.sort_unstable();
        for (row, did) in did {
            note_did(&mut self.report.each, table.sheet.as_deref(), row, did);
        }
        remarks.sort_by_key(|remark| remark.row);
        let room = MOST_REMARKS.saturating_sub(self.report.remarks.len());
        self.report.remarks.extend(remarks.into_iter().take(room));
        self.errors.sort_by_key(|error| (error.place.sheet, error.row, error.column));
    }

    fn count(&mut self, outcomes: &Outcomes) {
        let report = &mut self.report;
        for did in outcomes.iter().flatten() {
            match did.upsert {
                Upsert::Added => report.added += 1,
                Upsert::Changed => report.changed += 1,
                Upsert::Same => report.same += 1,
            }
        }
    }

    /// What rows from a portal did.
    pub fn add_returned(&mut self, survey: &Survey, taken: returns::Taken) {
        let returns::Taken { outcomes, each, unmatched, errors, remarks, .. } = taken;
        self.count(&outcomes);
        self.errors.extend(errors);
        self.errors.sort_by_key(|error| (error.place.sheet, error.row, error.column));
        self.report.each.extend(each);
        self.report.remarks.extend(remarks);
        self.report.sheet = (!unmatched.is_empty()).then(|| survey.book.original.clone());
        self.report.unmatched = unmatched;
    }

    pub fn end(mut self) -> Result<Report, Stop> {
        if self.errors.is_empty() {
            return Ok(self.report);
        }
        self.errors.truncate(MOST_ERRORS);
        Err(Stop::Rows(self.errors))
    }
}
