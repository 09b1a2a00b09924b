//! What is owed and not delivered, and what a person decides of it: as `zoufang outbox` has it.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use minijinja::{Value, context};
use serde::Deserialize;

use super::once::version;
use super::words::lane_name;
use crate::clock::local_text;
use crate::daemon::Daemon;
use crate::db::{Debt, DebtState, Decision, StoreError};
use crate::domain::reason::in_words;
use crate::web::my::frame::{page, say_in};
use crate::web::my::links::{after, issue, of, with};
use crate::web::my::routes::DEBTS;
use crate::web::my::who::{Fields, Posted, Who};
use crate::web::my::words::{NOTED, on_a_page};
use crate::web::templates::{DEBT, DEBTS as LIST};
use crate::web::unavailable::unavailable;

/// Those that are listed apart.
const STANDINGS: [DebtState; 5] =
    [DebtState::Held, DebtState::Unknown, DebtState::Review, DebtState::Refused, DebtState::Ready];
/// So many are shown.
const SHOWN: i64 = 100;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    lane: String,
    #[serde(default)]
    state: String,
    /// A key, or an issue's number.
    #[serde(default)]
    find: String,
}

/// GET /my/desk/debts
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(asked): Query<Asked>,
) -> Response {
    if !asked.find.trim().is_empty() {
        return found(&daemon, &who, asked.find.trim()).await;
    }
    let lanes = match lanes(&daemon).await {
        Ok(lanes) => lanes,
        Err(error) => return unavailable(&error),
    };
    let standing = STANDINGS.into_iter().find(|state| state.code() == asked.state);
    let standing = standing.unwrap_or(DebtState::Held);
    let only = lanes.iter().filter(|lane| asked.lane.is_empty() || **lane == asked.lane);
    let mut debts = Vec::new();
    for lane in only {
        match daemon.pages.debts_standing(lane, standing, SHOWN).await {
            Ok(more) => debts.extend(more),
            Err(error) => return unavailable(&error),
        }
    }
    let more = debts.len() >= usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let tabs = STANDINGS.iter().map(|state| {
        let to = with(DEBTS, &[("lane", &asked.lane), ("state", state.code())]);
        context! { title => state.chinese(), to, here => *state == standing }
    });
    let tabs: Vec<Value> = tabs.collect();
    let lanes: Vec<_> = lanes.iter().map(|lane| (lane, lane_name(lane))).collect();
    let lines: Vec<Value> = debts.iter().map(line).collect();
    let values = context! { tabs, lanes, lane => asked.lane, state => standing.code(), lines, more, place => "desk" };
    page(&who.frame(&daemon), LIST, StatusCode::OK, values)
}

/// Every lane that is configured or holds something.
pub(super) async fn lanes(daemon: &Daemon) -> Result<Vec<String>, StoreError> {
    let mut lanes: Vec<String> = daemon.lane_names().map(str::to_owned).collect();
    lanes.push(daemon.settings.platform.name.clone());
    lanes.extend(daemon.pages.lane_figures(0).await?.into_iter().map(|figures| figures.lane));
    lanes.sort();
    lanes.dedup();
    Ok(lanes)
}

/// The one of that key, or of that issue's first referral.
async fn found(daemon: &Daemon, who: &Who, text: &str) -> Response {
    for key in [text.to_owned(), format!("referral:{text}"), format!("referral:{text}-R1")] {
        match daemon.pages.debt(&key).await {
            Ok(_) => return Redirect::to(&of(DEBTS, &key)).into_response(),
            Err(StoreError::Rule(_)) => {}
            Err(error) => return unavailable(&error),
        }
    }
    none(daemon, who, text)
}

fn none(daemon: &Daemon, who: &Who, key: &str) -> Response {
    let said = format!("没有「{key}」这一件：请从「没有送达的」里选，或写全问题编号");
    say_in(&who.frame(daemon), StatusCode::NOT_FOUND, &said)
}

fn at(millis: i64) -> Option<String> {
    let at = Timestamp::from_millisecond(millis).ok().filter(|_| millis > 0);
    at.map(local_text)
}

/// What kind of debt it is.
fn kind(debt: &Debt) -> &'static str {
    match debt.kind.as_str() {
        "referral" => "上报",
        "message" => "回告平台",
        "photo" => "照片",
        _ => "通知",
    }
}

/// The number of the issue that it's about.
fn issue_of(debt: &Debt) -> Option<&str> {
    let (kind, reference) = debt.debt_key.split_once(':')?;
    let (number, _) = reference.rsplit_once("-R")?;
    matches!(kind, "referral" | "message" | "photo").then_some(number)
}

