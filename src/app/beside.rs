//! What a table says beside a number, held against what is known of what the number names: where one column was sorted
//! alone, or a row slipped, the number is another's.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use super::issues::no_issue;
use crate::db::personal::{SUBJECT_ADDRESS, SUBJECT_NAME};
use crate::db::{Area, AreaTree, Context, IssueBeside, Result, Session, SubjectKeys};
use crate::domain::agreeing::{
    are_one_name, are_one_person, are_same_words, lies_in, may_be_one_address, may_be_title,
    tells_of,
};
use crate::domain::area::full_code;
use crate::domain::issue::{Category, State};
use crate::domain::referral::{issue_of, reference_in};
use crate::domain::saying::{Saying, of_result};
use crate::domain::subject::SubjectKind;

/// What a row is about, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    Subject(String),
    Issue(String),
    /// A subject, by the number under which it was drawn for a check.
    Drawn(String),
    /// An area, by its name.
    Area(String),
}

/// What is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    SubjectNumber,
    SubjectName,
    SubjectKind,
    Area,
    AreaCode,
    Address,
    Resident,
    Text,
    Visitor,
    VisitedOn,
    DueOn,
    /// When something was done of an issue: not before anybody asked for it.
    DoneOn,
    /// How an issue stands, in a table that could say what came of it.
    State,
    /// The same in one that couldn't: what was done comes in another table.
    StateShown,
    /// One of the columns of an issue's class: only a blank is said here.
    Class,
    IssueNumber,
    /// An issue's text as a platform has it: with our mark in it, with more around it, or cut off.
    Description,
    /// What a platform calls a matter in a few words.
    Title,
}

impl What {
    /// Whether it's about a person, or what a person said.
    pub const fn is_personal(self) -> bool {
        !matches!(
            self,
            What::IssueNumber
                | What::SubjectNumber
                | What::SubjectKind
                | What::Area
                | What::AreaCode
        )
    }
}

/// What a row says beside its number.
#[derive(Debug, Clone)]
pub struct Claim {
    pub of: Whose,
    pub what: What,
    pub told: String,
    /// The same as a date, of what is one.
    pub on: Option<Date>,
    /// How the row says that its issue stands, and whether it says what came of the work.
    pub state: Option<State>,
    pub has_result: bool,
}

/// What doesn't agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disagrees {
    /// With what the number names: what is known.
    Known(String),
    /// With how it stands: what is wrong, and what to do.
    Standing(String),
    /// What is only said.
    Remark(String),
}

/// What each claim disagrees with, where it does. What isn't known at all is somebody else's to say.
pub async fn disagreements(
    session: &mut Session,
    claims: &[Claim],
) -> Result<Vec<Option<Disagrees>>> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let tree = session.area_tree().await?;
    let known = Known::read(session, claims).await?;
    let context = session.context();
    claims.iter().map(|claim| known.judge(context, &tree, claim)).collect()
}

/// What is known of what the rows are about.
struct Known {
    subjects: HashMap<String, SubjectKeys>,
    issues: HashMap<String, IssueBeside>,
    drawn: HashMap<String, String>,
}

