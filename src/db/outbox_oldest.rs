//! The oldest debt of a lane that wants a look: what a reason names where it counts several.

use super::personal::OUTBOX_ERROR;
use super::{Result, Store};

/// An entry's id and key, since when, and why, sealed.
type Found = (String, String, i64, String);

impl Store {
    /// The key of a lane's oldest debt that waits to be sent, to be released or to be found, and when it was owed, in
    /// milliseconds. Reads only what waits, by an index that knows nothing of what is settled.
    pub async fn oldest_entry(&self, lane: &str) -> Result<Option<(String, i64)>> {
        Ok(sqlx::query_as(
            "SELECT debt_key, created_at FROM outbox WHERE lane = $1 AND state IN ('ready', 'review')
             ORDER BY created_at, debt_key LIMIT 1",
        )
        .bind(lane.to_owned())
        .fetch_optional(&self.read)
        .await?)
    }

    /// The same of one that is held until a person decides, and why it is.
    pub async fn oldest_held(&self, lane: &str) -> Result<Option<(String, i64, String)>> {
        let found: Option<Found> = sqlx::query_as(
            "SELECT id, debt_key, created_at, COALESCE(last_error, '') FROM outbox WHERE lane = $1 AND state = 'held'
             ORDER BY created_at, debt_key LIMIT 1",
        )
        .bind(lane.to_owned())
        .fetch_optional(&self.read)
        .await?;
        found.map(|found| self.opened(found)).transpose()
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
        match self.count_and_first((lane, None), FAILING, "created_at").await? {
            (0, _) => self.put_off(lane).await,
            found => Ok(found),
        }
    }

    /// The same of those that failed once and are to come back much later, as the receiver asked.
    async fn put_off(&self, lane: &str) -> Result<(i64, Option<(String, i64, String)>)> {
        const LATER: i64 = 3_600_000;
        // Both states are named for the index of what is next.
        const PUT_OFF: &str =
            "FROM outbox WHERE lane = $1 AND state IN ('ready', 'review') AND not_before > $2
               AND state = 'ready' AND attempts = 1 AND unknown_since IS NULL";
        let after = self.context.clock.millis() + LATER;
        self.count_and_first((lane, Some(after)), PUT_OFF, "not_before").await
    }

    /// How many of a lane's there are, due after an instant where one is given, a hundred at the most, and the first of them.
    async fn count_and_first(
        &self,
        (lane, after): (&str, Option<i64>),
        of: &str,
        order: &str,
    ) -> Result<(i64, Option<(String, i64, String)>)> {
        let counted = format!("SELECT COUNT(*) FROM (SELECT 1 {of} LIMIT 100) AS counted");
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(counted)).bind(lane.to_owned());
        if let Some(after) = after {
            query = query.bind(after);
        }
        let count: i64 = query.fetch_one(&self.read).await?;
        if count == 0 {
            return Ok((0, None));
        }
        let read = format!(
            "SELECT id, debt_key, created_at, COALESCE(last_error, '') {of} ORDER BY {order} LIMIT 1"
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(read)).bind(lane.to_owned());
        if let Some(after) = after {
            query = query.bind(after);
        }
        let first: Option<Found> = query.fetch_optional(&self.read).await?;
        Ok((count, first.map(|found| self.opened(found)).transpose()?))
    }
}
