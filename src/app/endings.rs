//! A subject ends, or comes back: a household moves away or dies out, a shop closes, one was entered twice. From then on what
//! wasn't done there is owed by nobody; what was asked for there goes on (docs/decisions/0058).

use std::collections::HashMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::casework::{From, rederive};
use super::duplicates::refuse_unnamed;
use super::near::{hint_near, no_subject};
use super::problem::{About, Did, Outcome, Outcomes, Problem, all_well};
use super::told::{Told, blank_over};
use crate::db::personal::SUBJECT_ENDED;
use crate::db::{
    Act, Context, IssueRow, Result, Session, StoreError, SubjectEnding, SubjectKeys,
    SubjectStanding, Tx, Upsert,
};
use crate::domain::duty::DutyKind;
use crate::domain::staff::{Holders, Role, StaffMember};
use crate::domain::subject::{Ended, SubjectKind, SubjectState};

/// So many issues are named; more are counted.
const NAMED: usize = 5;

/// What is told of whether a subject is to be visited.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ToldState {
    #[serde(default)]
    pub state: Told<SubjectState>,
    /// Since when; where nothing is said, since today.
    #[serde(default)]
    pub on: Option<Date>,
    #[serde(default)]
    pub words: Told<String>,
}

impl ToldState {
    fn says_nothing(&self) -> bool {
        matches!((&self.state, &self.words), (Told::Nothing, Told::Nothing)) && self.on.is_none()
    }
}

/// The same of the subject of a number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StateOf {
    pub subject_number: String,
    #[serde(flatten)]
    pub told: ToldState,
}

/// That it stands otherwise from now on.
#[derive(Debug)]
pub(super) struct Change {
    id: String,
    number: String,
    was: SubjectStanding,
    became: SubjectStanding,
    /// What was said of it, also where it comes back.
    reason: Option<String>,
}

/// What is known of subjects that are told to end: when somebody was last heard there, and which issues are open.
#[derive(Debug)]
pub(super) struct Known {
    heard: HashMap<String, String>,
    issues: HashMap<String, Vec<IssueRow>>,
    /// The campaign's first day.
    starts_on: Date,
}

impl Known {
    /// Of these.
    pub async fn read(session: &mut Session, ids: &[&str]) -> Result<Known> {
        let starts_on = session.campaign().starts_on();
        let mut known = Known { heard: HashMap::new(), issues: HashMap::new(), starts_on };
        if ids.is_empty() {
            return Ok(known);
        }
        known.heard = session.last_heard_at(ids).await?;
        for row in session.issues_of(ids).await? {
            if !row.issue()?.needs_no_work() {
                known.issues.entry(row.subject_id.clone()).or_default().push(row);
            }
        }
        Ok(known)
    }

    /// Of those of these subjects that are told to end, or to have ended on another day.
    pub async fn of<'k>(
        session: &mut Session,
        told: impl Iterator<Item = (&'k ToldState, &'k SubjectKeys)>,
    ) -> Result<Known> {
        let ends = told.filter(|(told, keys)| match told.state {
            Told::Is(state) => state.is_ended(),
            _ => told.on.is_some() && keys.ended_on.is_some(),
        });
        let ids: Vec<&str> = ends.map(|(_, keys)| keys.id.as_str()).collect();
        Known::read(session, &ids).await
    }
}

fn for_audit(standing: &SubjectStanding) -> Value {
    match standing.ended {
        Some(Ended { on, why }) => {
            json!({"state": why.chinese(), "on": on.to_string(), "words": standing.words})
        }
        None => json!({"state": SubjectState::InPlace.chinese()}),
    }
}

