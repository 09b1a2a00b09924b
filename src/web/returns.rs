//! Upload of what came back from a portal (平台回执表): by whoever knows the secret of `[platform.returns]`, which is asked for
//! before anything of the file is read.

use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tracing::info;

use super::bodies::let_pass;
use super::caller::Caller;
use super::state::Web;
use super::unavailable::unavailable;
use crate::intake::{ImportError, import_returns};

/// POST /platform/returns, with `Authorization: Bearer` and the secret; the body is an .xlsx or .csv. Answers how
/// many rows changed something, and which match nothing.
pub(super) async fn receive(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let may = match web.daemon.upload_secret() {
        Some(secret) => web.gate.bearer("returns", caller, &head.headers, secret),
        None => {
            let said = "没有设置 platform.returns.secret_file，不接收上传\n";
            Err(Box::new((StatusCode::NOT_FOUND, said).into_response()))
        }
    };
    if let Err(refused) = may {
        let_pass(body);
        return *refused;
    }
    let body = match web.returns.read(&head.headers, body).await {
        Ok(body) => body,
        Err(refused) => return refused.into_response(),
    };
    // What is here whole is taken, whether or not whoever sent it still waits.
    let taken = tokio::spawn(async move {
        // One after the other: a workbook takes more room unpacked.
        let _turn = web.uploading.lock().await;
        take(&web, body.bytes()).await
    });
    taken.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn take(web: &Web, body: &[u8]) -> Response {
    let daemon = &web.daemon;
    let name = if body.starts_with(b"PK") { "upload.xlsx" } else { "upload.csv" };
    let store = daemon.store.coming_from("网页 /platform/returns");
    match import_returns(&store, name, body, daemon.settings.intake).await {
        Ok(report) => {
            let unmatched: String =
                report.unmatched.iter().map(|row| format!("  {row}\n")).collect();
            info!(
                event = "returns.taken",
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
        Err(error) => {
            info!(event = "returns.refused", "an uploaded return isn't right");
            (StatusCode::UNPROCESSABLE_ENTITY, format!("{error}\n")).into_response()
        }
    }
}
