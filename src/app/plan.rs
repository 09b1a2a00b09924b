//! Another plan is applied: what is owed moves to its dates; a plan of another code begins a new campaign with the same
//! assignments (二(三) 长期走访随访的对子).

use jiff::civil::Date;
use serde::Serialize;

use super::areas::AreaDuties;
use super::casework::{Files, From, RuleBook};
use crate::db::{Result, Snapshot, Store, Tx};
use crate::domain::campaign::Campaign;
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::obligations::{DutyChange, Ladder};

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

    /// Adds what some changes do.
    pub(super) fn count(&mut self, changes: &[DutyChange], ladder: &Ladder<'_>) {
        for change in changes {
            match change {
                DutyChange::Add { duty, .. } => {
                    self.opened += i64::from(duty.state == DutyState::Open);
                }
                DutyChange::Change { state: DutyState::Cancelled, .. } => self.ended += 1,
                DutyChange::Change { standing, state: DutyState::Open, .. }
                    if standing.state != DutyState::Open =>
                {
                    self.opened += 1;
                }
                DutyChange::Change { standing, group: Some(group), .. } => {
                    self.count_move(
                        standing.group.kind,
                        standing.group.due_on,
                        group.due_on,
                        ladder,
                    );
                }
                DutyChange::Change { .. } => {}
            }
        }
        self.moved.sort_unstable();
    }

    fn count_move(&mut self, kind: DutyKind, from: Date, to: Date, ladder: &Ladder<'_>) {
        if from != to {
            let same = |m: &&mut (DutyKind, Date, Date, i64)| (m.0, m.1, m.2) == (kind, from, to);
            match self.moved.iter_mut().find(same) {
                Some(moved) => moved.3 += 1,
                None => self.moved.push((kind, from, to, 1)),
            }
        } else if ladder.is_new(kind) {
            match self.ladders.iter_mut().find(|(known, _)| *known == kind) {
                Some(ladder) => ladder.1 += 1,
                None => self.ladders.push((kind, 1)),
            }
        }
    }
}

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
