//! What the record holds as tables: numbers and persons in the place of ids, opened, a page at a time.
//!
//! Visits come in two: those at which something was asked for, by the issues' numbers, so that they come by the same numbers in a
//! record that has none yet; and the others.

use serde::Deserialize;

use super::dialect::Parameter;
use super::personal::{
    ISSUE_TEXT, RESIDENT_CONTACT, RESIDENT_NAME, RESIDENT_UNHEARD, SUBJECT_ADDRESS, SUBJECT_NAME,
};
use super::{Context, Result, Session, SubjectStanding};

/// A subject.
#[derive(Debug, Deserialize)]
pub struct SubjectOut {
    pub id: String,
    pub number: String,
    pub kind: String,
    pub area_id: String,
    name_sealed: String,
    address_sealed: Option<String>,
    ended_on: Option<String>,
    ended_why: Option<String>,
    ended_words_sealed: Option<String>,
}

/// The same of one that isn't to be visited any more.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct EndedOut(pub SubjectOut);

/// Whom somebody visits.
#[derive(Debug, Deserialize)]
pub struct AssignmentOut {
    pub id: String,
    pub subject: String,
    pub visitor: String,
}

/// Somebody registered at a subject.
#[derive(Debug, Deserialize)]
pub struct ResidentOut {
    pub id: String,
    pub subject: String,
    name_sealed: String,
    contact_sealed: Option<String>,
    unheard_sealed: Option<String>,
}

/// A visit with one of the issues that were heard at it.
#[derive(Debug, Deserialize)]
pub struct VisitOut {
    pub id: String,
    pub kind: String,
    pub visited_on: String,
    pub satisfaction: Option<String>,
    pub face_to_face: i64,
    pub subject: String,
    pub visitor: String,
    resident: String,
    issue: Option<String>,
    name_sealed: String,
    contact_sealed: Option<String>,
    text_sealed: Option<String>,
    pub level: Option<String>,
    pub category: Option<String>,
    pub urgency: Option<String>,
}

/// The same of an issue, in the order of the issues' numbers.
#[derive(Debug, Deserialize)]
pub struct HeardOut {
    pub number: String,
    #[serde(flatten)]
    pub visit: VisitOut,
}

/// The same where nothing was asked for.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct QuietOut(pub VisitOut);

/// That somebody is away.
#[derive(Debug, Deserialize)]
pub struct AbsenceOut {
    pub id: String,
    pub person: String,
    pub from_date: String,
    pub until_date: String,
    pub deputy: Option<String>,
}

/// A table that is read page by page, by the ids of its rows, or by the numbers that people see where an index has them.
pub trait Page: serde::de::DeserializeOwned + Send {
    /// Its columns and its query: `$1` is the id or number after which it goes on, `$2` how many of them are wanted.
    const COLUMNS: &'static [&'static str];
    const QUERY: &'static str;

    /// The row's id or number, by which the next page goes on.
    fn key(&self) -> &str;
}

macro_rules! pages {
    ($($row:ident by $key:ident: $columns:expr, $query:literal;)+) => {
        $(impl Page for $row {
            const COLUMNS: &'static [&'static str] = &$columns;
            const QUERY: &'static str = $query;

            fn key(&self) -> &str {
                &self.$key
            }
        })+
    };
}

pages! {
    SubjectOut by number: [
        "id", "number", "kind", "area_id", "name_sealed", "address_sealed", "ended_on", "ended_why", "ended_words_sealed"
    ],
        "SELECT id, number, kind, area_id, name_sealed, address_sealed, ended_on, ended_why, ended_words_sealed FROM subjects
         WHERE number > $1 ORDER BY number LIMIT $2";
    AssignmentOut by subject: ["id", "subject", "visitor"],
        "SELECT a.id, s.number AS subject, f.number AS visitor FROM subjects s
         JOIN assignments a ON a.subject_id = s.id JOIN staff f ON f.id = a.staff_id WHERE s.number > $1 ORDER BY s.number LIMIT $2";
    ResidentOut by id: ["id", "subject", "name_sealed", "contact_sealed", "unheard_sealed"],
        "SELECT r.id, s.number AS subject, r.name_sealed, r.contact_sealed, r.unheard_sealed FROM residents r
         JOIN subjects s ON s.id = r.subject_id WHERE r.registered = 1 AND r.id > $1 ORDER BY r.id LIMIT $2";
    VisitOut by id: [
        "id", "kind", "visited_on", "satisfaction", "face_to_face", "subject", "visitor", "resident",
        "issue", "name_sealed", "contact_sealed", "text_sealed", "level", "category", "urgency"
    ],
        "SELECT v.id, v.kind, v.visited_on, v.satisfaction, v.face_to_face, s.number AS subject, f.number AS visitor,
           r.id AS resident, i.id AS issue, r.name_sealed, r.contact_sealed, i.text_sealed, i.level, i.category, i.urgency FROM visits v
         JOIN subjects s ON s.id = v.subject_id JOIN staff f ON f.id = v.staff_id JOIN residents r ON r.id = v.resident_id
         LEFT JOIN issues i ON i.visit_id = v.id
         WHERE v.id IN (SELECT id FROM visits WHERE id > $1 ORDER BY id LIMIT $2) ORDER BY v.id, i.number";
    AbsenceOut by id: ["id", "person", "from_date", "until_date", "deputy"],
        "SELECT a.id, f.number AS person, a.from_date, a.until_date, d.number AS deputy FROM absences a
         JOIN staff f ON f.id = a.staff_id LEFT JOIN staff d ON d.id = a.deputy_id WHERE a.id > $1 ORDER BY a.id LIMIT $2";
}

