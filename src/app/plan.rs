//! Another plan is applied: what is owed moves to its dates; a plan of another code begins a new campaign with the same
//! assignments (二(三) 长期走访随访的对子).

use std::collections::HashSet;

use serde_json::json;

use super::areas::AreaDuties;
use super::casework::{Files, From, RuleBook};
pub use super::plan_change::{Moves, PlanChange};
use crate::db::{Act, Reason, Result, Snapshot, Store, StoreError};
use crate::domain::campaign::Campaign;
use crate::domain::obligations::{Ladder, Standing, Unapplied, Whose};

/// Makes `plan` the one in effect and moves what is owed to it, in turns.
///
/// # Errors
/// [`StoreError::Rule`] where another campaign has taken its place, or it would take that of one that still runs.
pub async fn apply(store: &Store, plan: &Campaign, by: &str, reason: &str) -> Result<PlanChange> {
    put(store, plan, (by, reason), false).await
}

/// The same, also where that ends a campaign that still runs.
///
/// # Errors
/// [`StoreError::Rule`] where another campaign has taken its place.
pub async fn apply_ending_current(
    store: &Store,
    plan: &Campaign,
    by: &str,
    reason: &str,
) -> Result<PlanChange> {
    put(store, plan, (by, reason), true).await
}

async fn put(
    store: &Store,
    plan: &Campaign,
    (by, reason): (&str, &str),
    ends_current: bool,
) -> Result<PlanChange> {
    // What another plan asked for comes first.
    super::rederive::go_on(store).await?;
    let mut tx = store.begin().await?;
    let before = tx.campaign().code.clone();
    let refusal = tx.plans().unapplied(plan, tx.today());
    let refusal = refusal.filter(|why| !(ends_current && matches!(why, Unapplied::Ends { .. })));
    if let Some(why) = refusal {
        tx.rollback().await?;
        return Err(StoreError::Rule(why.to_string()));
    }
    if before != plan.code {
        tx.keep_figures().await?;
        tx.reset_issue_numbers().await?;
    }
    tx.put_plan(plan, by, reason).await?;
    // A record of before it was noted since when there is an inspection group.
    let today = tx.today();
    tx.begin_inspecting(today).await?;
    tx.ask_derivation(Reason::Plan).await?;
    tx.audit_act(Act {
        by,
        action: "apply_plan",
        target: &plan.code,
        detail: &json!({"reason": reason}),
        was: Some(&json!({"code": before})),
        became: Some(&json!({"code": plan.code})),
    })
    .await?;
    tx.commit().await?;
    store.refresh_plan().await?;
    super::rederive::go_on(store).await
}

/// How many subjects are looked at together.
const AT_ONCE: i64 = 500;

/// What another plan would change, and what would be owed by it.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    pub change: PlanChange,
    pub moves: Moves,
    /// Who owes what would be over: a person, or whoever holds a role over an area.
    pub whose: HashSet<Whose>,
}

/// What the plan that a snapshot [supposes](Snapshot::suppose) would change; nothing is changed, and nobody waits.
pub async fn preview(snapshot: &mut Snapshot) -> Result<Preview> {
    let book = RuleBook::read(snapshot).await?;
    let ladder = Ladder::after_another(&book.plans, &book.workdays, snapshot.today());
    let mut preview = Preview::default();
    let mut after = String::new();
    loop {
        let ids = snapshot.subject_ids_after(&after, AT_ONCE).await?;
        let Some(last) = ids.last() else { break };
        after.clone_from(last);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let files = Files::load(snapshot, &ids, From::Events, &book).await?;
        let changes = files.changes(&book.plans, &ladder);
        let ended = preview.change.take_files(&files, &changes, (&book, &ladder));
        preview.whose.extend(ended.into_iter().map(Standing::whose));
        preview.moves.take(files.over(&book.plans), &changes);
    }
    let duties = AreaDuties::read(snapshot, &book.plans, None).await?;
    let changes = duties.changes(&ladder);
    let ended = preview.change.take_areas(&duties, &changes, &ladder);
    preview.whose.extend(ended.into_iter().map(Standing::whose));
    preview.moves.take(duties.over(), &changes);
    Ok(preview)
}
