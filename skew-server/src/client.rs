//! `GET {base}/client.js`: the script for sites without Nuxt.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

const SCRIPT: &str = include_str!("../client/client.js");

/// The script changes with the server and with nothing else.
const TAG: &str = concat!("\"skew-", env!("CARGO_PKG_VERSION"), "\"");

pub(crate) async fn script(headers: HeaderMap) -> Response {
    let caching = [(ETAG, TAG), (CACHE_CONTROL, "public, max-age=300")];
    if headers.get(IF_NONE_MATCH).is_some_and(|tag| tag == TAG) {
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
