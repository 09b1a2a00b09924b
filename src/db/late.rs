//! Who is late with what, and what nobody is assigned to: read by set, for a day's reminders and for the status page.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::{Result, Session, word};
use crate::domain::duty::DutyKind;
use crate::domain::escalation::DueGroup;
use crate::domain::staff::Role;

#[derive(Deserialize)]
struct LateRow {
    kind: String,
    role: String,
    staff_id: Option<String>,
    area_id: String,
    due_on: String,
}

const COLUMNS: [&str; 5] = ["kind", "role", "staff_id", "area_id", "due_on"];
const LATE: &str =
    "SELECT DISTINCT b.kind, b.role, b.staff_id, b.area_id, b.due_on FROM duty_groups b
 WHERE b.due_on < $2 AND b.issue_id IS NULL
   AND EXISTS (SELECT 1 FROM duties d WHERE d.group_id = b.id AND d.state = 'open')";

#[derive(Deserialize)]
struct Unassigned {
    area_id: String,
    subjects: i64,
}

impl Session {
    /// What is open past its date, issues' own duties aside: of these people, and of whoever holds a role.
    pub async fn late_groups(&mut self, people: &[&str], today: Date) -> Result<Vec<DueGroup>> {
        let today = today.to_string();
        let theirs =
            format!("{LATE} AND b.staff_id IS NOT NULL AND b.staff_id {}", self.dialect.among());
        let mut rows: Vec<LateRow> = self.read_set(&COLUMNS, &theirs, people, &[&today]).await?;
        let by_role = format!("{LATE} AND b.staff_id IS NULL AND b.kind {}", self.dialect.among());
        let kinds: Vec<&str> = DutyKind::ALL.iter().map(|kind| kind.code()).collect();
        rows.extend(self.read_set::<LateRow>(&COLUMNS, &by_role, &kinds, &[&today]).await?);
        rows.into_iter().map(LateRow::group).collect()
    }

    /// How many subjects nobody is assigned to that nobody has visited yet, by area.
    pub async fn unassigned_by_area(&mut self) -> Result<HashMap<String, i64>> {
        let read = "SELECT b.area_id, COUNT(*) AS subjects FROM duty_groups b JOIN duties d ON d.group_id = b.id AND d.state = 'open'
             WHERE b.staff_id IS NULL AND b.issue_id IS NULL AND b.kind = $1 GROUP BY b.area_id";
        let kind = [DutyKind::Visit.code().into()];
        let rows: Vec<Unassigned> = self.read_rows(&["area_id", "subjects"], read, &kind).await?;
        Ok(rows.into_iter().map(|row| (row.area_id, row.subjects)).collect())
    }
}

impl LateRow {
    fn group(self) -> Result<DueGroup> {
        Ok(DueGroup {
            id: String::new(),
            kind: word("duty_groups.kind", &self.kind, DutyKind::read)?,
            role: word("duty_groups.role", &self.role, Role::read)?,
            due_on: super::date("duty_groups.due_on", &self.due_on)?,
            staff_id: self.staff_id,
            area_id: self.area_id,
            next_step: 0,
            open: 1,
            holder: None,
            category: None,
        })
    }
}
