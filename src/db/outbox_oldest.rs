//! The oldest debt of a lane that wants a look: what a reason names where it counts several.

use super::personal::OUTBOX_ERROR;
use super::{Result, Store};

/// What kept a debt from being delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// It waits to be sent, to be released or to be found.
    Sending,
    /// It's held until a person decides.
    Decision,
}

/// An entry's id and key, since when, and why, sealed.
type Found = (String, String, i64, String);

impl Store {
    /// The key of a lane's oldest debt of that kind, and when it was owed, in milliseconds. Reads only what waits, by an
    /// index that knows nothing of what is settled.
    pub async fn oldest_entry(&self, lane: &str, wants: Wants) -> Result<Option<(String, i64)>> {
        let states = match wants {
            Wants::Sending => "state IN ('ready', 'review')",
            Wants::Decision => "state = 'held'",
        };
        let read = format!(
            "SELECT debt_key, created_at FROM outbox WHERE lane = $1 AND {states} ORDER BY created_at, debt_key LIMIT 1"
        );
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(lane.to_owned())
            .fetch_optional(&self.read)
            .await?)
    }

    /// The debt of a lane that has been looked for the longest: its key, since when it's unknown, in milliseconds, and what
    /// the last attempt or look came to.
    pub async fn oldest_unknown(&self, lane: &str) -> Result<Option<(String, i64, String)>> {
        let found: Option<Found> = sqlx::query_as(
            "SELECT id, debt_key, unknown_since, COALESCE(last_error, '') FROM outbox
             WHERE lane = $1 AND state = 'ready' AND unknown_since IS NOT NULL ORDER BY unknown_since LIMIT 1",
        )
        .bind(lane.to_owned())
        .fetch_optional(&self.read)
        .await?;
        found.map(|found| self.opened(found)).transpose()
    }

    fn opened(&self, (id, key, since, why): Found) -> Result<(String, i64, String)> {
        Ok((key, since, self.context.open(OUTBOX_ERROR, &id, &why)?))
    }

    /// How many debts of a lane were tried again and again and certainly haven't arrived, a hundred at the most, and the
    /// oldest: its key, when it was owed, in milliseconds, and why it failed last.
    pub async fn failing_entries(
        &self,
        lane: &str,
    ) -> Result<(i64, Option<(String, i64, String)>)> {
        const FAILING: &str = "FROM outbox WHERE lane = $1 AND state = 'ready' AND attempts > 1 AND unknown_since IS NULL";
        let counted = format!("SELECT COUNT(*) FROM (SELECT 1 {FAILING} LIMIT 100) AS failing");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(counted))
            .bind(lane.to_owned())
            .fetch_one(&self.read)
            .await?;
        if count == 0 {
            return Ok((0, None));
        }
        let read = format!(
            "SELECT id, debt_key, created_at, COALESCE(last_error, '') {FAILING} ORDER BY created_at LIMIT 1"
        );
        let oldest: Option<Found> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(lane.to_owned())
            .fetch_optional(&self.read)
            .await?;
        Ok((count, oldest.map(|found| self.opened(found)).transpose()?))
    }
}
