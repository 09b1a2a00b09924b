//! Another plan is applied: what is owed moves to its dates; a plan of another code begins a new campaign with the same
//! assignments (二(三) 长期走访随访的对子).

use super::areas::AreaDuties;
use super::casework::{Files, From, RuleBook};
pub use super::plan_change::PlanChange;
use crate::db::{Result, Snapshot, Store, Tx};
use crate::domain::campaign::Campaign;
use crate::domain::obligations::Ladder;

/// Makes `plan` the one in effect and moves what is owed to it, in turns.
pub async fn apply(store: &Store, plan: &Campaign, by: &str, reason: &str) -> Result<PlanChange> {
    // What another plan asked for comes first.
    super::rederive::go_on(store).await?;
    let mut tx = store.begin().await?;
    let before = tx.campaign().code.clone();
    tx.put_plan(plan, by, reason).await?;
    if before != plan.code {
        tx.reset_issue_numbers().await?;
    }
    tx.ask_derivation("plan").await?;
    let detail = serde_json::json!({"code": plan.code, "reason": reason});
    tx.audit(by, "apply_plan", &plan.code, &detail).await?;
    tx.commit().await?;
    store.refresh_plan().await?;
    super::rederive::go_on(store).await
}

/// As [`apply`], within one turn that's then taken back: to see what would follow of it.
pub async fn apply_within(tx: &mut Tx, plan: &Campaign) -> Result<PlanChange> {
    let before = tx.campaign().code.clone();
    tx.put_plan(plan, "plan", "plan").await?;
    if before != plan.code {
        tx.reset_issue_numbers().await?;
    }
    super::rederive::all_within(tx).await
}

/// How many subjects are looked at together.
const AT_ONCE: i64 = 500;

/// What `plan` would change; nothing is changed, and nobody waits.
pub async fn preview(store: &Store, plan: &Campaign) -> Result<PlanChange> {
    let mut snapshot = store.snapshot().await?;
    snapshot.suppose(plan);
    let change = changes(&mut snapshot).await?;
    snapshot.end().await?;
    Ok(change)
}

async fn changes(snapshot: &mut Snapshot) -> Result<PlanChange> {
    let book = RuleBook::read(snapshot).await?;
    let today = snapshot.today();
    let ladder = Ladder {
        plan: book.plans.now(),
        before: book.plans.before(),
        workdays: &book.workdays,
        today,
    };
    let mut change = PlanChange::default();
    let mut after = String::new();
    loop {
        let ids = snapshot.subject_ids_after(&after, AT_ONCE).await?;
        let Some(last) = ids.last() else { break };
        after.clone_from(last);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let files = Files::load(snapshot, &ids, From::Events, &book).await?;
        change.count(&files.changes(&book.plans, &ladder), &ladder);
        change.ended += files.over(&book.plans);
    }
    let duties = AreaDuties::read(snapshot, &book.plans, None).await?;
    change.ended += duties.over();
    change.count(&duties.changes(&ladder), &ladder);
    Ok(change)
}
