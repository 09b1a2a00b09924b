//! What one person may do with one issue on its page: what the table of rights gives them over it and the issue allows now. Each
//! goes through the use case that a table or a command goes through.

use serde_json::json;

use super::batch::{Batch, IssueChange};
use super::issues::{Acknowledgement, acknowledge};
use super::problem::{About, Outcomes, Problem};
use crate::db::{AreaTree, IssueRow, Result, Session, Standing, Tx};
use crate::domain::duty::{DutyKind, DutyState};
use crate::domain::escalation::{DueGroup, Late, Roster, Routes};
use crate::domain::holder::holder;
use crate::domain::issue::{Category, Class, Event, Issue, Level, Urgency};
use crate::domain::rights::{Matter, Right};
use crate::domain::saying::{self, Saying};
use crate::domain::staff::{Holders, Role, StaffMember};
use crate::words;

words! {
    /// What may be done.
    Act {
        TakeNote = "take_note", "签收";
        Classify = "classify", "分类";
        Begin = "begin", "着手办理";
        Finish = "finish", "登记办理结果";
        Void = "void", "作废";
        Reopen = "reopen", "重新办理";
    }
}

impl Act {
    /// The right that it asks for.
    pub const fn right(self) -> Right {
        match self {
            Act::TakeNote => Right::Acknowledge,
            Act::Classify => Right::Classify,
            Act::Begin => Right::Begin,
            Act::Finish => Right::Finish,
            Act::Void | Act::Reopen => Right::DecideIssue,
        }
    }

    /// An event of its kind, to see whether the issue allows it now.
    fn sample(self, issue: &Issue) -> Event {
        let said = "示例".to_owned();
        let sample =
            Class { level: Level::Town, category: Category::Other, urgency: Urgency::Normal };
        let Class { level, category, urgency } = issue.class.unwrap_or(sample);
        match self {
            Act::TakeNote => Event::Acknowledged { by: said, role: Role::GridMember },
            Act::Classify => Event::Classified { level, category, urgency },
            Act::Begin => Event::Started,
            Act::Finish => Event::TownFinished { result: said },
            Act::Void => Event::Voided { reason: said },
            Act::Reopen => Event::Reopened { reason: said },
        }
    }
}

/// An issue as one person stands to it.
#[derive(Debug)]
pub struct Standpoint {
    pub row: IssueRow,
    pub issue: Issue,
    /// Whether they act on it: who asked for what is shown to them.
    pub is_theirs: bool,
    pub acts: Vec<Act>,
    /// Whether they may see what is hidden, which is written down.
    pub may_reveal: bool,
}

/// How a person stands to the issue of that number; nothing where there is none, or it's none of theirs to see.
///
/// # Errors
/// Where the record can't be read.
pub async fn standpoint(
    session: &mut Session,
    person: &StaffMember,
    number: &str,
) -> Result<Option<Standpoint>> {
    let Some(row) = session.issues_numbered(&[number]).await?.pop() else { return Ok(None) };
    let (issue, tree) = (row.issue()?, session.area_tree().await?);
    let plan = session.campaign();
    let unit = issue.class.and_then(|class| plan.departments.get(&class.category)).cloned();
    let matter =
        Matter { area: &row.area_id, visitor: row.visitor.as_deref(), unit: unit.as_deref() };
    let may = |right: Right| right.is_over(person, &tree, &matter);
    if !may(Right::SeeIssue) {
        return Ok(None);
    }
    let duties = session.duties_of_issues(&[&row.id]).await?;
    let open: Vec<Standing> =
        duties.into_iter().filter(|duty| duty.state == DutyState::Open).collect();
    let notes = |role: Role| {
        open.iter().any(|duty| duty.group.kind == DutyKind::Acknowledge && duty.group.role == role)
    };
    let note_as =
        if person.roles.contains(&Role::Department) { Role::Department } else { Role::GridMember };
    let mut acts: Vec<Act> = Act::ALL.to_vec();
    acts.retain(|act| may(act.right()) && issue.apply(&act.sample(&issue)).is_ok());
    acts.retain(|act| *act != Act::TakeNote || notes(note_as));
    // Nobody here begins what the platform works on.
    let is_referred = issue.level().is_some_and(Level::is_referred);
    acts.retain(|act| *act != Act::Begin || !is_referred);
    let may_reveal = may(Right::RevealIssue);
    let is_theirs = row.visitor.as_ref() == Some(&person.id)
        || owes(session, person, &tree, &issue, unit.is_some(), &open).await?;
    Ok(Some(Standpoint { row, issue, is_theirs, acts, may_reveal }))
}

/// Whether a person owes one of these duties of an issue.
async fn owes(
    session: &mut Session,
    person: &StaffMember,
    tree: &std::sync::Arc<AreaTree>,
    issue: &Issue,
    has_department: bool,
    open: &[Standing],
) -> Result<bool> {
    let holders = Holders::new(session.staff().await?);
    let roster = Roster { tree: tree.clone(), holders, routes: Routes::new(), late: Late::new() };
    let group = |duty: &Standing| DueGroup {
        id: duty.group_id.clone(),
        kind: duty.group.kind,
        staff_id: duty.group.staff_id.clone(),
        role: duty.group.role,
        area_id: duty.group.area_id.clone(),
        due_on: duty.group.due_on,
        next_step: duty.group.next_step,
        open: 1,
        holder: holder(issue, has_department),
        category: issue.class.map(|class| class.category),
    };
    let plan = session.campaign();
    let mut owners = open.iter().flat_map(|duty| {
        let owners = roster.owners(&group(duty), plan);
        owners.into_iter().map(|owner| owner.id.clone()).collect::<Vec<_>>()
    });
    Ok(owners.any(|owner| owner == person.id))
}

