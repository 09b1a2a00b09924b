//! What the sandbox is asked: services, requests, updates, tokens; and, beside the platform, what it has received.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde_json::json;

use super::behaviour::{Look, Parameters, Receipt, Window};
use super::faults::Fault;
use super::ledger::{Fields, Stored};
use super::lists::{page, window};
use super::requests::{Cut, SLOW, broken_answer, not_found, reset, silence, wire_of};
use super::shown::{self, Place};
use super::state::Sandbox;
use super::wire::{Form, Thing, Wire, form_of};

/// What a strict platform knows in a question about a list.
const KNOWN: [&str; 7] = [
    "jurisdiction_id",
    "api_key",
    "service_request_id",
    "service_code",
    "start_date",
    "end_date",
    "status",
];

/// GET services.json, requests.json and servicerequestupdates.json.
pub async fn list(
    State(sandbox): State<Sandbox>,
    axum::Extension(cut): axum::Extension<Cut>,
    Path(file): Path<String>,
    Query(query): Query<Fields>,
) -> Response {
    let Some((name, form)) = form_of(&file) else {
        return not_found(&sandbox, Form::Json);
    };
    let wire = wire_of(&sandbox, form);
    let known: &[&str] = if name == "services" { &KNOWN[..1] } else { &KNOWN };
    if let Some(failure) = begun(&sandbox, &cut, wire, &query, known).await {
        return failure;
    }
    match name {
        "services" => {
            let services = shown::services(sandbox.behaviour());
            wire.list(StatusCode::OK, "services", "service", &services)
        }
        "requests" => match (sandbox.behaviour().look, query.get("service_request_id")) {
            (Some(Look(status)), None) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
                wire.error(status, "不能这样查询")
            }
            _ => {
                let things = requests(&sandbox, &query);
                wire.list(StatusCode::OK, "service_requests", "request", &things)
            }
        },
        "servicerequestupdates" => {
            let things = page(&updates(&sandbox, &query), &query, sandbox.behaviour().paging);
            wire.list(StatusCode::OK, "service_request_updates", "request_update", &things)
        }
        _ => not_found(&sandbox, form),
    }
}

/// By numbers, or by the time at which they were received.
fn requests(sandbox: &Sandbox, query: &Fields) -> Vec<Thing> {
    let behaviour = sandbox.behaviour();
    let all = sandbox.ledger().requests.clone();
    let chosen: Vec<Stored> = match query.get("service_request_id") {
        Some(ids) => {
            let ids: Vec<&str> = ids.split(',').collect();
            all.into_iter().filter(|r| ids.contains(&r.service_request_id.as_str())).collect()
        }
        None => {
            let (from, to) = window(query, sandbox.now(), behaviour.window);
            let behind = behaviour.behind.and_then(|behind| SignedDuration::try_from(behind).ok());
            let shown_to = sandbox.now() - behind.unwrap_or_default();
            let within = |r: &Stored| {
                let at = r.requested_datetime;
                from <= at && at <= to && at <= shown_to
            };
            let found = all.into_iter().filter(within).filter(|r| stands_so(sandbox, r, query));
            let found: Vec<Stored> = found.collect();
            page(&found, query, behaviour.paging)
        }
    };
    answers_about(sandbox, &chosen, Place::List)
}

/// Whether a request stands as is asked for (GeoReport v2: `status`, separated by commas).
fn stands_so(sandbox: &Sandbox, request: &Stored, query: &Fields) -> bool {
    let word = request.steps_until(sandbox.now()).last().map_or("open", |step| step.word);
    let is_closed = ["closed", "rejected"].contains(&word);
    let stands = if is_closed { "closed" } else { "open" };
    match query.get("status") {
        Some(asked) => asked.split(',').any(|status| [word, stands].contains(&status)),
        None => !is_closed || sandbox.behaviour().listed.is_none(),
    }
}

/// What asking about requests gives: the present step, with repeats and old ones where told to.
fn answers_about(sandbox: &Sandbox, stored: &[Stored], place: Place) -> Vec<Thing> {
    let now = sandbox.now();
    let mut things = Vec::new();
    for request in stored {
        let steps = request.steps_until(now);
        let reorder = steps.len() > 1 && sandbox.happens(Fault::Reorder);
        let told = if reorder { steps } else { &steps[steps.len() - 1..] };
        let shown = |step| shown::request(request, step, place, sandbox.behaviour());
        things.extend(told.iter().rev().map(shown));
        if sandbox.happens(Fault::Duplicate) {
            things.extend(told.last().map(shown));
        }
    }
    things
}

/// The steps that requests took within a window, as the service request updates extension tells them, oldest first.
fn updates(sandbox: &Sandbox, query: &Fields) -> Vec<Thing> {
    let (now, behaviour) = (sandbox.now(), sandbox.behaviour());
    let read_by = behaviour.window.filter(|window| *window != Window::Ignored);
    let (from, to) = window(query, now, read_by);
    let ledger = sandbox.ledger();
    let mut told: Vec<(_, Thing)> = Vec::new();
    for request in &ledger.requests {
        for (place, step) in request.steps_until(now).iter().enumerate() {
            let update = shown::update(request, place, step, behaviour);
            told.push((step.from, update));
        }
    }
    let messages = ledger.messages.iter();
    told.extend(messages.map(|message| (message.at, shown::message(message, behaviour))));
    drop(ledger);
    told.retain(|(at, _)| from <= *at && *at <= to);
    told.sort_by_key(|(at, _)| *at);
    let mut things = Vec::new();
    for (_, thing) in told {
        if sandbox.happens(Fault::Duplicate) {
            things.push(thing.clone());
        }
        things.push(thing);
    }
    if sandbox.happens(Fault::Reorder) {
        things.reverse();
    }
    things
}

