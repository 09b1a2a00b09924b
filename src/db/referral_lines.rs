//! Referrals as they're handed in: how each stands, when it was settled, and when the platform said what ended it.

use serde::Deserialize;

use super::{Result, Session, word};
use crate::domain::referral::PlatformStatus;

/// A referral, with its number on the platform.
#[derive(Debug, Clone, Deserialize)]
pub struct ReferralLine {
    pub issue_id: String,
    pub round: i64,
    pub reference: String,
    pub state: String,
    pub remote_id: Option<String>,
    pub queued_at: i64,
    pub delivered_at: Option<i64>,
    /// When its entry in the outbox was settled, where that is known.
    pub settled_at: Option<i64>,
}

/// That the platform said that a referral is done, or that it won't have it.
#[derive(Debug, Clone)]
pub struct EndingWord {
    pub issue_id: String,
    pub round: i64,
    pub status: PlatformStatus,
    /// When it happened, by the platform, and when it was taken here.
    pub at: i64,
    pub applied_at: i64,
}

impl Session {
    /// Every referral of these issues.
    pub async fn referral_lines(&mut self, issues: &[&str]) -> Result<Vec<ReferralLine>> {
        let columns = [
            "issue_id",
            "round",
            "reference",
            "state",
            "remote_id",
            "queued_at",
            "delivered_at",
            "settled_at",
        ];
        let query = format!(
            "SELECT r.issue_id, r.round, r.reference, r.state, r.remote_id, r.queued_at, r.delivered_at, o.settled_at
             FROM referrals r LEFT JOIN outbox o ON o.debt_key = 'referral:' || r.reference
             WHERE r.issue_id {} ORDER BY r.issue_id, r.round",
            self.dialect.among()
        );
        self.read_set(&columns, &query, issues, &[]).await
    }

    /// What the platform said of these issues' referrals that ends one, as far as it was taken.
    pub async fn ending_words(&mut self, issues: &[&str]) -> Result<Vec<EndingWord>> {
        #[derive(Deserialize)]
        struct Row {
            issue_id: String,
            round: i64,
            status: String,
            at: i64,
            applied_at: i64,
        }
        let columns = ["issue_id", "round", "status", "at", "applied_at"];
        let query = format!(
            "SELECT r.issue_id, r.round, u.status, u.at, u.applied_at
             FROM referrals r JOIN referral_numbers n ON n.referral_id = r.id
             JOIN referral_updates u ON u.lane = n.lane AND u.remote_id = n.remote_id
             WHERE r.issue_id {} AND u.status IN ('resolved', 'refused') AND u.applied_at IS NOT NULL",
            self.dialect.among()
        );
        let rows: Vec<Row> = self.read_set(&columns, &query, issues, &[]).await?;
        let read = |Row { issue_id, round, status, at, applied_at }: Row| {
            let status = word("referral_updates.status", &status, PlatformStatus::read)?;
            Ok(EndingWord { issue_id, round, status, at, applied_at })
        };
        rows.into_iter().map(read).collect()
    }
}
