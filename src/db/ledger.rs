//! 台账: issues in the order of a list, read along the indexes that have this order, from a place in it on and at most so many.
//! Which of them are listed isn't asked here.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use super::dialect::Parameter;
use super::personal::ISSUE_TEXT;
use super::projection::Projection;
use super::{Context, Result, Session, date, instant};
use crate::domain::issue::{Issue, State};
use crate::domain::ledger::Order;

/// A part of all issues that has an index of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch {
    Everything,
    State(State),
    Area(String),
    Subject(String),
    Resident(String),
    /// Of the subjects that a person visits.
    Visitor(String),
}

/// An issue of a list. Its words stay sealed until somebody may read them.
#[derive(Debug, Clone)]
pub struct LedgerRow {
    pub id: String,
    pub number: String,
    pub area_id: String,
    pub subject_number: String,
    /// Of its subject, once assigned.
    pub visitor: Option<String>,
    pub issue: Issue,
    pub due_on: Option<Date>,
    pub registered_at: Timestamp,
    text_sealed: String,
}

impl LedgerRow {
    /// What was asked for.
    ///
    /// # Errors
    /// Where it can't be opened.
    pub fn text(&self, context: &Context) -> Result<String> {
        context.open(ISSUE_TEXT, &self.id, &self.text_sealed)
    }

    /// Its place in a list.
    pub fn place(&self) -> ListPlace {
        ListPlace { due_on: self.due_on, number: self.number.clone() }
    }
}

/// A place in a list: behind this issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPlace {
    /// As it was then.
    pub due_on: Option<Date>,
    pub number: String,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    number: String,
    area_id: String,
    subject_number: String,
    visitor: Option<String>,
    text_sealed: String,
    due_on: Option<String>,
    created_at: i64,
    #[serde(flatten)]
    projection: Projection,
}

const COLUMNS: [&str; 8] =
    ["id", "number", "area_id", "subject_number", "visitor", "text_sealed", "due_on", "created_at"];

/// What is open and has a date: as the index says it, or it isn't used.
pub(super) const OPEN: &str =
    "i.due_on IS NOT NULL AND i.state NOT IN ('resolved', 'closed', 'void')";

/// A statement under way.
struct Written {
    order: Order,
    parameters: Vec<Parameter>,
}

impl Written {
    /// The place of a parameter.
    fn bind(&mut self, text: &str) -> String {
        self.parameters.push(text.into());
        format!("${}", self.parameters.len())
    }

    const fn by(&self) -> &'static str {
        match self.order {
            Order::Newest => "number DESC",
            Order::Oldest => "number",
            Order::Due => "due_on, number",
        }
    }

    /// What lies behind a place.
    fn behind(&mut self, place: &ListPlace) -> String {
        let number = self.bind(&place.number);
        match (self.order, place.due_on) {
            (Order::Newest, _) => format!(" AND i.number < {number}"),
            (Order::Due, Some(due_on)) => {
                let due_on = self.bind(&due_on.to_string());
                format!(" AND (i.due_on, i.number) > ({due_on}, {number})")
            }
            (Order::Oldest | Order::Due, _) => format!(" AND i.number > {number}"),
        }
    }

    fn stretch(&mut self, stretch: &Stretch) -> (&'static str, String) {
        let among = |column: &str, value: String| ("issues i", format!("{column} = {value}"));
        match stretch {
            Stretch::Everything => ("issues i", "1 = 1".to_owned()),
            Stretch::State(state) => among("i.state", self.bind(state.code())),
            Stretch::Area(area) => among("i.area_id", self.bind(area)),
            Stretch::Subject(subject) => among("i.subject_id", self.bind(subject)),
            Stretch::Resident(resident) => among("i.resident_id", self.bind(resident)),
            Stretch::Visitor(person) => (
                // SQLite reads in the order of a cross join.
                "assignments a CROSS JOIN issues i",
                format!("i.subject_id = a.subject_id AND a.staff_id = {}", self.bind(person)),
            ),
        }
    }

    /// The first of a stretch.
    fn first_of(&mut self, stretch: &Stretch, after: Option<&ListPlace>, limit: usize) -> String {
        let (from, condition) = self.stretch(stretch);
        let open = if self.order == Order::Due { format!(" AND {OPEN}") } else { String::new() };
        let behind = after.map(|place| self.behind(place)).unwrap_or_default();
        let by: Vec<String> = self.by().split(", ").map(|key| format!("i.{key}")).collect();
        let by = by.join(", ");
        format!(
            "SELECT number, due_on FROM (SELECT i.number, i.due_on FROM {from} WHERE {condition}{open}{behind}
             ORDER BY {by} LIMIT {limit}) AS head"
        )
    }
}

impl Session {
    /// The issues of these stretches behind a place, at most so many. Each stretch is read as far as that.
    ///
    /// # Errors
    /// Where the database fails, or what it holds can't be understood.
    pub async fn ledger(
        &mut self,
        stretches: &[Stretch],
        order: Order,
        after: Option<&ListPlace>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        if stretches.is_empty() {
            return Ok(Vec::new());
        }
        let mut written = Written { order, parameters: Vec::new() };
        let mut firsts = String::new();
        for (nth, stretch) in stretches.iter().enumerate() {
            let union = if nth == 0 { "" } else { " UNION " };
            let _ = write!(firsts, "{union}{}", written.first_of(stretch, after, limit));
        }
        let by = written.by();
        let of_row: Vec<String> = by.split(", ").map(|key| format!("i.{key}")).collect();
        let query = format!(
            "SELECT i.id, i.number, i.area_id, s.number AS subject_number, a.staff_id AS visitor, i.text_sealed, i.due_on, i.created_at,
               i.state, i.round, i.level, i.category, i.urgency, i.town_finished, i.platform_finished
             FROM (SELECT number FROM ({firsts}) AS firsts ORDER BY {by} LIMIT {limit}) AS k
             CROSS JOIN issues i JOIN subjects s ON s.id = i.subject_id
             LEFT JOIN assignments a ON a.subject_id = i.subject_id WHERE i.number = k.number ORDER BY {}",
            of_row.join(", ")
        );
        let columns = [&COLUMNS[..], &Projection::COLUMNS].concat();
        let rows: Vec<Row> = self.read_rows(&columns, &query, &written.parameters).await?;
        rows.into_iter().map(Row::read).collect()
    }
}

impl Row {
    fn read(self) -> Result<LedgerRow> {
        Ok(LedgerRow {
            issue: self.projection.issue()?,
            due_on: self.due_on.as_deref().map(|on| date("issues.due_on", on)).transpose()?,
            registered_at: instant(self.created_at),
            id: self.id,
            number: self.number,
            area_id: self.area_id,
            subject_number: self.subject_number,
            visitor: self.visitor,
            text_sealed: self.text_sealed,
        })
    }
}
