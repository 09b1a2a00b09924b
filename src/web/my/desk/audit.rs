//! Who changed or read what, the newest first; what was said, and what was before and after, is shown as an act of its own,
//! which is written down.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use minijinja::{Value, context};
use serde::Deserialize;
use serde_json::json;

use crate::clock::local_text;
use crate::daemon::Daemon;
use crate::db::{AuditEntry, StoreError};
use crate::domain::rights::Right;
use crate::intake::{doer_in_words, done_in_words};
use crate::web::my::frame::{apart, page};
use crate::web::my::links::with;
use crate::web::my::routes::AUDIT;
use crate::web::my::who::{Posted, Who};
use crate::web::templates::AUDIT as PAGE;
use crate::web::unavailable::unavailable;

/// So many entries are looked through for a page, however few of them are wanted; so many are shown.
const WINDOW: i64 = 2_000;
const SHOWN: usize = 50;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// A person's number or name, what was done, or what it was done to: part of any.
    #[serde(default)]
    find: String,
    /// Those before this one.
    #[serde(default)]
    before: Option<i64>,
}

/// GET /my/desk/audit
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Query(asked): Query<Asked>,
) -> Response {
    shown(&daemon, &who, &asked, false).await
}

async fn shown(daemon: &Daemon, who: &Who, asked: &Asked, reveals: bool) -> Response {
    let before = asked.before.unwrap_or(i64::MAX);
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let window = record.audit_before(before, WINDOW).await?;
        record.end().await?;
        Ok::<_, StoreError>(window)
    };
    let window = match read.await {
        Ok(window) => window,
        Err(error) => return unavailable(&error),
    };
    let find = asked.find.trim();
    let wanted = window.iter().filter(|entry| is_wanted(entry, find));
    let shown: Vec<&AuditEntry> = wanted.take(SHOWN).collect();
    // Where it goes on: after what is shown, or after what was looked through.
    let is_full = shown.len() == SHOWN;
    let last = if is_full { shown.last().copied() } else { window.last() };
    let is_more = is_full || i64::try_from(window.len()).is_ok_and(|count| count == WINDOW);
    let on = last
        .filter(|entry| is_more && entry.sequence > 1)
        .map(|entry| with(AUDIT, &[("find", find), ("before", &entry.sequence.to_string())]));
    let lines: Vec<Value> = shown.iter().map(|entry| line(entry, reveals)).collect();
    let values = context! {
        lines, find, on, before => asked.before, reveals, looked => window.len(),
        may_reveal => Right::Reveal.is_held_by(&who.person) && !reveals, place => "desk",
    };
    page(&who.frame(daemon), PAGE, StatusCode::OK, values)
}

fn is_wanted(entry: &AuditEntry, find: &str) -> bool {
    find.is_empty()
        || doer_in_words(entry).contains(find)
        || entry.target.contains(find)
        || done_in_words(entry).contains(find)
}

fn line(entry: &AuditEntry, reveals: bool) -> Value {
    let at = Timestamp::from_millisecond(entry.at).map(local_text).unwrap_or_default();
    let said = |text: &String| Some(text.clone()).filter(|_| reveals);
    context! {
        sequence => entry.sequence, at, actor => doer_in_words(entry), via => entry.via, action => done_in_words(entry),
        target => entry.target, detail => said(&entry.detail), was => entry.was.as_ref().and_then(said),
        became => entry.became.as_ref().and_then(said),
    }
}

/// POST /my/desk/audit: the same page with what was said.
pub(super) async fn reveal(
    State(daemon): State<Arc<Daemon>>,
    Posted { who, fields }: Posted,
) -> Response {
    if !Right::Reveal.is_held_by(&who.person) {
        return apart(&who.frame(&daemon), Right::Reveal);
    }
    let (find, before) = (fields.text("find").to_owned(), fields.text("before").parse().ok());
    let noted = async {
        let store = who.store(&daemon);
        let mut tx = store.begin().await?;
        let detail = json!({ "find": find, "before": before });
        tx.audit(&who.person.signed(), "read_audit", "audit", &detail).await?;
        tx.commit().await
    };
    match noted.await {
        Ok(()) => shown(&daemon, &who, &Asked { find, before }, true).await,
        Err(error) => unavailable(&error),
    }
}
