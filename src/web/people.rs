//! Pages for one person, by an address that only they were sent: their digest of a day, and their calendar.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use tracing::info;

use super::unavailable::unavailable;
use crate::daemon::Daemon;
use crate::notify::{acknowledge, calendar, page};

type DigestPath = Path<(String, String, String)>;

/// GET /digests/{staff}/{day}/{code}
pub(super) async fn digest(State(daemon): State<Arc<Daemon>>, Path(of): DigestPath) -> Response {
    show(&daemon, &of, None).await
}

/// POST /digests/{staff}/{day}/{code}: 签收
pub(super) async fn take_note(State(daemon): State<Arc<Daemon>>, Path(of): DigestPath) -> Response {
    let (staff, day, code) = &of;
    match acknowledge(&daemon.store, staff, day, code).await {
        Ok(Some(noted)) => {
            info!(staff, day, noted, "a digest was acknowledged");
            show(&daemon, &of, Some(noted)).await
        }
        Ok(None) => unknown(),
        Err(error) => unavailable(&error),
    }
}

async fn show(
    daemon: &Daemon,
    (staff, day, code): &(String, String, String),
    acknowledged: Option<usize>,
) -> Response {
    let messages = &daemon.reminder_rules.messages;
    match page(&daemon.pages, messages, staff, day, code, acknowledged).await {
        // Nobody else's cache holds it, and no other page learns its address.
        Ok(Some(page)) => {
            let private = [
                (header::CACHE_CONTROL, "private, no-store"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (private, Html(page)).into_response()
        }
        Ok(None) => unknown(),
        Err(error) => unavailable(&error),
    }
}

/// GET /calendar/{staff}/{code}.ics
pub(super) async fn duties(
    State(daemon): State<Arc<Daemon>>,
    Path((staff, file)): Path<(String, String)>,
) -> Response {
    let Some(code) = file.strip_suffix(".ics") else { return unknown() };
    match calendar(&daemon.pages, &staff, code).await {
        Ok(Some(calendar)) => {
            let of_type = [
                (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
                (header::CACHE_CONTROL, "private, max-age=900"),
            ];
            (of_type, calendar).into_response()
        }
        Ok(None) => unknown(),
        Err(error) => unavailable(&error),
    }
}

fn unknown() -> Response {
    (StatusCode::NOT_FOUND, "没有这一页：请用收到的完整地址打开\n").into_response()
}
