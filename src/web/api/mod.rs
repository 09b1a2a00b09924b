//! The interface for programs, under `/api/v1`: what its document (`openapi.json`) says and nothing else. A program acts in the name
//! of whom its token says, within their rights and what the token is for; all goes through the use cases of the pages.
//!
//! Knows nothing of cookies and forms; writes no SQL and decides nothing.

mod answer;
mod fields;
mod issues;
mod program;
mod visits;

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use self::answer::{Problem, unread};
use self::program::in_whose_name;
use super::caller::Caller;
use super::state::Web;
use crate::db::By;
use crate::domain::scope::Scope;

/// What there is, for programs and whoever writes them.
pub const DOCUMENT: &str = include_str!("openapi.json");

/// A hundred visits, with what was asked for at each.
const LARGEST: usize = 1 << 20;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/api/v1/openapi.json", get(document))
        .route("/api/v1/status", get(status))
        .route("/api/v1/figures", get(figures))
        .route("/api/v1/issues", get(issues::listed))
        .route("/api/v1/issues/{number}", get(issues::one))
        .route("/api/v1/issues/{number}/acts", post(issues::done))
        .route("/api/v1/households/{number}", get(visits::household_of))
        .route("/api/v1/visits", post(visits::one))
        .route("/api/v1/visits/bulk", post(visits::many))
        .layer(DefaultBodyLimit::max(LARGEST))
}

/// Whether a path is one of the interface's, there or not.
pub(super) fn has(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What is wrong with a request that none of the interface's own answers.
pub(super) fn problem(status: StatusCode, detail: String) -> Response {
    Problem::new(status, detail).into_response()
}

/// GET /api/v1/openapi.json
async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

/// GET /api/v1/status: as `/status` shows it to its operator.
async fn status(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    in_whose_name(&web, Scope::Status, caller, &headers).await?;
    Ok(Json(&*web.status().await?).into_response())
}

#[derive(Debug, Deserialize)]
struct FiguresBy {
    #[serde(default)]
    by: String,
}

/// GET /api/v1/figures?by=village|branch|department|person
async fn figures(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    query: Result<Query<FiguresBy>, QueryRejection>,
) -> Result<Response, Problem> {
    in_whose_name(&web, Scope::Figures, caller, &headers).await?;
    let Query(FiguresBy { by }) = query.map_err(|_| unread())?;
    let said = "by 应为 village、branch、department 或 person";
    let by = By::read(&by).ok_or_else(|| Problem::wrong(said))?;
    Ok(Json(web.daemon.pages.figures_by(by).await?).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::DOCUMENT;

    #[test]
    fn what_may_be_sent_is_what_the_document_says() {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap();
        let named = |schema: &str| {
            let properties = &document["components"]["schemas"][schema]["properties"];
            let mut named: Vec<String> = properties.as_object().unwrap().keys().cloned().collect();
            named.sort();
            named
        };
        assert_eq!(named("Visit"), super::visits::FIELDS);
        assert_eq!(named("Act"), super::issues::FIELDS);
    }
}