impl Known {
    async fn read(session: &mut Session, claims: &[Claim]) -> Result<Known> {
        let (mut subjects, mut issues, mut drawn) =
            (HashSet::new(), HashSet::new(), HashSet::new());
        for claim in claims {
            match &claim.of {
                Whose::Subject(number) => subjects.insert(number.as_str()),
                Whose::Issue(number) => issues.insert(number.as_str()),
                Whose::Drawn(number) => drawn.insert(number.as_str()),
                Whose::Area(_) => false,
            };
        }
        let list = |set: &HashSet<&'_ str>| -> Vec<String> {
            set.iter().map(|number| (*number).to_owned()).collect()
        };
        let drawn: HashMap<String, String> = match list(&drawn) {
            numbers if numbers.is_empty() => HashMap::new(),
            numbers => session.subjects_drawn(&texts(&numbers)).await?.into_iter().collect(),
        };
        let mut numbers = list(&subjects);
        numbers.extend(drawn.values().cloned());
        let subjects = match numbers.is_empty() {
            true => Vec::new(),
            false => session.subject_keys(&texts(&numbers)).await?,
        };
        let numbers = list(&issues);
        let issues = match numbers.is_empty() {
            true => Vec::new(),
            false => session.issues_beside(&texts(&numbers)).await?,
        };
        Ok(Known {
            subjects: subjects.into_iter().map(|row| (row.number.clone(), row)).collect(),
            issues: issues.into_iter().map(|row| (row.number.clone(), row)).collect(),
            drawn,
        })
    }

    fn judge(
        &self,
        context: &Context,
        tree: &AreaTree,
        claim: &Claim,
    ) -> Result<Option<Disagrees>> {
        match &claim.of {
            Whose::Area(name) => Ok(of_area(tree, name, claim)),
            Whose::Issue(number) => match self.issues.get(number) {
                Some(issue) => Ok(of_issue(tree, issue, claim)),
                None if claim.what == What::IssueNumber => {
                    Ok(Some(Disagrees::Standing(no_issue(number).text)))
                }
                None => Ok(None),
            },
            Whose::Subject(number) => match self.subjects.get(number) {
                Some(subject) => of_subject(context, tree, subject, claim),
                None => Ok(None),
            },
            Whose::Drawn(number) => {
                match self.drawn.get(number).and_then(|subject| self.subjects.get(subject)) {
                    Some(subject) => of_subject(context, tree, subject, claim),
                    None => Ok(None),
                }
            }
        }
    }
}

fn texts(of: &[String]) -> Vec<&str> {
    of.iter().map(String::as_str).collect()
}

/// What is known, where it isn't what was told.
fn unless(agrees: bool, known: impl Into<String>) -> Option<Disagrees> {
    (!agrees).then(|| Disagrees::Known(known.into()))
}

fn of_place(tree: &AreaTree, area_id: &str, told: &str) -> Option<Disagrees> {
    let upward: Vec<&Area> = tree.upward(area_id).collect();
    let is_known = tree.named(told).any(|named| upward.iter().any(|area| area.id == named.id));
    let names: Vec<&str> = upward.iter().map(|area| area.name.as_str()).collect();
    let nearest = names.first().copied().unwrap_or_default();
    unless(is_known || lies_in(told, &names), nearest)
}

fn of_area(tree: &AreaTree, name: &str, claim: &Claim) -> Option<Disagrees> {
    let area = tree.find(name).ok()?;
    let code = area.code.as_deref()?;
    unless(code.starts_with(claim.told.trim_end_matches('0')), code)
}

fn of_subject(
    context: &Context,
    tree: &AreaTree,
    subject: &SubjectKeys,
    Claim { what, told, .. }: &Claim,
) -> Result<Option<Disagrees>> {
    let kind = SubjectKind::read(&subject.kind);
    Ok(match what {
        What::SubjectNumber => unless(subject.number == *told, &subject.number),
        What::SubjectName => {
            let known = context.open(SUBJECT_NAME, &subject.id, &subject.name_sealed)?;
            let agrees = match kind {
                Some(SubjectKind::Household) => are_one_person(told, &known),
                _ => are_one_name(told, &known),
            };
            unless(agrees, known)
        }
        What::SubjectKind => kind.and_then(|known| {
            let told = SubjectKind::read(told)?;
            unless(told == known, known.chinese())
        }),
        What::Area => of_place(tree, &subject.area_id, told),
        What::Address => {
            let sealed = subject.address_sealed.clone();
            let known = context.open_optional(SUBJECT_ADDRESS, &subject.id, sealed)?;
            known.and_then(|known| unless(may_be_one_address(told, &known), known))
        }
        _ => None,
    })
}

