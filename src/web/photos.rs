//! Photos that the platform fetches by their address (Open311's `media_url`): only where that is configured, and
//! only under ids that nobody guesses.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::unavailable::unavailable;
use crate::daemon::Daemon;

/// GET /photos/{id}
pub(super) async fn show(State(daemon): State<Arc<Daemon>>, Path(id): Path<String>) -> Response {
    if daemon.settings.platform.media_url.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    match daemon.pages.photo(&id).await {
        Ok(Some(photo)) => {
            let headers = [
                (header::CONTENT_TYPE, photo.media_type),
                (header::CACHE_CONTROL, "private, no-store".to_owned()),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            ];
            (headers, photo.bytes).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error),
    }
}
