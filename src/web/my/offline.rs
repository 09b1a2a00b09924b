//! What a telephone keeps for where there's no network: a page without anybody's data, the worker that opens it, and what is
//! needed of a visitor's households, for as long as they're signed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::frame::{Frame, page, rendered, style};
use super::households::word_of;
use super::links::household as link;
use super::routes::OFFLINE;
use super::scripts::{SCRIPTS, address};
use super::visit_form::choices_offered;
use super::who::Who;
use crate::app::household::{HouseholdSheet, ResidentSheet, answer_to, households};
use crate::daemon::Daemon;
use crate::db::{Assigned, IssueMatter, StoreError};
use crate::domain::issue::State as Stage;
use crate::domain::visit::VisitKind;
use crate::seal::hex;
use crate::web::templates;
use crate::web::unavailable::unavailable;

/// So many subjects are kept on a telephone: nobody visits more in a day.
const MOST: usize = 500;
/// And for so many days at the most, in milliseconds.
const LONGEST: i64 = 14 * 24 * 3_600 * 1_000;

const WORKER: &str = include_str!("script/worker.js");
/// What the worker may do: bring pages of ours.
const WORKER_MAY: &str =
    "default-src 'none'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

fn shell(daemon: &Daemon) -> minijinja::Value {
    let fields = context! { manner => "face_to_face" };
    context! {
        first_day => daemon.pages.plans().visited_since(VisitKind::Revisit).to_string(), f => fields,
        ..choices_offered()
    }
}

/// GET /my/offline
pub(super) async fn show(State(daemon): State<Arc<Daemon>>) -> Response {
    page(&Frame::of(&daemon, None), templates::OFFLINE, StatusCode::OK, shell(&daemon))
}

/// GET /my/worker.js: another one wherever anything of what it keeps is another, so that browsers bring that anew.
pub(super) async fn worker(State(daemon): State<Arc<Daemon>>) -> Response {
    let page = rendered(&Frame::undated(&daemon), templates::OFFLINE, shell(&daemon));
    let scripts = SCRIPTS.iter().map(|(name, _)| address(name));
    let kept: Vec<String> = [OFFLINE.to_owned(), style()].into_iter().chain(scripts).collect();
    let digest = Sha256::digest(page.unwrap_or_default().as_bytes());
    let script = WORKER
        .replace("__VERSION__", &hex(&digest[..6]))
        .replace("__SHELL__", &serde_json::to_string(&kept).unwrap_or_default());
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, WORKER_MAY),
    ];
    ([("service-worker-allowed", "/my")], headers, script).into_response()
}

/// What is kept of a visitor's households: to find them, to know whom one met there, to bring an answer.
#[derive(Debug, Serialize)]
struct Pack {
    /// What their forms show: whose records these are.
    who: String,
    /// Until when, and since when, by the machine's clock; and which day that was for the township.
    until: i64,
    at: i64,
    today: String,
    more: usize,
    subjects: Vec<Subject>,
}

#[derive(Debug, Serialize)]
struct Subject {
    number: String,
    kind: String,
    name: String,
    address: String,
    to: String,
    left: bool,
    /// Since when it isn't to be visited any more.
    ended: Option<String>,
    residents: Vec<Resident>,
}

#[derive(Debug, Serialize)]
struct Resident {
    id: String,
    seen: String,
    name: String,
    heard: bool,
    unheard: bool,
    revisited: bool,
    issues: Vec<Matter>,
}

#[derive(Debug, Serialize)]
struct Matter {
    number: String,
    state: &'static str,
    text: String,
    said: String,
    /// What the resident said themselves.
    word: String,
    resolved: bool,
}

/// GET /my/offline/pack
pub(super) async fn pack(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
) -> Response {
    match packed(&daemon, &who).await {
        Ok(Some(pack)) => Json(pack).into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn packed(daemon: &Daemon, who: &Who) -> Result<Option<Pack>, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let mut assigned = record.assigned_to(&who.person.id).await?;
    let signed_in = record.signed_in(&who.secret).await?;
    // Where something is left first, if there are too many.
    assigned.sort_by_key(|one| !one.is_left());
    let more = assigned.len().saturating_sub(MOST);
    assigned.truncate(MOST);
    assigned.sort_by(|one, other| one.number.cmp(&other.number));
    let numbers: Vec<&str> = assigned.iter().map(|one| one.number.as_str()).collect();
    let mut sheets = households(&mut record, &numbers).await?;
    let today = record.today().to_string();
    record.end().await?;
    let at = daemon.store.context().clock.wire_millis();
    let subject = |one: Assigned| {
        let found = sheets.iter().position(|sheet| sheet.place.number == one.number);
        let sheet = found.map(|place| sheets.swap_remove(place));
        subject(one, sheet)
    };
    let subjects = assigned.into_iter().map(subject).collect();
    Ok(signed_in.map(|signed_in| Pack {
        who: who.key.clone(),
        until: signed_in.until_at.min(at + LONGEST),
        at,
        today,
        more,
        subjects,
    }))
}

fn subject(one: Assigned, sheet: Option<HouseholdSheet>) -> Subject {
    let residents = sheet.map(|sheet| sheet.residents).unwrap_or_default();
    Subject {
        to: link(&one.number),
        left: one.is_left(),
        ended: one.ended_on,
        number: one.number,
        kind: one.kind,
        name: one.name,
        address: one.address,
        residents: residents.into_iter().map(resident).collect(),
    }
}

fn resident(sheet: ResidentSheet) -> Resident {
    // What has ended brings no answer any more.
    let open = sheet.issues.iter().filter(|issue| !issue.issue.is_ended());
    Resident {
        issues: open.map(|issue| matter(&sheet, issue)).collect(),
        id: sheet.id,
        seen: sheet.seen,
        name: sheet.name,
        heard: sheet.heard,
        unheard: sheet.unheard.is_some(),
        revisited: sheet.revisited,
    }
}

fn matter(sheet: &ResidentSheet, issue: &IssueMatter) -> Matter {
    Matter {
        number: issue.number.clone(),
        state: issue.issue.state.chinese(),
        text: issue.text.clone(),
        said: answer_to(issue),
        word: word_of(sheet, issue),
        resolved: issue.issue.state == Stage::Resolved,
    }
}
