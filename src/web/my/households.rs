//! The subjects that I visit, with what is left to do at each; and one of them, with who is there.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::{Deserialize, Serialize};

use super::frame::{page, say_in};
use super::links::{household as link, issue as issue_link};
use super::who::Who;
use super::words::on_a_page;
use crate::app::cards;
use crate::app::household::{HouseholdSheet, ResidentSheet, answer_to, household};
use crate::app::recording::{Receipt, receipt};
use crate::clock::local_text;
use crate::daemon::Daemon;
use crate::db::{Assigned, IssueMatter, StoreError};
use crate::web::templates::{HOUSEHOLD, HOUSEHOLDS};
use crate::web::unavailable::unavailable;

/// So many are shown at once.
const LONGEST: usize = 300;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    /// Where something of this kind is left: visit, classify, revisit; empty for all.
    #[serde(default)]
    left: String,
    /// A part of the number, the name or the address.
    #[serde(default)]
    find: String,
}

#[derive(Debug, Serialize)]
struct Line {
    to: String,
    number: String,
    kind: String,
    name: String,
    address: String,
    area: String,
    visits: i64,
    unclassified: i64,
    revisits: i64,
    ended: Option<String>,
}

/// GET /my/households
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(which): Query<Which>,
) -> Response {
    match lines(&daemon, &who, &which).await {
        Ok(values) => page(&who.frame(&daemon), HOUSEHOLDS, StatusCode::OK, values),
        Err(error) => unavailable(&error),
    }
}

async fn lines(daemon: &Daemon, who: &Who, which: &Which) -> Result<minijinja::Value, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let all = record.assigned_to(&who.person.id).await?;
    let tree = record.area_tree().await?;
    record.end().await?;
    let count = |left: &str| all.iter().filter(|one| is_left(one, left)).count();
    let counts = context! {
        all => all.len(), visit => count("visit"), classify => count("classify"), revisit => count("revisit"),
    };
    let find = which.find.trim();
    // As a printed form has it, by which it's brought back.
    let plan = daemon.pages.campaign();
    let on_form = plan.number_on_form(find);
    let is_found = |one: &&Assigned| {
        find.is_empty()
            || on_form == Some(one.number.as_str())
            || [&one.number, &one.name, &one.address].iter().any(|text| text.contains(find))
    };
    let found: Vec<&Assigned> =
        all.iter().filter(|one| is_left(one, &which.left)).filter(is_found).collect();
    let more = found.len().saturating_sub(LONGEST);
    let line = |one: &&Assigned| Line {
        to: link(&one.number),
        number: one.number.clone(),
        kind: one.kind.clone(),
        name: one.name.clone(),
        address: one.address.clone(),
        area: tree.get(&one.area_id).map(|area| area.name.clone()).unwrap_or_default(),
        visits: one.visits,
        unclassified: one.unclassified,
        revisits: one.revisits,
        ended: one.ended_on.clone(),
    };
    let lines: Vec<Line> = found.iter().take(LONGEST).map(line).collect();
    Ok(context! { lines, more, counts, left => which.left, find, place => "households" })
}

fn is_left(one: &Assigned, left: &str) -> bool {
    match left {
        "visit" => one.visits > 0,
        "classify" => one.unclassified > 0,
        "revisit" => one.revisits > 0,
        _ => true,
    }
}

/// A resident, as they're shown.
#[derive(Debug, Serialize)]
pub(super) struct Resident {
    pub id: String,
    pub seen: String,
    pub name: String,
    pub contact: String,
    pub registered: bool,
    pub unheard: String,
    pub heard: bool,
    pub revisited: bool,
    pub answer: &'static str,
    pub answered_on: String,
    pub issues: Vec<Matter>,
}

/// What they asked for, how it stands, and what came of it.
#[derive(Debug, Serialize)]
pub(super) struct Matter {
    pub to: String,
    pub number: String,
    pub text: String,
    pub state: &'static str,
    pub unclassified: bool,
    pub resolved: bool,
    pub ended: bool,
    pub said: String,
    /// What the resident said themselves.
    pub word: String,
}

