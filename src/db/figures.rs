//! The figures that operators see: counts, never a person.

use std::collections::HashMap;

use super::{Result, Store, counts};

/// How the campaign stands.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub subjects: i64,
    pub visited: i64,
    pub residents: i64,
    pub revisited: i64,
    pub issues_by_level: HashMap<String, i64>,
    pub issues_by_state: HashMap<String, i64>,
    pub reopened: i64,
    pub referrals_by_state: HashMap<String, i64>,
    pub notices: i64,
}

/// How one lane of the outbox stands.
#[derive(Debug, Clone, Default)]
pub struct LaneFigures {
    pub lane: String,
    pub queued: i64,
    pub in_flight: i64,
    pub handed: i64,
    pub unknown: i64,
    pub held: i64,
    pub refused: i64,
    pub delivered: i64,
    pub stuck: i64,
    pub oldest: Option<i64>,
    pub good_at: Option<i64>,
    pub failed_at: Option<i64>,
    pub failure: Option<String>,
}

from_row!(LaneFigures {
    lane,
    queued,
    in_flight,
    handed,
    unknown,
    held,
    refused,
    delivered,
    stuck,
    oldest,
    good_at,
    failed_at,
    failure
});

impl Store {
    /// How the campaign stands now.
    pub async fn figures(&self) -> Result<Figures> {
        Ok(Figures {
            subjects: self.count("SELECT COUNT(*) FROM subjects").await?,
            visited: self
                .count("SELECT COUNT(DISTINCT subject_id) FROM visits WHERE kind = 'first'")
                .await?,
            residents: self.count("SELECT COUNT(*) FROM residents").await?,
            revisited: self
                .count("SELECT COUNT(DISTINCT resident_id) FROM visits WHERE kind = 'revisit'")
                .await?,
            issues_by_level: self
                .count_by(
                    "SELECT COALESCE(level, 'unclassified'), COUNT(*) FROM issues GROUP BY level",
                )
                .await?,
            issues_by_state: self
                .count_by("SELECT state, COUNT(*) FROM issues GROUP BY state")
                .await?,
            reopened: self
                .count("SELECT COUNT(DISTINCT issue_id) FROM issue_events WHERE kind = 'reopened'")
                .await?,
            referrals_by_state: self
                .count_by("SELECT state, COUNT(*) FROM referrals GROUP BY state")
                .await?,
            notices: self
                .count("SELECT COUNT(*) FROM notices WHERE delivered_at IS NOT NULL")
                .await?,
        })
    }

    /// Each lane; what is older than `stuck_millis` and still owed is stuck.
    pub async fn lane_figures(&self, stuck_millis: i64) -> Result<Vec<LaneFigures>> {
        let stuck_before = self.context.clock.millis().saturating_sub(stuck_millis);
        Ok(sqlx::query_as(
            "SELECT n.lane AS lane,
               COUNT(CASE WHEN o.state IN ('ready', 'review') AND o.unknown_since IS NULL AND o.lease_until IS NULL THEN 1 END) AS queued,
               COUNT(o.lease_until) AS in_flight,
               COUNT(CASE WHEN o.state = 'handed' THEN 1 END) AS handed,
               COUNT(CASE WHEN o.state = 'ready' AND o.unknown_since IS NOT NULL AND o.lease_until IS NULL THEN 1 END) AS unknown,
               COUNT(CASE WHEN o.state = 'held' THEN 1 END) AS held,
               COUNT(CASE WHEN o.state = 'refused' THEN 1 END) AS refused,
               COUNT(CASE WHEN o.state = 'delivered' THEN 1 END) AS delivered,
               COUNT(CASE WHEN o.state IN ('ready', 'handed', 'held') AND o.created_at <= $1 THEN 1 END) AS stuck,
               MIN(CASE WHEN o.state IN ('ready', 'handed', 'held') THEN o.created_at END) AS oldest,
               MAX(l.good_at) AS good_at, MAX(l.failed_at) AS failed_at, MAX(l.failure) AS failure
             FROM (SELECT lane FROM outbox UNION SELECT name AS lane FROM lanes) n
             LEFT JOIN outbox o ON o.lane = n.lane LEFT JOIN lanes l ON l.name = n.lane
             GROUP BY n.lane ORDER BY n.lane",
        )
        .bind(stuck_before)
        .fetch_all(&self.read)
        .await?)
    }

    async fn count(&self, query: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(query).fetch_one(&self.read).await?)
    }

    async fn count_by(&self, query: &'static str) -> Result<HashMap<String, i64>> {
        Ok(counts(sqlx::query_as(query).fetch_all(&self.read).await?))
    }
}
