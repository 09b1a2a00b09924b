//! The scripts of the pages for people who sign in: small modules of ours, at an address that changes with them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::seal::hex;

/// Each by its name.
pub(super) const SCRIPTS: &[(&str, &str)] = &[
    ("page.js", include_str!("script/page.js")),
    ("offline.js", include_str!("script/offline.js")),
    ("form.js", include_str!("script/form.js")),
    ("kept.js", include_str!("script/kept.js")),
    ("parts.js", include_str!("script/parts.js")),
    ("photos.js", include_str!("script/photos.js")),
    ("send.js", include_str!("script/send.js")),
    ("waiting.js", include_str!("script/waiting.js")),
];

/// Other scripts have another address: browsers keep them.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all = SCRIPTS.iter().flat_map(|(name, source)| [*name, *source]);
    hex(&Sha256::digest(all.collect::<String>().as_bytes())[..6])
});

/// A script's address.
pub(super) fn address(name: &str) -> String {
    format!("/my/script/{}/{name}", *VERSION)
}

/// GET /my/script/{version}/{name}
pub(super) async fn show(Path((version, name)): Path<(String, String)>) -> Response {
    let found = SCRIPTS.iter().find(|(known, _)| *known == name && version == *VERSION);
    let Some((_, source)) = found else {
        return (StatusCode::NOT_FOUND, "没有这个脚本，请重新打开页面\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, *source).into_response()
}
