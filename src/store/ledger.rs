//! Everything that is owed, one by one.

use jiff::civil::Date;
use sqlx::FromRow;

use super::{Result, Store, date, word};
use crate::domain::duty::DutyKind;
use crate::domain::staff::Role;

/// A duty with what its bundle says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutyLine {
    pub key: String,
    pub kind: DutyKind,
    /// open, met or cancelled
    pub state: String,
    pub staff_id: Option<String>,
    pub role: Role,
    pub area_id: String,
    pub subject_id: Option<String>,
    pub resident_id: Option<String>,
    pub issue_id: Option<String>,
    pub due_on: Date,
    pub next_rung: i64,
    pub next_rung_on: Option<Date>,
    pub bundle_id: String,
}

#[derive(FromRow)]
struct Row {
    duty_key: String,
    kind: String,
    state: String,
    staff_id: Option<String>,
    role: String,
    area_id: String,
    subject_id: Option<String>,
    resident_id: Option<String>,
    issue_id: Option<String>,
    due_on: String,
    next_rung: i64,
    next_rung_on: Option<String>,
    bundle_id: String,
}

impl Row {
    fn read(self) -> Result<DutyLine> {
        let on = self.next_rung_on.as_deref().map(|on| date("bundles.next_rung_on", on));
        Ok(DutyLine {
            kind: word("duties.kind", &self.kind, DutyKind::read)?,
            role: word("bundles.role", &self.role, Role::read)?,
            due_on: date("bundles.due_on", &self.due_on)?,
            next_rung_on: on.transpose()?,
            key: self.duty_key,
            state: self.state,
            staff_id: self.staff_id,
            area_id: self.area_id,
            subject_id: self.subject_id,
            resident_id: self.resident_id,
            issue_id: self.issue_id,
            next_rung: self.next_rung,
            bundle_id: self.bundle_id,
        })
    }
}

impl Store {
    /// Every duty, by its key, after the one of key `after`, at most `limit`.
    pub async fn duty_lines(&self, after: &str, limit: i64) -> Result<Vec<DutyLine>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT d.duty_key, d.kind, d.state, b.staff_id, b.role, b.area_id, d.subject_id, d.resident_id, d.issue_id,
               b.due_on, b.next_rung, b.next_rung_on, d.bundle_id
             FROM duties d JOIN bundles b ON b.id = d.bundle_id WHERE d.duty_key > $1 ORDER BY d.duty_key LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Row::read).collect()
    }
}