impl Page for HeardOut {
    const COLUMNS: &'static [&'static str] = &[
        "number",
        "id",
        "kind",
        "visited_on",
        "satisfaction",
        "face_to_face",
        "subject",
        "visitor",
        "resident",
        "issue",
        "name_sealed",
        "contact_sealed",
        "text_sealed",
        "level",
        "category",
        "urgency",
    ];
    const QUERY: &'static str = "SELECT i.number, v.id, v.kind, v.visited_on, v.satisfaction, v.face_to_face,
           s.number AS subject, f.number AS visitor, r.id AS resident, i.id AS issue, r.name_sealed, r.contact_sealed,
           i.text_sealed, i.level, i.category, i.urgency
         FROM issues i JOIN visits v ON v.id = i.visit_id JOIN subjects s ON s.id = v.subject_id
         JOIN staff f ON f.id = v.staff_id JOIN residents r ON r.id = v.resident_id
         WHERE i.number > $1 ORDER BY i.number LIMIT $2";

    fn key(&self) -> &str {
        &self.number
    }
}

impl Page for QuietOut {
    const COLUMNS: &'static [&'static str] = VisitOut::COLUMNS;
    const QUERY: &'static str = "SELECT v.id, v.kind, v.visited_on, v.satisfaction, v.face_to_face, s.number AS subject,
           f.number AS visitor, r.id AS resident, NULL AS issue, r.name_sealed, r.contact_sealed, NULL AS text_sealed,
           NULL AS level, NULL AS category, NULL AS urgency
         FROM visits v JOIN subjects s ON s.id = v.subject_id JOIN staff f ON f.id = v.staff_id
         JOIN residents r ON r.id = v.resident_id
         WHERE v.id > $1 AND NOT EXISTS (SELECT 1 FROM issues i WHERE i.resident_id = v.resident_id AND i.visit_id = v.id)
         ORDER BY v.id LIMIT $2";

    fn key(&self) -> &str {
        &self.0.id
    }
}

impl Session {
    /// The rows of a table after the one of id `after`; of so many ids at the most.
    pub async fn page_of<P: Page>(&mut self, after: &str, limit: i64) -> Result<Vec<P>> {
        let parameters = [Parameter::from(after), Parameter::from(limit)];
        self.read_rows(P::COLUMNS, P::QUERY, &parameters).await
    }
}

impl SubjectOut {
    /// Its name and its address.
    pub fn open(&self, context: &Context) -> Result<(String, Option<String>)> {
        let address = self.address_sealed.clone();
        let address = context.open_optional(SUBJECT_ADDRESS, &self.id, address)?;
        Ok((context.open(SUBJECT_NAME, &self.id, &self.name_sealed)?, address))
    }
}

impl SubjectOut {
    /// Whether it isn't to be visited any more.
    pub fn standing(&self, context: &Context) -> Result<SubjectStanding> {
        let ended = (self.ended_on.as_deref(), self.ended_why.as_deref());
        SubjectStanding::open(context, &self.id, ended, self.ended_words_sealed.clone())
    }
}

impl Page for EndedOut {
    const COLUMNS: &'static [&'static str] = SubjectOut::COLUMNS;
    const QUERY: &'static str =
        "SELECT id, number, kind, area_id, name_sealed, address_sealed, ended_on, ended_why, ended_words_sealed FROM subjects
         WHERE ended_on IS NOT NULL AND number > $1 ORDER BY number LIMIT $2";

    fn key(&self) -> &str {
        &self.0.number
    }
}

impl ResidentOut {
    /// Their name, their contact, and why they couldn't be heard.
    pub fn open(&self, context: &Context) -> Result<(String, Option<String>, Option<String>)> {
        let (contact, unheard) = (self.contact_sealed.clone(), self.unheard_sealed.clone());
        let contact = context.open_optional(RESIDENT_CONTACT, &self.id, contact)?;
        let unheard = context.open_optional(RESIDENT_UNHEARD, &self.id, unheard)?;
        Ok((context.open(RESIDENT_NAME, &self.id, &self.name_sealed)?, contact, unheard))
    }
}

impl VisitOut {
    /// Who was met, how they are reached, and what they said.
    pub fn open(&self, context: &Context) -> Result<(String, Option<String>, Option<String>)> {
        let (of, contact, text) =
            (&self.resident, self.contact_sealed.clone(), self.text_sealed.clone());
        let contact = context.open_optional(RESIDENT_CONTACT, of, contact)?;
        let issue = self.issue.as_deref().unwrap_or_default();
        let text = context.open_optional(ISSUE_TEXT, issue, text)?;
        Ok((context.open(RESIDENT_NAME, of, &self.name_sealed)?, contact, text))
    }

    /// Whether an issue was heard.
    pub fn has_issue(&self) -> bool {
        self.text_sealed.is_some()
    }
}
