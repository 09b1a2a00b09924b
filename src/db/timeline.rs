//! An issue's timeline: what happened to it, who was told of it and when, who held it for how long.

use jiff::Timestamp;

use super::personal::{EVENT_ACTOR, STAFF_NAME, row_of};
use super::{Result, Store, date, instant, word};
use crate::clock::township_date;
use crate::domain::duty::DutyKind;
use crate::domain::holder::{Holding, holdings};
use crate::domain::issue::{Event, Issue};

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub at: Timestamp,
    pub what: What,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Happened {
        event: Event,
        actor: String,
    },
    /// A reminder or an escalation: somebody heard a step, so many days from the date.
    Told {
        kind: DutyKind,
        person: String,
        instead_of: Option<String>,
        days: i64,
    },
}

struct ToldRow {
    at: i64,
    kind: String,
    due_on: String,
    person_id: String,
    person: String,
    absent_id: Option<String>,
    absent: Option<String>,
}

from_row!(ToldRow { at, kind, due_on, person_id, person, absent_id, absent });

/// Everything of one issue.
#[derive(Debug, Clone)]
pub struct Timeline {
    pub issue: Issue,
    pub registered_at: Timestamp,
    pub entries: Vec<Entry>,
    pub holdings: Vec<Holding>,
}

impl Store {
    /// The issue's timeline, oldest first.
    pub async fn timeline(&self, number: &str) -> Result<Timeline> {
        let id = self.issue_id(number).await?;
        let registered: i64 = sqlx::query_scalar("SELECT created_at FROM issues WHERE id = $1")
            .bind(&id)
            .fetch_one(&self.read)
            .await?;
        let registered_at = instant(registered);
        let events = self.happened(&id).await?;
        let plan = self.campaign();
        let has_department = |issue: &Issue| plan.unit_of(issue).is_some();
        let times = events.iter().map(|(at, event, _)| (event, *at));
        let holdings = holdings(registered_at, times, has_department)?;
        let issue = Issue::replay(events.iter().map(|(_, event, _)| event))?;
        let happened = |(at, event, actor)| Entry { at, what: What::Happened { event, actor } };
        let mut entries: Vec<Entry> = events.into_iter().map(happened).collect();
        entries.extend(self.told_of(&id).await?);
        entries.sort_by_key(|entry| entry.at);
        Ok(Timeline { issue, registered_at, entries, holdings })
    }

    async fn happened(&self, id: &str) -> Result<Vec<(Timestamp, Event, String)>> {
        let rows: Vec<(i64, i64, String, String)> = sqlx::query_as(
            "SELECT sequence, at, body, actor FROM issue_events WHERE issue_id = $1 ORDER BY sequence",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        let happened = |(sequence, at, body, actor): (i64, i64, String, String)| {
            let row = row_of(id, sequence);
            let actor = self.context.open(EVENT_ACTOR, &row, &actor)?;
            Ok((instant(at), self.context.event(&row, &body)?, actor))
        };
        rows.into_iter().map(happened).collect()
    }

    async fn told_of(&self, id: &str) -> Result<Vec<Entry>> {
        let rows: Vec<ToldRow> = sqlx::query_as(
            "SELECT t.at, b.kind, b.due_on, s.id AS person_id, s.name AS person, m.id AS absent_id, m.name AS absent FROM reminders t JOIN duty_groups b ON b.id = t.group_id
             JOIN staff s ON s.id = t.staff_id LEFT JOIN staff m ON m.id = t.instead_of
             WHERE b.issue_id = $1 ORDER BY t.at, t.step",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|row| {
                let ToldRow { at, kind, due_on, person_id, person, absent_id, absent } = row;
                let person = self.context.open(STAFF_NAME, &person_id, &person)?;
                let absent_id = absent_id.unwrap_or_default();
                let instead_of = self.context.open_optional(STAFF_NAME, &absent_id, absent)?;
                let kind = word("duty_groups.kind", &kind, DutyKind::read)?;
                let due_on = date("duty_groups.due_on", &due_on)?;
                let days = i64::from((township_date(at) - due_on).get_days());
                Ok(Entry { at: instant(at), what: What::Told { kind, person, instead_of, days } })
            })
            .collect()
    }
}
