//! `GET {base}/client.js`: the script for sites without Nuxt.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const SCRIPT: &str = include_str!("../client/client.js");

static TAG: LazyLock<String> =
    LazyLock::new(|| format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, SCRIPT.as_bytes()))));

pub(crate) async fn script(headers: HeaderMap) -> Response {
    let caching = [(ETAG, TAG.as_str()), (CACHE_CONTROL, "public, max-age=300")];
    if headers.get(IF_NONE_MATCH).is_some_and(|tag| tag == TAG.as_str()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

#[cfg(test)]
mod tests {
    use super::SCRIPT;

    #[test]
    fn the_script_is_under_three_kilobytes() {
        assert!(SCRIPT.len() < 3000, "{} bytes", SCRIPT.len());
    }
}
