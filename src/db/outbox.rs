//! The outbox: what is to be sent, each debt once, claimed and settled in batches.

use std::collections::HashSet;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{Dialect, Result, Store, Tx, from_json, to_json};

/// A debt taken from the outbox to be paid now.
#[derive(Debug, Clone, Deserialize)]
pub struct OutboxEntry {
    pub id: String,
    pub kind: String,
    pub debt_key: String,
    pub target_id: String,
    /// How often it was tried before this claim.
    pub attempts: i64,
    /// Set where an earlier attempt may have arrived: look before sending.
    pub unknown_since: Option<i64>,
    pub first_attempt_at: Option<i64>,
    pub last_attempt_at: Option<i64>,
    /// Until when nobody else takes it.
    pub lease_until: i64,
}

/// What the receiver gave for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    pub remote_id: Option<String>,
    pub token: Option<String>,
}

/// How one attempt ended, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Arrived.
    Delivered(Receipt),
    /// The receiver's own no.
    Refused { reason: String },
    /// It did not arrive; try again from `not_before`.
    NotSent { reason: String, not_before: i64 },
    /// It may have arrived; look from `not_before`.
    Unknown { reason: String, not_before: i64 },
    /// A look could not be had; look again from `not_before`. Still unknown.
    NotSeen { reason: String, not_before: i64 },
    /// Looked, and it isn't there: it may be sent again.
    Absent,
    /// It can't be known and mustn't be sent blindly: a person decides.
    Held { reason: String },
    /// Not tried after all.
    Released,
}

impl Settlement {
    /// Its name, as logs and metrics show it.
    pub const fn code(&self) -> &'static str {
        match self {
            Settlement::Delivered(_) => "delivered",
            Settlement::Refused { .. } => "refused",
            Settlement::NotSent { .. } => "not_sent",
            Settlement::Unknown { .. } => "unknown",
            Settlement::NotSeen { .. } => "not_seen",
            Settlement::Absent => "absent",
            Settlement::Held { .. } => "held",
            Settlement::Released => "released",
        }
    }
}

/// Who takes how many debts of which lane, and for how long; spans in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'c> {
    pub lane: &'c str,
    pub owner: &'c str,
    pub limit: i64,
    pub lease: i64,
    pub settle_after: i64,
}

/// What may be taken.
#[derive(Debug, Deserialize)]
struct Due {
    #[serde(flatten)]
    entry: OutboxEntry,
    /// 1 where it was taken before, and the lease has ended.
    expired: i64,
}

/// The columns of a [`Due`].
const DUE: [&str; 10] = [
    "id",
    "kind",
    "debt_key",
    "target_id",
    "attempts",
    "unknown_since",
    "first_attempt_at",
    "last_attempt_at",
    "lease_until",
    "expired",
];

