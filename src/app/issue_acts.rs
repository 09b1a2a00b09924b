//! What one person may do with one issue on its page: what the table of rights gives them over it and the issue allows now. Each
//! goes through the use case that a table or a command goes through.

use serde_json::json;

use super::batch::{Batch, IssueChange};
use super::issue_debt::{Debt, debt_of, give_back, release};
pub use super::issue_doing::{Act, Doing, Mediated};
use super::issues::{Acknowledgement, acknowledge};
use super::mediations::{self, Mediation};
use super::owners::everybody;
use super::problem::{About, Outcomes, Problem};
use crate::db::{EventRow, IssueRow, Result, Session, Standing, Store, Tx, Upsert};
use crate::domain::duty::{DutyKind, DutyState, key};
use crate::domain::escalation::DueGroup;
use crate::domain::holder::{Holder, holder};
use crate::domain::issue::{Event, Issue, Level, State};
use crate::domain::rights::{Matter, Right};
use crate::domain::saying::{self, Saying};
use crate::domain::staff::{Role, StaffMember};

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
    /// What is owed of it now, the nearest first.
    pub next: Vec<Next>,
}

/// Something that is owed of an issue.
#[derive(Debug, Clone)]
pub struct Next {
    pub kind: DutyKind,
    pub due_on: jiff::civil::Date,
    pub holder: Option<Holder>,
    /// Who owes it: ids and names; nobody where nobody holds the role.
    pub owners: Vec<(String, String)>,
}

/// What a person sees of an issue before it's known what may be done with it.
#[derive(Debug)]
pub struct Glance {
    pub row: IssueRow,
    pub issue: Issue,
    /// Which unit of the town answers for it.
    unit: Option<String>,
    /// Whether they may see what is hidden, which is written down.
    pub may_reveal: bool,
}

/// The issue of that number; nothing where there is none, or it's none of theirs to see.
///
/// # Errors
/// Where the record can't be read.
pub async fn glance(
    session: &mut Session,
    person: &StaffMember,
    number: &str,
) -> Result<Option<Glance>> {
    let Some(row) = session.issues_numbered(&[number]).await?.pop() else { return Ok(None) };
    let (issue, tree) = (row.issue()?, session.area_tree().await?);
    let unit = session.campaign().unit_of(&issue).map(str::to_owned);
    let glance = Glance { row, issue, unit, may_reveal: false };
    let may = |right: Right| right.is_over(person, &tree, &glance.matter());
    let (sees, may_reveal) = (may(Right::SeeIssue), may(Right::RevealIssue));
    Ok(sees.then_some(Glance { may_reveal, ..glance }))
}

impl Glance {
    fn matter(&self) -> Matter<'_> {
        let (visitor, unit) = (self.row.visitor.as_deref(), self.unit.as_deref());
        Matter { area: &self.row.area_id, visitor, unit }
    }
}

/// Whether a person acts on an issue that they see, so that who asked for what is shown to them.
///
/// # Errors
/// Where the record can't be read.
pub async fn is_theirs(
    session: &mut Session,
    person: &StaffMember,
    glance: &Glance,
) -> Result<bool> {
    // What a resident is owed is their visitor's.
    if glance.row.visitor.as_ref() == Some(&person.id) {
        return Ok(true);
    }
    let open = open_duties(session, &glance.row).await?;
    let next = owed(session, &glance.issue, glance.unit.is_some(), &open).await?;
    Ok(next.iter().any(|next| next.is_of(person)))
}

impl Next {
    /// Whether it's this person's to do with the issue itself.
    fn is_of(&self, person: &StaffMember) -> bool {
        self.kind.is_of_issue() && self.owners.iter().any(|(id, _)| *id == person.id)
    }
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
    let Some(glance) = glance(session, person, number).await? else { return Ok(None) };
    let tree = session.area_tree().await?;
    let open = open_duties(session, &glance.row).await?;
    let debt = debt_of(session, &glance.row.id, glance.issue.round).await?;
    let may = |right: Right| right.is_over(person, &tree, &glance.matter());
    let mut acts: Vec<Act> = Act::ALL.to_vec();
    acts.retain(|act| may(act.right()) && is_possible(*act, &glance.issue, debt.as_ref()));
    acts.retain(|act| *act != Act::TakeNote || is_to_take_note(person, &open));
    let next = owed(session, &glance.issue, glance.unit.is_some(), &open).await?;
    let Glance { row, issue, may_reveal, .. } = glance;
    let is_theirs =
        row.visitor.as_ref() == Some(&person.id) || next.iter().any(|next| next.is_of(person));
    Ok(Some(Standpoint { row, issue, is_theirs, acts, may_reveal, next }))
}

