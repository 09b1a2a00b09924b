//! What a reader gets where the record doesn't answer in time: soon, in a form that they understand, and with what to do.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use minijinja::context;
use tracing::{error, warn};

use super::status::Unreadable;
use super::templates;
use crate::daemon::{Daemon, Pulse};
use crate::db::StoreError;
use crate::domain::health::{Fault, Verdict};

/// A reader waits two seconds at the most: what isn't read by then isn't waited for.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_700);
/// Whoever presses a button waits a little longer for their turn.
const DONE_WITHIN: Duration = Duration::from_secs(10);
/// Whoever brings a file waits as long as its way takes.
const BROUGHT_WITHIN: Duration = Duration::from_secs(120);
/// Whoever signs in by an identity provider waits for it (`sign_in.timeout`, fifteen seconds at most), then for their turn.
const ASKED_WITHIN: Duration = Duration::from_secs(25);
/// When to ask again, in seconds.
const AGAIN: u32 = 5;

/// Marks an answer that the layer is to put into words.
#[derive(Debug, Clone)]
struct Wordless(Fault);

/// The record doesn't answer: [`in_time`] says so to whoever asked.
pub(super) fn unavailable(error: &StoreError) -> Response {
    error!(event = "record.unavailable", error = error.for_log(), "the record doesn't answer");
    (StatusCode::SERVICE_UNAVAILABLE, axum::Extension(Wordless(error.fault()))).into_response()
}

/// Answers each page in time, and puts it into words where the record didn't.
pub(super) async fn in_time(
    State(daemon): State<Arc<Daemon>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let patience = match route(&path) {
        "my" if asks_elsewhere(&path) => Some(ASKED_WITHIN),
        _ if reads => Some(ANSWER_WITHIN),
        "my" if brings_a_file(&path) => Some(BROUGHT_WITHIN),
        // Photos come by networks in villages: the server's own patience (http.request_time) is theirs.
        "my" if brings_photos(&request) => None,
        "digests" | "my" | "card" => Some(DONE_WITHIN),
        // Another program calls, which has a patience of its own.
        _ => None,
    };
    let answer = match patience {
        Some(patience) => tokio::time::timeout(patience, next.run(request)).await.ok(),
        None => Some(next.run(request).await),
    };
    let Some(answer) = answer else {
        warn!(event = "http.not_in_time", route = known_route(&path), "not answered in time");
        return say(&daemon, &path, reads, &Fault::Gone).await;
    };
    match answer.extensions().get::<Wordless>() {
        Some(Wordless(fault)) => say(&daemon, &path, reads, &fault.clone()).await,
        None => answer,
    }
}

/// Whether an identity provider is asked.
fn asks_elsewhere(path: &str) -> bool {
    path.starts_with("/my/sign-in/")
}

/// Whether a form of this path may come with a file.
fn brings_a_file(path: &str) -> bool {
    path == "/my/imports" || path.starts_with("/my/hand-ins/")
}

/// Whether a form comes with photos.
fn brings_photos(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

/// A path's first word: the rest may be somebody's private address.
fn route(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

/// The same, where it's one of ours: what isn't may hold anything.
fn known_route(path: &str) -> &'static str {
    let known = ["status", "metrics", "figures", "photos", "digests", "calendar", "readyz"];
    match route(path) {
        "" => "overview",
        word => known.into_iter().find(|known| *known == word).unwrap_or("other"),
    }
}

async fn say(daemon: &Daemon, path: &str, reads: bool, fault: &Fault) -> Response {
    let reason = match daemon.heartbeat.pulse() {
        Pulse::Stopped(unwritable) => unwritable.to_string(),
        Pulse::Starting | Pulse::Writing => {
            format!("数据库现在读不到：{fault}。原因消除后几秒内自动恢复，不用重启")
        }
    };
    let mut answer = match route(path) {
        "" | "digests" | "my" | "card" => page(&reason, reads),
        "status" => Json(Unreadable {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: Verdict::Red,
            reasons: vec![reason],
        })
        .into_response(),
        _ => format!("{reason}\n").into_response(),
    };
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = answer.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(AGAIN));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// For a person: it refreshes itself.
fn page(reason: &str, reads: bool) -> Response {
    let values = context! { reason, reads, again => AGAIN };
    match templates::render(templates::UNAVAILABLE, values) {
        Ok(page) => Html(page).into_response(),
        Err(_) => format!("{reason}\n").into_response(),
    }
}
