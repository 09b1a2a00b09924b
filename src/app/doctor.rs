//! The doctor derives everything again from the facts, and says what differs: after a hand in the database, a restored
//! backup, or a mistake in this program.

use std::collections::HashMap;

use super::areas::AreaDuties;
use super::casework::{Files, From, Misprojected, RuleBook};
use crate::db::{FigureDifference, Reason, Result, Session, Standing, Store};
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::obligations::{DutyChange, GroupKey, Ladder};

/// A duty, or an issue, that isn't what the record makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The duty's key, or the issue's number.
    pub what: String,
    /// What kind of duty; nothing for an issue itself.
    pub kind: Option<DutyKind>,
    /// How it stands, and how the record says that it should; nothing where it isn't there at all.
    pub found: Option<String>,
    pub expected: Option<String>,
    /// What in the record says so.
    pub because: &'static str,
}

/// How many subjects are looked at together.
const AT_ONCE: i64 = 250;

/// What differs. With `repair`, the name of who asked for it, duties are put right, in turns; issues never are: their events
/// are what happened.
pub async fn examine(store: &Store, repair: Option<&str>) -> Result<Vec<Difference>> {
    store.refresh_plan().await?;
    let mut snapshot = store.snapshot().await?;
    let (mut differences, wrong) = find(&mut snapshot).await?;
    let figures = snapshot.recount().await?;
    snapshot.end().await?;
    if let Some(by) =
        repair.filter(|_| !(differences.is_empty() && wrong.is_empty() && figures.is_empty()))
    {
        let mut tx = store.begin().await?;
        let found = differences.len() + wrong.len() + figures.len();
        let detail = serde_json::json!({ "differences": found });
        tx.audit(by, "repair", "duties", &detail).await?;
        tx.ask_derivation(Reason::Repair).await?;
        tx.commit().await?;
        super::rederive::go_on(store).await?;
        recount(store).await?;
    }
    let mut issues: Vec<Difference> = wrong.into_iter().map(of_issue).collect();
    issues.sort_by(|a, b| a.what.cmp(&b.what));
    issues.append(&mut differences);
    issues.extend(figures.iter().map(of_figure));
    Ok(issues)
}

/// Puts the kept figures right: by what they were off at one instant, whatever has changed them since; counted again where
/// another doctor was first.
async fn recount(store: &Store) -> Result<()> {
    loop {
        let mut snapshot = store.snapshot().await?;
        let (mends, differences) = (snapshot.figure_mends().await?, snapshot.recount().await?);
        snapshot.end().await?;
        let mut tx = store.begin().await?;
        if differences.is_empty() || tx.mend_figures(&differences, mends).await? {
            return tx.commit().await;
        }
        tx.rollback().await?;
    }
}

fn of_figure(difference: &FigureDifference) -> Difference {
    let FigureDifference { counter, kept, counted } = difference;
    Difference {
        what: counter.to_string(),
        kind: None,
        found: Some(kept.to_string()),
        expected: Some(counted.to_string()),
        because: "全部记录重新统计一遍",
    }
}

async fn find(session: &mut Session) -> Result<(Vec<Difference>, Vec<Misprojected>)> {
    let book = RuleBook::read(session).await?;
    let ladder = Ladder::of(&book.plans, &book.workdays, session.today());
    let staff = session.staff().await?.into_iter().map(|person| (person.id, person.number));
    let numbers: HashMap<String, String> = staff.collect();
    let (mut differences, mut wrong) = (Vec::new(), Vec::new());
    let mut after = String::new();
    loop {
        let ids = session.subject_ids_after(&after, AT_ONCE).await?;
        let Some(last) = ids.last() else { break };
        after.clone_from(last);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let files = Files::load(session, &ids, From::Events, &book).await?;
        let changes = files.changes(&book.plans, &ladder);
        differences.extend(changes.iter().map(|change| of_duty(change, &numbers)));
        wrong.extend(files.misprojected);
    }
    let areas = AreaDuties::read(session, &book.plans, None).await?;
    let changes = areas.changes(&ladder);
    differences.extend(changes.iter().map(|change| of_duty(change, &numbers)));
    differences.sort_by(|a, b| a.what.cmp(&b.what));
    Ok((differences, wrong))
}

fn of_issue(wrong: Misprojected) -> Difference {
    Difference {
        what: wrong.number,
        kind: None,
        found: Some(wrong.found),
        expected: Some(wrong.expected),
        because: "问题的全部事件重放一遍",
    }
}

fn of_duty(change: &DutyChange, numbers: &HashMap<String, String>) -> Difference {
    let describe = |state: DutyState, group: &GroupKey| {
        let owner = group.staff_id.as_ref().and_then(|id| numbers.get(id));
        let owner = owner.map(|number| format!("，责任人 {number}")).unwrap_or_default();
        format!("{state}，期限 {}{owner}", group.due_on)
    };
    match change {
        DutyChange::Add { duty, group } => Difference {
            what: duty.key.clone(),
            kind: Some(duty.kind),
            found: None,
            expected: Some(describe(duty.state, group)),
            because: fact(duty.kind),
        },
        DutyChange::Change { standing, state, group } => Difference {
            what: standing.key.clone(),
            kind: Some(standing.group.kind),
            found: Some(describe(standing.state, &standing.group)),
            expected: Some(describe(*state, group.as_ref().unwrap_or(&standing.group))),
            because: because(standing, *state, group.as_ref()),
        },
    }
}

/// What in the record makes a duty as it's expected.
fn because(standing: &Standing, state: DutyState, group: Option<&GroupKey>) -> &'static str {
    match group {
        _ if state == DutyState::Cancelled => "记录中没有什么还要求这一项",
        Some(group) if standing.state == state && standing.group.due_on != group.due_on => {
            "现行方案的期限"
        }
        Some(_) if standing.state == state => "走访安排、区划和人员名单",
        _ => fact(standing.group.kind),
    }
}

/// By which fact a kind of duty is met.
const fn fact(kind: DutyKind) -> &'static str {
    match kind {
        DutyKind::Visit => "走访记录、群众名册和走访安排",
        DutyKind::Classify => "该群众的问题是否都已分类",
        DutyKind::Revisit => "该群众的回访记录和问题是否都已销号",
        DutyKind::Acknowledge => "问题的签收记录",
        DutyKind::Upload | DutyKind::Returned | DutyKind::Begin | DutyKind::Resolve => {
            "问题的办理过程"
        }
        DutyKind::SpotCheck | DutyKind::Inspection => "督导组的抽查记录",
        DutyKind::Finding => "抽查结论和核实结果",
        DutyKind::FollowUp => "调解约定的回访和履行情况",
        DutyKind::Materials
        | DutyKind::Summary
        | DutyKind::Report
        | DutyKind::SelfCheck
        | DutyKind::LookBack
        | DutyKind::Extra => "方案对该村或总支的要求，和确认它的审计记录",
    }
}
