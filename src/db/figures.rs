//! The figures that operators see, as they are kept: counts, never a person.

use std::collections::BTreeMap;

use super::personal::LANE_FAILURE;
use super::{Result, Store};
use crate::domain::counted::{HOUR, MINUTE, Reach, since};
use crate::domain::figures::{Counts, Dimension, Figure};

/// How the campaign stands.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Of all areas.
    pub counts: Counts,
    /// By the code of an earlier campaign, its issues that aren't resolved: none of those below.
    pub earlier_open: BTreeMap<String, i64>,
    pub residents: i64,
    pub revisited: i64,
    pub issues_by_level: BTreeMap<String, i64>,
    pub issues_by_state: BTreeMap<String, i64>,
    pub reopened: i64,
    pub referrals_by_state: BTreeMap<String, i64>,
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
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn figures(&self) -> Result<Figures> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT dimension, CASE WHEN dimension = 'all' THEN name ELSE of_id END AS name, CAST(SUM(total) AS BIGINT) FROM tallies
             WHERE dimension IN ('all', 'level', 'state', 'referral_state')
               AND campaign IN ('', $2) AND (dimension <> 'all' OR name NOT IN ('residents', 'revisited') OR day >= $1)
             GROUP BY dimension, CASE WHEN dimension = 'all' THEN name ELSE of_id END HAVING SUM(total) <> 0",
        )
        .bind(self.campaign().starts_on().to_string())
        .bind(self.campaign().code.clone())
        .fetch_all(&self.read)
        .await?;
        let of = |dimension: Dimension| -> BTreeMap<String, i64> {
            let of = rows.iter().filter(|(found, ..)| found == dimension.code());
            of.map(|(_, name, total)| (name.clone(), *total)).collect()
        };
        let all = of(Dimension::All);
        let one = |figure: Figure| all.get(figure.code()).copied().unwrap_or(0);
        Ok(Figures {
            counts: self.counts().await?,
            earlier_open: self.earlier_open().await?,
            residents: one(Figure::Residents),
            revisited: one(Figure::Revisited),
            issues_by_level: of(Dimension::Level),
            issues_by_state: of(Dimension::State),
            reopened: one(Figure::Reopened),
            referrals_by_state: of(Dimension::ReferralState),
            notices: one(Figure::Notices),
        })
    }

    /// What campaigns before left open, by their codes.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn earlier_open(&self) -> Result<BTreeMap<String, i64>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT campaign, CAST(SUM(total) AS BIGINT) FROM tallies WHERE dimension = 'state' AND campaign <> $1
               AND of_id NOT IN ('resolved', 'closed', 'void') GROUP BY campaign HAVING SUM(total) > 0",
        )
        .bind(self.campaign().code.clone())
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// How many people no channel reaches, and how many addresses one doesn't reach any more.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn unreachable_count(&self) -> Result<i64> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT of_id, total FROM tallies WHERE dimension = 'reach' AND total <> 0",
        )
        .fetch_all(&self.read)
        .await?;
        let channels = || self.context.channels.iter().filter(|channel| !channel.copy);
        let unreachable = |(reach, people): (String, i64)| {
            let Reach { addresses, dead } = Reach::read(&reach);
            let reached = channels().any(|c| c.reaches_by(&addresses, dead.contains(&c.lane)));
            let dead = i64::try_from(dead.len()).unwrap_or(i64::MAX);
            people * (dead + i64::from(!reached))
        };
        Ok(rows.into_iter().map(unreachable).sum())
    }

    /// Each lane; what is older than `stuck_millis` and still owed is stuck, to the minute.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn lane_figures(&self, stuck_millis: i64) -> Result<Vec<LaneFigures>> {
        let stuck_before = self.context.clock.millis().saturating_sub(stuck_millis);
        let count = |name: &str| {
            format!(
                "CAST(COALESCE(SUM(CASE WHEN t.name = '{name}' THEN t.total END), 0) AS BIGINT) AS {name}"
            )
        };
        let counts = ["queued", "in_flight", "handed", "unknown", "held", "refused", "delivered"];
        // Whole hours, and of the last one the minutes: a queue that grows for months is read in a few thousand rows.
        let read = format!(
            "SELECT n.lane AS lane, {},
               CAST((SELECT COALESCE(SUM(a.total), 0) FROM tallies a WHERE a.dimension = 'lane_age' AND a.of_id = n.lane
                 AND a.name = 'owed_by_hour' AND a.campaign = '' AND a.day < $1)
               + (SELECT COALESCE(SUM(a.total), 0) FROM tallies a WHERE a.dimension = 'lane_age' AND a.of_id = n.lane
                 AND a.name = 'owed_by_minute' AND a.campaign = '' AND a.day >= $1 AND a.day <= $2) AS BIGINT) AS stuck,
               CAST((SELECT a.day FROM tallies a WHERE a.dimension = 'lane_age' AND a.of_id = n.lane
                 AND a.name = 'owed_by_minute' AND a.campaign = '' AND a.total > 0 ORDER BY a.day LIMIT 1) AS BIGINT) AS oldest,
               MAX(l.good_at) AS good_at, MAX(l.failed_at) AS failed_at, MAX(l.failure) AS failure
             FROM (SELECT of_id AS lane FROM tallies WHERE dimension = 'lane' AND total > 0 UNION SELECT name AS lane FROM lanes) n
             LEFT JOIN tallies t ON t.dimension = 'lane' AND t.of_id = n.lane LEFT JOIN lanes l ON l.name = n.lane
             GROUP BY n.lane ORDER BY n.lane",
            counts.map(count).join(", ")
        );
        let mut lanes: Vec<LaneFigures> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(since(stuck_before, HOUR))
            .bind(since(stuck_before, MINUTE))
            .fetch_all(&self.read)
            .await?;
        for lane in &mut lanes {
            let failure = lane.failure.take();
            lane.failure = self.context.open_optional(LANE_FAILURE, &lane.lane, failure)?;
        }
        Ok(lanes)
    }
}
