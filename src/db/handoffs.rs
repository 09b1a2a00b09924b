//! Hand-offs 交接单: what a person enters into a portal that has no interface, and what comes back from there.

use jiff::Timestamp;
use jiff::civil::Date;

use super::counted::Thing;
use super::{Dispatch, Receipt, Result, Store, StoreError, Tx, Upsert};
use crate::domain::referral::{self, PlatformStatus, PlatformUpdate};

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

struct Known {
    id: String,
    reference: String,
    remote_id: Option<String>,
    state: String,
}

from_row!(Known { id, reference, remote_id, state });

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
        .fetch_all(&mut *self.db)
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
        .execute(&mut *self.db)
        .await?;
        self.retally(Thing::Entry, owed.iter().map(|(debt, _)| debt.as_str())).await?;
        for (place, (debt, referral)) in owed.iter().enumerate() {
            self.put_handoff_row(number, place, referral).await?;
            sqlx::query(
                "UPDATE outbox SET state = 'handed', attempts = attempts + 1, last_attempt_at = $1,
                   first_attempt_at = COALESCE(first_attempt_at, $1) WHERE id = $2",
            )
            .bind(now)
            .bind(debt)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(Some(Handoff { number, on_date: on.to_string(), row_count, written_at: None }))
    }

    async fn put_handoff_row(&mut self, number: i64, place: usize, referral: &str) -> Result<()> {
        sqlx::query("INSERT INTO handoff_rows (handoff, place, referral_id) VALUES ($1, $2, $3)")
            .bind(number)
            .bind(i64::try_from(place).unwrap_or(i64::MAX))
            .bind(referral)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Takes a row that came back. `None` where it's about nothing that is known here.
    ///
    /// # Errors
    /// [`StoreError::Rule`] where it contradicts the record.
    pub async fn take_return(&mut self, row: &Return) -> Result<Option<Upsert>> {
        let Some(known) = self.returned_referral(row).await? else {
            return Ok(None);
        };
        if known.state == "cancelled" {
            return Err(StoreError::Rule(format!(
                "「{}」已经撤回，不该再录入平台；请与平台联系作废",
                known.reference
            )));
        }
        let (number, numbered) = match (&known.remote_id, &row.remote_id) {
            (Some(number), None) => (number.clone(), false),
            (Some(_), Some(given)) if self.goes_by(&known.id, given).await? => {
                (given.clone(), false)
            }
            (Some(number), Some(given)) => {
                return Err(StoreError::Rule(format!(
                    "「{}」的平台编号已经是「{number}」，表里却是「{given}」；如果平台改了号，请把新号填在「新平台编号」列",
                    known.reference
                )));
            }
            (None, Some(given)) => {
                self.returned_number(&known, given).await?;
                (given.clone(), true)
            }
            (None, None) => return self.returned_without_number(&known, row).await.map(Some),
        };
        let Some(word) = &row.word else {
            return Ok(Some(if numbered { Upsert::Changed } else { Upsert::Same }));
        };
        let update = PlatformUpdate {
            remote_id: number,
            status: self.platform_status(word),
            word: word.clone(),
            text: row.text.clone(),
            at: row.at,
            successors: row.successors.clone(),
        };
        let news = self.receive_update(&update).await?;
        Ok(Some(if news || numbered { Upsert::Changed } else { Upsert::Same }))
    }

    fn platform_status(&self, word: &str) -> Option<PlatformStatus> {
        self.context.platform_statuses.get(&word.to_lowercase()).copied()
    }

    async fn returned_referral(&mut self, row: &Return) -> Result<Option<Known>> {
        if let Some(text) = &row.reference {
            let reference = referral::reference_in(text).unwrap_or(text.as_str());
            let known: Option<Known> = sqlx::query_as(
                "SELECT id, reference, remote_id, state FROM referrals WHERE reference = $1",
            )
            .bind(reference.to_owned())
            .fetch_optional(&mut *self.db)
            .await?;
            if known.is_some() {
                return Ok(known);
            }
        }
        let Some(number) = &row.remote_id else {
            return Ok(None);
        };
        self.referral_of_number(number).await
    }

    async fn referral_of_number(&mut self, number: &str) -> Result<Option<Known>> {
        Ok(sqlx::query_as(
            "SELECT r.id, r.reference, r.remote_id, r.state FROM referral_numbers n
             JOIN referrals r ON r.id = n.referral_id WHERE n.lane = $1 AND n.remote_id = $2 ORDER BY r.id LIMIT 1",
        )
        .bind(self.context.platform_lane.clone())
        .bind(number.to_owned())
        .fetch_optional(&mut *self.db)
        .await?)
    }

    /// Whether the portal knows, or knew, a referral by a number.
    async fn goes_by(&mut self, referral: &str, number: &str) -> Result<bool> {
        let known: Option<String> = sqlx::query_scalar(
            "SELECT state FROM referral_numbers WHERE lane = $1 AND remote_id = $2 AND referral_id = $3",
        )
        .bind(self.context.platform_lane.clone())
        .bind(number.to_owned())
        .bind(referral.to_owned())
        .fetch_optional(&mut *self.db)
        .await?;
        Ok(known.is_some())
    }

    /// The portal has it, whether or not it was handed off.
    async fn returned_number(&mut self, known: &Known, number: &str) -> Result<()> {
        if let Some(other) = self.referral_of_number(number).await? {
            return Err(StoreError::Rule(format!(
                "平台编号「{number}」已经是「{}」的",
                other.reference
            )));
        }
        self.settle_handed(&known.id, "delivered").await?;
        let receipt = Receipt { remote_id: Some(number.to_owned()), token: None };
        self.referrals_delivered(&[(&known.id, &receipt)]).await
    }

    /// Not entered yet, or refused at the door.
    async fn returned_without_number(&mut self, known: &Known, row: &Return) -> Result<Upsert> {
        let Some(word) = &row.word else {
            return Ok(Upsert::Same);
        };
        if known.state == "refused" {
            return Ok(Upsert::Same);
        }
        if self.platform_status(word) != Some(PlatformStatus::Refused) {
            return Err(StoreError::Rule(format!("状态是「{word}」，却没有平台编号")));
        }
        self.settle_handed(&known.id, "refused").await?;
        self.referral_refused(&known.id, &row.text).await?;
        Ok(Upsert::Changed)
    }

    async fn settle_handed(&mut self, referral: &str, state: &str) -> Result<()> {
        let entries: Vec<String> =
            sqlx::query_scalar("SELECT id FROM outbox WHERE target_id = $1 AND kind = 'referral'")
                .bind(referral)
                .fetch_all(&mut *self.db)
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
        .execute(&mut *self.db)
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
            .execute(&mut *tx.db)
            .await?;
        tx.commit().await
    }
}
