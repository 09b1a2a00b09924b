//! Debts that a reason on the status page names: what was refused, and what arrived though it wasn't owed any more.

use super::personal::OUTBOX_ERROR;
use super::{Result, Store};

/// Several debts: how many, up to a limit; of the one that has been so longest its key, since when, and why.
#[derive(Debug, Clone)]
pub struct NamedDebts {
    pub debt_key: String,
    pub since: i64,
    pub why: String,
    pub count: i64,
}

struct NamedRow {
    id: String,
    named: NamedDebts,
}

from_row!(NamedDebts { debt_key, since, why, count });
from_row!(NamedRow { ..named, id });

/// No status page counts further.
pub(super) const COUNTED: i64 = 1_000;

impl Store {
    /// Referrals of a lane that were refused and whose issue nobody has taken up since.
    pub async fn refused_referrals(&self, lane: &str) -> Result<Option<NamedDebts>> {
        let which = "o.state = 'refused' AND o.kind = 'referral' AND EXISTS (
               SELECT 1 FROM referrals r JOIN issues i ON i.id = r.issue_id
               WHERE r.id = o.target_id AND i.state = 'returned' AND i.round = r.round + 1)";
        self.named(lane, which, 0).await
    }

    /// What else a lane's receiver has refused since then; of whom it can't reach is said elsewhere.
    pub async fn refused_besides(&self, lane: &str, since: i64) -> Result<Option<NamedDebts>> {
        let which = "o.state = 'refused' AND o.kind <> 'referral' AND o.settled_at >= $2
               AND COALESCE(o.error_code, '') <> 'no_address'";
        self.named(lane, which, since).await
    }

    /// What arrived though it wasn't owed any more, while the platform is still at it.
    pub async fn arrived_late(&self, lane: &str) -> Result<Option<NamedDebts>> {
        let which = "o.withdrawn IS NOT NULL AND o.state = 'delivered' AND o.kind = 'referral' AND EXISTS (
               SELECT 1 FROM referrals r WHERE r.id = o.target_id AND r.state IN ('open', 'waiting'))";
        self.named(lane, which, 0).await
    }

    async fn named(&self, lane: &str, which: &str, since: i64) -> Result<Option<NamedDebts>> {
        let read = format!(
            "SELECT id, debt_key, since, why, COUNT(*) OVER () AS count FROM (
               SELECT o.id, o.debt_key, COALESCE(o.settled_at, o.created_at) AS since, COALESCE(o.last_error, '') AS why FROM outbox o
               WHERE o.lane = $1 AND {which} AND CAST($2 AS BIGINT) >= 0 LIMIT {COUNTED}) AS few
             ORDER BY since, debt_key LIMIT 1"
        );
        let found: Option<NamedRow> = sqlx::query_as(sqlx::AssertSqlSafe(read))
            .bind(lane.to_owned())
            .bind(since)
            .fetch_optional(&self.read)
            .await?;
        let opened = |NamedRow { id, named }: NamedRow| {
            let why = self.context.open(OUTBOX_ERROR, &id, &named.why)?;
            Ok(NamedDebts { why, ..named })
        };
        found.map(opened).transpose()
    }
}
