//! Everything that is owed, one by one.

use jiff::civil::Date;

use super::{Result, Store, date, word};
use crate::domain::duty::DutyKind;
use crate::domain::staff::Role;

/// A duty with what its group says of it.
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
    pub next_step: i64,
    pub next_step_on: Option<Date>,
    pub group_id: String,
}

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
    next_step: i64,
    next_step_on: Option<String>,
    group_id: String,
}

from_row!(Row {
    duty_key,
    kind,
    state,
    staff_id,
    role,
    area_id,
    subject_id,
    resident_id,
    issue_id,
    due_on,
    next_step,
    next_step_on,
    group_id
});

impl Row {
    fn read(self) -> Result<DutyLine> {
        let on = self.next_step_on.as_deref().map(|on| date("duty_groups.next_step_on", on));
        Ok(DutyLine {
            kind: word("duties.kind", &self.kind, DutyKind::read)?,
            role: word("duty_groups.role", &self.role, Role::read)?,
            due_on: date("duty_groups.due_on", &self.due_on)?,
            next_step_on: on.transpose()?,
            key: self.duty_key,
            state: self.state,
            staff_id: self.staff_id,
            area_id: self.area_id,
            subject_id: self.subject_id,
            resident_id: self.resident_id,
            issue_id: self.issue_id,
            next_step: self.next_step,
            group_id: self.group_id,
        })
    }
}

impl Store {
    /// Every duty, by its key, after the one of key `after`, at most `limit`.
    pub async fn duty_lines(&self, after: &str, limit: i64) -> Result<Vec<DutyLine>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT d.duty_key, d.kind, d.state, b.staff_id, b.role, b.area_id, d.subject_id, d.resident_id, d.issue_id,
               b.due_on, b.next_step, b.next_step_on, d.group_id
             FROM duties d JOIN duty_groups b ON b.id = d.group_id WHERE d.duty_key > $1 ORDER BY d.duty_key LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Row::read).collect()
    }
}
