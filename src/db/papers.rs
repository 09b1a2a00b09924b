//! What is handed in, read an area and a page at a time: subjects with who visits them, who was met, what was asked for,
//! and what was answered at the revisit.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::dialect::Parameter;
use super::personal::{
    INSPECTION_NOTE, ISSUE_TEXT, RESIDENT_CONTACT, RESIDENT_NAME, STAFF_PHONE, SUBJECT_ADDRESS,
    SUBJECT_NAME,
};
use super::subjects::ended_of;
use super::{Context, Result, Session, date, word};
use crate::domain::duty::{self, DutyKind};
use crate::domain::subject::{Ended, SubjectKind, SubjectState};
use crate::domain::visit::Satisfaction;

/// A day up to whose end something is told, and the first day that counts.
#[derive(Debug, Clone)]
pub struct Span {
    pub from: Date,
    pub on: Date,
    /// The end of that day, in milliseconds.
    pub before: i64,
}

/// A subject, opened.
#[derive(Debug, Clone)]
pub struct SubjectLine {
    pub id: String,
    pub number: String,
    pub kind: Option<SubjectKind>,
    pub name: String,
    pub address: Option<String>,
    pub visitor: Option<String>,
    /// Whether its first visit is complete, and when whoever is registered there had been met.
    pub visited: bool,
    pub visited_on: Option<Date>,
    /// How many were met there, and how many who are registered there are left.
    pub met: i64,
    pub left: i64,
    /// That it wasn't to be visited any more by that day.
    pub ended: Option<Ended>,
}

impl SubjectLine {
    /// Why it counts as neither visited nor missing: it ended before its visit.
    pub fn dropped(&self) -> Option<SubjectState> {
        self.ended.filter(|_| !self.visited).map(|ended| ended.why)
    }

    /// Whether somebody was met there, and it's still owed.
    pub fn is_begun(&self) -> bool {
        !self.visited && self.met > 0 && self.ended.is_none()
    }
}

/// A resident who was met on a first visit, opened.
#[derive(Debug, Clone)]
pub struct MetLine {
    pub resident_id: String,
    pub subject_id: String,
    pub name: String,
    pub contact: Option<String>,
    pub visited_on: Date,
    pub visitor: String,
    pub face_to_face: bool,
    /// What they asked for that isn't void.
    pub issues: i64,
}

/// What a resident last answered at a revisit, opened.
#[derive(Debug, Clone)]
pub struct AnswerLine {
    pub resident_id: String,
    pub subject_id: String,
    pub name: String,
    pub contact: Option<String>,
    pub on: Date,
    pub visitor: String,
    pub answer: Satisfaction,
}

/// An issue as it was heard, opened.
#[derive(Debug, Clone)]
pub struct IssueLine {
    pub id: String,
    pub number: String,
    pub created_at: i64,
    pub area_id: String,
    pub text: String,
    pub resident: String,
    pub contact: Option<String>,
    pub subject_id: String,
    pub subject: String,
    pub subject_kind: Option<SubjectKind>,
    pub subject_name: String,
    pub address: Option<String>,
    pub heard_on: Date,
    pub heard_by: String,
    pub visitor: Option<String>,
}

/// What an inspector noted of a day, opened.
#[derive(Debug, Clone)]
pub struct NoteLine {
    pub on: String,
    pub staff_id: String,
    pub text: String,
}

/// That somebody of the inspection group was at a subject, with its name masked.
#[derive(Debug, Clone)]
pub struct SpotLine {
    pub on: String,
    pub staff_id: String,
    pub area_id: String,
    pub subject: String,
    pub subject_name: String,
    /// How many demands they wrote down there.
    pub demands: i64,
}

#[derive(Deserialize)]
struct SubjectRow {
    id: String,
    number: String,
    kind: String,
    name_sealed: String,
    address_sealed: Option<String>,
    visitor: Option<String>,
    met_at: Option<i64>,
    visited_on: Option<String>,
    met: i64,
    left_over: i64,
    ended_on: Option<String>,
    ended_why: Option<String>,
}

impl SubjectRow {
    fn read(self, context: &Context, span: &Span) -> Result<SubjectLine> {
        let visited_on = self.visited_on.map(|on| date("visits.visited_on", &on)).transpose()?;
        let ended = ended_of(self.ended_on.as_deref(), self.ended_why.as_deref())?;
        // A visit counts by its own day, though it was recorded later.
        let all = self.met > 0 && self.left_over == 0;
        let visited = self.met_at.is_some_and(|at| at < span.before || all);
        Ok(SubjectLine {
            kind: SubjectKind::read(&self.kind),
            name: context.open(SUBJECT_NAME, &self.id, &self.name_sealed)?,
            address: context.open_optional(SUBJECT_ADDRESS, &self.id, self.address_sealed)?,
            visited,
            id: self.id,
            number: self.number,
            visitor: self.visitor,
            visited_on: visited_on.filter(|_| visited),
            met: self.met,
            left: self.left_over,
            ended: ended.filter(|ended| ended.on <= span.on),
        })
    }
}

