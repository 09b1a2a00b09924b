//! The interface for programs, under `/api/v1`: what its document (`openapi.json`) says and nothing else. A program acts in the name
//! of whoever gave it its token, within their rights and what the token is for; all goes through the use cases of the pages.
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

/// GET /api/v1/openapi.json
async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

/// GET /api/v1/status: as `/status` shows it to its operator.
async fn status(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = in_whose_name(&web, Scope::Status, caller, &headers).await {
        return refused;
    }
    match web.status().await {
        Ok(status) => Json(&*status).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
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
) -> Response {
    if let Err(refused) = in_whose_name(&web, Scope::Figures, caller, &headers).await {
        return refused;
    }
    let Ok(Query(FiguresBy { by })) = query else { return unread().into_response() };
    let Some(by) = By::read(&by) else {
        let said = "by 应为 village、branch、department 或 person";
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, said).into_response();
    };
    match web.daemon.pages.figures_by(by).await {
        Ok(lines) => Json(lines).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}
