//! The outbox: what is to be sent, each debt once, claimed and settled in batches.

use std::collections::HashMap;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::notices::ADDRESS;
use super::personal::{LANE_FAILURE, OUTBOX_ERROR};
use super::{Context, Dialect, Result, Store, Tx, to_json};
use crate::domain::counted::CountedEntry;
use crate::domain::delivery::{Claim, Entry, Kept, LEASE_EXPIRED, Settlement, Withdrawal};
use crate::domain::reason::ASKING;

/// What may be taken.
#[derive(Debug, Deserialize)]
struct Due {
    #[serde(flatten)]
    entry: Entry,
    /// 1 where it was taken before, and the lease has ended.
    expired: i64,
    state: String,
    created_at: i64,
}

impl Due {
    /// What it counts for.
    fn counted(&self, lane: &str) -> CountedEntry {
        CountedEntry {
            unknown: self.entry.unknown_since.is_some(),
            leased: self.expired != 0,
            ..CountedEntry::owed(lane, &self.state, self.created_at)
        }
    }
}

/// The columns of a [`Due`].
const DUE: [&str; 15] = [
    "id",
    "kind",
    "debt_key",
    "target_id",
    "attempts",
    "unknown_since",
    "accepted_at",
    "list_lag",
    "first_attempt_at",
    "last_attempt_at",
    "lease_until",
    "withdrawn",
    "expired",
    "state",
    "created_at",
];

impl Tx {
    /// Writes what is owed to the platform beside a referral, once. It may be paid at any time from the beginning of time:
    /// whoever pays it may go by another clock, such as a rehearsal's. What may have been paid since `first`, before a backup
    /// was restored, is looked for first.
    pub(super) async fn owe(
        &mut self,
        kind: &str,
        debt_key: &str,
        target_id: &str,
        priority: i64,
        first: Option<i64>,
    ) -> Result<()> {
        let (id, now, lane) = (self.context.id(), self.now(), self.context.platform_lane.clone());
        let unknown = first.map(|_| now);
        let owed = sqlx::query(
            "INSERT INTO outbox (id, lane, kind, debt_key, target_id, priority, state, attempts, not_before, created_at,
               unknown_since, first_attempt_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'ready', 0, 0, $7, $8, $9) ON CONFLICT (debt_key) DO NOTHING",
        )
        .bind(id)
        .bind(lane.clone())
        .bind(kind)
        .bind(debt_key)
        .bind(target_id)
        .bind(priority)
        .bind(now)
        .bind(unknown)
        .bind(first)
        .execute(&mut self.db)
        .await?;
        if owed.rows_affected() > 0 {
            let entry = CountedEntry::owed(lane, "ready", now);
            let unknown = unknown.is_some();
            self.tally.change(None, Some(&CountedEntry { unknown, ..entry }));
        }
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
        .bind(self.context.seal_optional(LANE_FAILURE, lane, failure)?)
        .execute(&mut self.db)
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
    withdrawn: Option<Withdrawal>,
}

/// When a debt that is claimed now ($4) was last attempted: an attempt that isn't a look begins with its lease.
const ATTEMPTED_AT: &str = "CASE WHEN unknown_since IS NULL THEN $4 ELSE last_attempt_at END";

/// How often a lane's good contact is written, in milliseconds.
const CONTACT_EVERY: i64 = 1_000;

/// What a settlement makes of the debt's row.
#[derive(Serialize)]
struct KeptRow<'k> {
    id: &'k str,
    state: &'static str,
    unknown: Option<i64>,
    accepted: Option<i64>,
    lag: Option<i64>,
    given: Option<&'k str>,
    error: Option<String>,
    /// [`ADDRESS`], where that's why.
    code: Option<&'static str>,
    not_before: i64,
    /// 1 where an attempt was made.
    tried: i64,
    first: Option<i64>,
}

