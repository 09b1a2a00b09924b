//! What is missing, by name: every open duty with the subject and the resident it is about, and who is registered at a
//! subject and hasn't been heard.

use jiff::civil::Date;
use serde::Deserialize;

use super::personal::{RESIDENT_NAME, SUBJECT_NAME};
use super::{Context, Result, Session, date, word};
use crate::domain::duty::DutyKind;
use crate::domain::mask;
use crate::domain::staff::Role;
use crate::domain::subject::SubjectKind;

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub key: String,
    pub kind: DutyKind,
    pub group_id: String,
    /// Whose it is by name, by id; nothing where whoever holds the role owes it.
    pub staff: Option<String>,
    pub role: Role,
    pub area_id: String,
    pub due_on: Date,
    pub subject: Option<String>,
    pub subject_kind: Option<SubjectKind>,
    pub subject_name: Option<String>,
    pub resident: Option<String>,
    pub issue: Option<String>,
}

/// Somebody who is registered at a subject and of whom nobody knows anything yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheard {
    pub subject: String,
    pub resident: String,
}

/// The columns of a [`MissingRow`].
const COLUMNS: [&str; 14] = [
    "duty_key",
    "kind",
    "group_id",
    "staff",
    "role",
    "area_id",
    "due_on",
    "subject",
    "subject_kind",
    "subject_id",
    "subject_name",
    "resident_id",
    "resident",
    "issue",
];

#[derive(Deserialize)]
struct MissingRow {
    duty_key: String,
    kind: String,
    group_id: String,
    staff: Option<String>,
    role: String,
    area_id: String,
    due_on: String,
    subject: Option<String>,
    subject_kind: Option<String>,
    subject_id: Option<String>,
    subject_name: Option<String>,
    resident_id: Option<String>,
    resident: Option<String>,
    issue: Option<String>,
}

impl MissingRow {
    fn read(self, context: &Context, reveals: bool) -> Result<Missing> {
        let subject = self.subject_id.unwrap_or_default();
        let subject_name = match (&self.subject_kind, self.subject_name) {
            (Some(kind), Some(sealed)) if !reveals => {
                Some(context.masked_name(&subject, kind, &sealed)?)
            }
            (_, sealed) => context.open_optional(SUBJECT_NAME, &subject, sealed)?,
        };
        let resident_id = self.resident_id.unwrap_or_default();
        let resident = context.open_optional(RESIDENT_NAME, &resident_id, self.resident)?;
        Ok(Missing {
            kind: word("duties.kind", &self.kind, DutyKind::read)?,
            role: word("duty_groups.role", &self.role, Role::read)?,
            due_on: date("duty_groups.due_on", &self.due_on)?,
            subject_kind: self.subject_kind.as_deref().and_then(SubjectKind::read),
            resident: resident.map(|name| if reveals { name } else { mask::name(&name) }),
            key: self.duty_key,
            group_id: self.group_id,
            staff: self.staff,
            area_id: self.area_id,
            subject: self.subject,
            subject_name,
            issue: self.issue,
        })
    }
}

#[derive(Deserialize)]
struct UnheardRow {
    id: String,
    subject: String,
    resident: String,
}

impl Session {
    /// What is missing, by its duty's key, after the one of key `after`, at most `limit`. Names are masked unless they are
    /// to be revealed.
    pub async fn missing(
        &mut self,
        after: &str,
        limit: i64,
        reveals: bool,
    ) -> Result<Vec<Missing>> {
        // What is about an issue is missing where that arose, though a department of the town owes it.
        let query = "SELECT d.duty_key, d.kind, d.group_id, b.staff_id AS staff, b.role, COALESCE(i.area_id, b.area_id) AS area_id,
               b.due_on, s.number AS subject,
               s.kind AS subject_kind, s.id AS subject_id, s.name_sealed AS subject_name, r.id AS resident_id,
               r.name_sealed AS resident, i.number AS issue
             FROM duties d JOIN duty_groups b ON b.id = d.group_id LEFT JOIN subjects s ON s.id = d.subject_id
             LEFT JOIN issues i ON i.id = d.issue_id
             LEFT JOIN residents r ON r.id = COALESCE(d.resident_id, i.resident_id)
             WHERE d.state = 'open' AND d.duty_key > $1 ORDER BY d.duty_key LIMIT $2";
        let rows: Vec<MissingRow> =
            self.read_rows(&COLUMNS, query, &[after.into(), limit.into()]).await?;
        rows.into_iter().map(|row| row.read(&self.context, reveals)).collect()
    }

    /// What is missing of one kind in these areas, or of it what was due before a day, by its duty's key, after the one of key
    /// `after`, at most `limit`; names are masked.
    pub async fn missing_in(
        &mut self,
        areas: &[&str],
        kind: DutyKind,
        due_before: Option<Date>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Missing>> {
        let late = if due_before.is_some() { "AND b.due_on < $4" } else { "" };
        let query = format!(
            "SELECT d.duty_key, d.kind, d.group_id, b.staff_id AS staff, b.role, b.area_id, b.due_on, s.number AS subject,
               s.kind AS subject_kind, s.id AS subject_id, s.name_sealed AS subject_name, r.id AS resident_id,
               r.name_sealed AS resident, i.number AS issue
             FROM duty_groups b JOIN duties d ON d.group_id = b.id LEFT JOIN subjects s ON s.id = d.subject_id
             LEFT JOIN issues i ON i.id = d.issue_id
             LEFT JOIN residents r ON r.id = COALESCE(d.resident_id, i.resident_id)
             WHERE b.kind = $2 AND b.area_id {} AND d.state = 'open' AND d.duty_key > $3 {late}
             ORDER BY d.duty_key LIMIT {limit}",
            self.dialect.among()
        );
        let day = due_before.map(|day| day.to_string());
        let texts: Vec<&str> = [kind.code(), after].into_iter().chain(day.as_deref()).collect();
        let rows: Vec<MissingRow> = self.read_set(&COLUMNS, &query, areas, &texts).await?;
        rows.into_iter().map(|row| row.read(&self.context, false)).collect()
    }

    /// Who of the residents that are registered at the subjects of these numbers hasn't been heard, nor is it recorded why
    /// not.
    pub async fn unheard_at(&mut self, subjects: &[&str], reveals: bool) -> Result<Vec<Unheard>> {
        let since = self.campaign().starts_on().to_string();
        let query = format!(
            "SELECT r.id, s.number AS subject, r.name_sealed AS resident FROM subjects s JOIN residents r ON r.subject_id = s.id
             WHERE s.number {} AND r.registered = 1 AND r.unheard_sealed IS NULL
               AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.resident_id = r.id AND v.kind = 'first' AND v.visited_on >= $2)
             ORDER BY s.number, r.id",
            self.dialect.among()
        );
        let rows: Vec<UnheardRow> =
            self.read_set(&["id", "subject", "resident"], &query, subjects, &[&since]).await?;
        let read = |row: UnheardRow| {
            let name = self.context.open(RESIDENT_NAME, &row.id, &row.resident)?;
            let resident = if reveals { name } else { mask::name(&name) };
            Ok(Unheard { subject: row.subject, resident })
        };
        rows.into_iter().map(read).collect()
    }
}
