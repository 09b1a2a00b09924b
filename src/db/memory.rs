//! How far the record has come, for what remembers it outside; and what is unsure in one that was restored from a backup.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use sqlx::{Any, Executor};

use super::personal::{JOB_OUTCOME, row_of};
use super::{Dialect, Ended, Result, Session, Store, StoreError, Tx, to_json};
use crate::domain::counted::Thing;
use crate::domain::memory::Recall;

/// That the record was restored: instants are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When that was noticed, and until when the backup remembers.
    pub at: i64,
    pub from: i64,
    /// How many debts may have been paid since.
    pub unsure: i64,
    /// Issues up to this number may have been referred before.
    pub issues: i64,
    /// Whether what was lost gets its numbers by the order in which it comes in again.
    #[serde(default = "by_order")]
    pub in_order: bool,
}

/// As it was before numbers were remembered.
fn by_order() -> bool {
    true
}

/// The counter of the numbers that were given.
pub(super) const NUMBERS: &str = "issue_numbers";

/// The names under which it's kept.
const NAME: &str = "record";
const BEATS: &str = "beats";
const RESTORED: &str = "restored";

/// What is unsure is marked in turns of so many.
const AT_ONCE: i64 = 1_000;

impl Store {
    /// How far it has come.
    pub async fn recall(&self) -> Result<Recall> {
        let meta: Vec<(String, String)> = sqlx::query_as(
            "SELECT name, value FROM meta WHERE name IN ('record', 'beats', 'heartbeat')",
        )
        .fetch_all(&self.read)
        .await?;
        let of = |name: &str| meta.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let number = |name: &str| of(name).and_then(|value| value.parse().ok()).unwrap_or(0);
        let counters: Vec<(String, i64)> = sqlx::query_as(
            "SELECT name, value FROM counters WHERE name IN ('issue', 'issue_numbers', 'handoff', 'breach')",
        )
        .fetch_all(&self.read)
        .await?;
        let mut counters: BTreeMap<String, i64> = counters.into_iter().collect();
        let mut last = |name: &str| counters.remove(name).unwrap_or(0);
        let (issues, entries) = (last("issue"), last(NUMBERS));
        let slots: Vec<(String, i64)> = sqlx::query_as(
            "SELECT job, MAX(slot) FROM job_runs WHERE finished_at IS NOT NULL GROUP BY job",
        )
        .fetch_all(&self.read)
        .await?;
        Ok(Recall {
            record: of(NAME).cloned().unwrap_or_default(),
            beats: number(BEATS),
            cluster: self.cluster().await,
            issues,
            at: number("heartbeat"),
            reminded: None,
            slots: slots.into_iter().collect(),
            entries,
            counters,
            audit: self.audit_head().await?,
        })
    }

    /// PostgreSQL's own name of its data and of their timeline, where one may ask for it.
    async fn cluster(&self) -> String {
        if self.dialect == Dialect::Sqlite {
            return String::new();
        }
        let asked = sqlx::query_scalar(
            "SELECT CAST(s.system_identifier AS TEXT) || '/' || CAST(c.timeline_id AS TEXT)
             FROM pg_control_system() s, pg_control_checkpoint() c",
        );
        asked.fetch_one(&self.read).await.unwrap_or_default()
    }

    /// That it was restored, if it was.
    pub async fn restored(&self) -> Result<Option<Restored>> {
        restored(&self.read).await
    }

    /// Whether anything is, or was, to be delivered.
    pub async fn has_debts(&self) -> Result<bool> {
        let any: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM outbox LIMIT 1").fetch_optional(&self.read).await?;
        Ok(any.is_some())
    }
}

impl Session {
    /// The same, as it's seen here.
    pub async fn restored(&mut self) -> Result<Option<Restored>> {
        restored(&mut self.db).await
    }
}

async fn restored<'e>(db: impl Executor<'e, Database = Any>) -> Result<Option<Restored>> {
    let read = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(RESTORED);
    let kept: Option<String> = read.fetch_optional(db).await?;
    kept.map(|text| {
        serde_json::from_str(&text).map_err(|error| StoreError::of_json(RESTORED, &error))
    })
    .transpose()
}

