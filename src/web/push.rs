//! The platform's own calls with updates: signed by the Standard Webhooks specification, taken once.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use tracing::{info, warn};

use super::unavailable::unavailable;
use crate::app::receive_updates::receive_push;
use crate::daemon::Daemon;
use crate::platform::Answers;

/// Why a call isn't taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum Rejection {
    #[error("missing header {0}")]
    Missing(&'static str),
    #[error("webhook-timestamp is too far from now")]
    Stale,
    #[error("webhook-signature doesn't fit")]
    Signature,
}

/// POST /platform/updates
pub(super) async fn receive(
    State(daemon): State<Arc<Daemon>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let push = &daemon.settings.platform.push;
    let (Some(platform), Some(secret)) = (daemon.platform(), daemon.push_secret()) else {
        return (StatusCode::NOT_FOUND, "no platform is expected to call here\n").into_response();
    };
    let now = daemon.store.context().clock.now();
    let id = match check(&headers, &body, secret, now, push.tolerance) {
        Ok(id) => id,
        Err(rejection) => {
            warn!(%rejection, "a push was rejected");
            return (StatusCode::UNAUTHORIZED, format!("{rejection}\n")).into_response();
        }
    };
    let told = match read_body(&daemon, &headers, &body)
        .and_then(|text| platform.pushed(&text))
        .and_then(whole)
    {
        Ok(told) => told,
        Err(reason) => {
            warn!(%reason, "a push can't be read");
            return (StatusCode::UNPROCESSABLE_ENTITY, format!("{reason}\n")).into_response();
        }
    };
    match receive_push(&daemon.store, &id, &told.updates).await {
        Ok(news) => {
            info!(updates = told.updates.len(), news, "a push was taken");
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

/// All of a call can be read, or none of it is taken: the platform's operators are told why.
fn whole(told: Answers) -> Result<Answers, String> {
    match told.unread.first() {
        Some(unread) => Err(format!("{}：{}", unread.what, unread.sample)),
        None if told.updates.is_empty() => Err("请求里没有一条办理进度".to_owned()),
        None => Ok(told),
    }
}

/// The call's id, where it's signed by the platform and fresh
/// (<https://www.standardwebhooks.com>: `id.timestamp.body`).
fn check(
    headers: &HeaderMap,
    body: &[u8],
    secret: &[u8],
    now: Timestamp,
    tolerance: std::time::Duration,
) -> Result<String, Rejection> {
    let given = |name: &'static str| {
        headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Rejection::Missing(name))
    };
    let (id, at, signatures) =
        (given("webhook-id")?, given("webhook-timestamp")?, given("webhook-signature")?);
    let sent = at.parse().ok().and_then(|at| Timestamp::from_second(at).ok());
    let apart = sent.ok_or(Rejection::Stale)?.duration_since(now).unsigned_abs();
    if apart > tolerance {
        return Err(Rejection::Stale);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| Rejection::Signature)?;
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        mac.update(part);
    }
    // Several may stand there while a secret is being changed.
    let fits = |signature: &str| {
        let given = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        given.is_some_and(|given| mac.clone().verify_slice(&given).is_ok())
    };
    if signatures.split(' ').any(fits) { Ok(id.to_owned()) } else { Err(Rejection::Signature) }
}