/// GET services/CODE.json: what the service asks for.
pub async fn definition(
    State(sandbox): State<Sandbox>,
    axum::Extension(cut): axum::Extension<Cut>,
    Path(file): Path<String>,
    Query(query): Query<Fields>,
) -> Response {
    let (code, wire) = match about_one(&sandbox, &cut, &file, &query).await {
        Ok(asked) => asked,
        Err(failure) => return failure,
    };
    let attributes = shown::attributes(sandbox.behaviour());
    let thing = vec![("service_code", json!(code))];
    wire.nested("service_definition", &thing, "attributes", "attribute", &attributes)
}

/// GET requests/NUMBER.json.
pub async fn one(
    State(sandbox): State<Sandbox>,
    axum::Extension(cut): axum::Extension<Cut>,
    Path(file): Path<String>,
    Query(query): Query<Fields>,
) -> Response {
    let (id, wire) = match about_one(&sandbox, &cut, &file, &query).await {
        Ok(asked) => asked,
        Err(failure) => return failure,
    };
    let found = sandbox.ledger().requests.iter().find(|r| r.service_request_id == id).cloned();
    match found {
        Some(stored) => {
            let things = answers_about(&sandbox, &[stored], Place::Alone);
            wire.list(StatusCode::OK, "service_requests", "request", &things)
        }
        None => wire.error(StatusCode::NOT_FOUND, "没有这个编号"),
    }
}

/// GET tokens/TOKEN.json.
pub async fn token(
    State(sandbox): State<Sandbox>,
    axum::Extension(cut): axum::Extension<Cut>,
    Path(file): Path<String>,
    Query(query): Query<Fields>,
) -> Response {
    let (token, wire) = match about_one(&sandbox, &cut, &file, &query).await {
        Ok(asked) => asked,
        Err(failure) => return failure,
    };
    let found =
        sandbox.ledger().requests.iter().find(|r| r.token.as_deref() == Some(token)).cloned();
    let Some(stored) = found else {
        return wire.error(StatusCode::NOT_FOUND, "没有这个令牌");
    };
    let mut thing: Thing = vec![("token", json!(token))];
    if sandbox.is_numbered(&stored) {
        let number = shown::number(&stored.service_request_id, sandbox.behaviour());
        thing.push(("service_request_id", number));
    } else if matches!(sandbox.behaviour().receipt, Some(Receipt::ZeroToken(_))) {
        thing.push(("service_request_id", json!(0)));
    }
    wire.list(StatusCode::OK, "service_requests", "request", &[thing])
}

/// Which one a question is about, by its file's name, and in what form it's answered.
async fn about_one<'f>(
    sandbox: &Sandbox,
    cut: &Cut,
    file: &'f str,
    query: &Fields,
) -> Result<(&'f str, Wire), Response> {
    let (name, form) = form_of(file).ok_or_else(|| not_found(sandbox, Form::Json))?;
    let wire = wire_of(sandbox, form);
    match begun(sandbox, cut, wire, query, &KNOWN[..1]).await {
        Some(failure) => Err(failure),
        None => Ok((name, wire)),
    }
}

/// What can go wrong with a question, and what it mustn't carry.
async fn begun(
    sandbox: &Sandbox,
    cut: &Cut,
    wire: Wire,
    query: &Fields,
    known: &[&str],
) -> Option<Response> {
    sandbox.ledger().asked += 1;
    if sandbox.happens(Fault::ResetBefore) {
        return Some(reset(cut).await);
    }
    if sandbox.happens(Fault::NoAnswer) {
        return Some(silence().await);
    }
    if sandbox.happens(Fault::Error500) {
        return Some(broken_answer(wire));
    }
    if sandbox.happens(Fault::Slow) {
        crate::clock::pause(SLOW).await;
    }
    let unknown = |name: &&String| !known.contains(&name.as_str());
    match sandbox.behaviour().parameters? {
        Parameters::Strict => query.keys().find(unknown).map(|name| {
            wire.error(StatusCode::BAD_REQUEST, &format!("found unexpected entry: {name}"))
        }),
        Parameters::KeyEverywhere => (!query.contains_key("api_key"))
            .then(|| wire.error(StatusCode::FORBIDDEN, "缺少 api_key")),
    }
}

/// What was received, as the sandbox's own book says it.
pub async fn ground_truth(State(sandbox): State<Sandbox>) -> Response {
    let requests = sandbox.ledger().requests.clone();
    Json(requests).into_response()
}

/// The digests that were received.
pub async fn notices(State(sandbox): State<Sandbox>) -> Response {
    let notices = sandbox.ledger().notices.clone();
    Json(notices).into_response()
}

/// How often it was asked, and given something.
pub async fn counts(State(sandbox): State<Sandbox>) -> Response {
    let ledger = sandbox.ledger();
    Json(json!({ "asked": ledger.asked, "given": ledger.given })).into_response()
}