/// What is open of an issue, and of its resident what it's about.
async fn open_duties(session: &mut Session, row: &IssueRow) -> Result<Vec<Standing>> {
    let mut duties = session.duties_of_issues(&[&row.id]).await?;
    let state = row.issue()?.state;
    let of_resident = match state {
        State::Registered => Some(DutyKind::Classify),
        State::Resolved => Some(DutyKind::Revisit),
        _ => None,
    };
    if let Some(kind) = of_resident {
        let of = key(kind, &row.resident_id, 1);
        duties.extend(session.duties_of_keys(&[&of]).await?);
    }
    duties.retain(|duty| duty.state == DutyState::Open);
    Ok(duties)
}

/// Whether the issue, and what is owed to the platform of it, allows it now.
fn is_possible(act: Act, issue: &Issue, debt: Option<&Debt>) -> bool {
    let is_referred = issue.level().is_some_and(Level::is_referred);
    let allowed = Doing::sample(act, issue)
        .event(issue, "示例")
        .is_none_or(|event| issue.apply(&event).is_ok());
    allowed
        && match act {
            Act::Release => debt.is_some_and(Debt::is_in_review),
            Act::Return => issue.state == State::Queued && debt.is_some_and(Debt::is_here),
            Act::Resubmit => issue.state == State::Returned && is_referred,
            Act::Mediate => !issue.is_ended(),
            // Nobody here begins what the platform works on.
            Act::Begin => !is_referred,
            _ => true,
        }
}

/// Whether this person is asked to take note of it.
fn is_to_take_note(person: &StaffMember, open: &[Standing]) -> bool {
    let role =
        if person.roles.contains(&Role::Department) { Role::Department } else { Role::GridMember };
    open.iter().any(|duty| duty.group.kind == DutyKind::Acknowledge && duty.group.role == role)
}

/// Who owes what of it.
async fn owed(
    session: &mut Session,
    issue: &Issue,
    has_department: bool,
    open: &[Standing],
) -> Result<Vec<Next>> {
    let roster = everybody(session).await?;
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
    let next = |duty: &Standing| {
        let group = group(duty);
        let owners = roster.owners(&group, plan);
        let owners = owners.into_iter().map(|owner| (owner.id.clone(), owner.signed()));
        let owners = owners.collect();
        Next { kind: group.kind, due_on: group.due_on, holder: group.holder, owners }
    };
    let mut next: Vec<Next> = open.iter().map(next).collect();
    next.sort_by_key(|next| next.due_on);
    Ok(next)
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
pub async fn act(
    store: &Store,
    person: &StaffMember,
    number: &str,
    doing: &Doing,
) -> Result<Acted> {
    let mut tx = store.begin().await?;
    let acted = taken(&mut tx, person, number, doing).await?;
    match acted {
        Acted::Done => tx.commit().await?,
        _ => tx.rollback().await?,
    }
    Ok(acted)
}

async fn taken(tx: &mut Tx, person: &StaffMember, number: &str, doing: &Doing) -> Result<Acted> {
    let Some(Standpoint { row, issue, acts, .. }) = standpoint(tx, person, number).await? else {
        return Ok(Acted::NotYours);
    };
    if row.version != doing.version {
        let again = did_last(tx, person, &row, doing).await?;
        return Ok(if again { Acted::Again } else { Acted::Stale });
    }
    if !acts.contains(&doing.act) {
        // What went meanwhile needs no release: by the hand of whoever pressed twice, or by its time.
        let has_gone = doing.act == Act::Release
            && Right::DecideDebt.is_held_by(person)
            && debt_of(tx, &row.id, issue.round).await?.is_some_and(|debt| debt.has_gone());
        return Ok(if has_gone { Acted::Again } else { Acted::NotYours });
    }
    if let Some(problem) = lacks(doing) {
        return Ok(Acted::Not(problem));
    }
    if let Some(problem) = not_mergeable(tx, person, &row, doing).await? {
        return Ok(Acted::Not(problem));
    }
    let outcomes = happen(tx, person, (&row, &issue), doing).await?;
    let audited_there = matches!(doing.act, Act::Release | Act::Mediate);
    match outcomes.into_iter().next() {
        Some(Err(problem)) => return Ok(Acted::Not(problem)),
        Some(Ok(did)) if did.upsert == Upsert::Same && doing.act == Act::Mediate => {
            return Ok(Acted::Again);
        }
        _ => {}
    }
    if !audited_there {
        let detail = match doing.act {
            Act::Merge => json!({ "into": doing.other, "reason": doing.said }),
            act if act.needs_a_reason() => json!({ "reason": doing.said }),
            _ => json!({}),
        };
        tx.audit(&person.signed(), doing.act.code(), number, &detail).await?;
    }
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
    let is_own = |event: &&EventRow| event.actor == person.signed() || event.actor == person.name;
    // What was done before it was taken up again is to be done again.
    let since = events.iter().rev().take_while(|event| {
        !matches!(event.event(), Some(Event::Reopened { .. })) || is_own(event)
    });
    let last = since.filter(is_own).find_map(|event| event.event());
    let wanted = doing.event(&row.issue()?, &person.signed());
    Ok(last
        .zip(wanted)
        .is_some_and(|(last, wanted)| last.kind() == wanted.kind() && last.said() == wanted.said()))
}

/// So many characters may be said with an act.
const LONGEST: usize = 1_000;

/// What isn't said that has to be, or is too long.
fn lacks(doing: &Doing) -> Option<Problem> {
    let problem = |about, text: &str| Some(Problem::new(about, text));
    if doing.texts().any(|text| text.chars().count() > LONGEST) {
        return problem(About::Text, "写得太长，最多 1000 个字，请写得简短些");
    }
    let is_referred = doing.class.is_some_and(|class| class.level.is_referred());
    let is_grave = doing.act.is_grave() || doing.act == Act::Classify && is_referred;
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
                "看不出办结了没有：办结了请只写办了什么（如「已更换灯泡」），或在后面加「，已办结」；没有办结请不要登记",
            ),
        },
        Act::Mediate => lacks_of_mediation(doing.mediated.as_ref()),
        Act::Merge if doing.other.is_empty() => problem(About::Issue, "请填并入哪一个问题的编号"),
        act if act.needs_a_reason() && saying::of(&doing.said) != Saying::Something => {
            problem(About::Text, "请写明原因，会记入审计")
        }
        _ if is_grave && !doing.confirmed => {
            problem(About::State, "这一步不能撤回：请勾选确认后再提交")
        }
        _ => None,
    }
}

