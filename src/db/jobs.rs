//! Job runs: each job's slot is claimed once, whatever restarts or replicas there are.

use std::collections::HashMap;

use jiff::civil::Date;

use super::personal::{JOB_OUTCOME, row_of};
use super::{Context, Result, Session, Store, Tx};
use crate::clock::township_date;

/// How far the clocks of two replicas may be apart, in milliseconds: a run that began later than that was made when the
/// clock was ahead.
pub const CLOCKS_APART: i64 = 300_000;

/// A job's latest run.
#[derive(Debug, Clone)]
pub struct JobRun {
    pub slot: i64,
    pub started_at: i64,
    /// When the process that is at it last said so.
    pub alive_at: i64,
    pub finished_at: Option<i64>,
    pub ended: Option<Ended>,
}

/// How a run ended, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Done(String),
    Failed(String),
}

const DONE: &str = "ok: ";
const FAILED: &str = "failed: ";

impl Ended {
    /// What happened.
    pub fn text(&self) -> &str {
        match self {
            Ended::Done(text) | Ended::Failed(text) => text,
        }
    }

    pub(super) fn stored(&self) -> String {
        let kind = match self {
            Ended::Done(_) => DONE,
            Ended::Failed(_) => FAILED,
        };
        format!("{kind}{}", self.text())
    }

    fn read(stored: &str) -> Ended {
        match stored.strip_prefix(FAILED) {
            Some(why) => Ended::Failed(why.to_owned()),
            None => Ended::Done(stored.strip_prefix(DONE).unwrap_or(stored).to_owned()),
        }
    }
}

struct Row {
    job: String,
    slot: i64,
    started_at: i64,
    alive_at: Option<i64>,
    finished_at: Option<i64>,
    outcome: Option<String>,
}

from_row!(Row { job, slot, started_at, alive_at, finished_at, outcome });

const ROW: &str = "SELECT job, slot, started_at, alive_at, finished_at, outcome FROM job_runs";

impl Row {
    fn read(self, context: &Context) -> Result<(String, JobRun)> {
        let Row { job, slot, started_at, alive_at, finished_at, outcome } = self;
        let outcome = context.open_optional(JOB_OUTCOME, &row_of(&job, slot), outcome)?;
        let ended = outcome.as_deref().map(Ended::read);
        let alive_at = alive_at.unwrap_or(started_at);
        Ok((job, JobRun { slot, started_at, alive_at, finished_at, ended }))
    }
}

impl Store {
    /// Takes the slot; false where it was already taken. A run whose process hasn't said for `stale_after` milliseconds that
    /// it's at it (it was killed) may be taken again, and so may one that began later than now: the clock
    /// was ahead then; and one that failed after `retry` milliseconds, where it's to be tried again.
    pub async fn claim_slot(
        &self,
        job: &str,
        slot: i64,
        stale_after: i64,
        retry: Option<i64>,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let now = tx.now();
        // How it ended is sealed.
        let retry = match retry {
            Some(retry) if tx.has_failed(job, slot).await? => Some(retry),
            _ => None,
        };
        let claimed = sqlx::query(
            "INSERT INTO job_runs (job, slot, started_at, alive_at) VALUES ($1, $2, $3, $3)
             ON CONFLICT (job, slot) DO UPDATE SET started_at = excluded.started_at, alive_at = excluded.alive_at,
               finished_at = NULL, outcome = NULL
             WHERE job_runs.finished_at IS NULL AND (job_runs.alive_at <= $4 OR job_runs.alive_at > $5) OR job_runs.started_at > $5
               OR job_runs.finished_at <= $6",
        )
        .bind(job)
        .bind(slot)
        .bind(now)
        .bind(now.saturating_sub(stale_after))
        .bind(now.saturating_add(CLOCKS_APART))
        .bind(retry.map_or(i64::MIN, |retry| now.saturating_sub(retry)))
        .execute(&mut tx.db)
        .await?;
        tx.commit().await?;
        Ok(claimed.rows_affected() > 0)
    }

    /// The process that is at a run is still alive.
    pub async fn keep_slot(&self, job: &str, slot: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = tx.now();
        sqlx::query(
            "UPDATE job_runs SET alive_at = $1 WHERE job = $2 AND slot = $3 AND finished_at IS NULL",
        )
        .bind(now)
        .bind(job)
        .bind(slot)
        .execute(&mut tx.db)
        .await?;
        tx.commit().await
    }

    /// Records how the run ended, and forgets all but the newest runs of the job, and those that are still to come:
    /// they were made when the clock was ahead.
    pub async fn finish_slot(&self, job: &str, slot: i64, ended: &Ended) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = tx.now();
        sqlx::query(
            "UPDATE job_runs SET finished_at = $1, outcome = $2 WHERE job = $3 AND slot = $4",
        )
        .bind(now)
        .bind(tx.context().seal(JOB_OUTCOME, &row_of(job, slot), &ended.stored())?)
        .bind(job)
        .bind(slot)
        .execute(&mut tx.db)
        .await?;
        sqlx::query(
            "DELETE FROM job_runs WHERE job = $1 AND (started_at > $2 OR slot < (
               SELECT MIN(slot) FROM (
                 SELECT slot FROM job_runs WHERE job = $1 AND started_at <= $2 ORDER BY slot DESC LIMIT 200) AS kept))",
        )
        .bind(job)
        .bind(now.saturating_add(CLOCKS_APART))
        .execute(&mut tx.db)
        .await?;
        tx.commit().await
    }

    /// Each job's latest run.
    pub async fn last_runs(&self) -> Result<HashMap<String, JobRun>> {
        let latest =
            format!("{ROW} r WHERE slot = (SELECT MAX(slot) FROM job_runs WHERE job = r.job)");
        let runs: Vec<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(latest)).fetch_all(&self.read).await?;
        runs.into_iter().map(|run| run.read(&self.context)).collect()
    }
}

impl Tx {
    /// Whether the run of that slot failed.
    async fn has_failed(&mut self, job: &str, slot: i64) -> Result<bool> {
        let of_slot = format!("{ROW} WHERE job = $1 AND slot = $2");
        let run: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(of_slot))
            .bind(job.to_owned())
            .bind(slot)
            .fetch_optional(&mut self.db)
            .await?;
        let run = run.map(|row| row.read(&self.context)).transpose()?;
        Ok(run.is_some_and(|(_, run)| matches!(run.ended, Some(Ended::Failed(_)))))
    }
}

impl Session {
    /// Whether that day's reminders have been through.
    pub async fn reminded_on(&mut self, day: Date) -> Result<bool> {
        let last =
            "SELECT MAX(slot) FROM job_runs WHERE job = 'reminders' AND finished_at IS NOT NULL";
        let last: Option<i64> = sqlx::query_scalar(last).fetch_one(&mut self.db).await?;
        Ok(last.is_some_and(|slot| township_date(slot) >= day))
    }
}
