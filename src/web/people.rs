//! Pages for one person, by an address that only they were sent: their digest of a day, and their calendar.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use tracing::error;

use super::unavailable::unavailable;
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::notify::{Shown, acknowledge, calendar, note_reading, page};

/// GET /digests/{token}
pub(super) async fn digest(
    State(daemon): State<Arc<Daemon>>,
    Path(token): Path<String>,
) -> Response {
    let shown = page(&daemon.pages, &daemon.reminder_rules.messages, &token).await;
    if matches!(shown, Ok(Shown::Page(_))) {
        let store = daemon.store.coming_from("网页 任务");
        // Nobody waits for a turn to read their page.
        tokio::spawn(async move {
            if let Err(error) = note_reading(&store, &token).await {
                error!(%error, "that a page was read can't be written down");
            }
        });
    }
    answer(shown)
}

/// POST /digests/{token}: 签收, 已阅
pub(super) async fn take_note(
    State(daemon): State<Arc<Daemon>>,
    Path(token): Path<String>,
    form: String,
) -> Response {
    let messages = &daemon.reminder_rules.messages;
    let store = daemon.store.coming_from("网页 签收");
    answer(acknowledge(&store, messages, &token, &field(&form, "who")).await)
}

/// A field of a form, empty where it has none.
fn field(form: &str, name: &str) -> String {
    let read = reqwest::Url::parse(&format!("http://form/?{form}"));
    let value = read.ok().and_then(|url| {
        let mut pairs = url.query_pairs();
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    });
    value.unwrap_or_default()
}

fn answer(shown: Result<Shown, StoreError>) -> Response {
    match shown {
        // Nobody else's cache holds it, and no other page learns its address.
        Ok(Shown::Page(page)) => {
            let private = [
                (header::CACHE_CONTROL, "private, no-store"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (private, Html(page)).into_response()
        }
        Ok(Shown::Ended(why)) => (StatusCode::GONE, format!("{why}\n")).into_response(),
        Ok(Shown::Unknown) => unknown(),
        Err(error) => unavailable(&error),
    }
}

/// Addresses as they were before: with a code that could be made again.
pub(super) async fn of_before() -> Response {
    let said = "这是旧的链接，已不再有效：请打开最近一次提醒里的链接\n";
    (StatusCode::GONE, said).into_response()
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
