//! What operators and their monitoring see (health, status, metrics), where the platform may call us, and the pages of whoever
//! signs in (`my`). Who may what, route by route: docs/access.md.
//!
//! Reads the record and the schedule; the platform's answers and readers' acknowledgements are all that it writes. Shows
//! counts, never a person, but to that person.

pub mod api;
mod bodies;
mod caller;
mod crowd;
mod descriptors;
mod gate;
mod guesses;
mod headers;
mod health;
pub mod metrics;
pub mod my;
mod nowhere;
mod overview;
mod people;
mod photos;
mod push;
mod reading;
mod returns;
mod screen;
mod server;
mod shared;
mod state;
pub mod status;
mod status_text;
mod templates;
mod unavailable;
mod wall;

use std::sync::Arc;

use crate::daemon::{Daemon, Pulse};
use crate::db::{By, StoreError};
use crate::domain::scope::Scope;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use caller::Caller;
use headers::guarded;
use nowhere::{not_so, not_this_way, nothing_here, readable};
use serde::Deserialize;
use state::Web;
pub use state::operators_pass;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use unavailable::{in_time, unavailable};

/// Serves until told to stop.
pub async fn serve(
    listener: TcpListener,
    daemon: Arc<Daemon>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let router = router(Arc::clone(&daemon));
    server::serve(listener, router, &daemon, shutdown).await
}

/// No form has more to say.
const LARGEST_FORM: usize = 8 << 10;

fn router(daemon: Arc<Daemon>) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .route("/figures", get(figures))
        .route("/photos/{id}", get(photos::show))
        .route("/digests/{token}", get(people::digest).post(people::take_note))
        .route("/digests/{staff}/{day}/{code}", get(people::of_before))
        .route("/calendar/{staff}/{file}", get(people::duties))
        .route("/screen/{token}", get(screen::show))
        .route("/screen/assets/screen.css", get(screen::style))
        .route("/screen/assets/screen.js", get(screen::script))
        .route("/platform/updates", post(push::receive))
        .merge(my::router(Arc::clone(&daemon)))
        .merge(api::router())
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_this_way)
        .route("/platform/returns", post(returns::receive))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(from_fn(readable))
        .layer(from_fn_with_state(Arc::clone(&daemon), in_time))
        .layer(from_fn_with_state(Arc::clone(&daemon), caller::known))
        .layer(map_response(guarded))
        .with_state(Web::new(daemon))
}

/// GET /readyz: ready while the record can be written. Asks nothing of it: the heartbeat knows.
async fn ready(State(daemon): State<Arc<Daemon>>) -> Response {
    let why = match daemon.heartbeat.pulse() {
        Pulse::Writing => return "ready\n".into_response(),
        Pulse::Starting => "正在启动，还没有写过数据库".to_owned(),
        Pulse::Stopped(unwritable) => unwritable.to_string(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}

/// GET /status: to the operator with the platform's own words, which may hold anything; to others without.
async fn status(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let operator = match web.may_read(Scope::Status, caller, &headers).await {
        Ok(operator) => operator,
        Err(refused) => return *refused,
    };
    match web.status().await {
        Ok(status) if operator => Json(&*status).into_response(),
        Ok(status) => Json(status.for_everybody()).into_response(),
        Err(error) => unavailable(&error),
    }
}

/// GET /: for people; the same as `/status` and `/figures` have for programs.
async fn overview(State(web): State<Web>) -> Response {
    let daemon = Arc::clone(&web.daemon);
    match web.overview.get(async move { overview::page(&daemon).await.map(Bytes::from) }).await {
        Ok(page) => Html(page).into_response(),
        Err(error) => unavailable(&error),
    }
}

const NAMES_PEOPLE: &str =
    "各走访人的比率带着姓名，不公开：请在服务器上用 zoufang figures --by person 查看";

#[derive(Debug, Deserialize)]
struct FiguresQuery {
    by: By,
}

/// GET /figures?by=village|branch|department; by person only for the operator.
async fn figures(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    query: Result<Query<FiguresQuery>, QueryRejection>,
) -> Response {
    let Ok(Query(FiguresQuery { by })) = query else {
        let can = By::ALL.iter().filter(|by| **by != By::Person);
        let can = can.map(|by| format!("/figures?by={}（按{}）", by.code(), by.chinese()));
        let can: Vec<String> = can.collect();
        return not_so(StatusCode::BAD_REQUEST, &format!("请写明按什么分列：{}", can.join("、")));
    };
    if by == By::Person {
        match web.may_read(Scope::Figures, caller, &headers).await {
            Ok(true) => {}
            Ok(false) => return not_so(StatusCode::FORBIDDEN, NAMES_PEOPLE),
            Err(refused) => return *refused,
        }
    }
    let daemon = Arc::clone(&web.daemon);
    let read = async move {
        let lines = daemon.pages.figures_by(by).await?;
        serde_json::to_vec(&lines)
            .map(Bytes::from)
            .map_err(|error| StoreError::Rule(error.to_string()))
    };
    match web.figures[by as usize].get(read).await {
        Ok(lines) => ([(header::CONTENT_TYPE, "application/json")], lines).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn metrics(State(web): State<Web>) -> Response {
    match web.status().await {
        Ok(status) => {
            let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            (content_type, metrics::render(&status)).into_response()
        }
        Err(error) => unavailable(&error),
    }
}
