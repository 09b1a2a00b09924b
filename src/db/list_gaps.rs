//! What looks have shown of the platform's lists: what they left out though they showed something later.

use jiff::SignedDuration;

use super::{Result, Store, Tx};
use crate::domain::delivery::search::Gap;

/// Something that a list left out; its category is empty where it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListGap {
    pub category: String,
    /// For how long it had been there, in milliseconds.
    pub behind: i64,
}

from_row!(ListGap { category, behind });

impl Store {
    /// What the platform's lists have left out since then.
    pub async fn list_gaps(&self, since: i64) -> Result<Vec<ListGap>> {
        Ok(sqlx::query_as(
            "SELECT category, behind FROM list_gaps WHERE lane = $1 AND seen_at >= $2 ORDER BY category",
        )
        .bind(self.context.platform_lane.clone())
        .bind(since)
        .fetch_all(&self.read)
        .await?)
    }
}

impl Tx {
    /// Keeps what a list left out: of each category the longest since then.
    pub async fn note_list_gap(&mut self, gap: &Gap, since: i64) -> Result<()> {
        let behind = i64::try_from(gap.behind.max(SignedDuration::ZERO).as_millis());
        sqlx::query(
            "INSERT INTO list_gaps (lane, category, reference, behind, seen_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (lane, category) DO UPDATE SET seen_at = excluded.seen_at,
               reference = CASE WHEN list_gaps.seen_at < $6 OR list_gaps.behind < excluded.behind THEN excluded.reference
                 ELSE list_gaps.reference END,
               behind = CASE WHEN list_gaps.seen_at < $6 OR list_gaps.behind < excluded.behind THEN excluded.behind
                 ELSE list_gaps.behind END",
        )
        .bind(self.context.platform_lane.clone())
        .bind(gap.category.map_or("", |category| category.code()))
        .bind(gap.reference.clone())
        .bind(behind.unwrap_or(i64::MAX))
        .bind(self.now())
        .bind(since)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
