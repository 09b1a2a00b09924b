//! What operators and their monitoring see (health, status, metrics), and where the platform may call us.
//!
//! Reads the record and the schedule; the platform's answers and readers' acknowledgements are all that it writes. Shows
//! counts, never a person, but to that person.

mod health;
pub mod metrics;
mod overview;
mod people;
mod photos;
mod push;
mod reading;
mod returns;
pub mod status;
mod status_text;
mod templates;
mod unavailable;

use std::sync::Arc;

use crate::daemon::{Daemon, Pulse};
use crate::db::By;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use status::Status;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use unavailable::{in_time, unavailable};

/// Serves until told to stop.
pub async fn serve(
    listener: TcpListener,
    daemon: Arc<Daemon>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router(daemon)).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// No caller has more to say at once.
const LARGEST_BODY: usize = 1 << 20;

fn router(daemon: Arc<Daemon>) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .route("/figures", get(figures))
        .route("/photos/{id}", get(photos::show))
        .route("/digests/{staff}/{day}/{code}", get(people::digest).post(people::take_note))
        .route("/calendar/{staff}/{file}", get(people::duties))
        .route("/platform/updates", post(push::receive))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .route(
            "/platform/returns",
            post(returns::receive).layer(DefaultBodyLimit::max(returns::LARGEST)),
        )
        .layer(from_fn_with_state(Arc::clone(&daemon), in_time))
        .with_state(daemon)
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

async fn status(State(daemon): State<Arc<Daemon>>) -> Response {
    match Status::read(&daemon).await {
        Ok(status) => Json(status).into_response(),
        Err(error) => unavailable(&error),
    }
}

/// GET /: for people; the same as `/status` and `/figures` have for programs.
async fn overview(State(daemon): State<Arc<Daemon>>) -> Response {
    match overview::page(&daemon).await {
        Ok(page) => Html(page).into_response(),
        Err(error) => unavailable(&error),
    }
}

#[derive(Debug, Deserialize)]
struct FiguresQuery {
    by: By,
}

/// GET /figures?by=village|branch|department|person
async fn figures(
    State(daemon): State<Arc<Daemon>>,
    Query(FiguresQuery { by }): Query<FiguresQuery>,
) -> Response {
    match daemon.pages.figures_by(by).await {
        Ok(lines) => Json(lines).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn metrics(State(daemon): State<Arc<Daemon>>) -> Response {
    match Status::read(&daemon).await {
        Ok(status) => {
            let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            (content_type, metrics::render(&status)).into_response()
        }
        Err(error) => unavailable(&error),
    }
}