/// How a subject stands once that is taken; nothing where it says nothing new.
pub(super) fn told_of(
    told: &ToldState,
    (number, kind): (&str, Option<SubjectKind>),
    was: &SubjectStanding,
    today: Date,
    last_heard: Option<&str>,
) -> std::result::Result<Option<SubjectStanding>, Problem> {
    let known = was.ended.map(|ended| ended.why);
    let is_alone = told.on.is_some() || matches!(told.words, Told::Is(_));
    let state = match (&told.state, known) {
        (Told::Nothing | Told::Blank, None) if is_alone => {
            let text = format!("写了状态日期或说明，却没有写状态：不再走访的写{}", choices());
            return Err(Problem::new(About::SubjectState, text));
        }
        (Told::Blank, Some(_)) => {
            let text = format!("{}；恢复走访的请填「在册」", blank_over("状态"));
            return Err(Problem::new(About::SubjectState, text));
        }
        (Told::Nothing | Told::Blank, known) => known.unwrap_or(SubjectState::InPlace),
        (Told::Cleared, _) => SubjectState::InPlace,
        (Told::Is(state), _) => *state,
    };
    let became = match state {
        SubjectState::InPlace if told.on.is_some() => {
            let text = format!(
                "「{number}」的状态是在册：不写状态日期，请清空；不再走访的，状态写{}",
                choices()
            );
            return Err(Problem::new(About::EndedOn, text));
        }
        SubjectState::InPlace => SubjectStanding::default(),
        why => ended(told, number, was, why, today)?,
    };
    let heard = last_heard.and_then(|on| on.parse::<Date>().ok());
    if let (Some(Ended { on, .. }), Some(heard)) = (became.ended, heard)
        && heard > on
    {
        let text = format!(
            "「{number}」{heard} 还登记过走访，不会在 {on} 就不再走访了：请核对状态日期；那次走访登记错了的，先改正走访记录"
        );
        return Err(Problem::new(About::EndedOn, text));
    }
    if became == *was {
        return Ok(None);
    }
    match contradiction(told, state, (number, kind)) {
        Some(problem) => Err(problem),
        None => Ok(Some(became)),
    }
}

/// What is asked where such a subject doesn't end so, or where what is said of it says otherwise.
fn contradiction(
    told: &ToldState,
    state: SubjectState,
    (number, kind): (&str, Option<SubjectKind>),
) -> Option<Problem> {
    if let Some(kind) = kind.filter(|kind| !state.is_of(*kind)) {
        let cure = match kind {
            SubjectKind::Household => {
                "整户搬走的写「迁出」，户里没有人了的写「去世」；户里的店停业了，这一户还在的请删去这一行"
            }
            _ => "不再经营、不再办的写「停业」；只是负责人去世，还在经营的请删去这一行",
        };
        let text = format!(
            "「{number}」登记的是{kind}，状态不会是「{state}」：请核对对象编号；编号没有错的，{cure}"
        );
        return Some(Problem::new(About::SubjectState, text));
    }
    let words = told.words.of_new().filter(|words| state.is_denied_by(words))?;
    let text = format!(
        "状态是「{state}」，说明写的却是「{words}」，两样对不上：请核对这一行是不是「{number}」的，把状态或说明改成实际的"
    );
    Some(Problem::new(About::EndedWords, text))
}

fn ended(
    told: &ToldState,
    number: &str,
    was: &SubjectStanding,
    why: SubjectState,
    today: Date,
) -> std::result::Result<SubjectStanding, Problem> {
    let on = told.on.or(was.ended.map(|ended| ended.on)).unwrap_or(today);
    if on > today {
        let text = format!("「{number}」的状态日期 {on} 还没有到：到了那天再登记");
        return Err(Problem::new(About::EndedOn, text));
    }
    // What was said of another reason doesn't hold for this one.
    let before = was.ended.filter(|ended| ended.why == why).and(was.words.as_ref());
    let Some(words) = told.words.over(before) else {
        return Err(Problem::new(About::EndedWords, blank_over("状态说明")));
    };
    if why.needs_words() && words.is_none() {
        let text = match why {
            SubjectState::Duplicate => "状态是重复：请在状态说明里写明与哪个对象编号重复",
            _ => "状态是其他：请在状态说明里写明是什么原因",
        };
        return Err(Problem::new(About::EndedWords, text));
    }
    Ok(SubjectStanding { ended: Some(Ended { on, why }), words })
}

/// The words for why a subject ends.
pub fn choices() -> String {
    SubjectState::endings().map(SubjectState::chinese).collect::<Vec<_>>().join("、")
}

/// What a subject's row says of its state, and a word about what follows.
pub(super) fn decide(
    context: &Context,
    told: &ToldState,
    keys: &SubjectKeys,
    (known, today): (&Known, Date),
) -> Result<std::result::Result<Option<(Change, Problem)>, Problem>> {
    if told.says_nothing() {
        return Ok(Ok(None));
    }
    let was = keys.standing(context)?;
    let last_heard = known.heard.get(&keys.id).map(String::as_str);
    let of = (keys.number.as_str(), SubjectKind::read(&keys.kind));
    let became = match told_of(told, of, &was, today, last_heard) {
        Ok(Some(became)) => became,
        Ok(None) => return Ok(Ok(None)),
        Err(problem) => return Ok(Err(problem)),
    };
    let (id, number) = (keys.id.clone(), keys.number.clone());
    let open = known.issues.get(&id).map_or(&[][..], Vec::as_slice);
    let text = said(&number, &became, open, known.starts_on);
    let change = Change { id, number, was, became, reason: told.words.of_new() };
    Ok(Ok(Some((change, Problem::new(About::SubjectState, text)))))
}

