//! Photos that the platform fetches by their address (Open311's `media_url`): only where that is configured, and
//! only under ids that nobody guesses.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::caller::Caller;
use super::gate::note_refusal;
use super::unavailable::unavailable;
use crate::daemon::Daemon;

/// GET /photos/{id}
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(Caller(address)): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let unknown = || {
        note_refusal("photos", address, "unknown_address");
        (StatusCode::NOT_FOUND, "没有这张照片：请用收到的完整地址打开\n").into_response()
    };
    if daemon.settings.platform.media_url.is_empty() {
        return unknown();
    }
    match daemon.pages.photo(&id).await {
        Ok(Some(photo)) => {
            let headers = [
                (header::CONTENT_TYPE, photo.media_type.as_str()),
                // The platform shows it on pages of its own.
                (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
            ];
            (headers, photo.bytes).into_response()
        }
        Ok(None) => unknown(),
        Err(error) => unavailable(&error),
    }
}
