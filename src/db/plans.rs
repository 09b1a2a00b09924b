//! The plan in effect: what the leading group applied. A changed file changes nothing until it's applied.

use std::sync::{Arc, PoisonError};

use jiff::civil::Date;
use serde::Serialize;

use super::duty_groups::GroupKey;
use super::{Context, NewDuty, Result, Store, StoreError, Tx, date, to_json, word};
use crate::domain::campaign::Campaign;
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::issue::Urgency;
use crate::domain::staff::Role;

/// What another plan changes of what is owed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlanChange {
    /// Open duties by kind whose date moves: from, to, how many.
    pub moved: Vec<(DutyKind, Date, Date, i64)>,
    /// Open duties by kind whose ladder changes and whose date doesn't.
    pub ladders: Vec<(DutyKind, i64)>,
    /// Duties of the campaign before, or of a phase that was taken away, that end undone.
    pub ended: i64,
    /// Duties of the new campaign, or of a phase that was added.
    pub opened: i64,
}

impl PlanChange {
    /// Whether nothing that is owed changes.
    pub fn is_nothing(&self) -> bool {
        *self == PlanChange::default()
    }
}

/// A group whose date may move.
#[derive(Debug)]
struct Dated {
    id: String,
    key: GroupKey,
    open: i64,
    /// The issue that it is about.
    issue: Option<DatedIssue>,
}

/// What an issue's dates depend on.
#[derive(Debug)]
struct DatedIssue {
    number: String,
    urgency: Option<Urgency>,
    registered_on: Option<Date>,
    /// First classified: then its department hears of it.
    passed_on: Option<Date>,
    /// Last classified or reopened.
    classified_on: Option<Date>,
}

#[derive(Debug)]
struct DatedRow {
    id: String,
    kind: String,
    staff_id: Option<String>,
    role: String,
    area_id: String,
    issue_id: Option<String>,
    due_on: String,
    next_step: i64,
    open: i64,
    number: Option<String>,
    urgency: Option<String>,
    registered_at: Option<i64>,
    passed_on_at: Option<i64>,
    classified_at: Option<i64>,
}

from_row!(DatedRow {
    id,
    kind,
    staff_id,
    role,
    area_id,
    issue_id,
    due_on,
    next_step,
    open,
    number,
    urgency,
    registered_at,
    passed_on_at,
    classified_at
});

