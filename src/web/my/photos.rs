//! The photos of an issue: shown to whoever sees what it's about, added by whoever acts on it.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::frame::say_in;
use super::links::{after, issue as link};
use super::visit_form::{MOST_PHOTOS, fit};
use super::who::{PostedPhotos, Who};
use super::words::NOTED;
use crate::app::photos::{self, Added};
use crate::daemon::Daemon;
use crate::db::{Photographed, StoreError};
use crate::web::unavailable::unavailable;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Pass {
    /// What the page has that was noted down as read in clear.
    #[serde(default)]
    shown: String,
}

/// GET /my/issues/{number}/photos/{place}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
    Path((number, place)): Path<(String, String)>,
    Query(Pass { shown }): Query<Pass>,
) -> Response {
    let found = async {
        let place = place.parse().unwrap_or_default();
        let mut record = daemon.pages.snapshot().await?;
        let found = photos::one(&mut record, &who.person, &number, place, &shown).await?;
        record.end().await?;
        Ok::<_, StoreError>(found)
    };
    match found.await {
        Ok(Some(Photographed { media_type, bytes })) => {
            ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
        }
        Ok(None) => {
            let said = "没有这张照片，或者不在您负责的范围内";
            say_in(&who.frame(&daemon), StatusCode::NOT_FOUND, said)
        }
        Err(error) => unavailable(&error),
    }
}

/// POST /my/issues/{number}/photos
pub(super) async fn add(
    State(daemon): State<Arc<Daemon>>,
    Path(number): Path<String>,
    PostedPhotos { who, files, .. }: PostedPhotos,
) -> Response {
    let refused = |said: &str| {
        let said = format!("照片没有加上：{said}");
        say_in(&who.frame(&daemon), StatusCode::UNPROCESSABLE_ENTITY, &said)
    };
    if files.is_empty() {
        return refused("请先选照片，再提交");
    }
    if files.len() > MOST_PHOTOS {
        return refused(&format!("选了 {} 张，一次最多 {MOST_PHOTOS} 张", files.len()));
    }
    let photos = match fit(&files) {
        Ok(photos) => photos,
        Err(wrongs) => return refused(&wrongs.join("；")),
    };
    match photos::add(&who.store(&daemon), &who.person, &number, &photos).await {
        Ok(Added::Done(_)) => {
            daemon.wake_lanes();
            Redirect::to(&after(&link(&number), NOTED)).into_response()
        }
        Ok(Added::NotYours) => {
            let said = format!("没有编号「{number}」的问题，或者不由您办理，照片没有加上");
            say_in(&who.frame(&daemon), StatusCode::NOT_FOUND, &said)
        }
        Ok(Added::Not(why)) => refused(&why),
        Err(error) => unavailable(&error),
    }
}
