//! The sandbox's HTTP server. It serves connections itself, so that it can cut them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Form as FormBody, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::debug;

use super::faults::{Fault, Faults};
use super::ledger::{Ledger, Message, Notice, Stored};
use super::wire::{self, Form, Thing, form_of};
use crate::clock::{Chance, Clock};

/// A running stand-in platform.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    clock: Clock,
    chance: Chance,
    seed: u64,
    faults: Faults,
    ledger: Mutex<Ledger>,
}

/// Resets the connection that a request came by.
#[derive(Clone)]
struct Cut(CancellationToken);

type Fields = BTreeMap<String, String>;

/// GeoReport v2: no more than this many requests in one answer.
const PAGE: usize = 1000;
/// How late a slow answer is.
const SLOW: Duration = Duration::from_millis(150);

impl Sandbox {
    /// A platform with an empty ledger.
    pub fn new(clock: Clock, seed: u64, faults: Faults) -> Sandbox {
        let (chance, ledger) = (Chance::seeded(seed), Mutex::default());
        Sandbox(Arc::new(Inner { clock, chance, seed, faults, ledger }))
    }

    /// Everything received so far.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves until `shutdown`.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        let router = self.router();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            if let Ok((stream, _)) = accepted {
                tokio::spawn(serve_connection(stream, router.clone(), shutdown.clone()));
            }
        }
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/services.json", get(|| services(Form::Json)))
            .route("/services.xml", get(|| services(Form::Xml)))
            .route("/{file}", get(list).post(submit))
            .route("/requests/{file}", get(one))
            .route("/tokens/{file}", get(token))
            .route("/sandbox/requests", get(ground_truth))
            .route("/sandbox/notices", post(take_notice).get(notices))
            .with_state(self.clone())
    }

    fn happens(&self, fault: Fault) -> bool {
        self.0.faults.happens(fault, &self.0.chance)
    }

    fn store(&self, form: Fields) -> Stored {
        self.ledger().store(form, self.0.clock.now(), self.0.seed, &self.0.faults)
    }

    /// What asking about requests gives: the present step, with repeats and old ones where told to.
    fn answers_about(&self, stored: &[Stored]) -> Vec<Thing> {
        let now = self.0.clock.now();
        let mut things = Vec::new();
        for request in stored {
            let steps = request.steps_until(now);
            let reorder = steps.len() > 1 && self.happens(Fault::Reorder);
            let told = if reorder { steps } else { &steps[steps.len() - 1..] };
            things.extend(told.iter().rev().map(|step| wire::request(request, step)));
            if self.happens(Fault::Duplicate) {
                things.extend(told.last().map(|step| wire::request(request, step)));
            }
        }
        things
    }
}

impl Sandbox {
    /// The steps that requests took between `start_date` and `end_date`, as the service request updates
    /// extension tells them.
    fn updates_between(&self, query: &Fields) -> Vec<Thing> {
        let now = self.0.clock.now();
        let instant = |name: &str| query.get(name).and_then(|text| text.parse::<Timestamp>().ok());
        let (from, to) = (instant("start_date").unwrap_or(now), instant("end_date").unwrap_or(now));
        let requests = self.ledger().requests.clone();
        let mut things = Vec::new();
        for request in &requests {
            for (number, step) in request.steps_until(now).iter().enumerate() {
                if from <= step.from && step.from <= to {
                    things.push(wire::update(request, number, step));
                    if self.happens(Fault::Duplicate) {
                        things.push(wire::update(request, number, step));
                    }
                }
            }
        }
        let told = |message: &&Message| from <= message.at && message.at <= to;
        things.extend(self.ledger().messages.iter().filter(told).map(wire::message));
        if self.happens(Fault::Reorder) {
            things.reverse();
        }
        things
    }
}

async fn serve_connection(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    let cut = CancellationToken::new();
    let service = {
        let cut = cut.clone();
        service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Cut(cut.clone()));
            let answered: Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>> =
                Box::pin(router.clone().oneshot(request.map(Body::new)));
            answered
        })
    };
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // Its end, good or bad, is the client's affair.
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => {}
        () = shutdown.cancelled() => {}
        () = cut.cancelled() => {
            // With no time to linger the kernel sends RST in place of FIN.
            let stream = connection.into_parts().io.into_inner();
            if let Err(error) = stream.set_zero_linger() {
                debug!(%error, "the connection was closed, not reset");
            }
        }
    }
}

async fn services(form: Form) -> Response {
    wire::answer(StatusCode::OK, form, "services", "service", &wire::services())
}