impl Store {
    /// The plan in effect.
    pub fn campaign(&self) -> Arc<Campaign> {
        Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes up the plan that was last applied, by whichever process; at first the file's.
    pub async fn refresh_plan(&self) -> Result<()> {
        let last: Option<String> =
            sqlx::query_scalar("SELECT body FROM plans ORDER BY version DESC LIMIT 1")
                .fetch_optional(&self.read)
                .await?;
        let Some(body) = last else {
            let mut tx = self.begin().await?;
            let plan = tx.context.campaign.clone();
            tx.put_plan(&plan, "zoufang", "first").await?;
            return tx.commit().await;
        };
        let current = self.campaign();
        if to_json(current.as_ref())? != body {
            let plan = Arc::new(read_plan(body)?);
            *self.plan.write().unwrap_or_else(PoisonError::into_inner) = plan;
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

impl Tx {
    /// Makes `plan` the one in effect, and moves what is owed to its dates; a plan of another code begins a new campaign
    /// with the same assignments.
    pub async fn change_plan(
        &mut self,
        plan: &Campaign,
        by: &str,
        reason: &str,
    ) -> Result<PlanChange> {
        let before = Arc::clone(&self.plan);
        self.put_plan(plan, by, reason).await?;
        if before.code == plan.code {
            self.move_dates(&before).await
        } else {
            self.begin_anew(&before).await
        }
    }

    async fn put_plan(&mut self, plan: &Campaign, by: &str, reason: &str) -> Result<()> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO plans (version, code, body, applied_by, reason, applied_at)
             SELECT COALESCE(MAX(version), 0) + 1, $1, $2, $3, $4, $5 FROM plans",
        )
        .bind(&plan.code)
        .bind(to_json(plan)?)
        .bind(by)
        .bind(reason)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        self.plan = Arc::new(plan.clone());
        self.groups.clear();
        Ok(())
    }

    /// Moves what is owed to the dates of the plan in effect.
    pub(super) async fn move_dates(&mut self, before: &Campaign) -> Result<PlanChange> {
        let mut change = PlanChange::default();
        for group in self.dated_groups().await? {
            if group.key.kind == DutyKind::Extra {
                continue;
            }
            let due_on = self.due_on_now(&group);
            let (kind, from) = (group.key.kind, group.key.due_on);
            let same_ladder = before.steps(kind) == self.plan.steps(kind);
            if due_on == from && same_ladder {
                continue;
            }
            self.move_group(&group, due_on, same_ladder).await?;
            if due_on == from {
                add(&mut change.ladders, |(k, _)| *k == kind, (kind, 0)).1 += group.open;
            } else {
                let same =
                    |m: &(DutyKind, Date, Date, i64)| (m.0, m.1, m.2) == (kind, from, due_on);
                add(&mut change.moved, same, (kind, from, due_on, 0)).3 += group.open;
            }
        }
        self.move_extras(&mut change).await?;
        change.moved.sort_unstable();
        Ok(change)
    }

    /// Phases that were added, moved or taken away: each village owes what the plan now has.
    async fn move_extras(&mut self, change: &mut PlanChange) -> Result<()> {
        let unmet: Vec<(String, String, String, String, String)> = sqlx::query_as(
            "SELECT d.id, d.duty_key, d.state, b.area_id, b.due_on FROM duties d JOIN duty_groups b ON b.id = d.group_id
             WHERE d.kind = 'extra' AND d.state <> 'met' AND d.duty_key LIKE 'extra:%' ORDER BY d.id",
        )
        .fetch_all(&mut *self.db)
        .await?;
        for (id, key, state, area_id, due_on) in unmet {
            let from = date("duty_groups.due_on", &due_on)?;
            let open = state == DutyState::Open.code();
            let Some(phase) = self.plan.extra_of(&key).cloned() else {
                if open {
                    self.set_duty(&key, DutyState::Cancelled).await?;
                    change.ended += 1;
                }
                continue;
            };
            if !open {
                self.set_duty(&key, DutyState::Open).await?;
                change.opened += 1;
            }
            if phase.ends_on == from {
                continue;
            }
            let group =
                self.group(&NewDuty::of_phase(&phase, &area_id).group_key(phase.ends_on)).await?;
            sqlx::query("UPDATE duties SET group_id = $1 WHERE id = $2")
                .bind(group)
                .bind(id)
                .execute(&mut *self.db)
                .await?;
            let moved = (DutyKind::Extra, from, phase.ends_on);
            let same = |m: &(DutyKind, Date, Date, i64)| (m.0, m.1, m.2) == moved;
            if open {
                add(&mut change.moved, same, (moved.0, moved.1, moved.2, 0)).3 += 1;
            }
        }
        let before = self.count_duties().await?;
        self.owe_of_areas().await?;
        change.opened += self.count_duties().await? - before;
        Ok(())
    }

    /// Opens what the plan wants of every area.
    async fn owe_of_areas(&mut self) -> Result<()> {
        for duty in self.owed_of_areas().await? {
            self.open_duty(&duty).await?;
        }
        Ok(())
    }

    async fn count_duties(&mut self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM duties").fetch_one(&mut *self.db).await?)
    }

    /// The date that the plan now gives a group. An issue of an earlier campaign keeps its own.
    fn due_on_now(&self, group: &Dated) -> Date {
        let (plan, workdays, kind) = (&self.plan, &self.context.workdays, group.key.kind);
        let Some(issue) = &group.issue else { return plan.due_on(kind) };
        if !issue.number.starts_with(&format!("{}-", plan.code)) {
            return group.key.due_on;
        }
        let resolve_by = issue
            .urgency
            .zip(issue.classified_on)
            .map(|(of, on)| (of, on, plan.resolve_by(of, on)));
        let found = match kind {
            DutyKind::Acknowledge => {
                let department = group.key.role == Role::Department;
                let heard_on = if department { issue.passed_on } else { issue.registered_on };
                heard_on.map(|on| workdays.plus(on, plan.acknowledge_within))
            }
            DutyKind::Begin => resolve_by.map(|(of, on, due_on)| plan.begin_by(of, on, due_on)),
            DutyKind::Upload => {
                resolve_by.map(|(_, on, due_on)| workdays.plus(on, plan.upload_within).min(due_on))
            }
            _ => resolve_by.map(|(.., due_on)| due_on),
        };
        found.unwrap_or(group.key.due_on)
    }

    /// Its open duties go on in another group, on the new date. A step that was told is told again where the new date
    /// puts it in the future; where only the ladder changed, what has passed isn't told again.
    async fn move_group(&mut self, group: &Dated, due_on: Date, same_ladder: bool) -> Result<()> {
        let today = self.today();
        let steps = self.plan.steps(group.key.kind);
        let passed = steps
            .iter()
            .take_while(|step| step.told_on(due_on, &self.context.workdays) < today)
            .count();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let next_step = if same_ladder { group.key.next_step.min(passed) } else { passed };
        let key = GroupKey { due_on, next_step, ..group.key.clone() };
        let to = self.add_group(&key).await?;
        sqlx::query("UPDATE duties SET group_id = $1 WHERE group_id = $2 AND state = 'open'")
            .bind(to)
            .bind(&group.id)
            .execute(&mut *self.db)
            .await?;
        if let (DutyKind::Resolve, Some(issue)) = (key.kind, &key.issue_id) {
            sqlx::query("UPDATE issues SET due_on = $1 WHERE id = $2")
                .bind(due_on.to_string())
                .bind(issue)
                .execute(&mut *self.db)
                .await?;
        }
        Ok(())
    }

    async fn dated_groups(&mut self) -> Result<Vec<Dated>> {
        let rows: Vec<DatedRow> = sqlx::query_as(
            "SELECT b.id, b.kind, b.staff_id, b.role, b.area_id, b.issue_id, b.due_on, b.next_step, o.open, i.number,
               i.urgency, i.created_at AS registered_at,
               (SELECT MIN(e.at) FROM issue_events e WHERE e.issue_id = b.issue_id AND e.kind = 'classified') AS passed_on_at,
               (SELECT MAX(e.at) FROM issue_events e WHERE e.issue_id = b.issue_id
                 AND e.kind IN ('classified', 'reopened')) AS classified_at
             FROM (SELECT group_id, COUNT(*) AS open FROM duties WHERE state = 'open' GROUP BY group_id) o
             JOIN duty_groups b ON b.id = o.group_id LEFT JOIN issues i ON i.id = b.issue_id ORDER BY b.id",
        )
        .fetch_all(&mut *self.db)
        .await?;
        rows.into_iter().map(|row| row.read(&self.context)).collect()
    }

    /// Next year's campaign: what the last one left undone ends, but for its issues; everybody visits their own again
    /// (二(三) 长期走访随访的对子).
    async fn begin_anew(&mut self, before: &Campaign) -> Result<PlanChange> {
        let now = self.now();
        let ended = sqlx::query(
            "UPDATE duties SET state = 'cancelled', met_at = $1, met_by = 'campaign ended' WHERE state = 'open' AND issue_id IS NULL",
        )
        .bind(now)
        .execute(&mut *self.db)
        .await?
        .rows_affected();
        // Their keys are free for the new campaign's.
        sqlx::query("UPDATE duties SET duty_key = $1 || '/' || duty_key WHERE issue_id IS NULL")
            .bind(&before.code)
            .execute(&mut *self.db)
            .await?;
        sqlx::query("DELETE FROM counters WHERE name = 'issue'").execute(&mut *self.db).await?;
        let before = self.count_duties().await?;
        for (subject, area_id, staff) in self.pairs().await? {
            self.open_duty(&NewDuty::visit(&subject, &area_id, &staff)).await?;
        }
        // Who still waits for an answer is visited again for it.
        let waiting: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT resident_id FROM issues WHERE state NOT IN ('closed', 'void')",
        )
        .fetch_all(&mut *self.db)
        .await?;
        for resident in waiting {
            self.settle_resident(&resident).await?;
        }
        self.owe_of_areas().await?;
        Ok(PlanChange {
            ended: i64::try_from(ended).unwrap_or(i64::MAX),
            opened: self.count_duties().await? - before,
            ..PlanChange::default()
        })
    }

    pub(super) fn campaign_start(&self) -> String {
        self.plan.starts_on().to_string()
    }
}

impl DatedRow {
    fn read(self, context: &Context) -> Result<Dated> {
        let day = |at: Option<i64>| at.and_then(|at| context.day_of(at));
        let urgency =
            self.urgency.as_deref().map(|text| word("issues.urgency", text, Urgency::read));
        let urgency = urgency.transpose()?;
        let issue = self.number.map(|number| DatedIssue {
            number,
            urgency,
            registered_on: day(self.registered_at),
            passed_on: day(self.passed_on_at),
            classified_on: day(self.classified_at),
        });
        let key = GroupKey {
            kind: word("duty_groups.kind", &self.kind, DutyKind::read)?,
            staff_id: self.staff_id,
            role: word("duty_groups.role", &self.role, Role::read)?,
            area_id: self.area_id,
            issue_id: self.issue_id,
            due_on: date("duty_groups.due_on", &self.due_on)?,
            next_step: self.next_step,
        };
        Ok(Dated { id: self.id, key, open: self.open, issue })
    }
}

/// A plan as it was applied.
pub(super) fn read_plan(body: String) -> Result<Campaign> {
    serde_json::from_str(&body).map_err(|_| StoreError::Corrupt { what: "plans.body", value: body })
}

/// The entry that fits, or a new one.
fn add<T>(all: &mut Vec<T>, fits: impl Fn(&T) -> bool, new: T) -> &mut T {
    let index = all.iter().position(fits).unwrap_or_else(|| {
        all.push(new);
        all.len() - 1
    });
    &mut all[index]
}

impl Context {
    /// The township's date of an instant in epoch milliseconds.
    pub(super) fn day_of(&self, millis: i64) -> Option<Date> {
        let at = jiff::Timestamp::from_millisecond(millis).ok()?;
        Some(crate::clock::township_zone().to_datetime(at).date())
    }
}