pub(super) fn resident(sheet: &ResidentSheet) -> Resident {
    Resident {
        id: sheet.id.clone(),
        seen: sheet.seen.clone(),
        name: sheet.name.clone(),
        contact: sheet.contact.clone().unwrap_or_default(),
        registered: sheet.registered,
        unheard: sheet.unheard.clone().unwrap_or_default(),
        heard: sheet.heard,
        revisited: sheet.revisited,
        answer: sheet.answer.map_or("", |answer| answer.chinese()),
        answered_on: sheet.answered_on.clone().unwrap_or_default(),
        issues: sheet.issues.iter().map(|issue| matter(sheet, issue)).collect(),
    }
}

/// What a resident said themselves of what was done.
pub(super) fn word_of(sheet: &ResidentSheet, issue: &IssueMatter) -> String {
    let word = sheet.words.get(&issue.id);
    word.map(|word| format!("{}（{}）", word.answer, local_text(word.at))).unwrap_or_default()
}

fn matter(sheet: &ResidentSheet, issue: &IssueMatter) -> Matter {
    Matter {
        to: issue_link(&issue.number),
        number: issue.number.clone(),
        text: issue.text.clone(),
        state: issue.issue.state.chinese(),
        unclassified: issue.issue.class.is_none(),
        resolved: issue.issue.state == crate::domain::issue::State::Resolved,
        ended: issue.issue.is_ended(),
        said: answer_to(issue),
        word: word_of(sheet, issue),
    }
}

/// The subject's head, as pages about it show it.
pub(super) fn head(sheet: &HouseholdSheet) -> minijinja::Value {
    let household = &sheet.household;
    context! {
        to => link(&household.number), number => household.number, kind => household.kind,
        ended => sheet.place.ended_on, why => sheet.ended.map(|ended| ended.why.chinese()), name => household.name, address => household.address.clone().unwrap_or_default(),
    }
}

/// The subject of that number, where this person visits it.
///
/// # Errors
/// The answer where it's none of theirs, or the record can't be read.
pub(super) async fn own(
    daemon: &Daemon,
    who: &Who,
    number: &str,
) -> Result<HouseholdSheet, Response> {
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let sheet = household(&mut record, number).await?;
        record.end().await?;
        Ok::<_, StoreError>(sheet)
    };
    let sheet = read.await.map_err(|error| unavailable(&error))?;
    let own = sheet.filter(|sheet| sheet.place.visitor.as_ref() == Some(&who.person.id));
    own.ok_or_else(|| {
        let said = format!("没有编号「{number}」的走访对象，或者不由您走访");
        say_in(&who.frame(daemon), StatusCode::NOT_FOUND, &said)
    })
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct After {
    /// The form that was just sent.
    #[serde(default)]
    done: String,
}

/// GET /my/households/{number}
pub(super) async fn one(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(number): Path<String>,
    Query(After { done }): Query<After>,
) -> Response {
    let sheet = match own(&daemon, &who, &number).await {
        Ok(sheet) => sheet,
        Err(answer) => return answer,
    };
    let told = match receipt(&daemon.pages, &who.person, &done).await {
        Ok(told) => told.filter(|told| told.subject == number).map(shown),
        Err(error) => return unavailable(&error),
    };
    let residents: Vec<Resident> = sheet.residents.iter().map(resident).collect();
    let left: Vec<&str> = sheet
        .residents
        .iter()
        .filter(|one| one.registered && one.unheard.is_none() && !one.heard)
        .map(|one| one.name.as_str())
        .collect();
    let visited = sheet.residents.iter().any(|one| one.heard) && left.is_empty();
    let card = cards::address(daemon.store.context(), &daemon.settings.notify.public_url, &number);
    let values = context! {
        subject => head(&sheet), residents, left, visited, told, card, place => "households",
    };
    page(&who.frame(&daemon), HOUSEHOLD, StatusCode::OK, values)
}

fn shown(receipt: Receipt) -> minijinja::Value {
    let Receipt { resident, added, issue, note, .. } = receipt;
    let to = issue.as_deref().map(issue_link);
    context! { resident, added, issue, to, note => note.map(|note| on_a_page(&note)) }
}
