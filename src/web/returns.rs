//! Upload of what came back from a portal (平台回执表): by whoever knows the secret of `[platform.push]`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tracing::{info, warn};

use super::unavailable::unavailable;
use crate::daemon::Daemon;
use crate::intake::{ImportError, import_returns};
use crate::settings::PushSettings;

/// No return is larger.
pub(super) const LARGEST: usize = 16 << 20;

/// POST /platform/returns, with `Authorization: Bearer` and the secret; the body is an .xlsx or .csv. Answers how
/// many rows changed something, and which match nothing.
pub(super) async fn receive(
    State(daemon): State<Arc<Daemon>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(secret) = daemon.push_secret() else {
        return (StatusCode::NOT_FOUND, "没有设置 platform.push.secret_file，不接收上传\n")
            .into_response();
    };
    if !is_known(&headers, secret) {
        warn!("an upload was rejected: wrong secret");
        return (StatusCode::UNAUTHORIZED, "密钥不对\n").into_response();
    }
    let name = if body.starts_with(b"PK") { "upload.xlsx" } else { "upload.csv" };
    let store = daemon.store.coming_from("网页 /platform/returns");
    match import_returns(&store, name, &body, daemon.settings.intake).await {
        Ok(report) => {
            let unmatched: String =
                report.unmatched.iter().map(|row| format!("  {row}\n")).collect();
            info!(
                rows = report.rows,
                changed = report.changed,
                unmatched = report.unmatched.len(),
                "a return was uploaded"
            );
            let text = format!(
                "{} 行，更新 {}，不变 {}，对不上 {}\n{unmatched}{}\n",
                report.rows,
                report.changed,
                report.same,
                report.unmatched.len(),
                report.rows_told()
            );
            (StatusCode::OK, text).into_response()
        }
        Err(ImportError::Store { error, .. }) => unavailable(&error),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{error}\n")).into_response(),
    }
}

/// Compared as MACs: how long it takes says nothing of the secret.
fn is_known(headers: &HeaderMap, secret: &[u8]) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    let Some(given) = given.and_then(|text| PushSettings::bytes(text).ok()) else {
        return false;
    };
    let mac = |text: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
        mac.update(text);
        Some(mac)
    };
    let own = mac(secret).map(|mac| mac.finalize().into_bytes());
    match (mac(&given), own) {
        (Some(given), Some(own)) => given.verify_slice(&own).is_ok(),
        _ => false,
    }
}
