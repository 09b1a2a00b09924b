//! The plans that were applied. A changed file changes nothing until it's applied.

use std::sync::{Arc, PoisonError};

use super::personal::{PLAN_BY, PLAN_REASON};
use super::{Result, Session, Store, Tx, applied, to_json};
use crate::domain::campaign::{Campaign, PhaseName};
use crate::domain::obligations::{PlanFile, Plans};

/// By whose word the file's plan is in effect at first.
const FIRST: &str = "zoufang";

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
        let mut snapshot = self.snapshot().await?;
        let applied = applied::all(&mut snapshot.db).await?;
        snapshot.end().await?;
        let Some(plans) = applied else {
            let mut tx = self.begin().await?;
            let plan = tx.context().campaign.clone();
            // Another process may have been first.
            if applied::all(&mut tx.db).await?.is_none() {
                tx.put_plan(&plan, FIRST, "first").await?;
            }
            tx.commit().await?;
            return Box::pin(self.refresh_plan()).await;
        };
        *self.plans.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plans);
        Ok(())
    }

    /// Whether nobody may be told of anything yet: the plan is over, it's in effect because it stood there first, by nobody's
    /// word, and nobody was ever told of anything. The first morning would tell all of it at once.
    pub async fn waits_for_word(&self) -> Result<bool> {
        let is_over = self.campaign().ends_on(PhaseName::Feedback) < self.context.clock.today();
        if !is_over {
            return Ok(false);
        }
        let last = "SELECT version, applied_by FROM plans ORDER BY version DESC LIMIT 1";
        let last: Option<(i64, String)> = sqlx::query_as(last).fetch_optional(&self.read).await?;
        let opened =
            |(version, by): (i64, String)| self.context.open(PLAN_BY, &version.to_string(), &by);
        let by = last.map(opened).transpose()?;
        let told: Option<i64> = sqlx::query_scalar("SELECT 1 FROM reminders LIMIT 1")
            .fetch_optional(&self.read)
            .await?;
        Ok(by.is_some_and(|by| by == FIRST) && told.is_none())
    }

    /// Since when what is recorded counts for the campaign.
    pub(super) fn campaign_start(&self) -> String {
        self.campaign().starts_on().to_string()
    }

    /// How the file's plan, as it was read at the start, stands to the one in effect.
    pub fn plan_file(&self) -> PlanFile {
        self.plan_file_of(&self.context.campaign)
    }

    /// How a plan stands to the one in effect.
    pub fn plan_file_of(&self, file: &Campaign) -> PlanFile {
        let plans = self.plans();
        match () {
            () if *file == **plans.now() => PlanFile::InEffect,
            () if plans.is_over(&file.code) || plans.held_before(file) => PlanFile::OfBefore,
            () => PlanFile::Differs,
        }
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
        let version: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) + 1 FROM plans")
            .fetch_one(&mut self.db)
            .await?;
        let row = version.to_string();
        sqlx::query(
            "INSERT INTO plans (version, code, body, applied_by, reason, applied_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(version)
        .bind(plan.code.clone())
        .bind(to_json(plan)?)
        .bind(self.context.seal(PLAN_BY, &row, by)?)
        .bind(self.context.seal(PLAN_REASON, &row, reason)?)
        .bind(now)
        .execute(&mut self.db)
        .await?;
        self.suppose(plan);
        self.groups.clear();
        Ok(())
    }

    /// Numbers of the next campaign's issues begin anew.
    pub async fn reset_issue_numbers(&mut self) -> Result<()> {
        sqlx::query("DELETE FROM counters WHERE name = 'issue'").execute(&mut self.db).await?;
        Ok(())
    }
}
