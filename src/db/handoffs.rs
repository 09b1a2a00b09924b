//! Hand-offs 交接单: what a person enters into a portal that has no interface, and what comes back from there.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Dispatch, Result, Store, Tx, to_json};
use crate::domain::counted::Thing;
use crate::domain::referral;

/// A workbook of referrals, each in one of them only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    pub number: i64,
    pub on_date: String,
    pub row_count: i64,
    pub written_at: Option<i64>,
}

from_row!(Handoff { number, on_date, row_count, written_at });

/// A row of what came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Return {
    /// Our reference, or a text in which it stands in brackets.
    pub reference: Option<String>,
    /// The portal's number.
    pub remote_id: Option<String>,
    /// The portal's word for how it stands.
    pub word: Option<String>,
    pub text: String,
    pub at: Option<Timestamp>,
    /// The numbers that took the portal's number's place.
    pub successors: Vec<String>,
}

/// A referral that something came back about.
#[derive(Debug, Clone)]
pub struct Returned {
    pub id: String,
    pub reference: String,
    pub remote_id: Option<String>,
    pub state: String,
}

from_row!(Returned { id, reference, remote_id, state });

const HANDOFF: &str = "SELECT number, on_date, row_count, written_at FROM handoffs";

impl Tx {
    /// Puts what may go now, most urgent first and at most `limit`, into a new hand-off; `None` where nothing may.
    /// What may already be on the platform isn't among it: a person decides about that.
    pub async fn hand_off(&mut self, on: Date, limit: i64) -> Result<Option<Handoff>> {
        let (now, lane) = (self.now(), self.context.platform_lane.clone());
        let owed: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, target_id FROM outbox WHERE lane = $1 AND kind = 'referral' AND state IN ('ready', 'review')
               AND not_before <= $2 AND unknown_since IS NULL AND lease_until IS NULL ORDER BY priority, not_before, id LIMIT $3",
        )
        .bind(&lane)
        .bind(now)
        .bind(limit)
        .fetch_all(&mut self.db)
        .await?;
        if owed.is_empty() {
            return Ok(None);
        }
        let number = self.next_value("handoff").await?;
        let row_count = i64::try_from(owed.len()).unwrap_or(i64::MAX);
        sqlx::query(
            "INSERT INTO handoffs (number, lane, on_date, row_count, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(number)
        .bind(&lane)
        .bind(on.to_string())
        .bind(row_count)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        self.retally(Thing::Entry, owed.iter().map(|(debt, _)| debt.as_str())).await?;
        let row = |(place, (debt, referral)): (usize, &(String, String))| serde_json::json!({ "place": place, "debt": debt, "referral": referral });
        let rows: Vec<_> = owed.iter().enumerate().map(row).collect();
        let rows = to_json(&rows)?;
        let source = self.dialect.rows(&["debt", "referral"], &["place"]);
        let put = format!(
            "INSERT INTO handoff_rows (handoff, place, referral_id) SELECT $2, place, referral FROM {source} AS j"
        );
        let hand = format!(
            "UPDATE outbox SET state = 'handed', attempts = outbox.attempts + 1, last_attempt_at = $2,
               first_attempt_at = COALESCE(outbox.first_attempt_at, $2) FROM {source} AS j WHERE outbox.id = j.debt"
        );
        for (statement, value) in [(put, number), (hand, now)] {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(rows.clone())
                .bind(value)
                .execute(&mut self.db)
                .await?;
        }
        Ok(Some(Handoff { number, on_date: on.to_string(), row_count, written_at: None }))
    }

    /// The referral that a row is about, if one is known.
    pub async fn returned_referral(&mut self, row: &Return) -> Result<Option<Returned>> {
        if let Some(text) = &row.reference {
            let reference = referral::reference_in(text).unwrap_or(text.as_str());
            let known: Option<Returned> = sqlx::query_as(
                "SELECT id, reference, remote_id, state FROM referrals WHERE reference = $1",
            )
            .bind(reference.to_owned())
            .fetch_optional(&mut self.db)
            .await?;
            if known.is_some() {
                return Ok(known);
            }
        }
        let Some(number) = &row.remote_id else {
            return Ok(None);
        };
        match self.referral_of_number(number).await? {
            // As a spreadsheet writes it, perhaps.
            None => match self.known_forms(&[number]).await?.remove(number) {
                Some(known) => self.referral_of_number(&known).await,
                None => Ok(None),
            },
            known => Ok(known),
        }
    }