/// A word about one that ended and comes again in a table that doesn't speak of that.
pub(super) fn still_ended(told: &ToldState, keys: &SubjectKeys) -> Option<Problem> {
    let on = keys.ended_on.as_deref().filter(|_| matches!(told.state, Told::Nothing))?;
    let text = format!("「{}」{on} 起已不再走访，状态不变", keys.number);
    Some(Problem::new(About::SubjectState, text))
}

/// What follows, in words.
fn said(number: &str, became: &SubjectStanding, open: &[IssueRow], starts_on: Date) -> String {
    let Some(ended @ Ended { on, why }) = became.ended else {
        return format!("「{number}」恢复走访：没有完成的走访、回访重新要求");
    };
    let still = match open.len() {
        0 => String::new(),
        count => {
            let named: Vec<&str> =
                open.iter().take(NAMED).map(|issue| issue.number.as_str()).collect();
            let etc = if count > NAMED { "等" } else { "" };
            format!(
                "；还有 {count} 件问题没有办结，照常办理（{}{etc}），不用办的请逐件作废",
                named.join("、")
            )
        }
    };
    let counted = before(ended, starts_on)
        .unwrap_or_else(|| "没有完成的走访、回访不再要求，另行统计".to_owned());
    format!("「{number}」{why}，{on} 起不再走访：{counted}{still}")
}

/// What is said where it had ended before the campaign began: it may be a mistyped year.
fn before(ended: Ended, starts_on: Date) -> Option<String> {
    let said = || {
        format!(
            "{} 在本次活动开始（{starts_on}）以前，不算作这次活动的走访对象，年份写错了的请改正",
            ended.on
        )
    };
    (!ended.is_since(starts_on)).then(said)
}

impl Change {
    /// Of a subject that has just come, and had ended before.
    pub fn of_new(id: &str, number: &str, became: SubjectStanding) -> Change {
        Change {
            id: id.to_owned(),
            number: number.to_owned(),
            was: SubjectStanding::default(),
            reason: became.words.clone(),
            became,
        }
    }

    /// What is to be said of one that has just come.
    pub fn said_of_new(&self, starts_on: Date) -> Option<Problem> {
        let before = before(self.became.ended?, starts_on)?;
        let text = format!("「{}」{before}", self.number);
        Some(Problem::new(About::SubjectState, text))
    }

    /// The subject's id.
    pub fn subject(&self) -> &str {
        &self.id
    }

    fn row(&self, context: &Context) -> Result<SubjectEnding> {
        let Change { id, became, .. } = self;
        Ok(SubjectEnding {
            ended_on: became.ended.map(|ended| ended.on.to_string()),
            ended_why: became.ended.map(|ended| ended.why.code()),
            ended_words_sealed: context.seal_optional(
                SUBJECT_ENDED,
                id,
                became.words.as_deref(),
            )?,
            id: id.clone(),
        })
    }
}

/// Writes how subjects stand, and who said so; what they owe is to be derived again.
pub(super) async fn write(tx: &mut Tx, changes: &[Change], by: &str) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let context = tx.shared_context();
    let rows: Result<Vec<SubjectEnding>> =
        changes.iter().map(|change| change.row(&context)).collect();
    tx.end_subjects(&rows?).await?;
    for Change { number, was, became, reason, .. } in changes {
        let ends = became.ended.is_some();
        tx.audit_act(Act {
            by,
            action: if ends { "end_subject" } else { "resume_subject" },
            target: number,
            detail: &json!({"reason": reason}),
            was: Some(&for_audit(was)),
            became: Some(&for_audit(became)),
        })
        .await?;
    }
    Ok(())
}

/// What these would do.
pub async fn check(session: &mut Session, rows: &[StateOf]) -> Result<Outcomes> {
    Ok(decide_all(session, rows).await?.0)
}

