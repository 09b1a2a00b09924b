//! All that is kept of one issue beyond its events: who asked for what and where, where its referrals are, and what the
//! platform answered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use super::personal::{
    ANSWER_BODY, ISSUE_TEXT, OUTBOX_ERROR, RESIDENT_CONTACT, RESIDENT_NAME, STAFF_NAME,
    SUBJECT_NAME,
};
use super::{Context, Result, Session, StoreError, date, instant};
use crate::domain::subject::SubjectKind;
use crate::domain::there::Place;

/// Who asked for what, and where. Personal: opened.
#[derive(Clone)]
pub struct IssueSheet {
    pub id: String,
    pub resident_id: String,
    pub area_id: String,
    pub subject_number: String,
    pub subject_kind: Option<SubjectKind>,
    pub subject_name: String,
    pub resident: String,
    pub contact: Option<String>,
    pub text: String,
    pub visited_on: Date,
    pub visitor: String,
    pub due_on: Option<Date>,
}

impl std::fmt::Debug for IssueSheet {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssueSheet").field("id", &self.id).finish_non_exhaustive()
    }
}

/// One referral of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueReferral {
    pub id: String,
    pub round: i64,
    pub reference: String,
    pub place: Place,
    /// The platform's numbers, also those that were replaced.
    pub numbers: Vec<String>,
    pub delivered_at: Option<Timestamp>,
    pub sending: Option<Sending>,
}

/// How its outbox entry stands, and how it was tried to send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    pub state: String,
    /// Whether an attempt may have arrived, or is under way.
    pub doubt: bool,
    pub attempts: i64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// When it's tried next, or goes by itself.
    pub next_at: Option<Timestamp>,
    /// What came of the last one that didn't succeed.
    pub error: Option<String>,
}

/// One answer of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueAnswer {
    pub number: String,
    pub word: String,
    pub text: String,
    pub at: Timestamp,
}

struct SheetRow {
    id: String,
    subject_id: String,
    resident_id: String,
    area_id: String,
    subject_number: String,
    kind: String,
    subject_name: String,
    resident: String,
    contact: Option<String>,
    text: String,
    visited_on: String,
    visitor_id: String,
    visitor: String,
    visitor_name: String,
    due_on: Option<String>,
}

from_row!(SheetRow {
    id,
    subject_id,
    resident_id,
    area_id,
    subject_number,
    kind,
    subject_name,
    resident,
    contact,
    text,
    visited_on,
    visitor_id,
    visitor,
    visitor_name,
    due_on
});

#[derive(Deserialize)]
struct ReferralRow {
    id: String,
    round: i64,
    reference: String,
    state: String,
    delivered_at: Option<i64>,
    entry: Option<String>,
    doubt: i64,
    entry_id: Option<String>,
    attempts: Option<i64>,
    first_at: Option<i64>,
    last_at: Option<i64>,
    next_at: Option<i64>,
    error: Option<String>,
    number: Option<String>,
    number_state: Option<String>,
}

impl ReferralRow {
    fn place(&self) -> Place {
        match (self.state.as_str(), self.entry.as_deref()) {
            ("queued", Some("handed")) => Place::Handed,
            ("queued", _) if self.doubt == 1 => Place::Maybe,
            ("queued" | "cancelled", _) => Place::Here,
            ("ended" | "refused", _) => Place::Over,
            _ => Place::There(Vec::new()),
        }
    }

    fn sending(&self, context: &Context) -> Result<Option<Sending>> {
        let (Some(state), Some(entry)) = (self.entry.clone(), &self.entry_id) else {
            return Ok(None);
        };
        let at = |millis: Option<i64>| millis.filter(|at| *at > 0).map(instant);
        let waits = matches!(state.as_str(), "ready" | "review");
        Ok(Some(Sending {
            doubt: self.doubt == 1,
            attempts: self.attempts.unwrap_or(0),
            first_at: at(self.first_at),
            last_at: at(self.last_at),
            next_at: at(self.next_at).filter(|_| waits),
            error: context.open_optional(OUTBOX_ERROR, entry, self.error.clone())?,
            state,
        }))
    }
}

#[derive(Deserialize)]
struct AnswerRow {
    id: String,
    remote_id: String,
    word: String,
    body: String,
    at: i64,
}