fn not_found(form: Form) -> Response {
    wire::error(StatusCode::NOT_FOUND, form, "没有这个地址")
}

/// POST requests.json and servicerequestupdates.json.
async fn submit(
    State(sandbox): State<Sandbox>,
    Extension(cut): Extension<Cut>,
    Path(file): Path<String>,
    FormBody(form): FormBody<Fields>,
) -> Response {
    let (name, wire_form) = match form_of(&file) {
        Some((name @ ("requests" | "servicerequestupdates"), wire_form)) => (name, wire_form),
        _ => return not_found(Form::Json),
    };
    if name == "servicerequestupdates" {
        return take_update(&sandbox, &cut, wire_form, form).await;
    }
    if let Some(missing) = missing_field(&form) {
        return wire::error(StatusCode::BAD_REQUEST, wire_form, &missing);
    }
    let stored = match taken(&sandbox, &cut, wire_form, || sandbox.store(form)).await {
        Ok(stored) => stored,
        Err(failure) => return failure,
    };
    let receipt = match &stored.token {
        Some(token) => ("token", token.clone()),
        None => ("service_request_id", stored.service_request_id.clone()),
    };
    wire::answer(StatusCode::OK, wire_form, "service_requests", "request", &[vec![receipt]])
}

/// POST servicerequestupdates: a message about a request.
async fn take_update(sandbox: &Sandbox, cut: &Cut, wire_form: Form, form: Fields) -> Response {
    let id = form.get("service_request_id").cloned().unwrap_or_default();
    if !sandbox.ledger().requests.iter().any(|r| r.service_request_id == id) {
        return wire::error(StatusCode::NOT_FOUND, wire_form, "没有这个编号");
    }
    let at = sandbox.0.clock.now();
    let store = || sandbox.ledger().take_message(form, at);
    match taken(sandbox, cut, wire_form, store).await {
        Ok(number) => {
            let thing = vec![("update_id", number.to_string())];
            wire::answer(
                StatusCode::OK,
                wire_form,
                "service_request_updates",
                "request_update",
                &[thing],
            )
        }
        Err(failure) => failure,
    }
}

/// Every way in which taking something can go wrong happens here: before it's stored, or after.
async fn taken<T>(
    sandbox: &Sandbox,
    cut: &Cut,
    wire_form: Form,
    store: impl FnOnce() -> T,
) -> Result<T, Response> {
    if sandbox.happens(Fault::ResetBefore) {
        return Err(reset(cut).await);
    }
    if sandbox.happens(Fault::Busy503) {
        let mut busy = wire::error(StatusCode::SERVICE_UNAVAILABLE, wire_form, "系统忙，请稍后");
        busy.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("600"));
        return Err(busy);
    }
    let lost = sandbox.happens(Fault::NoAnswer);
    let broken = sandbox.happens(Fault::Error500);
    if (lost || broken) && sandbox.0.chance.fraction() < 0.5 {
        return Err(if lost { silence().await } else { broken_answer(wire_form) });
    }
    let stored = store();
    if lost {
        return Err(silence().await);
    }
    if broken {
        return Err(broken_answer(wire_form));
    }
    if sandbox.happens(Fault::ResetAfter) {
        return Err(reset(cut).await);
    }
    if sandbox.happens(Fault::Slow) {
        crate::clock::pause(SLOW).await;
    }
    Ok(stored)
}

fn missing_field(form: &Fields) -> Option<String> {
    let service = form.get("service_code").map(String::as_str).unwrap_or_default();
    let known =
        wire::services().iter().any(|thing| thing.contains(&("service_code", service.to_owned())));
    if !known {
        return Some(format!("service_code 「{service}」不存在"));
    }
    let given = |name: &str| form.get(name).is_some_and(|value| !value.trim().is_empty());
    let placed = given("address_string") || given("address_id") || (given("lat") && given("long"));
    match (given("description"), placed) {
        (false, _) => Some("缺少 description".to_owned()),
        (_, false) => Some("缺少 address_string、address_id 或 lat 和 long".to_owned()),
        _ => None,
    }
}

async fn silence() -> Response {
    std::future::pending().await
}

async fn reset(cut: &Cut) -> Response {
    cut.0.cancel();
    std::future::pending().await
}

fn broken_answer(form: Form) -> Response {
    wire::error(StatusCode::INTERNAL_SERVER_ERROR, form, "系统内部错误")
}

