//! What a rehearsal played: every message with its words, every duty that was late, and whose steps nobody heard.

use jiff::civil::Date;

use super::personal::{NOTICE_BODY, NOTICE_TITLE};
use super::{Result, Store, date, word};
use crate::clock::township_date;
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::staff::Role;

/// A message as it stands in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldMessage {
    pub id: String,
    pub on: String,
    pub staff_id: String,
    pub channel: String,
    pub topic: String,
    pub title: String,
    pub body: String,
}

from_row!(ToldMessage { id, on, staff_id, channel, topic, title, body });

/// A duty that was late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateDuty {
    pub kind: DutyKind,
    pub group_id: String,
    pub staff_id: Option<String>,
    pub role: Role,
    pub area_id: String,
    /// The number of the issue or of the subject that it's about.
    pub of: Option<String>,
    pub due_on: Date,
    /// When it was met after all.
    pub met_on: Option<Date>,
}

type LateRow =
    (String, String, String, Option<String>, String, String, Option<String>, String, Option<i64>);

impl Store {
    /// Every message from that day on, in the order of days and people.
    pub async fn messages_since(&self, day: Date) -> Result<Vec<ToldMessage>> {
        let told: Vec<ToldMessage> = sqlx::query_as(
            "SELECT n.id, n.on_date AS \"on\", n.staff_id, n.channel, n.topic, n.title, n.body
             FROM notices n JOIN staff s ON s.id = n.staff_id WHERE n.on_date >= $1
             ORDER BY n.on_date, s.number, n.topic, n.channel",
        )
        .bind(day.to_string())
        .fetch_all(&self.read)
        .await?;
        let open = |told: ToldMessage| {
            let title = self.context.open(NOTICE_TITLE, &told.id, &told.title)?;
            let body = self.context.open(NOTICE_BODY, &told.id, &told.body)?;
            Ok(ToldMessage { title, body, ..told })
        };
        told.into_iter().map(open).collect()
    }

    /// The last day of which anybody was told anything.
    pub async fn last_told_day(&self) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT MAX(on_date) FROM notices").fetch_one(&self.read).await?)
    }

    /// How many visits and events are recorded for days after that one.
    pub async fn facts_after(&self, day: Date, at: i64) -> Result<i64> {
        let visits: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM visits WHERE visited_on > $1")
            .bind(day.to_string())
            .fetch_one(&self.read)
            .await?;
        let events: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM issue_events WHERE at > $1")
            .bind(at)
            .fetch_one(&self.read)
            .await?;
        Ok(visits + events)
    }

    /// The duties that fell due from a day on and before another, and weren't met in time.
    pub async fn late_duties(&self, from: Date, until: Date) -> Result<Vec<LateDuty>> {
        let rows: Vec<LateRow> = sqlx::query_as(
            "SELECT d.kind, d.state, d.group_id, b.staff_id, b.role, b.area_id, COALESCE(i.number, s.number), b.due_on, d.met_at
             FROM duties d JOIN duty_groups b ON b.id = d.group_id LEFT JOIN issues i ON i.id = d.issue_id
             LEFT JOIN subjects s ON s.id = d.subject_id
             WHERE b.due_on >= $1 AND b.due_on < $2 AND d.state <> 'cancelled' ORDER BY b.due_on, d.duty_key",
        )
        .bind(from.to_string())
        .bind(until.to_string())
        .fetch_all(&self.read)
        .await?;
        let mut late = Vec::new();
        for (kind, state, group_id, staff_id, role, area_id, of, due_on, met_at) in rows {
            let due_on = date("duty_groups.due_on", &due_on)?;
            let met = word("duties.state", &state, DutyState::read)? == DutyState::Met;
            let met_on = met_at.filter(|_| met).map(township_date);
            if met_on.is_none_or(|on| on > due_on) {
                let kind = word("duties.kind", &kind, DutyKind::read)?;
                let role = word("duty_groups.role", &role, Role::read)?;
                late.push(LateDuty { kind, group_id, staff_id, role, area_id, of, due_on, met_on });
            }
        }
        Ok(late)
    }

    /// Groups of which something is open, whose steps have passed and of which nobody was told: kind, area, role and how much.
    pub async fn never_told(&self) -> Result<Vec<(DutyKind, String, Role, i64)>> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT b.kind, b.area_id, b.role, COUNT(*) FROM duty_groups b JOIN duties d ON d.group_id = b.id AND d.state = 'open'
             WHERE b.next_step > 0 AND NOT EXISTS (SELECT 1 FROM reminders t WHERE t.group_id = b.id)
               AND NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.group_id = b.id)
             GROUP BY b.kind, b.area_id, b.role ORDER BY b.kind, b.area_id, b.role",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |(kind, area, role, count): (String, String, String, i64)| {
            let kind = word("duty_groups.kind", &kind, DutyKind::read)?;
            Ok((kind, area, word("duty_groups.role", &role, Role::read)?, count))
        };
        rows.into_iter().map(read).collect()
    }
}