fn lacks_of_mediation(mediated: Option<&Mediated>) -> Option<Problem> {
    let problem = |about, text: &str| Some(Problem::new(about, text));
    match mediated {
        Some(said) if said.on.is_none() => problem(About::Date, "请填调解日期"),
        Some(said) if saying::is_nothing(&said.mediator) => problem(About::Mediation, "请填调解人"),
        Some(said) if saying::is_nothing(&said.parties) => problem(About::Mediation, "请填当事人"),
        Some(_) => None,
        None => problem(About::Mediation, "请填调解的日期、调解人和当事人"),
    }
}

/// Why it can't be a duplicate of what is named.
async fn not_mergeable(
    tx: &mut Tx,
    person: &StaffMember,
    row: &IssueRow,
    doing: &Doing,
) -> Result<Option<Problem>> {
    if doing.act != Act::Merge {
        return Ok(None);
    }
    let other = doing.other.as_str();
    let why = match tx.issues_numbered(&[other]).await?.pop() {
        Some(of) if of.id == row.id => "不能并入它自己，请填另一件的编号".to_owned(),
        Some(of) if of.issue()?.state == State::Void => {
            format!("「{other}」已经作废，不能并入：请填还在办或已办结的一件")
        }
        Some(of) => {
            let (tree, issue) = (tx.area_tree().await?, of.issue()?);
            let unit = tx.campaign().unit_of(&issue);
            let matter = Matter { area: &of.area_id, visitor: of.visitor.as_deref(), unit };
            if Right::SeeIssue.is_over(person, &tree, &matter) {
                return Ok(None);
            }
            format!("没有编号「{other}」的问题，或者不在您负责的范围内")
        }
        None => format!("没有编号「{other}」的问题，或者不在您负责的范围内"),
    };
    Ok(Some(Problem::new(About::Issue, why)))
}

async fn happen(
    tx: &mut Tx,
    person: &StaffMember,
    (row, issue): (&IssueRow, &Issue),
    doing: &Doing,
) -> Result<Outcomes> {
    match doing.act {
        Act::TakeNote => {
            let note = Acknowledgement { number: row.number.clone(), staff_id: person.id.clone() };
            return acknowledge(tx, &[note]).await;
        }
        Act::Release => return release(tx, person, &row.id, issue.round).await,
        Act::Return => return give_back(tx, person, &row.id, (issue.round, &doing.said)).await,
        Act::Mediate => {
            let rows: Vec<Mediation> = mediation(person, row, doing).into_iter().collect();
            return mediations::put(tx, &rows).await;
        }
        _ => {}
    }
    let change = IssueChange {
        number: row.number.clone(),
        event: doing.event(issue, &person.signed()),
        then: None,
        keeps_urgency: false,
        state: None,
        actor: person.signed(),
    };
    Batch::Events(vec![change]).put(tx).await
}

fn mediation(person: &StaffMember, row: &IssueRow, doing: &Doing) -> Option<Mediation> {
    let said = doing.mediated.clone()?;
    Some(Mediation {
        issue: row.number.clone(),
        on: said.on?,
        mediator: said.mediator,
        parties: said.parties,
        agreement: Some(said.agreement).filter(|text| !saying::is_nothing(text)),
        follow_up_on: said.follow_up_on,
        followed: None,
        by: person.signed(),
    })
}