pub(super) fn line(debt: &Debt) -> Value {
    let waits = matches!(DebtState::read(&debt.state), Some(DebtState::Ready | DebtState::Review));
    context! {
        to => of(DEBTS, &debt.debt_key), key => debt.debt_key, kind => kind(debt), lane => lane_name(&debt.lane),
        standing => debt.standing(), attempts => debt.attempts, since => at(debt.created_at),
        unknown => debt.unknown_since.and_then(at), next => waits.then(|| at(debt.not_before)).flatten(),
        why => debt.last_error.as_deref().map(|why| on_a_page(&in_words(why).said)),
        issue => issue_of(debt).map(|number| context! { number, to => issue(number) }),
    }
}

/// How it stands, as one mark: what is decided is decided of this.
fn mark(debt: &Debt) -> String {
    let Debt { state, unknown_since, withdrawn, attempts, settled_at, .. } = debt;
    version(&(state, unknown_since, withdrawn, attempts, settled_at))
}

/// GET /my/desk/debts/{key}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path(key): Path<String>,
) -> Response {
    shown(&daemon, &who, &key, StatusCode::OK, &Fields::default(), ("", false)).await
}

async fn shown(
    daemon: &Daemon,
    who: &Who,
    key: &str,
    status: StatusCode,
    fields: &Fields,
    (wrong, stale): (&str, bool),
) -> Response {
    let debt = match daemon.pages.debt(key).await {
        Ok(debt) => debt,
        Err(StoreError::Rule(_)) => return none(daemon, who, key),
        Err(error) => return unavailable(&error),
    };
    let state = DebtState::read(&debt.state);
    let open = matches!(state, Some(DebtState::Ready | DebtState::Held | DebtState::Review));
    let is_referral = debt.kind == "referral";
    let detail = debt.last_error.as_deref().map(in_words).filter(|why| why.said != why.detail);
    let values = context! {
        debt => line(&debt), settled => debt.settled_at.and_then(at), detail => detail.map(|why| why.detail),
        seen => mark(&debt), referral => is_referral, wrong, stale, f => fields.0, place => "desk",
        may => context! {
            release => state == Some(DebtState::Review), retry => open && state != Some(DebtState::Review),
            hold => open && state != Some(DebtState::Held), absent => open,
            arrived => open || state == Some(DebtState::Handed),
        },
        done => fields.text("done"),
    };
    page(&who.frame(daemon), DEBT, status, values)
}

/// POST /my/desk/debts/{key}: what is decided stands in the field `act`.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    Path(key): Path<String>,
    Posted { who, fields }: Posted,
) -> Response {
    let wrong = match decided(&fields) {
        Ok(decision) => match decide(&daemon, &who, &key, &decision, &fields).await {
            Ok(Some(())) => {
                return Redirect::to(&after(&of(DEBTS, &key), NOTED)).into_response();
            }
            Ok(None) => {
                let status = StatusCode::CONFLICT;
                return shown(&daemon, &who, &key, status, &fields, ("", true)).await;
            }
            Err(StoreError::Rule(wrong)) => on_a_page(&wrong),
            Err(error) => return unavailable(&error),
        },
        Err(wrong) => wrong.to_owned(),
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    shown(&daemon, &who, &key, status, &fields, (&wrong, false)).await
}

fn decided(fields: &Fields) -> Result<Decision, &'static str> {
    let number = fields.text("number");
    let decision = match fields.text("act") {
        "retry" => Decision::Retry,
        "release" => Decision::Release,
        "hold" => Decision::Hold,
        "arrived" if number.is_empty() && fields.text("numbered") == "yes" => {
            return Err("请写平台上的编号；一个字也不要差");
        }
        "arrived" => {
            Decision::Arrived { remote_id: Some(number.to_owned()).filter(|it| !it.is_empty()) }
        }
        "absent" => Decision::Absent,
        _ => return Err("请从页面上的按钮选择要做什么"),
    };
    if fields.text("reason").is_empty() {
        return Err("请写原因：会记入审计");
    }
    let is_final = matches!(decision, Decision::Arrived { .. } | Decision::Absent);
    if is_final && fields.text("confirmed") != "yes" {
        return Err("请勾选确认：已经到对方那里看过");
    }
    Ok(decision)
}

/// Decides; nothing where it stands otherwise than the page showed.
async fn decide(
    daemon: &Daemon,
    who: &Who,
    key: &str,
    decision: &Decision,
    fields: &Fields,
) -> Result<Option<()>, StoreError> {
    let store = who.store(daemon);
    let mut tx = store.begin().await?;
    // Nobody else changes it in this turn.
    let debt = tx.debt(key).await?;
    if mark(&debt) != fields.text("seen") {
        tx.rollback().await?;
        return Ok(None);
    }
    tx.decide_debt(key, decision, &who.person.numbered(), fields.text("reason")).await?;
    tx.commit().await?;
    daemon.wake_lanes();
    Ok(Some(()))
}