/// Ends subjects, or takes that back, in the name of whoever says so. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[StateOf], by: &str) -> Result<Outcomes> {
    let (outcomes, changes) = decide_all(tx, rows).await?;
    if all_well(&outcomes) && !changes.is_empty() {
        write(tx, &changes, by).await?;
        let ids: Vec<&str> = changes.iter().map(Change::subject).collect();
        // Of an issue nothing changes.
        rederive(tx, &ids, From::Row, "record").await?;
    }
    Ok(outcomes)
}

async fn decide_all(session: &mut Session, rows: &[StateOf]) -> Result<(Outcomes, Vec<Change>)> {
    let numbers: Vec<&str> = rows.iter().map(|row| row.subject_number.as_str()).collect();
    let keys = session.subject_keys(&numbers).await?;
    let keys: HashMap<&str, &SubjectKeys> =
        keys.iter().map(|keys| (keys.number.as_str(), keys)).collect();
    let told =
        rows.iter().filter_map(|row| Some((&row.told, *keys.get(row.subject_number.as_str())?)));
    let known = Known::of(session, told).await?;
    let (context, today) = (session.shared_context(), session.today());
    let (mut outcomes, mut changes): (Outcomes, Vec<Change>) = Default::default();
    for row in rows {
        let Some(keys) = keys.get(row.subject_number.as_str()) else {
            outcomes.push(Err(no_subject(&row.subject_number)));
            continue;
        };
        let decided = decide(&context, &row.told, keys, (&known, today))?;
        outcomes.push(decided.map(|decided| did(decided, &mut changes)));
    }
    let told =
        rows.iter().map(|row| (row.subject_number.as_str(), (&row.told.state, &row.told.words)));
    refuse_unnamed(session, told, &mut outcomes).await?;
    hint_near(session, &numbers, &mut outcomes).await?;
    Ok((outcomes, changes))
}

fn did(decided: Option<(Change, Problem)>, changes: &mut Vec<Change>) -> Did {
    let Some((change, note)) = decided else { return Upsert::Same.into() };
    changes.push(change);
    Did { upsert: Upsert::Changed, note: Some(note), issue: None }
}

/// What keeps a first visit of that day from being recorded at a subject.
pub(super) fn keeps_from_visit(number: &str, ended_on: Option<&str>, on: Date) -> Option<Problem> {
    let ended_on = ended_on?.parse::<Date>().ok().filter(|ended| on > *ended)?;
    let text = format!(
        "「{number}」{ended_on} 起已不再走访：走访日期写错了请改正；确实又走访到了，请告诉包村干部（镇直属的告诉镇组织人事办公室）恢复走访（走访对象的状态填「在册」）"
    );
    Some(Problem::new(About::Date, text))
}

/// Says that one ends, or that it comes back, in the name of a person; who owes the visit there, for want of a visitor too, doesn't
/// say that nobody need: their own debt would end by it. What was said of it.
///
/// # Errors
/// What is wrong with it.
pub async fn put_one(
    tx: &mut Tx,
    row: StateOf,
    (by, signed): (&StaffMember, &str),
) -> Result<Option<String>> {
    let ends = matches!(&row.told.state, Told::Is(state) if state.is_ended());
    if ends && owes_visit(tx, by, &row.subject_number).await? {
        let text = format!(
            "「{}」是您自己负责走访的：不再走访请由上一级（如总支书记）或镇组织人事办公室登记",
            row.subject_number
        );
        return Err(StoreError::Rule(text));
    }
    only_said(put(tx, &[row], signed).await?)
}

/// Whether the visit of a subject is this person's to make, or their affair while nobody is named; above the organisation office
/// there's nobody to ask.
async fn owes_visit(tx: &mut Tx, by: &StaffMember, number: &str) -> Result<bool> {
    let Some(place) = tx.subjects_numbered(&[number]).await?.pop() else { return Ok(false) };
    if let Some(visitor) = &place.visitor {
        return Ok(*visitor == by.id);
    }
    let (tree, holders) = (tx.area_tree().await?, Holders::new(tx.staff().await?));
    let owing = holders.owing(&tree, None, (DutyKind::FOR_WANT_OF_A_VISITOR, &place.area_id));
    let is_last =
        [Role::OrganisationOffice, Role::LeadingGroup].iter().any(|role| by.roles.contains(role));
    Ok(!is_last && owing.iter().any(|owing| owing.id == by.id))
}

/// The outcome of one alone, with what was said of it.
fn only_said(outcomes: Outcomes) -> Result<Option<String>> {
    let outcome: Option<Outcome> = outcomes.into_iter().next();
    let did = outcome.transpose()?;
    Ok(did.and_then(|did| did.note).map(|note| note.text))
}