#[derive(Deserialize)]
struct PersonRow {
    id: String,
    subject_id: String,
    name_sealed: String,
    contact_sealed: Option<String>,
    visited_on: String,
    visitor: String,
    face_to_face: i64,
    satisfaction: Option<String>,
    issues: i64,
}

const PERSON: [&str; 9] = [
    "id",
    "subject_id",
    "name_sealed",
    "contact_sealed",
    "visited_on",
    "visitor",
    "face_to_face",
    "satisfaction",
    "issues",
];

impl PersonRow {
    fn open(&self, context: &Context) -> Result<(String, Option<String>, Date)> {
        let contact = self.contact_sealed.clone();
        Ok((
            context.open(RESIDENT_NAME, &self.id, &self.name_sealed)?,
            context.open_optional(RESIDENT_CONTACT, &self.id, contact)?,
            date("visits.visited_on", &self.visited_on)?,
        ))
    }
}

#[derive(Deserialize)]
struct IssueRow {
    id: String,
    number: String,
    created_at: i64,
    area_id: String,
    text_sealed: String,
    resident_id: String,
    resident: String,
    contact: Option<String>,
    subject_id: String,
    subject: String,
    subject_kind: String,
    subject_name: String,
    address: Option<String>,
    heard_on: String,
    heard_by: String,
    visitor: Option<String>,
}

const ISSUE: [&str; 16] = [
    "id",
    "number",
    "created_at",
    "area_id",
    "text_sealed",
    "resident_id",
    "resident",
    "contact",
    "subject_id",
    "subject",
    "subject_kind",
    "subject_name",
    "address",
    "heard_on",
    "heard_by",
    "visitor",
];

impl IssueRow {
    fn read(self, context: &Context) -> Result<IssueLine> {
        Ok(IssueLine {
            text: context.open(ISSUE_TEXT, &self.id, &self.text_sealed)?,
            resident: context.open(RESIDENT_NAME, &self.resident_id, &self.resident)?,
            contact: context.open_optional(RESIDENT_CONTACT, &self.resident_id, self.contact)?,
            subject_kind: SubjectKind::read(&self.subject_kind),
            subject_name: context.open(SUBJECT_NAME, &self.subject_id, &self.subject_name)?,
            address: context.open_optional(SUBJECT_ADDRESS, &self.subject_id, self.address)?,
            heard_on: date("visits.visited_on", &self.heard_on)?,
            id: self.id,
            number: self.number,
            created_at: self.created_at,
            area_id: self.area_id,
            subject_id: self.subject_id,
            subject: self.subject,
            heard_by: self.heard_by,
            visitor: self.visitor,
        })
    }
}