impl KeptRow<'_> {
    fn of<'k>((entry, kept): &'k (&Entry, Kept), context: &Context) -> Result<KeptRow<'k>> {
        let error = kept.error.as_deref();
        Ok(KeptRow {
            id: &entry.id,
            state: kept.standing.code(),
            unknown: kept.unknown_since,
            accepted: kept.accepted_at,
            lag: kept.list_lag,
            given: kept.given_number.as_deref(),
            error: context.seal_optional(OUTBOX_ERROR, &entry.id, error)?,
            code: error.filter(|why| why.starts_with(ADDRESS)).map(|_| ADDRESS),
            not_before: kept.not_before,
            tried: i64::from(kept.tried),
            first: kept.first_attempt_at,
        })
    }
}

impl Store {
    /// Records whether a lane's receiver answered when it was asked. That it answers says nothing of what it was sent: a
    /// failure to take something stands until something was taken, or nothing is owed. Says whether it fails otherwise than
    /// before.
    pub async fn mark_asked(&self, lane: &str, failure: Option<&str>) -> Result<bool> {
        let failure_of = "SELECT failure FROM lanes WHERE name = $1 AND failure IS NOT NULL";
        let known: Option<String> =
            sqlx::query_scalar(failure_of).bind(lane.to_owned()).fetch_optional(&self.read).await?;
        let before = self.context.open_optional(LANE_FAILURE, lane, known)?;
        let is_sending = before.as_ref().is_some_and(|why| !why.starts_with(ASKING));
        if is_sending && self.next_attempt(lane).await?.is_some() {
            return Ok(false);
        }
        let failure = failure.map(|why| format!("{ASKING}{why}"));
        let mut tx = self.begin().await?;
        tx.mark_lane(lane, failure.as_deref()).await?;
        tx.commit().await?;
        Ok(failure.is_some() && failure != before)
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

    /// Which of these aren't owed any more, and why.
    pub(crate) async fn withdrawn(&self, ids: &[&str]) -> Result<HashMap<String, Withdrawal>> {
        #[derive(Deserialize)]
        struct Withdrawn {
            id: String,
            withdrawn: Withdrawal,
        }
        let read = format!(
            "SELECT id, withdrawn FROM outbox WHERE withdrawn IS NOT NULL AND id {}",
            self.dialect.among()
        );
        let columns = ["id", "withdrawn"];
        let rows: Vec<Withdrawn> =
            self.dialect.read(&self.read, &columns, &read, &[to_json(&ids)?.into()]).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.withdrawn)).collect())
    }
}

impl Tx {
    /// Takes debts of a lane, most urgent first, as many as the lane's rate leaves to all who claim from it. What another
    /// claimant took and never settled becomes unknown on the way.
    pub(crate) async fn claim(&mut self, claim: &Claim<'_>) -> Result<Vec<Entry>> {
        let Some(rate) = claim.rate_per_minute else { return self.take(claim).await };
        let spent = self.spent_until(claim.lane).await?;
        let permits = rate.permits(spent, self.wire_micros());
        let claim = Claim { limit: claim.limit.min(permits), ..*claim };
        if claim.limit <= 0 {
            return Ok(Vec::new());
        }
        let entries = self.take(&claim).await?;
        let used = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        if used > 0 {
            let until = rate.spend(spent, self.wire_micros(), used);
            self.spend(claim.lane, until).await?;
        }
        Ok(entries)
    }

    fn wire_micros(&self) -> i64 {
        self.context.clock.wire_millis().saturating_mul(1000)
    }

    async fn spent_until(&mut self, lane: &str) -> Result<i64> {
        let spent: Option<Option<i64>> =
            sqlx::query_scalar("SELECT spent_until FROM lanes WHERE name = $1")
                .bind(lane.to_owned())
                .fetch_optional(&mut self.db)
                .await?;
        Ok(spent.flatten().unwrap_or(0))
    }

