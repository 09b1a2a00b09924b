//! What operators and their monitoring see (health, status, metrics), where the platform may call us, and the pages of whoever
//! signs in (`my`).
//!
//! Reads the record and the schedule; the platform's answers and readers' acknowledgements are all that it writes. Shows
//! counts, never a person, but to that person.

mod health;
pub mod metrics;
pub mod my;
mod overview;
mod people;
mod photos;
mod push;
mod reading;
mod returns;
mod shared;
pub mod status;
mod status_text;
mod templates;
mod unavailable;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::daemon::{Daemon, Pulse};
use crate::db::{By, StoreError};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRef, Query, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use shared::Shared;
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
    let service = router(daemon).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// No caller has more to say at once.
const LARGEST_BODY: usize = 1 << 20;

/// What the pages share.
#[derive(Clone)]
struct Web {
    daemon: Arc<Daemon>,
    status: Arc<Shared<Arc<Status>>>,
    overview: Arc<Shared<Bytes>>,
    /// By each of [`By::ALL`], in its order.
    figures: [Arc<Shared<Bytes>>; By::ALL.len()],
}

impl Web {
    fn new(daemon: Arc<Daemon>) -> Web {
        let (status, overview, figures) = Default::default();
        Web { daemon, status, overview, figures }
    }

    /// `/metrics` and `/status` show the same.
    async fn status(&self) -> Result<Arc<Status>, StoreError> {
        let daemon = Arc::clone(&self.daemon);
        self.status.get(async move { Status::read(&daemon).await.map(Arc::new) }).await
    }
}

impl FromRef<Web> for Arc<Daemon> {
    fn from_ref(web: &Web) -> Arc<Daemon> {
        Arc::clone(&web.daemon)
    }
}

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
        .route("/platform/updates", post(push::receive))
        .merge(my::router(Arc::clone(&daemon)))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_this_way)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .route(
            "/platform/returns",
            post(returns::receive).layer(DefaultBodyLimit::max(returns::LARGEST)),
        )
        .layer(from_fn_with_state(Arc::clone(&daemon), in_time))
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

async fn status(State(web): State<Web>) -> Response {
    match web.status().await {
        Ok(status) => Json(&*status).into_response(),
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

#[derive(Debug, Deserialize)]
struct FiguresQuery {
    by: By,
}

/// GET /figures?by=village|branch|department|person
async fn figures(
    State(web): State<Web>,
    query: Result<Query<FiguresQuery>, QueryRejection>,
) -> Response {
    let Ok(Query(FiguresQuery { by })) = query else {
        let can =
            By::ALL.iter().map(|by| format!("/figures?by={}（按{}）", by.code(), by.chinese()));
        let can: Vec<String> = can.collect();
        return not_so(StatusCode::BAD_REQUEST, &format!("请写明按什么分列：{}", can.join("、")));
    };
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

/// What a page may do in a browser: show itself, with its own style and its own pictures, in no other site's frame; and its
/// forms come back here.
const PAGE_MAY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; \
                        base-uri 'none'; frame-ancestors 'none'";

async fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    // Unless the page allows itself less.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(PAGE_MAY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// Where there's no such page.
async fn nothing_here(uri: Uri) -> Response {
    let said = format!("没有这个页面：{}。首页在 / ，程序可读的数据在 /status", uri.path());
    not_so(StatusCode::NOT_FOUND, &said)
}

/// Where a page is there, but isn't asked for so.
async fn not_this_way(method: Method, uri: Uri) -> Response {
    let said = format!("{} 不接受 {method} 请求", uri.path());
    not_so(StatusCode::METHOD_NOT_ALLOWED, &said)
}

fn not_so(status: StatusCode, said: &str) -> Response {
    (status, format!("{said}\n")).into_response()
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