fn of_issue(tree: &AreaTree, issue: &IssueBeside, claim: &Claim) -> Option<Disagrees> {
    let told = claim.told.as_str();
    match claim.what {
        What::SubjectNumber => unless(issue.subject_number == told, &issue.subject_number),
        What::SubjectName => {
            let agrees = are_one_person(told, &issue.subject_name)
                || are_one_name(told, &issue.subject_name);
            unless(agrees, &issue.subject_name)
        }
        What::Area => of_place(tree, &issue.area_id, told),
        What::Resident => unless(are_one_person(told, &issue.resident), &issue.resident),
        What::Text => unless(are_same_words(told, &issue.text), &issue.text),
        What::Visitor => {
            let (number, name) = &issue.visitor;
            let rest = told.strip_prefix(number.as_str()).unwrap_or(told);
            unless(rest.is_empty() || are_one_person(rest, name), name)
        }
        What::VisitedOn => {
            unless(claim.on.is_none_or(|on| on == issue.visited_on), issue.visited_on.to_string())
        }
        What::DueOn => {
            let (told, known) = (claim.on?, issue.due_on?);
            (told != known).then(|| {
                let text = format!("登记的是 {known}，没有改：办结期限由计划定，不能在表里改");
                Disagrees::Remark(text)
            })
        }
        What::DoneOn => claim.on.and_then(|on| of_done(issue, on)),
        What::State => of_state(issue, claim),
        What::StateShown => {
            claim.state.filter(|told| *told != issue.state).map(|_| not_changed(issue, claim))
        }
        What::Class => (issue.is_classified
            && claim.state.is_none_or(|state| state == issue.state)
            && !matches!(issue.state, State::Returned | State::Reopened))
        .then(|| {
            let text = "原来登记过，这里是空的：分类不能在表里清空。请照原来的填上，或删掉这一列";
            Disagrees::Standing(text.to_owned())
        }),
        What::IssueNumber => unless(issue.number == told, &issue.number),
        What::AreaCode => {
            let above: Vec<&str> =
                tree.upward(&issue.area_id).filter_map(|area| area.code.as_deref()).collect();
            let agrees = above.is_empty() || above.contains(&full_code(told).as_ref());
            unless(agrees, above.first().copied().unwrap_or_default())
        }
        What::Description => {
            let marked = reference_in(told);
            let is_its = issue_of(marked.unwrap_or(told)) == issue.number;
            unless(is_its || marked.is_none() && tells_of(told, &issue.text), &issue.text)
        }
        What::Title => unless(is_title_of(tree, issue, told), &issue.text),
        What::Address => issue
            .address
            .as_deref()
            .and_then(|known| unless(may_be_one_address(told, known), known)),
        What::SubjectKind => None,
    }
}

/// What was done of an issue was done after anybody asked for it.
fn of_done(issue: &IssueBeside, on: Date) -> Option<Disagrees> {
    let asked_on = issue.visited_on;
    (on < asked_on).then(|| {
        let text =
            format!("「{on}」早于群众反映这个问题的日期（{asked_on}）：请核对日期和问题编号");
        Disagrees::Standing(text)
    })
}

/// Whether a title may be the issue's: it names something of it besides its place.
fn is_title_of(tree: &AreaTree, issue: &IssueBeside, told: &str) -> bool {
    let category = issue.category.map(Category::chinese).unwrap_or_default();
    let known = [&issue.text, &issue.resident, &issue.subject_name, category];
    let places: Vec<&str> = tree.upward(&issue.area_id).map(|area| area.name.as_str()).collect();
    may_be_title(told, &known, &places)
}

/// A state that somebody wrote into a list by hand doesn't come about by that.
fn of_state(issue: &IssueBeside, claim: &Claim) -> Option<Disagrees> {
    let (told, known) = (claim.state, issue.state);
    if claim.has_result || told == Some(known) {
        return None;
    }
    let is_over = matches!(known, State::Resolved | State::Closed | State::Void);
    let says_done = match told {
        Some(told) => matches!(told, State::Resolved | State::Closed),
        None => of_result(&claim.told) == Saying::Something,
    };
    let shown = &claim.told;
    if told == Some(State::Void) && known != State::Void {
        let text = format!(
            "写的是「{shown}」，登记的是「{known}」：作废不能在表里改，请用 zoufang issue void {} --by 责任人编号 --reason 原因；不作废请照「{known}」填",
            issue.number
        );
        return Some(Disagrees::Standing(text));
    }
    if says_done && !is_over {
        let text = format!(
            "写的是「{shown}」，登记的是「{known}」：状态不能直接改。办结了请在「办理结果」列写办了什么；没有办结请照「{known}」填，或重新导出清单"
        );
        return Some(Disagrees::Standing(text));
    }
    told.map(|_| not_changed(issue, claim))
}

fn not_changed(issue: &IssueBeside, claim: &Claim) -> Disagrees {
    let (told, known) = (&claim.told, issue.state);
    Disagrees::Remark(format!("表里写的是「{told}」，登记的是「{known}」：没有改"))
}