impl Session {
    /// What is kept of the issue of that number.
    ///
    /// # Errors
    /// [`StoreError::Rule`] where there is none.
    pub async fn issue_sheet(&mut self, number: &str) -> Result<IssueSheet> {
        let row: Option<SheetRow> = sqlx::query_as(
            "SELECT i.id, s.id AS subject_id, r.id AS resident_id, i.area_id, s.number AS subject_number, s.kind, s.name_sealed AS subject_name,
               r.name_sealed AS resident, r.contact_sealed AS contact, i.text_sealed AS text, v.visited_on,
               p.id AS visitor_id, p.number AS visitor, p.name AS visitor_name, i.due_on
             FROM issues i JOIN subjects s ON s.id = i.subject_id JOIN residents r ON r.id = i.resident_id
             JOIN visits v ON v.id = i.visit_id JOIN staff p ON p.id = v.staff_id WHERE i.number = $1",
        )
        .bind(number.to_owned())
        .fetch_optional(&mut self.db)
        .await?;
        let row = row.ok_or_else(|| StoreError::no_issue(number))?;
        let context = &self.context;
        let visitor = context.open(STAFF_NAME, &row.visitor_id, &row.visitor_name)?;
        let visitor = format!("{} {visitor}", row.visitor);
        Ok(IssueSheet {
            subject_kind: SubjectKind::read(&row.kind),
            subject_name: context.open(SUBJECT_NAME, &row.subject_id, &row.subject_name)?,
            resident: context.open(RESIDENT_NAME, &row.resident_id, &row.resident)?,
            contact: context.open_optional(RESIDENT_CONTACT, &row.resident_id, row.contact)?,
            text: context.open(ISSUE_TEXT, &row.id, &row.text)?,
            visited_on: date("visits.visited_on", &row.visited_on)?,
            due_on: row.due_on.map(|on| date("issues.due_on", &on)).transpose()?,
            id: row.id,
            resident_id: row.resident_id,
            area_id: row.area_id,
            subject_number: row.subject_number,
            visitor,
        })
    }

    /// The referrals of an issue, first round first.
    pub async fn issue_referrals(&mut self, issue: &str) -> Result<Vec<IssueReferral>> {
        let columns = [
            "id",
            "round",
            "reference",
            "state",
            "delivered_at",
            "entry",
            "doubt",
            "entry_id",
            "attempts",
            "first_at",
            "last_at",
            "next_at",
            "error",
            "number",
            "number_state",
        ];
        let query = format!(
            "SELECT r.id, r.round, r.reference, r.state, r.delivered_at, o.state AS entry, o.id AS entry_id, o.attempts,
               o.first_attempt_at AS first_at, o.last_attempt_at AS last_at, o.not_before AS next_at, o.last_error AS error,
               CASE WHEN o.unknown_since IS NOT NULL OR o.lease_until IS NOT NULL THEN 1 ELSE 0 END AS doubt,
               n.remote_id AS number, n.state AS number_state
             FROM referrals r LEFT JOIN outbox o ON o.debt_key = 'referral:' || r.reference
             LEFT JOIN referral_numbers n ON n.referral_id = r.id
             WHERE r.issue_id {} ORDER BY r.round, n.remote_id",
            self.dialect.among()
        );
        let rows: Vec<ReferralRow> = self.read_set(&columns, &query, &[issue], &[]).await?;
        let mut referrals: BTreeMap<i64, IssueReferral> = BTreeMap::new();
        for row in rows {
            let delivered_at = row.delivered_at.and_then(|at| Timestamp::from_millisecond(at).ok());
            let sending = row.sending(&self.context)?;
            let referral = referrals.entry(row.round).or_insert_with(|| IssueReferral {
                id: row.id.clone(),
                sending,
                round: row.round,
                place: row.place(),
                reference: row.reference.clone(),
                numbers: Vec::new(),
                delivered_at,
            });
            let Some(number) = row.number else { continue };
            if let Place::There(current) = &mut referral.place
                && !matches!(row.number_state.as_deref(), Some("replaced" | "left"))
            {
                current.push(number.clone());
            }
            referral.numbers.push(number);
        }
        Ok(referrals.into_values().collect())
    }

    /// What the platform answered of an issue, oldest first.
    pub async fn issue_answers(&mut self, issue: &str) -> Result<Vec<IssueAnswer>> {
        let query = format!(
            "SELECT DISTINCT u.id, u.remote_id, u.word, u.body, u.at FROM referrals r
             JOIN referral_numbers n ON n.referral_id = r.id
             JOIN referral_updates u ON u.lane = n.lane AND u.remote_id = n.remote_id
             WHERE r.issue_id {} ORDER BY u.at, u.id",
            self.dialect.among()
        );
        let columns = ["id", "remote_id", "word", "body", "at"];
        let rows: Vec<AnswerRow> = self.read_set(&columns, &query, &[issue], &[]).await?;
        let answer = |row: AnswerRow| {
            Ok(IssueAnswer {
                text: self.context.open(ANSWER_BODY, &row.id, &row.body)?,
                number: row.remote_id,
                word: row.word,
                at: instant(row.at),
            })
        };
        rows.into_iter().map(answer).collect()
    }
}
