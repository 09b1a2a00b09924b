//! The platform's own calls with updates: signed by the Standard Webhooks specification, taken once.

use std::sync::PoisonError;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use super::bodies::let_pass;
use super::caller::Caller;
use super::gate::refuse;
use super::state::Web;
use super::unavailable::unavailable;
use crate::app::receive_updates::receive_push;
use crate::clock::Stopwatch;
use crate::daemon::Daemon;
use crate::domain::referral::PlatformUpdate;
use crate::platform::{Answers, note};

/// Why a call isn't taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum Rejection {
    #[error("缺少请求头 {0}")]
    Missing(&'static str),
    #[error("webhook-timestamp 与现在相差太多：请核对两边的时钟")]
    Stale,
    #[error("webhook-timestamp 不是从 1970 年起的秒数（毫秒要除以 1000）：请平台改成秒")]
    NotSeconds,
    #[error("webhook-signature 对不上：请核对两边的密钥")]
    Signature,
}

impl Rejection {
    /// As logs name it.
    fn code(&self) -> &'static str {
        match self {
            Rejection::Missing(_) => "missing_header",
            Rejection::Stale => "stale",
            Rejection::NotSeconds => "not_seconds",
            Rejection::Signature => "signature",
        }
    }
}

/// POST /platform/updates
pub(super) async fn receive(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let daemon = &web.daemon;
    let (Some(platform), Some(secret)) = (daemon.platform(), daemon.push_secret()) else {
        let_pass(body);
        return (StatusCode::NOT_FOUND, "这里不等平台来调用\n").into_response();
    };
    if let Err(slowed) = web.gate.may_try("updates", caller) {
        let_pass(body);
        return *slowed;
    }
    // What can be told from the head is told before anything is read.
    let now = daemon.store.context().clock.now();
    let call = match Call::read(&head.headers, now, daemon.settings.platform.push.tolerance) {
        Ok(call) => call,
        Err(rejection) => {
            let_pass(body);
            note_refused(&web, caller, &rejection);
            return refuse("updates", caller, rejection.code(), &format!("{rejection}\n"));
        }
    };
    let body = match web.updates.read(&head.headers, body).await {
        Ok(body) => body,
        Err(refused) => return refused.into_response(),
    };
    if !call.is_signed(body.bytes(), secret) {
        let why = Rejection::Signature;
        note_refused(&web, caller, &why);
        return web.gate.wrong("updates", caller, why.code(), &format!("{why}\n"));
    }
    web.gate.right(caller);
    let told =
        read_body(daemon, &head.headers, body.bytes()).and_then(|text| platform.pushed(&text));
    let (told, unread) = match told {
        Ok(told) => {
            let unread = unread_of(&told);
            (told.updates, unread)
        }
        Err(reason) => (Vec::new(), Some(reason)),
    };
    let Some(reason) = unread else {
        return take(&web, Some(&call.key(body.bytes())), &told).await;
    };
    warn!(event = "push.unread", updates = told.len(), "a push can't be read, or not all of it");
    note(&daemon.store, UNREAD, reason.clone()).await;
    let unread = (StatusCode::UNPROCESSABLE_ENTITY, format!("{reason}\n")).into_response();
    if told.is_empty() {
        return unread;
    }
    // What can be read waits for nothing. The call itself isn't noted: it may come again once the rest can be read.
    let taken = take(&web, None, &told).await;
    if taken.status().is_success() { unread } else { taken }
}

/// What is said on status of a call that isn't let in.
const REFUSED: &str = "有人向推送地址送来办理进展，没有收下：是平台推送的，请按下面写的核对";
/// It's noted so seldom: anybody may call.
const NOTED_EACH: Duration = Duration::from_secs(300);

/// Notes that a call wasn't let in; whoever called doesn't wait for that.
fn note_refused(web: &Web, caller: Caller, why: &Rejection) {
    let mut last = web.refused_push.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_some_and(|last| last.elapsed() < NOTED_EACH) {
        return;
    }
    *last = Some(Stopwatch::start());
    let (store, sample) = (web.daemon.store.clone(), format!("{why}（来自 {}）", caller.0));
    tokio::spawn(async move { note(&store, REFUSED, sample).await });
}

/// What is said on status of a call that can't be read.
const UNREAD: &str =
    "平台推送来的办理进展读不懂，没有收下：请按下面写的核对描述文件，或请平台改正后重新推送";

/// Takes what a call tells: once, where it has an id.
async fn take(web: &Web, id: Option<&str>, updates: &[PlatformUpdate]) -> Response {
    match receive_push(&web.daemon.store, id, updates).await {
        Ok(news) => {
            info!(event = "push.taken", updates = updates.len(), news, "a push was taken");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => unavailable(&error),
    }
}

/// A call in whatever character set the platform writes.
fn read_body(daemon: &Daemon, headers: &HeaderMap, body: &[u8]) -> Result<String, String> {
    let charset = daemon.settings.platform.charset().map_err(|error| error.to_string())?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    charset.read(body, content_type)
}

/// What of a call can't be read: the platform's operators are told why.
fn unread_of(told: &Answers) -> Option<String> {
    match told.unread.first() {
        Some(unread) => Some(format!("{}：{}", unread.what, unread.sample)),
        None if told.updates.is_empty() => Some("请求里没有一条办理进度".to_owned()),
        None => None,
    }
}

/// A call as its head says it is (<https://www.standardwebhooks.com>: `id.timestamp.body`).
struct Call {
    id: String,
    at: String,
    signatures: Vec<Vec<u8>>,
}

impl Call {
    /// A fresh one with at least one signature.
    fn read(headers: &HeaderMap, now: Timestamp, tolerance: Duration) -> Result<Call, Rejection> {
        let given = |name: &'static str| {
            headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Rejection::Missing(name))
        };
        let (id, at, signatures) =
            (given("webhook-id")?, given("webhook-timestamp")?, given("webhook-signature")?);
        let is_fresh = |at: i64| {
            Timestamp::from_second(at)
                .is_ok_and(|sent| sent.duration_since(now).unsigned_abs() <= tolerance)
        };
        let sent: i64 = at.parse().map_err(|_| Rejection::NotSeconds)?;
        if !is_fresh(sent) {
            return Err(if is_fresh(sent / 1_000) {
                Rejection::NotSeconds
            } else {
                Rejection::Stale
            });
        }
        // Several may stand there while a secret is being changed.
        let decoded = |one: &str| STANDARD.decode(one.strip_prefix("v1,")?).ok();
        let signatures: Vec<_> = signatures.split(' ').filter_map(decoded).take(MOST).collect();
        if signatures.is_empty() {
            return Err(Rejection::Signature);
        }
        Ok(Call { id: id.to_owned(), at: at.to_owned(), signatures })
    }

    /// By which a call is known when it comes again: some give what they call about as its id, and call again with more.
    fn key(&self, body: &[u8]) -> String {
        format!("{} {}", self.id, STANDARD.encode(Sha256::digest(body)))
    }

    fn is_signed(&self, body: &[u8], secret: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
        for part in [self.id.as_bytes(), b".", self.at.as_bytes(), b".", body] {
            mac.update(part);
        }
        self.signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    }
}

/// Nobody changes more secrets at once.
const MOST: usize = 8;
