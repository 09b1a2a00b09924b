//! Things of one kind that come in together, by whatever way.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::absences;
use super::areas::{self, NewArea};
use super::assignments::{self, Assign};
use super::confirm::{self, Confirmation};
use super::issues::{self, Acknowledgement, Happening};
use super::problem::{About, Outcomes, Problem};
use super::staff::{self, NewStaff};
use super::subjects::{self, NewSubject, Registered};
use super::visits::{self, NewVisit};
use crate::db::{NewAbsence, Result, Session, Tx};
use crate::domain::issue::Event;

/// A set of things of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Batch {
    Areas(Vec<NewArea>),
    Staff(Vec<NewStaff>),
    Subjects(Vec<NewSubject>),
    Assignments(Vec<Assign>),
    Visits(Vec<NewVisit>),
    Residents(Vec<Registered>),
    Events(Vec<IssueChange>),
    Confirmations(Vec<Confirmation>),
    Acknowledgements(Vec<Acknowledgement>),
    Absences(Vec<NewAbsence>),
}

/// That something happened to the issue of a number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssueChange {
    pub number: String,
    pub event: Event,
    pub actor: String,
}

impl Batch {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Batch::Areas(rows) => rows.len(),
            Batch::Staff(rows) => rows.len(),
            Batch::Subjects(rows) => rows.len(),
            Batch::Assignments(rows) => rows.len(),
            Batch::Visits(rows) => rows.len(),
            Batch::Residents(rows) => rows.len(),
            Batch::Events(rows) => rows.len(),
            Batch::Confirmations(rows) => rows.len(),
            Batch::Acknowledgements(rows) => rows.len(),
            Batch::Absences(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they would do, as the record is now.
    pub async fn check(&self, session: &mut Session) -> Result<Outcomes> {
        match self {
            Batch::Areas(rows) => areas::check(session, rows).await,
            Batch::Staff(rows) => staff::check(session, rows).await,
            Batch::Subjects(rows) => subjects::check(session, rows).await,
            Batch::Assignments(rows) => assignments::check(session, rows).await,
            Batch::Visits(rows) => visits::check(session, rows).await,
            Batch::Residents(rows) => subjects::check_registered(session, rows).await,
            Batch::Events(rows) => {
                let (happenings, known) = happenings(session, rows).await?;
                let outcomes = issues::check(session, &happenings).await?;
                Ok(merge(known, outcomes))
            }
            Batch::Confirmations(rows) => confirm::check(session, rows).await,
            Batch::Acknowledgements(rows) => issues::check_acknowledgements(session, rows).await,
            Batch::Absences(rows) => Ok(absences::check(rows)),
        }
    }

    /// Writes them with all that follows; nothing where any is wrong.
    pub async fn put(&self, tx: &mut Tx) -> Result<Outcomes> {
        match self {
            Batch::Areas(rows) => areas::put(tx, rows).await,
            Batch::Staff(rows) => staff::put(tx, rows).await,
            Batch::Subjects(rows) => subjects::put(tx, rows).await,
            Batch::Assignments(rows) => assignments::put(tx, rows).await,
            Batch::Visits(rows) => visits::record(tx, rows).await,
            Batch::Residents(rows) => subjects::register(tx, rows).await,
            Batch::Events(rows) => {
                let (happenings, known) = happenings(tx, rows).await?;
                let outcomes = if known.iter().all(Option::is_none) {
                    issues::put(tx, &happenings).await?
                } else {
                    issues::check(tx, &happenings).await?
                };
                Ok(merge(known, outcomes))
            }
            Batch::Confirmations(rows) => confirm::put(tx, rows).await,
            Batch::Acknowledgements(rows) => issues::acknowledge(tx, rows).await,
            Batch::Absences(rows) => absences::put(tx, rows).await,
        }
    }

    /// Leaves out what something is wrong with.
    pub fn without(&mut self, outcomes: &Outcomes) {
        fn retain<T>(rows: &mut Vec<T>, outcomes: &Outcomes) {
            let mut well = outcomes.iter().map(Result::is_ok);
            rows.retain(|_| well.next().unwrap_or(true));
        }
        match self {
            Batch::Areas(rows) => retain(rows, outcomes),
            Batch::Staff(rows) => retain(rows, outcomes),
            Batch::Subjects(rows) => retain(rows, outcomes),
            Batch::Assignments(rows) => retain(rows, outcomes),
            Batch::Visits(rows) => retain(rows, outcomes),
            Batch::Residents(rows) => retain(rows, outcomes),
            Batch::Events(rows) => retain(rows, outcomes),
            Batch::Confirmations(rows) => retain(rows, outcomes),
            Batch::Acknowledgements(rows) => retain(rows, outcomes),
            Batch::Absences(rows) => retain(rows, outcomes),
        }
    }
}

/// These changes as events of issues that are known, and for each change what is wrong with its number.
async fn happenings(
    session: &mut Session,
    rows: &[IssueChange],
) -> Result<(Vec<Happening>, Vec<Option<Problem>>)> {
    let numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    let issues = session.issues_numbered(&numbers).await?;
    let ids: HashMap<&str, &str> =
        issues.iter().map(|row| (row.number.as_str(), row.id.as_str())).collect();
    let (mut happenings, mut known) = (Vec::new(), Vec::new());
    for IssueChange { number, event, actor } in rows {
        let Some(id) = ids.get(number.as_str()) else {
            let text = format!("没有编号「{number}」的问题");
            known.push(Some(Problem::new(About::Issue, text)));
            continue;
        };
        let (issue_id, event, actor) = ((*id).to_owned(), event.clone(), actor.clone());
        happenings.push(Happening { issue_id, event, actor });
        known.push(None);
    }
    Ok((happenings, known))
}

fn merge(known: Vec<Option<Problem>>, outcomes: Outcomes) -> Outcomes {
    let mut outcomes = outcomes.into_iter();
    let outcome = |problem: Option<Problem>| match problem {
        Some(problem) => Some(Err(problem)),
        None => outcomes.next(),
    };
    known.into_iter().filter_map(outcome).collect()
}
