//! What duties are about, opened for whoever owes them: the household, who asked for what and how to reach them, and what
//! happened so far. Only for pages behind a person's own link.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;

use super::personal::{
    EVENT_ACTOR, ISSUE_TEXT, RESIDENT_CONTACT, RESIDENT_NAME, STAFF_PHONE, SUBJECT_ADDRESS,
    SUBJECT_NAME, row_of,
};
use super::projection::Projection;
use super::{Context, Result, Session, date, instant};
use crate::domain::issue::{Event, Issue};
use crate::domain::subject::SubjectKind;

/// What a duty of a group is about.
#[derive(Debug, Clone, Deserialize)]
pub struct Matter {
    pub group_id: String,
    pub subject_id: Option<String>,
    pub resident_id: Option<String>,
    pub issue_id: Option<String>,
}

/// A subject, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    pub number: String,
    pub kind: String,
    pub name: String,
    pub address: Option<String>,
}

/// A resident, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub contact: Option<String>,
    pub household: Household,
}

/// An issue, opened.
#[derive(Debug, Clone)]
pub struct IssueMatter {
    pub id: String,
    pub number: String,
    pub text: String,
    pub issue: Issue,
    pub due_on: Option<jiff::civil::Date>,
    pub registered_at: Timestamp,
    pub resident_id: String,
    pub person: Person,
    /// What happened, and who did it, oldest first.
    pub history: Vec<(Timestamp, Event, String)>,
}

#[derive(Deserialize)]
struct HouseholdRow {
    subject: String,
    subject_number: String,
    subject_kind: String,
    subject_name: String,
    address: Option<String>,
}

#[derive(Deserialize)]
struct PersonRow {
    resident: String,
    resident_name: String,
    contact: Option<String>,
    #[serde(flatten)]
    household: HouseholdRow,
}

#[derive(Deserialize)]
struct IssueRow {
    id: String,
    number: String,
    text: String,
    created_at: i64,
    due_on: Option<String>,
    #[serde(flatten)]
    projection: Projection,
    #[serde(flatten)]
    person: PersonRow,
}

#[derive(Deserialize)]
struct Happened {
    issue_id: String,
    sequence: i64,
    at: i64,
    body: String,
    actor: String,
}

#[derive(Deserialize)]
struct Phone {
    id: String,
    phone_sealed: String,
}

const HOUSEHOLD: [&str; 5] =
    ["subject", "subject_number", "subject_kind", "subject_name", "address"];
const OF_HOUSEHOLD: &str = "s.id AS subject, s.number AS subject_number, s.kind AS subject_kind,
   s.name_sealed AS subject_name, s.address_sealed AS address";
const PERSON: [&str; 3] = ["resident", "resident_name", "contact"];
const OF_PERSON: &str =
    "r.id AS resident, r.name_sealed AS resident_name, r.contact_sealed AS contact";
const ISSUE: [&str; 5] = ["id", "number", "text", "created_at", "due_on"];

impl HouseholdRow {
    fn open(self, context: &Context) -> Result<Household> {
        let kind = SubjectKind::read(&self.subject_kind);
        Ok(Household {
            kind: kind.map_or(self.subject_kind, |kind| kind.chinese().to_owned()),
            number: self.subject_number,
            name: context.open(SUBJECT_NAME, &self.subject, &self.subject_name)?,
            address: context.open_optional(SUBJECT_ADDRESS, &self.subject, self.address)?,
        })
    }
}

impl PersonRow {
    fn open(self, context: &Context) -> Result<Person> {
        Ok(Person {
            name: context.open(RESIDENT_NAME, &self.resident, &self.resident_name)?,
            contact: context.open_optional(RESIDENT_CONTACT, &self.resident, self.contact)?,
            household: self.household.open(context)?,
        })
    }
}

impl Session {
    /// What is open in these groups, at most so many.
    pub async fn matters(&mut self, groups: &[&str], limit: usize) -> Result<Vec<Matter>> {
        let read = format!(
            "SELECT d.group_id, d.subject_id, d.resident_id, d.issue_id FROM duties d
             WHERE d.state = 'open' AND d.group_id {} ORDER BY d.group_id, d.duty_key LIMIT {limit}",
            self.dialect.among()
        );
        let columns = ["group_id", "subject_id", "resident_id", "issue_id"];
        self.read_set(&columns, &read, groups, &[]).await
    }