/// GET requests.json: by numbers, or by the time at which they were received; and servicerequestupdates.json.
async fn list(
    State(sandbox): State<Sandbox>,
    Extension(cut): Extension<Cut>,
    Path(file): Path<String>,
    Query(query): Query<Fields>,
) -> Response {
    let (name, form) = match form_of(&file) {
        Some((name @ ("requests" | "servicerequestupdates"), form)) => (name, form),
        _ => return not_found(Form::Json),
    };
    if let Some(failure) = failure_to_answer(&sandbox, &cut, form).await {
        return failure;
    }
    if name == "servicerequestupdates" {
        let things = sandbox.updates_between(&query);
        return wire::answer(
            StatusCode::OK,
            form,
            "service_request_updates",
            "request_update",
            &things,
        );
    }
    let instant = |name: &str| query.get(name).and_then(|text| text.parse::<Timestamp>().ok());
    let chosen: Vec<Stored> = match query.get("service_request_id") {
        Some(ids) => {
            let ids: Vec<&str> = ids.split(',').collect();
            let ledger = sandbox.ledger();
            ledger
                .requests
                .iter()
                .filter(|r| ids.contains(&r.service_request_id.as_str()))
                .cloned()
                .collect()
        }
        None => {
            let to = instant("end_date").unwrap_or_else(|| sandbox.0.clock.now());
            let from = instant("start_date").unwrap_or(to - SignedDuration::from_hours(90 * 24));
            let ledger = sandbox.ledger();
            let within = |r: &&Stored| from <= r.requested_datetime && r.requested_datetime <= to;
            ledger.requests.iter().filter(within).take(PAGE).cloned().collect()
        }
    };
    let things = sandbox.answers_about(&chosen);
    wire::answer(StatusCode::OK, form, "service_requests", "request", &things)
}

async fn one(
    State(sandbox): State<Sandbox>,
    Extension(cut): Extension<Cut>,
    Path(file): Path<String>,
) -> Response {
    let Some((id, form)) = form_of(&file) else {
        return not_found(Form::Json);
    };
    if let Some(failure) = failure_to_answer(&sandbox, &cut, form).await {
        return failure;
    }
    let found = sandbox.ledger().requests.iter().find(|r| r.service_request_id == id).cloned();
    match found {
        Some(stored) => {
            let things = sandbox.answers_about(&[stored]);
            wire::answer(StatusCode::OK, form, "service_requests", "request", &things)
        }
        None => wire::error(StatusCode::NOT_FOUND, form, "没有这个编号"),
    }
}

async fn token(
    State(sandbox): State<Sandbox>,
    Extension(cut): Extension<Cut>,
    Path(file): Path<String>,
) -> Response {
    let Some((token, form)) = form_of(&file) else {
        return not_found(Form::Json);
    };
    if let Some(failure) = failure_to_answer(&sandbox, &cut, form).await {
        return failure;
    }
    let found =
        sandbox.ledger().requests.iter().find(|r| r.token.as_deref() == Some(token)).cloned();
    let Some(stored) = found else {
        return wire::error(StatusCode::NOT_FOUND, form, "没有这个令牌");
    };
    let mut thing: Thing = vec![("token", token.to_owned())];
    if stored.is_numbered(sandbox.0.clock.now()) {
        thing.push(("service_request_id", stored.service_request_id));
    }
    wire::answer(StatusCode::OK, form, "service_requests", "request", &[thing])
}

/// What can go wrong with a question.
async fn failure_to_answer(sandbox: &Sandbox, cut: &Cut, form: Form) -> Option<Response> {
    if sandbox.happens(Fault::ResetBefore) {
        return Some(reset(cut).await);
    }
    if sandbox.happens(Fault::NoAnswer) {
        return Some(silence().await);
    }
    if sandbox.happens(Fault::Error500) {
        return Some(broken_answer(form));
    }
    if sandbox.happens(Fault::Slow) {
        crate::clock::pause(SLOW).await;
    }
    None
}

async fn ground_truth(State(sandbox): State<Sandbox>) -> Response {
    let requests = sandbox.ledger().requests.clone();
    Json(requests).into_response()
}

async fn notices(State(sandbox): State<Sandbox>) -> Response {
    let notices = sandbox.ledger().notices.clone();
    Json(notices).into_response()
}

/// A receiver of digests, as the generic webhook channel sends them.
async fn take_notice(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    Json(body): Json<serde_json::Value>,
) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    sandbox.ledger().notices.push(Notice { webhook_id: id.to_owned(), body });
    StatusCode::NO_CONTENT
}
