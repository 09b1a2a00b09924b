//! Answers to who asks for what isn't here, or in a way in which it isn't given: people in words, programs as their interface says.

use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use super::api;

/// What is wrong with a request, in words.
pub(super) fn not_so(status: StatusCode, said: &str) -> Response {
    (status, format!("{said}\n")).into_response()
}

/// Where there's no such page.
pub(super) async fn nothing_here(uri: Uri) -> Response {
    let (status, path) = (StatusCode::NOT_FOUND, uri.path());
    if api::has(path) {
        return api::problem(
            status,
            format!("没有这个接口：{path}。有哪些，见 /api/v1/openapi.json"),
        );
    }
    not_so(status, &format!("没有这个页面：{path}。首页在 / ，程序可读的数据在 /status"))
}

/// Where a page is there, but isn't asked for so.
pub(super) async fn not_this_way(method: Method, uri: Uri) -> Response {
    let (status, path) = (StatusCode::METHOD_NOT_ALLOWED, uri.path());
    let said = format!("{path} 不接受 {method} 请求");
    if api::has(path) { api::problem(status, said) } else { not_so(status, &said) }
}

/// Lets through what can be read: nothing here has a name that isn't UTF-8 (RFC 3986, 2.5).
pub(super) async fn readable(request: Request, next: Next) -> Response {
    let uri = request.uri();
    match percent_decode_str(uri.path()).decode_utf8() {
        Ok(_) => next.run(request).await,
        Err(_) => nothing_here(uri.clone()).await,
    }
}