impl Tx {
    /// Writes a debt, once. It may be paid at any time from the beginning of time: whoever pays it may go
    /// by another clock, such as a rehearsal's. One that is reviewed goes by itself at `review_until`.
    pub(super) async fn owe(
        &mut self,
        kind: &str,
        lane: &str,
        debt_key: &str,
        target_id: &str,
        priority: i64,
        review_until: Option<i64>,
    ) -> Result<()> {
        let (id, now) = (self.context.id(), self.now());
        let state = if review_until.is_some() { "review" } else { "ready" };
        sqlx::query(
            "INSERT INTO outbox (id, lane, kind, debt_key, target_id, priority, state, attempts, not_before, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9) ON CONFLICT (debt_key) DO NOTHING",
        )
        .bind(id)
        .bind(lane)
        .bind(kind)
        .bind(debt_key)
        .bind(target_id)
        .bind(priority)
        .bind(state)
        .bind(review_until.unwrap_or(0))
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Marks how a lane's receiver answered.
    async fn mark_lane(&mut self, lane: &str, failure: Option<&str>) -> Result<()> {
        let now = self.now();
        if !self.is_news(lane, failure, now) {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO lanes (name, good_at, failed_at, failure) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET good_at = COALESCE(excluded.good_at, lanes.good_at),
               failed_at = COALESCE(excluded.failed_at, lanes.failed_at), failure = excluded.failure",
        )
        .bind(lane)
        .bind(failure.is_none().then_some(now))
        .bind(failure.is_some().then_some(now))
        .bind(failure)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

impl Tx {
    /// Whether a contact says more than the last one that was written.
    fn is_news(&self, lane: &str, failure: Option<&str>, now: i64) -> bool {
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.is_some() {
            contacts.remove(lane);
            return true;
        }
        let last = contacts.insert(lane.to_owned(), now);
        let within = last.is_some_and(|last| last <= now && now < last + CONTACT_EVERY);
        if within {
            contacts.extend(last.map(|last| (lane.to_owned(), last)));
        }
        !within
    }
}

#[derive(Deserialize)]
struct Lease {
    id: String,
    /// Nobody where it isn't leased.
    lease_owner: Option<String>,
}

/// When a debt that is claimed now ($4) was last attempted: an attempt that isn't a look begins with its lease.
const ATTEMPTED_AT: &str = "CASE WHEN unknown_since IS NULL THEN $4 ELSE last_attempt_at END";

/// How often a lane's good contact is written, in milliseconds.
const CONTACT_EVERY: i64 = 1_000;

/// What a settlement makes of the debt's row.
#[derive(Serialize)]
struct Settled<'s> {
    id: &'s str,
    state: &'static str,
    unknown: Option<i64>,
    error: Option<&'s str>,
    not_before: i64,
    /// 1 where an attempt was made.
    tried: i64,
    first: Option<i64>,
}

impl Settled<'_> {
    fn of<'s>(settlement: &'s Settlement, entry: &'s OutboxEntry, now: i64) -> Settled<'s> {
        let still = entry.unknown_since;
        let (state, unknown, error, not_before, tried) = match settlement {
            Settlement::Delivered(_) => ("delivered", None, None, now, true),
            Settlement::Refused { reason } => ("refused", None, Some(reason), now, true),
            Settlement::NotSent { reason, not_before } => {
                ("ready", None, Some(reason), *not_before, true)
            }
            Settlement::Unknown { reason, not_before } => {
                ("ready", Some(still.unwrap_or(now)), Some(reason), *not_before, true)
            }
            Settlement::NotSeen { reason, not_before } => {
                ("ready", still, Some(reason), *not_before, false)
            }
            Settlement::Absent => ("ready", None, None, now, false),
            Settlement::Held { reason } => ("held", still, Some(reason), now, false),
            Settlement::Released => ("ready", still, None, now, false),
        };
        let before = if tried { entry.last_attempt_at } else { None };
        Settled {
            id: &entry.id,
            state,
            unknown,
            error: error.map(String::as_str),
            not_before,
            tried: i64::from(tried),
            first: entry.first_attempt_at.or(before),
        }
    }
}

impl Store {
    /// Writes how a batch of attempts ended and takes the next debts, in one commit.
    pub async fn settle_and_claim(
        &self,
        claim: &Claim<'_>,
        batch: &[(OutboxEntry, Settlement)],
    ) -> Result<Vec<OutboxEntry>> {
        let mut tx = self.begin().await?;
        tx.settle(claim.lane, claim.owner, batch).await?;
        let claimed = if claim.limit > 0 { tx.claim(claim).await? } else { Vec::new() };
        tx.commit().await?;
        Ok(claimed)
    }

    /// Records a lane's good or bad contact outside a delivery, such as a poll.
    pub async fn mark_contact(&self, lane: &str, failure: Option<&str>) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.mark_lane(lane, failure).await?;
        tx.commit().await
    }

    /// When the lane's next debt may be tried, if it has one; what is leased may be when its lease has ended.
    pub async fn next_attempt(&self, lane: &str) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(
            "SELECT not_before FROM outbox WHERE lane = $1 AND state IN ('ready', 'review')
               AND (lease_until IS NULL OR lease_until <= $2) ORDER BY not_before LIMIT 1",
        )
        .bind(lane)
        .bind(self.context.clock.millis())
        .fetch_optional(&self.read)
        .await?)
    }
}

