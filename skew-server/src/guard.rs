//! Headers that every answer has, whatever it says and whoever asked.
//!
//! A page of another site can make a browser ask for anything here. What keeps it from the answer is that it gets no CORS header, and
//! these: no answer is a script, a page, a picture or a frame of somebody else's, and none is kept where the next one finds it.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Puts them on an answer. Where it says itself how long it may be kept, that holds.
pub(crate) async fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.extend(HEADERS);
    headers.entry(CACHE_CONTROL).or_insert(const { HeaderValue::from_static("no-store") });
    answer
}
