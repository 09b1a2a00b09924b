//! What is known of issues and of what was drawn for a check, as far as a table may say it beside their numbers.

use jiff::civil::Date;
use serde::Deserialize;

use super::personal::{ISSUE_TEXT, RESIDENT_NAME, STAFF_NAME, SUBJECT_ADDRESS, SUBJECT_NAME};
use super::{Context, Result, Session, date, word};
use crate::domain::issue::{Category, State};

/// What is known of an issue. Personal: opened.
pub struct IssueBeside {
    pub number: String,
    pub state: State,
    pub is_classified: bool,
    pub text: String,
    pub resident: String,
    pub subject_number: String,
    pub subject_name: String,
    pub address: Option<String>,
    pub category: Option<Category>,
    pub area_id: String,
    /// Who made the visit at which it was told: number and name.
    pub visitor: (String, String),
    pub visited_on: Date,
    pub due_on: Option<Date>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    number: String,
    state: String,
    level: Option<String>,
    text_sealed: String,
    resident_id: String,
    resident_sealed: String,
    subject_id: String,
    subject_number: String,
    subject_sealed: String,
    address_sealed: Option<String>,
    category: Option<String>,
    area_id: String,
    visitor_id: String,
    visitor_number: String,
    visitor_sealed: String,
    visited_on: String,
    due_on: Option<String>,
}

const COLUMNS: [&str; 18] = [
    "id",
    "number",
    "state",
    "level",
    "text_sealed",
    "resident_id",
    "resident_sealed",
    "subject_id",
    "subject_number",
    "subject_sealed",
    "address_sealed",
    "category",
    "area_id",
    "visitor_id",
    "visitor_number",
    "visitor_sealed",
    "visited_on",
    "due_on",
];

impl Row {
    fn open(self, context: &Context) -> Result<IssueBeside> {
        Ok(IssueBeside {
            state: word("issues.state", &self.state, State::read)?,
            is_classified: self.level.is_some(),
            text: context.open(ISSUE_TEXT, &self.id, &self.text_sealed)?,
            resident: context.open(RESIDENT_NAME, &self.resident_id, &self.resident_sealed)?,
            subject_name: context.open(SUBJECT_NAME, &self.subject_id, &self.subject_sealed)?,
            address: context.open_optional(
                SUBJECT_ADDRESS,
                &self.subject_id,
                self.address_sealed,
            )?,
            category: self.category.as_deref().and_then(Category::read),
            visitor: (
                self.visitor_number,
                context.open(STAFF_NAME, &self.visitor_id, &self.visitor_sealed)?,
            ),
            visited_on: date("visits.visited_on", &self.visited_on)?,
            due_on: self.due_on.map(|on| date("issues.due_on", &on)).transpose()?,
            number: self.number,
            subject_number: self.subject_number,
            area_id: self.area_id,
        })
    }
}

#[derive(Deserialize)]
struct Drawn {
    number: String,
    subject: String,
}

impl Session {
    /// What is known of the issues of these numbers.
    pub async fn issues_beside(&mut self, numbers: &[&str]) -> Result<Vec<IssueBeside>> {
        let query = format!(
            "SELECT i.id, i.number, i.state, i.level, i.text_sealed, r.id AS resident_id, r.name_sealed AS resident_sealed,
               s.id AS subject_id, s.number AS subject_number, s.name_sealed AS subject_sealed, s.address_sealed, i.category,
               i.area_id,
               p.id AS visitor_id, p.number AS visitor_number, p.name AS visitor_sealed, v.visited_on, i.due_on
             FROM issues i JOIN subjects s ON s.id = i.subject_id JOIN residents r ON r.id = i.resident_id
             JOIN visits v ON v.id = i.visit_id JOIN staff p ON p.id = v.staff_id WHERE i.number {}",
            self.dialect.among()
        );
        let rows: Vec<Row> = self.read_set(&COLUMNS, &query, numbers, &[]).await?;
        rows.into_iter().map(|row| row.open(&self.context)).collect()
    }

    /// The numbers of the subjects that were drawn under these numbers, behind those.
    pub async fn subjects_drawn(&mut self, numbers: &[&str]) -> Result<Vec<(String, String)>> {
        let query = format!(
            "SELECT n.number, s.number AS subject FROM inspections n JOIN subjects s ON s.id = n.subject_id WHERE n.number {}",
            self.dialect.among()
        );
        let rows: Vec<Drawn> = self.read_set(&["number", "subject"], &query, numbers, &[]).await?;
        Ok(rows.into_iter().map(|row| (row.number, row.subject)).collect())
    }
}