    async fn spend(&mut self, lane: &str, until: i64) -> Result<()> {
        sqlx::query(
            "INSERT INTO lanes (name, spent_until) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET spent_until = excluded.spent_until",
        )
        .bind(lane.to_owned())
        .bind(until)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn take(&mut self, claim: &Claim<'_>) -> Result<Vec<Entry>> {
        loop {
            let entries = self.due(claim).await?;
            let (expired, free): (Vec<Due>, Vec<Due>) =
                entries.into_iter().partition(|due| due.expired != 0);
            if expired.is_empty() {
                for due in &free {
                    let before = due.counted(claim.lane);
                    let after = CountedEntry { leased: true, ..before.clone() };
                    self.tally_entry(&due.entry.id, &before, &after);
                }
                let entries: Vec<Entry> = free.into_iter().map(|due| due.entry).collect();
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
        // One that shows whether the receiver is back isn't always the same.
        let order = if claim.probes { "attempts, priority" } else { "priority" };
        // The plus keeps it to the index in order of urgency; by what is due it would sort all that waits.
        let read = format!(
            "SELECT id, kind, debt_key, target_id, attempts, unknown_since, accepted_at, list_lag, first_attempt_at,
               {ATTEMPTED_AT} AS last_attempt_at, $2 AS lease_until, withdrawn,
               CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END AS expired, state, created_at
             FROM outbox WHERE lane = $1 AND state IN ('ready', 'review') AND +not_before <= $4
               AND (lease_until IS NULL OR lease_until <= $4)
             ORDER BY {order}, not_before, id LIMIT $3 {skip}"
        );
        let until = now.saturating_add(claim.lease);
        let claimed = [claim.lane.into(), until.into(), claim.limit.into(), now.into()];
        self.read_rows(&DUE, &read, &claimed).await
    }

    /// Nobody else takes these until the lease ends. No column that an index knows changes: see migration 14.
    async fn lease(&mut self, claim: &Claim<'_>, entries: &[Entry]) -> Result<()> {
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
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// What another claimant took and never settled may have been sent: it becomes unknown, to be looked for
    /// `settle_after` from now.
    async fn take_over(&mut self, claim: &Claim<'_>, expired: &[Due]) -> Result<()> {
        for due in expired {
            let before = due.counted(claim.lane);
            let state = "ready".to_owned();
            let after = CountedEntry { state, unknown: true, leased: false, ..before.clone() };
            self.tally_entry(&due.entry.id, &before, &after);
        }
        let ids: Vec<&str> = expired.iter().map(|due| due.entry.id.as_str()).collect();
        let write = format!(
            "UPDATE outbox SET state = 'ready', unknown_since = COALESCE(unknown_since, lease_until),
               first_attempt_at = COALESCE(first_attempt_at, last_attempt_at, $2 - $3), not_before = $2 + $4,
               last_error = $5, lease_owner = NULL, lease_until = NULL WHERE id {}",
            self.dialect.among()
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&ids)?)
            .bind(self.now())
            .bind(claim.lease)
            .bind(claim.settle_after)
            .bind(LEASE_EXPIRED)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// Lets go what the owner may have taken in a turn that it never heard the end of: none of it was tried.
    pub(crate) async fn release_all_but(
        &mut self,
        claim: &Claim<'_>,
        held: &[String],
    ) -> Result<()> {
        let write = format!(
            "UPDATE outbox SET lease_owner = NULL, lease_until = NULL WHERE lane = $2 AND state IN ('ready', 'review')
               AND lease_owner = $3 AND NOT (id {})
             RETURNING id, state, CASE WHEN unknown_since IS NULL THEN 0 ELSE 1 END, created_at",
            self.dialect.among()
        );
        let released: Vec<(String, String, i64, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(write))
            .bind(to_json(&held)?)
            .bind(claim.lane.to_owned())
            .bind(claim.owner.to_owned())
            .fetch_all(&mut self.db)
            .await?;
        for (id, state, unknown, created_at) in released {
            let owed = CountedEntry::owed(claim.lane, &state, created_at);
            let after = CountedEntry { unknown: unknown != 0, ..owed };
            self.tally_entry(&id, &CountedEntry { leased: true, ..after.clone() }, &after);
        }
        Ok(())
    }

    /// What becomes of these debts, in one statement.
    pub(crate) async fn write_kept(&mut self, kept: &[(&Entry, Kept)]) -> Result<()> {
        if kept.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let rows = kept.iter().map(|kept| KeptRow::of(kept, &self.context));
        let rows: Vec<KeptRow<'_>> = rows.collect::<Result<_>>()?;
        let ids: Vec<&str> = rows.iter().map(|row| row.id).collect();
        let before = self.counted_entries(&to_json(&ids)?).await?;
        for row in &rows {
            let Some(before) = before.get(row.id) else { continue };
            let (state, unknown) = (row.state.to_owned(), row.unknown.is_some());
            let after = CountedEntry { state, unknown, leased: false, ..before.clone() };
            self.tally_entry(row.id, before, &after);
        }
        let write = format!(
            "UPDATE outbox SET state = j.state, unknown_since = j.\"unknown\", accepted_at = j.accepted, list_lag = j.lag,
               given_number = COALESCE(j.given, given_number),
               last_error = COALESCE(j.error, last_error),
               error_code = CASE WHEN j.error IS NULL THEN error_code ELSE j.code END,
               not_before = j.not_before, attempts = attempts + j.tried, first_attempt_at = j.\"first\",
               last_attempt_at = CASE WHEN j.tried = 1 THEN $2 ELSE last_attempt_at END,
               settled_at = CASE WHEN j.state IN ('delivered', 'refused', 'cancelled') THEN $2 ELSE NULL END,
               lease_owner = NULL, lease_until = NULL
             FROM {} AS j WHERE outbox.id = j.id",
            self.dialect.rows(&["id", "state", "given", "error", "code"], &["unknown", "accepted", "lag", "not_before", "tried", "first"])
        );
        sqlx::query(sqlx::AssertSqlSafe(write))
            .bind(to_json(&rows)?)
            .bind(now)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// Which of these `owner` still holds, and why one isn't owed any more. Changes take turns, so both hold until this
    /// one ends.
    pub(crate) async fn held_by(
        &mut self,
        owner: &str,
        ids: &[&str],
    ) -> Result<HashMap<String, Option<Withdrawal>>> {
        // By id alone: PostgreSQL, which counted when hardly any was leased, would go by that.
        let read = format!(
            "SELECT id, lease_owner, withdrawn FROM outbox WHERE id {}",
            self.dialect.among()
        );
        let columns = ["id", "lease_owner", "withdrawn"];
        let leases: Vec<Lease> = self.read_set(&columns, &read, ids, &[]).await?;
        let held = leases.into_iter().filter(|lease| lease.lease_owner.as_deref() == Some(owner));
        Ok(held.map(|lease| (lease.id, lease.withdrawn)).collect())
    }

    /// Marks how the lane's receiver answered last, by what a batch shows.
    pub(crate) async fn mark_contacts(
        &mut self,
        lane: &str,
        batch: &[(Entry, Settlement)],
    ) -> Result<()> {
        let answered = |s: &Settlement| {
            use Settlement::{Absent, Accepted, Delivered, NotSeen, Refused};
            matches!(
                s,
                Delivered(_)
                    | Accepted { .. }
                    | Refused { .. }
                    | Absent
                    | NotSeen { answered: true, .. }
            )
        };
        let failure = batch.iter().rev().find_map(|(entry, settlement)| match settlement {
            Settlement::NotSent { reason, .. }
            | Settlement::Unknown { reason, .. }
            | Settlement::NotSeen { reason, .. } => Some(format!("{}：{reason}", entry.debt_key)),
            _ => None,
        });
        if batch.iter().any(|(_, settlement)| answered(settlement)) {
            self.mark_lane(lane, None).await?;
        } else if let Some(failure) = failure {
            self.mark_lane(lane, Some(&failure)).await?;
        }
        Ok(())
    }
}
