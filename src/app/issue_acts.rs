//! What one person may do with one issue on its page: what the table of rights gives them over it and the issue allows now. Each
//! goes through the use case that a table or a command goes through.

use serde_json::json;

use super::batch::{Batch, IssueChange};
use super::choices::Choices;
use super::issue_debt::{Debt, debt_of, give_back, release};
pub use super::issue_doing::{Act, Doing, Mediated};
use super::issue_glance::{Glance, open_duties, owed};
pub use super::issue_glance::{Next, glance};
pub use super::issue_note::is_theirs;
use super::issue_note::{Note, acts_on_it, note_of};
use super::issues::{Happening, put};
use super::mediations::{self, Followed, Mediation};
use super::problem::{About, Did, Outcomes, Problem};
use super::shown::reveal_pass;
use super::visits::{self, Heard, NewVisit};
use crate::db::{
    AnsweredVisit, EventRow, IssueRow, MediationRow, Result, Session, Store, Tx, Upsert,
};
use crate::domain::issue::{Event, Issue, Level, State};
use crate::domain::rights::{Matter, Right};
use crate::domain::saying::{self, Saying};
use crate::domain::staff::{Role, StaffMember};
use crate::domain::visit::VisitKind;

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
    /// As whom they may take note of it.
    note: Option<Note>,
    pub mediations: Vec<MediationRow>,
    /// What its resident answered last, where that moved it.
    pub answered: Option<AnsweredVisit>,
}

impl Standpoint {
    /// Whether they take note of it only once they were shown its words.
    pub fn signs_what_is_shown(&self) -> bool {
        self.note.is_some_and(|note| note.from_above)
    }

