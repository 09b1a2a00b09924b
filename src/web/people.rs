//! Pages for one person, by an address that only they were sent: their digest of a day, and their calendar.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use tracing::{error, info};

use super::caller::Caller;
use super::gate::note_refusal;
use super::unavailable::unavailable;
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::notify::{Shown, acknowledge, calendar, note_reading, page};

/// GET /digests/{token}
pub(super) async fn digest(
    State(daemon): State<Arc<Daemon>>,
    Extension(caller): Extension<Caller>,
    Path(token): Path<String>,
) -> Response {
    let shown = page(&daemon.pages, &daemon.reminder_rules.messages, &token).await;
    if matches!(shown, Ok(Shown::Page(_))) {
        let store = daemon.store.coming_from("网页 任务");
        // Nobody waits for a turn to read their page.
        tokio::spawn(async move {
            if let Err(error) = note_reading(&store, &token).await {
                let error = error.for_log();
                error!(
                    event = "audit.reading_unkept",
                    error, "that a page was read can't be written down"
                );
            }
        });
    }
    answer(caller, shown)
}

/// POST /digests/{token}: 签收, 已阅
pub(super) async fn take_note(
    State(daemon): State<Arc<Daemon>>,
    Extension(caller): Extension<Caller>,
    Path(token): Path<String>,
    form: String,
) -> Response {
    let messages = &daemon.reminder_rules.messages;
    let store = daemon.store.coming_from("网页 签收");
    answer(caller, acknowledge(&store, messages, &token, &field(&form, "who")).await)
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

fn answer(caller: Caller, shown: Result<Shown, StoreError>) -> Response {
    match shown {
        Ok(Shown::Page(page)) => {
            info!(event = "auth.accepted", route = "digests", address = %caller.0, "their own page");
            Html(page).into_response()
        }
        Ok(Shown::Ended(why)) => (StatusCode::GONE, format!("{why}\n")).into_response(),
        Ok(Shown::Unknown) => unknown("digests", caller),
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
    Extension(caller): Extension<Caller>,
    Path((staff, file)): Path<(String, String)>,
) -> Response {
    let Some(code) = file.strip_suffix(".ics") else { return unknown("calendar", caller) };
    match calendar(&daemon.pages, &staff, code).await {
        Ok(Some(calendar)) => {
            let of_type = [(header::CONTENT_TYPE, "text/calendar; charset=utf-8")];
            (of_type, calendar).into_response()
        }
        Ok(None) => unknown("calendar", caller),
        Err(error) => unavailable(&error),
    }
}

/// An address that nobody was given. What is random enough can't be guessed, so nobody is slowed for it: behind a proxy that
/// isn't known as one, that would be everybody.
fn unknown(route: &'static str, Caller(address): Caller) -> Response {
    note_refusal(route, address, "unknown_address");
    (StatusCode::NOT_FOUND, "没有这一页：请用收到的完整地址打开\n").into_response()
}