impl Tx {
    /// Takes debts of a lane, most urgent first. What another claimant took and never settled becomes unknown on the way.
    async fn claim(&mut self, claim: &Claim<'_>) -> Result<Vec<OutboxEntry>> {
        loop {
            let entries = self.due(claim).await?;
            let (expired, free): (Vec<Due>, Vec<Due>) =
                entries.into_iter().partition(|due| due.expired != 0);
            if expired.is_empty() {
                let entries: Vec<OutboxEntry> = free.into_iter().map(|due| due.entry).collect();
                self.lease(claim, &entries).await?;
                return Ok(entries);
            }
            self.take_over(claim, &expired).await?;
        }
    }

    /// What may be taken now, with what was taken by another whose lease has ended.
    async fn due(&mut self, claim: &Claim<'_>) -> Result<Vec<Due>> {
        let now = self.now();
        // Rows that another replica is claiming are skipped on PostgreSQL; on SQLite there is one writer.
        let skip = match self.dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
        };
        // The plus keeps it to the index in order of urgency; by what is due it would sort all that waits.
        let read = format!(
            "SELECT id, kind, debt_key, target_id, attempts, unknown_since, first_attempt_at,
               {ATTEMPTED_AT} AS last_attempt_at, $2 AS lease_until,
               CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END AS expired
             FROM outbox WHERE lane = $1 AND state IN ('ready', 'review') AND +not_before <= $4
               AND (lease_until IS NULL OR lease_until <= $4)
             ORDER BY priority, not_before, id LIMIT $3 {skip}"
        );
        let read = self.dialect.as_one(&DUE, &read);
        let due: String = sqlx::query_scalar(sqlx::AssertSqlSafe(read))
            .bind(claim.lane)
            .bind(now.saturating_add(claim.lease))
            .bind(claim.limit)
            .bind(now)
            .fetch_one(&mut *self.db)
            .await?;
        from_json(&due)
    }

    /// Nobody else takes these until the lease ends. No column that an index knows changes: see migration 14.
    async fn lease(&mut self, claim: &Claim<'_>, entries: &[OutboxEntry]) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        let take = format!(
            "UPDATE outbox SET lease_owner = $2, lease_until = $3, last_attempt_at = {ATTEMPTED_AT} WHERE id {}",
            self.dialect.among()
        );
        sqlx::query(sqlx::AssertSqlSafe(take))
            .bind(to_json(&ids)?)
            .bind(claim.owner)
            .bind(now.saturating_add(claim.lease))
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// What another claimant took and never settled may have been sent: it becomes unknown, to be looked for
    /// `settle_after` from now.
    async fn take_over(&mut self, claim: &Claim<'_>, expired: &[Due]) -> Result<()> {
        let ids: Vec<&str> = expired.iter().map(|due| due.entry.id.as_str()).collect();
        let write = format!(
            "UPDATE outbox SET state = 'ready', unknown_since = COALESCE(unknown_since, lease_until),
               first_attempt_at = COALESCE(first_attempt_at, last_attempt_at, $2 - $3), not_before = $2 + $4,
               last_error = 'lease expired in flight', lease_owner = NULL, lease_until = NULL WHERE id {}",
            self.dialect.among()
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&ids)?)
            .bind(self.now())
            .bind(claim.lease)
            .bind(claim.settle_after)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Writes how a batch of attempts ended.
    async fn settle(
        &mut self,
        lane: &str,
        owner: &str,
        batch: &[(OutboxEntry, Settlement)],
    ) -> Result<()> {
        let settled = self.write_settlements(owner, batch).await?;
        // A lease that was lost meanwhile is another's to settle: it will look first.
        let own = batch.iter().filter(|(entry, _)| settled.contains(&entry.id));
        let mut referred = Vec::new();
        for (entry, settlement) in own {
            match (entry.kind.as_str(), settlement) {
                ("referral", Settlement::Delivered(receipt)) => {
                    referred.push((entry.target_id.as_str(), receipt));
                }
                ("referral", Settlement::Refused { reason }) => {
                    self.referral_refused(&entry.target_id, reason).await?;
                }
                ("notice", Settlement::Refused { reason }) => {
                    self.notice_refused(&entry.target_id, reason).await?;
                }
                (kind, Settlement::Delivered(_)) => {
                    self.told(kind, &entry.target_id).await?;
                }
                _ => {}
            }
        }
        self.referrals_delivered(&referred).await?;
        self.mark_contacts(lane, batch).await
    }

    /// What isn't a referral has arrived.
    pub(super) async fn told(&mut self, kind: &str, target_id: &str) -> Result<()> {
        match kind {
            "message" => self.message_delivered(target_id).await,
            "photo" => self.photo_delivered(target_id).await,
            _ => self.notice_delivered(target_id).await,
        }
    }

    /// The outbox's own rows, in one statement. Returns the ids of those that `owner` still held.
    async fn write_settlements(
        &mut self,
        owner: &str,
        batch: &[(OutboxEntry, Settlement)],
    ) -> Result<HashSet<String>> {
        if batch.is_empty() {
            return Ok(HashSet::new());
        }
        let now = self.now();
        let held = self.held_by(owner, batch).await?;
        let rows: Vec<Settled<'_>> = batch
            .iter()
            .filter(|(entry, _)| held.contains(&entry.id))
            .map(|(entry, settlement)| Settled::of(settlement, entry, now))
            .collect();
        let write = format!(
            "UPDATE outbox SET state = j.state, unknown_since = j.\"unknown\", last_error = COALESCE(j.error, last_error),
               not_before = j.not_before, attempts = attempts + j.tried, first_attempt_at = j.\"first\",
               last_attempt_at = CASE WHEN j.tried = 1 THEN $2 ELSE last_attempt_at END,
               settled_at = CASE WHEN j.state IN ('delivered', 'refused') THEN $2 ELSE NULL END,
               lease_owner = NULL, lease_until = NULL
             FROM {} AS j WHERE outbox.id = j.id",
            self.dialect.rows(&["id", "state", "error"], &["unknown", "not_before", "tried", "first"])
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&rows)?)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(held)
    }

    /// Which of these `owner` still holds. Changes take turns, so it holds them until this one ends.
    async fn held_by(
        &mut self,
        owner: &str,
        batch: &[(OutboxEntry, Settlement)],
    ) -> Result<HashSet<String>> {
        let ids: Vec<&str> = batch.iter().map(|(entry, _)| entry.id.as_str()).collect();
        // By id alone: PostgreSQL, which counted when hardly any was leased, would go by that.
        let read = format!("SELECT id, lease_owner FROM outbox WHERE id {}", self.dialect.among());
        let columns = ["id", "lease_owner"];
        let leases: Vec<Lease> =
            self.dialect.read_among(&mut *self.db, &columns, &read, to_json(&ids)?).await?;
        let held = leases.into_iter().filter(|lease| lease.lease_owner.as_deref() == Some(owner));
        Ok(held.map(|lease| lease.id).collect())
    }

    /// Marks how the lane's receiver answered last, by what a batch shows.
    async fn mark_contacts(
        &mut self,
        lane: &str,
        batch: &[(OutboxEntry, Settlement)],
    ) -> Result<()> {
        let answered = |s: &Settlement| {
            matches!(s, Settlement::Delivered(_) | Settlement::Refused { .. } | Settlement::Absent)
        };
        let failure = batch.iter().rev().find_map(|(_, settlement)| match settlement {
            Settlement::NotSent { reason, .. }
            | Settlement::Unknown { reason, .. }
            | Settlement::NotSeen { reason, .. } => Some(reason.as_str()),
            _ => None,
        });
        if batch.iter().any(|(_, settlement)| answered(settlement)) {
            self.mark_lane(lane, None).await?;
        } else if let Some(failure) = failure {
            self.mark_lane(lane, Some(failure)).await?;
        }
        Ok(())
    }
}
