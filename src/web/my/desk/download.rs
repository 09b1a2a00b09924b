//! A file that a browser is to keep, and never to show as a page.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Hands it out under its name.
pub(super) fn download(name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{}", coded(name))),
    ];
    (headers, bytes).into_response()
}

/// A name as a header bears it (RFC 8187).
fn coded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let each = name.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_may_hold_anything() {
        assert_eq!(super::coded("走\"a.csv\r\n"), "%E8%B5%B0%22a.csv%0D%0A");
    }
}