impl Session {
    /// The subjects that lie in an area itself, by number, after the one of number `after`; what had ended before the first of
    /// these days is none of the campaign's.
    pub async fn subject_lines(
        &mut self,
        area: &str,
        after: &str,
        span: &Span,
        limit: i64,
    ) -> Result<Vec<SubjectLine>> {
        let first = "v.kind = 'first' AND v.visited_on >= $4 AND v.visited_on <= $5";
        let query = format!(
            "SELECT s.id, s.number, s.kind, s.name_sealed, s.address_sealed, a.staff_id AS visitor,
               CASE WHEN d.state = 'met' THEN COALESCE(d.met_at, 0) END AS met_at, s.ended_on, s.ended_why,
               COALESCE((SELECT MAX(f.met_on) FROM (SELECT MIN(v.visited_on) AS met_on FROM residents r
                   JOIN visits v ON v.resident_id = r.id WHERE r.subject_id = s.id AND r.registered = 1 AND {first}
                   GROUP BY r.id) AS f),
                 (SELECT MIN(v.visited_on) FROM visits v WHERE v.subject_id = s.id AND {first})) AS visited_on,
               (SELECT COUNT(DISTINCT v.resident_id) FROM visits v WHERE v.subject_id = s.id AND {first}) AS met,
               (SELECT COUNT(*) FROM residents r WHERE r.subject_id = s.id AND r.registered = 1 AND r.unheard_sealed IS NULL
                 AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.resident_id = r.id AND {first})) AS left_over
             FROM subjects s LEFT JOIN assignments a ON a.subject_id = s.id
             LEFT JOIN duties d ON d.duty_key = '{}' || s.id
             WHERE s.area_id = $1 AND s.number > $2 AND (s.ended_on IS NULL OR s.ended_on >= $4) ORDER BY s.number LIMIT $3",
            duty::key(DutyKind::Visit, "", 1)
        );
        let columns = [
            "id",
            "number",
            "kind",
            "name_sealed",
            "address_sealed",
            "visitor",
            "met_at",
            "visited_on",
            "met",
            "left_over",
            "ended_on",
            "ended_why",
        ];
        let mut parameters: Vec<Parameter> = vec![area.into(), after.into(), limit.into()];
        parameters.extend(days(span).map(Parameter::from));
        let rows: Vec<SubjectRow> = self.read_rows(&columns, &query, &parameters).await?;
        rows.into_iter().map(|row| row.read(&self.context, span)).collect()
    }

    /// Who was met on a first visit at these subjects, and how many of their demands weren't void at the end of that day.
    pub async fn met_at(&mut self, subjects: &[&str], span: &Span) -> Result<Vec<MetLine>> {
        let stands = stands(span, self.now);
        let query = format!(
            "SELECT r.id, r.subject_id, r.name_sealed, r.contact_sealed, v.visited_on, v.staff_id AS visitor, v.face_to_face,
               v.satisfaction, (SELECT COUNT(*) FROM issues i JOIN visits w ON w.id = i.visit_id
                 WHERE i.resident_id = r.id AND {stands} AND w.visited_on >= $2 AND w.visited_on <= $3) AS issues
             FROM residents r JOIN visits v ON v.id = (SELECT w.id FROM visits w WHERE w.resident_id = r.id
               AND w.kind = 'first' AND w.visited_on >= $2 AND w.visited_on <= $3 ORDER BY w.visited_on, w.id LIMIT 1)
             WHERE r.subject_id {} ORDER BY r.subject_id, r.id",
            self.dialect.among()
        );
        let [from, on] = days(span);
        let rows: Vec<PersonRow> = self.read_set(&PERSON, &query, subjects, &[&from, &on]).await?;
        let line = |row: PersonRow| {
            let (name, contact, visited_on) = row.open(&self.context)?;
            Ok(MetLine {
                resident_id: row.id,
                subject_id: row.subject_id,
                name,
                contact,
                visited_on,
                visitor: row.visitor,
                face_to_face: row.face_to_face == 1,
                issues: row.issues,
            })
        };
        rows.into_iter().map(line).collect()
    }

    /// What residents of these subjects last answered at a revisit.
    pub async fn answers_at(&mut self, subjects: &[&str], span: &Span) -> Result<Vec<AnswerLine>> {
        let query = format!(
            "SELECT r.id, r.subject_id, r.name_sealed, r.contact_sealed, v.visited_on, v.staff_id AS visitor, v.face_to_face,
               v.satisfaction, 0 AS issues
             FROM residents r JOIN visits v ON v.id = (SELECT w.id FROM visits w WHERE w.resident_id = r.id
               AND w.kind = 'revisit' AND w.satisfaction IS NOT NULL AND w.visited_on <= $3
               ORDER BY w.visited_on DESC, w.id DESC LIMIT 1)
             WHERE r.subject_id {} AND v.visited_on >= $2 ORDER BY r.subject_id, r.id",
            self.dialect.among()
        );
        let [from, on] = days(span);
        let rows: Vec<PersonRow> = self.read_set(&PERSON, &query, subjects, &[&from, &on]).await?;
        let line = |row: PersonRow| {
            let (name, contact, on) = row.open(&self.context)?;
            let answer = row.satisfaction.as_deref().unwrap_or_default();
            Ok(AnswerLine {
                answer: word("visits.satisfaction", answer, Satisfaction::read)?,
                resident_id: row.id,
                subject_id: row.subject_id,
                name,
                contact,
                on,
                visitor: row.visitor,
            })
        };
        rows.into_iter().map(line).collect()
    }

    /// The issues that arose in an area itself and were heard by a day, by number, after the one of number `after`.
    pub async fn issue_lines(
        &mut self,
        area: &str,
        after: &str,
        span: &Span,
        limit: i64,
    ) -> Result<Vec<IssueLine>> {
        let query = "SELECT i.id, i.number, i.created_at, i.area_id, i.text_sealed, r.id AS resident_id,
               r.name_sealed AS resident, r.contact_sealed AS contact, s.id AS subject_id, s.number AS subject,
               s.kind AS subject_kind, s.name_sealed AS subject_name, s.address_sealed AS address,
               v.visited_on AS heard_on, v.staff_id AS heard_by, a.staff_id AS visitor
             FROM issues i JOIN residents r ON r.id = i.resident_id JOIN subjects s ON s.id = i.subject_id
             JOIN visits v ON v.id = i.visit_id LEFT JOIN assignments a ON a.subject_id = i.subject_id
             WHERE i.area_id = $1 AND i.number > $2 AND v.visited_on <= $4 ORDER BY i.number LIMIT $3";
        let on = span.on.to_string();
        let parameters = [area.into(), after.into(), limit.into(), on.into()];
        let rows: Vec<IssueRow> = self.read_rows(&ISSUE, query, &parameters).await?;
        rows.into_iter().map(|row| row.read(&self.context)).collect()
    }

    /// What inspectors noted of these days.
    pub async fn inspection_notes(&mut self, span: &Span) -> Result<Vec<NoteLine>> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
            on_date: String,
            staff_id: String,
            text_sealed: String,
        }
        let query = "SELECT id, on_date, staff_id, text_sealed FROM inspection_notes
             WHERE on_date >= $1 AND on_date <= $2 ORDER BY on_date, id";
        let columns = ["id", "on_date", "staff_id", "text_sealed"];
        let rows: Vec<Row> =
            self.read_rows(&columns, query, &days(span).map(Parameter::from)).await?;
        let line = |row: Row| {
            let text = self.context.open(INSPECTION_NOTE, &row.id, &row.text_sealed)?;
            Ok(NoteLine { on: row.on_date, staff_id: row.staff_id, text })
        };
        rows.into_iter().map(line).collect()
    }

    /// The spot checks that are recorded as visits, by day.
    pub async fn spot_lines(&mut self, span: &Span) -> Result<Vec<SpotLine>> {
        #[derive(Deserialize)]
        struct Row {
            visited_on: String,
            staff_id: String,
            area_id: String,
            id: String,
            number: String,
            kind: String,
            name_sealed: String,
            demands: i64,
        }
        let query = "SELECT v.visited_on, v.staff_id, s.area_id, s.id, s.number, s.kind, s.name_sealed, COUNT(i.id) AS demands
             FROM visits v JOIN subjects s ON s.id = v.subject_id
             LEFT JOIN issues i ON i.subject_id = s.id AND i.visit_id = v.id AND i.state <> 'void'
             WHERE v.kind = 'spot_check' AND v.visited_on >= $1 AND v.visited_on <= $2
             GROUP BY v.visited_on, v.staff_id, s.area_id, s.id, s.number, s.kind, s.name_sealed
             ORDER BY v.visited_on, s.number, v.staff_id";
        let columns =
            ["visited_on", "staff_id", "area_id", "id", "number", "kind", "name_sealed", "demands"];
        let rows: Vec<Row> =
            self.read_rows(&columns, query, &days(span).map(Parameter::from)).await?;
        let line = |row: Row| {
            Ok(SpotLine {
                subject_name: self.context.masked_name(&row.id, &row.kind, &row.name_sealed)?,
                on: row.visited_on,
                staff_id: row.staff_id,
                area_id: row.area_id,
                subject: row.number,
                demands: row.demands,
            })
        };
        rows.into_iter().map(line).collect()
    }

    /// The telephones of all who have one, by their ids.
    pub async fn staff_phones(&mut self) -> Result<HashMap<String, String>> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
            phone_sealed: String,
        }
        let query = "SELECT id, phone_sealed FROM staff WHERE phone_sealed IS NOT NULL";
        let rows: Vec<Row> = self.read_rows(&["id", "phone_sealed"], query, &[]).await?;
        let phone = |row: Row| {
            let phone = self.context.open(STAFF_PHONE, &row.id, &row.phone_sealed)?;
            Ok((row.id, phone))
        };
        rows.into_iter().map(phone).collect()
    }
}

/// Whether an issue `i` wasn't void at the end of a span: as it stands, or of a day that is past by its events.
fn stands(span: &Span, now: i64) -> String {
    let before = span.before;
    if before > now {
        return "i.state <> 'void'".to_owned();
    }
    format!(
        "NOT EXISTS (SELECT 1 FROM issue_events e WHERE e.issue_id = i.id AND e.kind = 'voided' AND e.at < {before}
           AND NOT EXISTS (SELECT 1 FROM issue_events f WHERE f.issue_id = i.id AND f.kind = 'reopened'
             AND f.sequence > e.sequence AND f.at < {before}))"
    )
}

/// The first day and the last, as texts.
fn days(span: &Span) -> [String; 2] {
    [span.from.to_string(), span.on.to_string()]
}
