//! The addresses by which televisions show the wall chart: given, listed, ended.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;

use super::frame::page;
use super::links::after;
use super::routes::SCREENS;
use super::who::{Posted, Who, is_behind_tls};
use super::words::NOTED;
use crate::app::screens::{end, make};
use crate::clock::local_text;
use crate::daemon::Daemon;
use crate::db::StoreError;
use crate::domain::saying::is_nothing;
use crate::web::templates::SCREENS as PAGE;
use crate::web::unavailable::unavailable;

/// What is said above the list.
#[derive(Debug, Default)]
struct Said {
    wrong: &'static str,
    at: String,
    /// The new address.
    address: String,
}

/// GET /my/screens
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
) -> Response {
    shown(&daemon, &who, StatusCode::OK, Said::default()).await
}

async fn shown(daemon: &Daemon, who: &Who, status: StatusCode, said: Said) -> Response {
    let read = async {
        let mut record = daemon.pages.snapshot().await?;
        let screens = record.screens().await?;
        record.end().await?;
        Ok::<_, StoreError>(screens)
    };
    let screens = match read.await {
        Ok(screens) => screens,
        Err(error) => return unavailable(&error),
    };
    let screen = |one: &crate::db::Screen| {
        context! { number => one.number, place => one.place, by => one.by, at => local_text(one.created_at), ended => one.ended }
    };
    let values = context! {
        screens => screens.iter().map(screen).collect::<Vec<_>>(),
        wrong => said.wrong, at => said.at, address => said.address,
        public => !daemon.settings.notify.public_url.is_empty(), place => "wall",
    };
    page(&who.frame(daemon), PAGE, status, values)
}

/// POST /my/screens: `act` is make or end.
pub(super) async fn put(
    State(daemon): State<Arc<Daemon>>,
    headers: HeaderMap,
    Posted { who, fields }: Posted,
) -> Response {
    if fields.text("act") == "end" {
        let ended = ended(&daemon, &who, fields.text("number")).await;
        return match ended {
            Ok(()) => Redirect::to(&after(SCREENS, NOTED)).into_response(),
            Err(error) => unavailable(&error),
        };
    }
    let at = fields.text("at").to_owned();
    if is_nothing(&at) || at.chars().count() > 40 {
        let said = Said { wrong: "请写挂在哪里，40 个字以内", at, ..Said::default() };
        return shown(&daemon, &who, StatusCode::UNPROCESSABLE_ENTITY, said).await;
    }
    let made = async {
        let mut tx = who.store(&daemon).begin().await?;
        let token = make(&mut tx, &at, &who.person).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(token)
    };
    match made.await {
        Ok(token) => {
            let address = format!("{}/screen/{token}", base(&daemon, &headers));
            shown(&daemon, &who, StatusCode::OK, Said { address, ..Said::default() }).await
        }
        Err(error) => unavailable(&error),
    }
}

async fn ended(daemon: &Daemon, who: &Who, number: &str) -> Result<(), StoreError> {
    let Ok(number) = number.parse() else { return Ok(()) };
    let mut tx = who.store(daemon).begin().await?;
    end(&mut tx, number, &who.person).await?;
    tx.commit().await
}

/// Where this service is for others: as it's configured, else as this browser found it.
fn base(daemon: &Daemon, headers: &HeaderMap) -> String {
    let public = daemon.settings.notify.public_url.trim_end_matches('/');
    if !public.is_empty() {
        return public.to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if is_behind_tls(headers, daemon) { "https" } else { "http" };
    format!("{scheme}://{host}")
}
