//! What every answer says of itself.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// What a page may do in a browser: show itself, with its own style and its own pictures, in no other site's frame; and its
/// forms come back here.
const PAGE_MAY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; \
                        base-uri 'none'; frame-ancestors 'none'";

/// What every answer says, unless it says so itself: nobody keeps it, no other page learns its address or has its content.
const SAID: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, PAGE_MAY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "private, no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) async fn guarded(mut answer: Response) -> Response {
    guarded_now(&mut answer);
    answer
}

pub(super) fn guarded_now(answer: &mut Response) {
    for (name, value) in SAID {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
}