    /// These subjects, by id.
    pub async fn households(&mut self, ids: &[&str]) -> Result<HashMap<String, Household>> {
        let read =
            format!("SELECT {OF_HOUSEHOLD} FROM subjects s WHERE s.id {}", self.dialect.among());
        let rows: Vec<HouseholdRow> = self.read_set(&HOUSEHOLD, &read, ids, &[]).await?;
        rows.into_iter().map(|row| Ok((row.subject.clone(), row.open(&self.context)?))).collect()
    }

    /// These residents, by id.
    pub async fn people(&mut self, ids: &[&str]) -> Result<HashMap<String, Person>> {
        let read = format!(
            "SELECT {OF_PERSON}, {OF_HOUSEHOLD} FROM residents r JOIN subjects s ON s.id = r.subject_id WHERE r.id {}",
            self.dialect.among()
        );
        let columns = [&PERSON[..], &HOUSEHOLD[..]].concat();
        let rows: Vec<PersonRow> = self.read_set(&columns, &read, ids, &[]).await?;
        rows.into_iter().map(|row| Ok((row.resident.clone(), row.open(&self.context)?))).collect()
    }

    /// These issues, each with its history, by number.
    pub async fn issue_matters(&mut self, ids: &[&str]) -> Result<Vec<IssueMatter>> {
        let columns = [&ISSUE[..], &Projection::COLUMNS, &PERSON, &HOUSEHOLD].concat();
        let read = format!(
            "SELECT i.id, i.number, i.text_sealed AS text, i.created_at, i.due_on, i.state, i.round, i.level, i.category,
               i.urgency, i.town_finished, i.platform_finished, {OF_PERSON}, {OF_HOUSEHOLD}
             FROM issues i JOIN residents r ON r.id = i.resident_id JOIN subjects s ON s.id = i.subject_id
             WHERE i.id {} ORDER BY i.number",
            self.dialect.among()
        );
        let rows: Vec<IssueRow> = self.read_set(&columns, &read, ids, &[]).await?;
        let mut histories = self.histories_of(ids).await?;
        let context = self.shared_context();
        let matter = |row: IssueRow| {
            Ok(IssueMatter {
                history: histories.remove(&row.id).unwrap_or_default(),
                issue: row.projection.issue()?,
                due_on: row.due_on.map(|on| date("issues.due_on", &on)).transpose()?,
                text: context.open(ISSUE_TEXT, &row.id, &row.text)?,
                registered_at: instant(row.created_at),
                resident_id: row.person.resident.clone(),
                person: row.person.open(&context)?,
                id: row.id,
                number: row.number,
            })
        };
        rows.into_iter().map(matter).collect()
    }

    async fn histories_of(
        &mut self,
        issues: &[&str],
    ) -> Result<BTreeMap<String, Vec<(Timestamp, Event, String)>>> {
        let read = format!(
            "SELECT issue_id, sequence, at, body, actor FROM issue_events WHERE issue_id {} ORDER BY issue_id, sequence",
            self.dialect.among()
        );
        let columns = ["issue_id", "sequence", "at", "body", "actor"];
        let rows: Vec<Happened> = self.read_set(&columns, &read, issues, &[]).await?;
        let mut histories: BTreeMap<String, Vec<(Timestamp, Event, String)>> = BTreeMap::new();
        for Happened { issue_id, sequence, at, body, actor } in rows {
            let row = row_of(&issue_id, sequence);
            let actor = self.context.open(EVENT_ACTOR, &row, &actor)?;
            let happened = (instant(at), self.context.event(&row, &body)?, actor);
            histories.entry(issue_id).or_default().push(happened);
        }
        Ok(histories)
    }

    /// The telephone numbers of people, by id.
    pub async fn phones(&mut self, people: &[&str]) -> Result<HashMap<String, String>> {
        let read = format!(
            "SELECT id, phone_sealed FROM staff WHERE phone_sealed IS NOT NULL AND id {}",
            self.dialect.among()
        );
        let rows: Vec<Phone> = self.read_set(&["id", "phone_sealed"], &read, people, &[]).await?;
        let phone = |row: Phone| {
            let phone = self.context.open(STAFF_PHONE, &row.id, &row.phone_sealed)?;
            Ok((row.id, phone))
        };
        rows.into_iter().map(phone).collect()
    }
}
