//! What the sandbox is given: requests, updates, digests. Everything that can go wrong with that goes wrong here.

use std::time::Duration;

use axum::Json;
use axum::extract::{Form as FormBody, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::behaviour::{Behaviour, Parameters, Receipt, Repeated};
use super::faults::Fault;
use super::ledger::{Fields, Notice, Stored};
use super::shown;
use super::state::Sandbox;
use super::wire::{Form, Wire, form_of};

/// Resets the connection that a request came by.
#[derive(Clone)]
pub struct Cut(pub CancellationToken);

/// How late a slow answer is.
pub const SLOW: Duration = Duration::from_millis(150);

pub fn wire_of(sandbox: &Sandbox, form: Form) -> Wire {
    let Behaviour { charset, shape, .. } = *sandbox.behaviour();
    Wire { form, charset, shape }
}

pub fn not_found(sandbox: &Sandbox, form: Form) -> Response {
    wire_of(sandbox, form).error(StatusCode::NOT_FOUND, "没有这个地址")
}

/// POST requests.json and servicerequestupdates.json.
pub async fn submit(
    State(sandbox): State<Sandbox>,
    axum::Extension(cut): axum::Extension<Cut>,
    Path(file): Path<String>,
    FormBody(form): FormBody<Fields>,
) -> Response {
    let (name, wire) = match form_of(&file) {
        Some((name @ ("requests" | "servicerequestupdates"), form)) => {
            (name, wire_of(&sandbox, form))
        }
        _ => return not_found(&sandbox, Form::Json),
    };
    sandbox.ledger().given += 1;
    if let Some(refused) = refusal(&sandbox, wire, &form) {
        return refused;
    }
    if name == "servicerequestupdates" {
        return take_update(&sandbox, &cut, wire, form).await;
    }
    if let Some(missing) = missing_field(&form, sandbox.behaviour()) {
        return wire.error(StatusCode::BAD_REQUEST, &missing);
    }
    if let Some(answer) = repeated(&sandbox, wire, &form) {
        return answer;
    }
    match taken(&sandbox, &cut, wire, || sandbox.store(form)).await {
        Ok(stored) => receipt(&sandbox, wire, &stored),
        Err(failure) => failure,
    }
}

/// What is turned away before anybody reads what it's about.
fn refusal(sandbox: &Sandbox, wire: Wire, form: &Fields) -> Option<Response> {
    let behaviour = sandbox.behaviour();
    let has_key = form.get("api_key").is_some_and(|key| !key.is_empty());
    match behaviour.parameters {
        Some(Parameters::Strict) if !has_key => {
            return Some(wire.error(StatusCode::BAD_REQUEST, "required value api_key missing"));
        }
        Some(Parameters::KeyEverywhere) if !has_key => {
            return Some(wire.error(StatusCode::FORBIDDEN, "缺少 api_key"));
        }
        _ => {}
    }
    let blocked = |text: &String| {
        let text = text.to_lowercase();
        behaviour.firewall.is_some_and(|wall| wall.0.iter().any(|word| text.contains(word)))
    };
    if form.values().any(blocked) {
        return Some((StatusCode::FORBIDDEN, "<html>403 Forbidden</html>").into_response());
    }
    let busy = behaviour.busy?;
    let turned_away = (sandbox.ledger().given - 1).is_multiple_of(busy.every);
    let status = StatusCode::from_u16(busy.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    turned_away.then(|| come_again(sandbox, wire, status))
}

fn come_again(sandbox: &Sandbox, wire: Wire, status: StatusCode) -> Response {
    let mut busy = wire.error(status, "系统忙，请稍后");
    if let Ok(value) = HeaderValue::from_str(&sandbox.retry_after()) {
        busy.headers_mut().insert(header::RETRY_AFTER, value);
    }
    busy
}

/// What comes of one that was received before, where the kind of platform knows it again.
fn repeated(sandbox: &Sandbox, wire: Wire, form: &Fields) -> Option<Response> {
    let repeated = sandbox.behaviour().repeated?;
    let description = form.get("description");
    let same = |stored: &&Stored| stored.form.get("description") == description;
    let earlier = sandbox.ledger().requests.iter().find(same).cloned()?;
    Some(match repeated {
        Repeated::SameNumber => receipt(sandbox, wire, &earlier),
        Repeated::Conflict => wire.error(StatusCode::CONFLICT, "同样的请求已经收到"),
    })
}

fn receipt(sandbox: &Sandbox, wire: Wire, stored: &Stored) -> Response {
    let id = shown::number(&stored.service_request_id, sandbox.behaviour());
    if sandbox.behaviour().receipt == Some(Receipt::Redirect) {
        let mut answer = wire.error(StatusCode::SEE_OTHER, "");
        let to = format!("/requests/{}.json", stored.service_request_id);
        if let Ok(to) = HeaderValue::from_str(&to) {
            answer.headers_mut().insert(header::LOCATION, to);
        }
        return answer;
    }
    if sandbox.behaviour().receipt == Some(Receipt::Accepted) {
        return StatusCode::ACCEPTED.into_response();
    }
    let receipt = match &stored.token {
        Some(token) => ("token", json!(token)),
        None => ("service_request_id", id),
    };
    wire.list(StatusCode::OK, "service_requests", "request", &[vec![receipt]])
}

/// POST servicerequestupdates: a message about a request.
async fn take_update(sandbox: &Sandbox, cut: &Cut, wire: Wire, form: Fields) -> Response {
    let id = form.get("service_request_id").cloned().unwrap_or_default();
    if !sandbox.ledger().requests.iter().any(|r| r.service_request_id == id) {
        return wire.error(StatusCode::NOT_FOUND, "没有这个编号");
    }
    let status = form.get("status").map(String::as_str).unwrap_or_default();
    let strict = sandbox.behaviour().parameters == Some(Parameters::Strict);
    if strict && (status.is_empty() || status != status.to_uppercase()) {
        return wire.error(StatusCode::BAD_REQUEST, "status: none of the allowed values");
    }
    let at = sandbox.now();
    let store = || sandbox.ledger().take_message(form, at);
    match taken(sandbox, cut, wire, store).await {
        Ok(number) => {
            let thing = vec![("update_id", json!(number.to_string()))];
            wire.list(StatusCode::OK, "service_request_updates", "request_update", &[thing])
        }
        Err(failure) => failure,
    }
}

/// Every way in which taking something can go wrong happens here: before it's stored, or after.
async fn taken<T>(
    sandbox: &Sandbox,
    cut: &Cut,
    wire: Wire,
    store: impl FnOnce() -> T,
) -> Result<T, Response> {
    if sandbox.happens(Fault::ResetBefore) {
        return Err(reset(cut).await);
    }
    if sandbox.happens(Fault::Busy503) {
        return Err(come_again(sandbox, wire, StatusCode::SERVICE_UNAVAILABLE));
    }
    let lost = sandbox.happens(Fault::NoAnswer);
    let broken = sandbox.happens(Fault::Error500);
    if (lost || broken) && sandbox.tossed() {
        return Err(if lost { silence().await } else { broken_answer(wire) });
    }
    let stored = store();
    if lost {
        return Err(silence().await);
    }
    if broken {
        return Err(broken_answer(wire));
    }
    if sandbox.happens(Fault::ResetAfter) {
        return Err(reset(cut).await);
    }
    if sandbox.happens(Fault::Slow) {
        crate::clock::pause(SLOW).await;
    }
    Ok(stored)
}

fn missing_field(form: &Fields, behaviour: &Behaviour) -> Option<String> {
    let service = form.get("service_code").map(String::as_str).unwrap_or_default();
    let known = shown::services(behaviour)
        .iter()
        .any(|thing| thing.contains(&("service_code", json!(service))));
    if !known {
        return Some(format!("service_code 「{service}」不存在"));
    }
    let given = |name: &str| form.get(name).is_some_and(|value| !value.trim().is_empty());
    let attribute = |code: &str| given(&format!("attribute[{code}]"));
    let attributes = behaviour.attributes.unwrap_or_default();
    if let Some(missing) = attributes.iter().find(|asked| !attribute(asked.code)) {
        return Some(format!("required value attribute[{}] missing", missing.code));
    }
    let placed = given("address_string") || given("address_id") || (given("lat") && given("long"));
    match (given("description"), placed) {
        (false, _) => Some("缺少 description".to_owned()),
        (_, false) => Some("缺少 address_string、address_id 或 lat 和 long".to_owned()),
        _ => None,
    }
}

pub async fn silence() -> Response {
    std::future::pending().await
}

pub async fn reset(cut: &Cut) -> Response {
    cut.0.cancel();
    std::future::pending().await
}

pub fn broken_answer(wire: Wire) -> Response {
    wire.error(StatusCode::INTERNAL_SERVER_ERROR, "系统内部错误")
}

/// A receiver of digests, as the generic webhook channel sends them.
pub async fn take_notice(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    Json(body): Json<serde_json::Value>,
) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    sandbox.ledger().notices.push(Notice { webhook_id: id.to_owned(), body });
    StatusCode::NO_CONTENT
}