    /// How far its mediations are: one more with each that is recorded, and with each that is seen to again.
    pub fn heard(&self) -> usize {
        let followed = self.mediations.iter().filter(|row| row.followed_on.is_some()).count();
        self.mediations.len() + followed
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
    let mediations = session.mediations_of_issues(&[&glance.row.id]).await?;
    let may = |right: Right| right.is_over(person, &tree, &glance.matter());
    let mut acts: Vec<Act> = Act::ALL.to_vec();
    acts.retain(|act| may(act.right()) && is_possible(*act, &glance.issue, debt.as_ref()));
    let next = owed(session, &glance.issue, glance.unit.is_some(), &open).await?;
    let note = note_of(session, person, &glance, &next).await?;
    let answered = match is_answered(&glance.issue) {
        true => session.last_answer(&glance.row.resident_id).await?,
        false => None,
    };
    acts.retain(|act| match act {
        Act::CorrectAnswer => answered.is_some(),
        Act::TakeNote => note.is_some(),
        Act::FollowUp => mediations.iter().any(MediationRow::is_open),
        _ => true,
    });
    // Who stands in may do so by whatever role they have.
    if note.is_some_and(|note| !note.from_above) && !acts.contains(&Act::TakeNote) {
        acts.insert(0, Act::TakeNote);
    }
    let Glance { row, issue, may_reveal, .. } = glance;
    let is_theirs = row.visitor.as_ref() == Some(&person.id) || acts_on_it(person, &next, note);
    let of =
        Standpoint { row, issue, is_theirs, acts, may_reveal, next, note, mediations, answered };
    Ok(Some(of))
}

/// Whether it may be where it is by its resident's answer.
fn is_answered(issue: &Issue) -> bool {
    let anew = matches!(issue.state, State::Reopened | State::Queued | State::InProgress);
    issue.state == State::Closed || anew && issue.round > 1
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
    let Some(standpoint) = standpoint(tx, person, number).await? else {
        return Ok(Acted::NotYours);
    };
    let Standpoint { row, issue, acts, .. } = &standpoint;
    if row.version != doing.version {
        let again = did_since(tx, person, row, doing).await?;
        return Ok(if again { Acted::Again } else { Acted::Stale });
    }
    if let Some(seen) = doing.heard.filter(|seen| *seen != standpoint.heard()) {
        // Pressed twice, or another mediation was recorded meanwhile.
        let again = seen < standpoint.heard() && is_recorded(tx, person, row, doing).await?;
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
    if standpoint.signs_what_is_shown() && doing.act == Act::TakeNote {
        let right = reveal_pass(tx, person, number);
        if !tx.context().sealer.is_same(&doing.shown, &right) {
            let text = "请先查看内容，看过再签收";
            return Ok(Acted::Not(Problem::new(About::Text, text)));
        }
    }
    if let Some(problem) = not_mergeable(tx, person, row, doing).await? {
        return Ok(Acted::Not(problem));
    }
    let outcomes = happen(tx, person, &standpoint, doing).await?;
    let audited_there =
        matches!(doing.act, Act::Release | Act::Mediate | Act::FollowUp | Act::CorrectAnswer);
    match outcomes.into_iter().next() {
        Some(Err(problem)) => return Ok(Acted::Not(problem)),
        Some(Ok(did)) if did.upsert == Upsert::Same && doing.act.is_of_mediation() => {
            let again = is_recorded(tx, person, row, doing).await?;
            return Ok(if again { Acted::Again } else { Acted::Stale });
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

/// Whether the first that happened to the issue since its page was shown is just this, by the same person, and nobody did anything
/// else after it: they pressed twice. What follows by itself, or that somebody took note, is nothing else.
async fn did_since(
    tx: &mut Tx,
    person: &StaffMember,
    row: &IssueRow,
    doing: &Doing,
) -> Result<bool> {
    let events = tx.events_of(&[&row.id]).await?;
    let mut since = events.iter().filter(|event| event.sequence > doing.version);
    let is_own =
        |event: &&EventRow| event.actor == person.signed() || event.actor == person.called();
    let first = since.next().filter(is_own).and_then(EventRow::event);
    let changes = |event: &EventRow| {
        let follows = PARTS.contains(&event.actor.as_str());
        !follows && !matches!(event.event(), Some(Event::Acknowledged { .. }))
    };
    let wanted = doing.events(&row.issue()?, &person.signed());
    let rest = wanted.len().saturating_sub(1);
    let is_same = first.zip(wanted.first()).is_some_and(|(first, wanted)| {
        let notes = matches!(first, Event::Acknowledged { .. });
        first == *wanted || notes && doing.act == Act::TakeNote
    });
    Ok(is_same && !since.skip(rest).any(changes))
}

/// By what parts of the program something follows by itself.
const PARTS: [&str; 2] = ["zoufang", "platform"];

/// Whether just this was recorded of a mediation.
async fn is_recorded(
    tx: &mut Tx,
    person: &StaffMember,
    row: &IssueRow,
    doing: &Doing,
) -> Result<bool> {
    match (doing.act, &doing.mediated) {
        (Act::Mediate, _) => {
            let Some(told) = mediation(person, row, doing) else { return Ok(false) };
            mediations::is_recorded(tx, &row.id, &told).await
        }
        (Act::FollowUp, Some(said)) => {
            let Some((of, followed)) = said.of.zip(followed(person, doing)) else {
                return Ok(false);
            };
            mediations::is_followed(tx, &row.id, of, &followed).await
        }
        _ => Ok(false),
    }
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
        Act::FollowUp => lacks_of_follow_up(doing),
        Act::CorrectAnswer if doing.answer.is_none() => {
            problem(About::Satisfaction, "请选群众真正的答复")
        }
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

fn lacks_of_follow_up(doing: &Doing) -> Option<Problem> {
    let problem = |about, text: &str| Some(Problem::new(about, text));
    match &doing.mediated {
        Some(said) if said.of.is_none() => problem(About::Mediation, "请选是哪一次调解"),
        Some(said) if said.on.is_none() => problem(About::Date, "请填回访日期"),
        Some(said) if said.kept.is_none() => problem(About::Mediation, "请选协议履行了没有"),
        Some(_) if saying::is_nothing(&doing.said) => {
            problem(About::Text, "请写回访看到的情况，如：双方都照办")
        }
        Some(_) => None,
        None => problem(About::Mediation, "请填回访的日期和情况"),
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
    standpoint: &Standpoint,
    doing: &Doing,
) -> Result<Outcomes> {
    let (row, issue) = (&standpoint.row, &standpoint.issue);
    match doing.act {
        Act::TakeNote => {
            let by = person.called();
            let role = standpoint.note.map_or(Role::GridMember, |note| note.role);
            let (event, actor) = (Event::Acknowledged { by: by.clone(), role }, by);
            return put(tx, &[Happening { issue_id: row.id.clone(), event, actor }]).await;
        }
        Act::Release => return release(tx, person, &row.id, issue.round).await,
        Act::Return => return give_back(tx, person, &row.id, (issue.round, &doing.said)).await,
        Act::CorrectAnswer => return correct_answer(tx, person, standpoint, doing).await,
        Act::Mediate => {
            let rows: Vec<Mediation> = mediation(person, row, doing).into_iter().collect();
            return mediations::put(tx, &rows).await;
        }
        Act::FollowUp => {
            let of = doing.mediated.as_ref().and_then(|said| said.of);
            let Some((of, followed)) = of.zip(followed(person, doing)) else {
                return Ok(Vec::new());
            };
            return mediations::follow_up(tx, row, of, followed).await;
        }
        _ => {}
    }
    let mut events = doing.events(issue, &person.signed()).into_iter();
    let change = IssueChange {
        number: row.number.clone(),
        event: events.next(),
        then: events.next(),
        keeps_urgency: false,
        // Whoever does it sees how it stands.
        state: Some(issue.state),
        actor: person.signed(),
    };
    Batch::Events(vec![change]).put(tx).await
}

/// The last revisit again, with the answer that was meant: as its visitor would put it right, in the name of whoever does.
async fn correct_answer(
    tx: &mut Tx,
    person: &StaffMember,
    standpoint: &Standpoint,
    doing: &Doing,
) -> Result<Outcomes> {
    let Some((visit, answer)) = standpoint.answered.as_ref().zip(doing.answer) else {
        return Ok(Vec::new());
    };
    if visit.answer()? == answer {
        let text = format!("现在登记的就是「{answer}」，不用更正");
        return Ok(vec![Err(Problem::new(About::Satisfaction, text))]);
    }
    let sheet = tx.issue_sheet(&standpoint.row.number).await?;
    let right = NewVisit {
        kind: VisitKind::Revisit,
        visited_on: visit.on()?,
        staff_id: visit.staff_id.clone(),
        subject_number: sheet.subject_number,
        resident: sheet.resident,
        contact: None,
        face_to_face: visit.face_to_face == 1,
        heard: Heard::Answer(answer),
        why: Some(doing.said.clone()),
        by: Some(person.signed()),
        choices: Choices::default(),
    };
    let outcomes = visits::record(tx, &[right]).await?;
    let was_before = |did: &Did| did.upsert == Upsert::Same;
    Ok(outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(did) if was_before(&did) => {
                let said = did.note.map(|note| note.text);
                Err(Problem::new(About::Satisfaction, said.unwrap_or_default()))
            }
            outcome => outcome,
        })
        .collect())
}

fn followed(person: &StaffMember, doing: &Doing) -> Option<Followed> {
    let said = doing.mediated.as_ref()?;
    let (on, kept) = (said.on?, said.kept?);
    Some(Followed { on, by: person.signed(), kept, text: doing.said.clone() })
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
