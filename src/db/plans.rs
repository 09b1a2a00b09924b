//! The plans that were applied. A changed file changes nothing until it's applied.

use std::sync::{Arc, PoisonError};

use super::{Result, Session, Store, StoreError, Tx, to_json};
use crate::domain::campaign::Campaign;
use crate::domain::obligations::Plans;

const ALL: &str = "SELECT applied_at, body FROM plans ORDER BY version";
const LAST: &str = "SELECT MAX(version) FROM plans";

impl Store {
    /// The plan in effect.
    pub fn campaign(&self) -> Arc<Campaign> {
        Arc::clone(self.plans().now())
    }

    /// All plans that were applied.
    pub fn plans(&self) -> Arc<Plans> {
        Arc::clone(&self.plans.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes up the plan that was last applied, by whichever process; at first the file's.
    pub async fn refresh_plan(&self) -> Result<()> {
        let rows: Vec<(i64, String)> = sqlx::query_as(ALL).fetch_all(&self.read).await?;
        let Some(plans) = plans_of(rows)? else {
            let mut tx = self.begin().await?;
            let plan = tx.context().campaign.clone();
            // Another process may have been first.
            let rows: Vec<(i64, String)> = sqlx::query_as(ALL).fetch_all(&mut *tx.db).await?;
            if rows.is_empty() {
                tx.put_plan(&plan, "zoufang", "first").await?;
            }
            tx.commit().await?;
            return Box::pin(self.refresh_plan()).await;
        };
        *self.plans.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plans);
        Ok(())
    }

    /// A turn goes by the plan of its own instant, whichever process applied it.
    pub(super) async fn take_up_plan(&self, tx: &mut Tx) -> Result<()> {
        let last: Option<i64> = sqlx::query_scalar(LAST).fetch_one(&mut *tx.db).await?;
        if last.is_none_or(|last| last == tx.plans.version()) {
            return Ok(());
        }
        let rows: Vec<(i64, String)> = sqlx::query_as(ALL).fetch_all(&mut *tx.db).await?;
        if let Some(plans) = plans_of(rows)? {
            tx.plans = Arc::new(plans);
            *self.plans.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&tx.plans);
        }
        Ok(())
    }

    /// Since when what is recorded counts for the campaign.
    pub(super) fn campaign_start(&self) -> String {
        self.campaign().starts_on().to_string()
    }

    /// Whether the file's plan isn't the one in effect.
    pub fn plan_differs(&self) -> bool {
        to_json(&self.context.campaign).ok() != to_json(self.campaign().as_ref()).ok()
    }
}

impl Session {
    /// All plans that were applied, and the one that is taken as the last.
    pub fn plans(&self) -> Arc<Plans> {
        Arc::clone(&self.plans)
    }

    /// Goes on as if this plan held: a snapshot shows what it would change.
    pub fn suppose(&mut self, plan: &Campaign) {
        let plan = Arc::new(plan.clone());
        self.plans = Arc::new(self.plans.followed_by(self.now, plan));
    }
}

impl Tx {
    /// Makes a plan the one in effect.
    pub async fn put_plan(&mut self, plan: &Campaign, by: &str, reason: &str) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO plans (version, code, body, applied_by, reason, applied_at)
             SELECT COALESCE(MAX(version), 0) + 1, $1, $2, $3, $4, $5 FROM plans",
        )
        .bind(plan.code.clone())
        .bind(to_json(plan)?)
        .bind(by.to_owned())
        .bind(reason.to_owned())
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        self.suppose(plan);
        self.groups.clear();
        Ok(())
    }

    /// Numbers of the next campaign's issues begin anew.
    pub async fn reset_issue_numbers(&mut self) -> Result<()> {
        sqlx::query("DELETE FROM counters WHERE name = 'issue'").execute(&mut *self.db).await?;
        Ok(())
    }
}

fn plans_of(rows: Vec<(i64, String)>) -> Result<Option<Plans>> {
    let mut plans: Option<Plans> = None;
    for (at, body) in rows {
        let plan = Arc::new(read_plan(body)?);
        plans = Some(match plans {
            None => Plans::first(at, plan),
            Some(plans) => plans.followed_by(at, plan),
        });
    }
    Ok(plans)
}

/// A plan as it was applied.
fn read_plan(body: String) -> Result<Campaign> {
    serde_json::from_str(&body).map_err(|_| StoreError::Corrupt { what: "plans.body", value: body })
}