    /// The referral that goes or went by a number.
    pub async fn referral_of_number(&mut self, number: &str) -> Result<Option<Returned>> {
        Ok(sqlx::query_as(
            "SELECT r.id, r.reference, r.remote_id, r.state FROM referral_numbers n
             JOIN referrals r ON r.id = n.referral_id WHERE n.lane = $1 AND n.remote_id = $2 ORDER BY r.id LIMIT 1",
        )
        .bind(self.context.platform_lane.clone())
        .bind(number.to_owned())
        .fetch_optional(&mut self.db)
        .await?)
    }

    /// Whether the portal knows, or knew, a referral by a number.
    pub async fn goes_by(&mut self, referral: &str, number: &str) -> Result<bool> {
        let known: Option<String> = sqlx::query_scalar(
            "SELECT state FROM referral_numbers WHERE lane = $1 AND remote_id = $2 AND referral_id = $3",
        )
        .bind(self.context.platform_lane.clone())
        .bind(number.to_owned())
        .bind(referral.to_owned())
        .fetch_optional(&mut self.db)
        .await?;
        Ok(known.is_some())
    }

    /// What was handed off, or was to be, is settled by what came back.
    pub async fn settle_handed(&mut self, referral: &str, state: &str) -> Result<()> {
        let entries: Vec<String> =
            sqlx::query_scalar("SELECT id FROM outbox WHERE target_id = $1 AND kind = 'referral'")
                .bind(referral)
                .fetch_all(&mut self.db)
                .await?;
        self.retally(Thing::Entry, entries.iter().map(String::as_str)).await?;
        let now = self.now();
        sqlx::query(
            "UPDATE outbox SET state = $1, settled_at = $2, unknown_since = NULL, lease_owner = NULL,
               lease_until = NULL WHERE target_id = $3 AND kind = 'referral'",
        )
        .bind(state)
        .bind(now)
        .bind(referral)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Every hand-off, the newest first.
    pub async fn handoffs(&self, limit: i64) -> Result<Vec<Handoff>> {
        let read = format!("{HANDOFF} ORDER BY number DESC LIMIT $1");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(read)).bind(limit).fetch_all(&self.read).await?)
    }

    /// The hand-off of that number.
    pub async fn handoff(&self, number: i64) -> Result<Option<Handoff>> {
        let read = format!("{HANDOFF} WHERE number = $1");
        let found = sqlx::query_as(sqlx::AssertSqlSafe(read)).bind(number);
        Ok(found.fetch_optional(&self.read).await?)
    }

    /// The hand-offs whose file isn't there yet, the oldest first.
    pub async fn unwritten_handoffs(&self) -> Result<Vec<Handoff>> {
        let read = format!("{HANDOFF} WHERE written_at IS NULL ORDER BY number");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(read)).fetch_all(&self.read).await?)
    }

    /// What stands in a hand-off, in its order.
    pub async fn handoff_dispatches(&self, number: i64) -> Result<Vec<Dispatch>> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT referral_id FROM handoff_rows WHERE handoff = $1 ORDER BY place",
        )
        .bind(number)
        .fetch_all(&self.read)
        .await?;
        let wanted: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut dispatches: std::collections::HashMap<_, _> =
            self.dispatches(&wanted).await?.into_iter().collect();
        Ok(ids.iter().filter_map(|id| dispatches.remove(id)).collect())
    }

    /// Notes that a hand-off's file is there.
    pub async fn handoff_written(&self, number: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = tx.now();
        sqlx::query("UPDATE handoffs SET written_at = $1 WHERE number = $2")
            .bind(now)
            .bind(number)
            .execute(&mut tx.db)
            .await?;
        tx.commit().await
    }
}