impl Store {
    /// From here on this process has seen so many heartbeats in the record.
    pub fn seen_beats(&self, beats: i64) {
        self.turns.beats.store(beats, Ordering::Relaxed);
    }
}

impl Tx {
    pub(super) async fn put_meta(&mut self, name: &str, value: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value.to_owned())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    /// Gives the record a name, and has it beat on from there.
    pub async fn name_record(&mut self, name: &str, beats: i64) -> Result<()> {
        self.put_meta(NAME, name).await?;
        self.put_meta(BEATS, &beats.to_string()).await
    }

    /// Counts one more heartbeat; how many these are.
    pub(super) async fn count_beat(&mut self) -> Result<i64> {
        let beats: String = sqlx::query_scalar(
            "INSERT INTO meta (name, value) VALUES ($1, '1')
             ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value",
        )
        .bind(BEATS)
        .fetch_one(&mut self.db)
        .await?;
        Ok(beats.parse().unwrap_or(0))
    }

    /// Refuses a record that has counted fewer heartbeats than this process has seen: it was restored from a backup meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Older`], until what is unsure in it is marked.
    pub async fn refuse_older(&mut self) -> Result<()> {
        let beats: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(BEATS)
            .fetch_optional(&mut self.db)
            .await?;
        let beats = beats.and_then(|beats| beats.parse().ok()).unwrap_or(0);
        if beats < self.beats.load(Ordering::Relaxed) {
            return Err(StoreError::Older);
        }
        Ok(())
    }

    /// Notes that the record was restored.
    pub async fn note_restored(&mut self, restored: &Restored) -> Result<()> {
        self.put_meta(RESTORED, &to_json(restored)?).await
    }

    /// Some of what the record believes unsent may have been sent since: it's looked for first. Where nobody can look
    /// (`hold`), a person does. How many these were.
    pub async fn mark_unsure(&mut self, hold: Option<&str>, reason: &str) -> Result<usize> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM outbox WHERE state IN ('ready', 'review', 'held') AND unknown_since IS NULL
               AND lease_until IS NULL LIMIT $1",
        )
        .bind(AT_ONCE)
        .fetch_all(&mut self.db)
        .await?;
        self.retally(Thing::Entry, ids.iter().map(String::as_str)).await?;
        let mark = format!(
            "UPDATE outbox SET unknown_since = $2, first_attempt_at = COALESCE(first_attempt_at, created_at),
               last_error = $3, state = CASE WHEN lane = $4 THEN 'held' ELSE state END WHERE id {}",
            self.dialect.among()
        );
        let now = self.now();
        sqlx::query(sqlx::AssertSqlSafe(mark))
            .bind(to_json(&ids)?)
            .bind(now)
            .bind(reason.to_owned())
            .bind(hold.unwrap_or_default().to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(ids.len())
    }

    /// Notices of days before that one aren't sent any more: whoever they were for was told, or is told anew.
    pub async fn drop_notices_before(&mut self, today: &str, reason: &str) -> Result<()> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT o.id FROM outbox o JOIN notices n ON n.id = o.target_id
             WHERE o.kind = 'notice' AND o.state IN ('ready', 'held') AND n.on_date < $1",
        )
        .bind(today.to_owned())
        .fetch_all(&mut self.db)
        .await?;
        self.cancel_notices(&ids, reason).await?;
        sqlx::query("DELETE FROM owed_digests WHERE on_date < $1")
            .bind(today.to_owned())
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// A job's slot was taken in a time that the record has lost.
    pub async fn remember_slot(&mut self, job: &str, slot: i64, outcome: &str) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO job_runs (job, slot, started_at, finished_at, outcome) VALUES ($1, $2, $3, $3, $4)
             ON CONFLICT (job, slot) DO NOTHING",
        )
        .bind(job)
        .bind(slot)
        .bind(now)
        .bind(self.context.seal(
            JOB_OUTCOME,
            &row_of(job, slot),
            &Ended::Done(outcome.to_owned()).stored(),
        )?)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