/// What is done, with what is said of it.
#[derive(Debug, Clone)]
pub struct Doing {
    pub act: Act,
    /// How far the issue was when the page was shown.
    pub version: i64,
    pub class: Option<Class>,
    /// A result, or a reason.
    pub said: String,
    /// That it can't be undone was read.
    pub confirmed: bool,
}

/// What became of it.
#[derive(Debug)]
pub enum Acted {
    Done,
    /// They did that just before.
    Again,
    /// Something happened to it since the page was shown: nothing was done.
    Stale,
    /// It isn't theirs to do now.
    NotYours,
    Not(Problem),
}

/// Does it, in the person's name.
///
/// # Errors
/// Where the record can't be read or written.
pub async fn act(tx: &mut Tx, person: &StaffMember, number: &str, doing: &Doing) -> Result<Acted> {
    let Some(Standpoint { row, acts, .. }) = standpoint(tx, person, number).await? else {
        return Ok(Acted::NotYours);
    };
    if row.version != doing.version {
        let again = did_last(tx, person, &row, doing).await?;
        return Ok(if again { Acted::Again } else { Acted::Stale });
    }
    if !acts.contains(&doing.act) {
        return Ok(Acted::NotYours);
    }
    if let Some(problem) = lacks(doing) {
        return Ok(Acted::Not(problem));
    }
    let outcomes = happen(tx, person, &row, doing).await?;
    if let Some(Err(problem)) = outcomes.into_iter().next() {
        return Ok(Acted::Not(problem));
    }
    let detail = match doing.act {
        Act::Void | Act::Reopen => json!({ "reason": doing.said }),
        Act::TakeNote | Act::Classify | Act::Begin | Act::Finish => json!({}),
    };
    tx.audit(&person.signed(), doing.act.code(), number, &detail).await?;
    Ok(Acted::Done)
}

/// Whether the last that happened to the issue is just this, by the same person: they pressed twice.
async fn did_last(
    tx: &mut Tx,
    person: &StaffMember,
    row: &IssueRow,
    doing: &Doing,
) -> Result<bool> {
    let events = tx.events_of(&[&row.id]).await?;
    let own =
        events.iter().filter(|event| event.actor == person.signed() || event.actor == person.name);
    let last = own.filter_map(|event| event.event()).next_back();
    let sample = doing.act.sample(&row.issue()?);
    Ok(last.is_some_and(|last| {
        last.kind() == sample.kind() && last.said().is_none_or(|said| said == doing.said)
    }))
}

/// What isn't said that has to be.
fn lacks(doing: &Doing) -> Option<Problem> {
    let problem = |about, text: &str| Some(Problem::new(about, text));
    let is_referred = doing.class.is_some_and(|class| class.level.is_referred());
    let cant_be_undone = match doing.act {
        Act::Void | Act::Reopen => true,
        Act::Classify => is_referred,
        Act::TakeNote | Act::Begin | Act::Finish => false,
    };
    match doing.act {
        Act::Classify if doing.class.is_none() => {
            problem(About::Level, "请选责任层级、类别和轻重缓急")
        }
        Act::Finish => match saying::of_result(&doing.said) {
            Saying::Something => None,
            Saying::Nothing | Saying::NotYet => {
                problem(About::Result, "办结了请写办了什么（如「已更换灯泡」），没有办结请不要登记")
            }
            Saying::Doubtful => problem(
                About::Result,
                "看不出办结了没有：办结了请只写办了什么（如「已更换灯泡」），没有办结请不要登记",
            ),
        },
        Act::Void | Act::Reopen if saying::of(&doing.said) != Saying::Something => {
            problem(About::Text, "请写明原因，会记入审计")
        }
        _ if cant_be_undone && !doing.confirmed => {
            problem(About::State, "这一步不能撤回：请勾选确认后再提交")
        }
        _ => None,
    }
}

async fn happen(
    tx: &mut Tx,
    person: &StaffMember,
    row: &IssueRow,
    doing: &Doing,
) -> Result<Outcomes> {
    let said = doing.said.clone();
    let event = match doing.act {
        Act::TakeNote => {
            let note = Acknowledgement { number: row.number.clone(), staff_id: person.id.clone() };
            return acknowledge(tx, &[note]).await;
        }
        Act::Classify => doing.class.map(|Class { level, category, urgency }| Event::Classified {
            level,
            category,
            urgency,
        }),
        Act::Begin => Some(Event::Started),
        Act::Finish => Some(Event::TownFinished { result: said }),
        Act::Void => Some(Event::Voided { reason: said }),
        Act::Reopen => Some(Event::Reopened { reason: said }),
    };
    let change = IssueChange {
        number: row.number.clone(),
        event,
        then: None,
        keeps_urgency: false,
        state: None,
        actor: person.signed(),
    };
    Batch::Events(vec![change]).put(tx).await
}
