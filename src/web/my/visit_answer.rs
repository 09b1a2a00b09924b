//! What became of a visit's form, as data for the script that sent it: it keeps what couldn't be sent, and shows what wasn't taken.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::recording::Receipt;

/// What became of it. Whoever isn't signed in any more hears so before (401).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It's recorded, by this or by an earlier try.
    Done,
    /// Something happened there since the page was shown.
    Stale,
    /// Something is wrong in it, is asked, or something else came under its id.
    Wrong,
    /// Somebody else visits there now.
    NotYours,
}

/// The resident, with the mark of how they stand since.
#[derive(Debug, Serialize)]
struct Resident {
    id: String,
    name: String,
    seen: String,
}

#[derive(Debug, Serialize)]
struct Answer {
    outcome: Outcome,
    /// For whoever filled it in.
    said: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resident: Option<Resident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue: Option<String>,
}

/// It's recorded, and shown there.
pub(super) fn done(receipt: Receipt, to: String) -> Response {
    let Receipt { resident, resident_id, seen, issue, note, .. } = receipt;
    let resident = Some(Resident { id: resident_id, name: resident, seen });
    let said = note.into_iter().collect();
    Json(Answer { outcome: Outcome::Done, said, to: Some(to), resident, issue }).into_response()
}

/// It isn't, and why.
pub(super) fn not(outcome: Outcome, said: Vec<String>) -> Response {
    let status = match outcome {
        Outcome::Done => StatusCode::OK,
        Outcome::Stale => StatusCode::CONFLICT,
        Outcome::Wrong => StatusCode::UNPROCESSABLE_ENTITY,
        Outcome::NotYours => StatusCode::NOT_FOUND,
    };
    let answer = Answer { outcome, said, to: None, resident: None, issue: None };
    (status, Json(answer)).into_response()
}
