//! The ways in which a visitor's connection is kept open and talked to.

pub(crate) mod events;
pub(crate) mod post;
pub(crate) mod sse;
pub(crate) mod stream;
pub(crate) mod ws;

use std::ops::RangeInclusive;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use skew_proto::Health;

use crate::app::Shared;
use crate::failure::ApiError;
use crate::json;

/// When a client is to come again that there is no place for, in milliseconds. Spread, so that those who were turned away together do
/// not come together.
const COME_AGAIN_MS: RangeInclusive<u32> = 30_000..=90_000;

/// The stream of a client that there is no place for.
fn come_again() -> Bytes {
    events::retry(COME_AGAIN_MS)
}

/// `GET {base}/health`
pub(crate) async fn health(State(app): State<Shared>) -> Result<Response, ApiError> {
    let version = app.hub.current().await?.version;
    let health = Health { ok: true, version, uptime: app.started.elapsed().as_secs() };
    Ok(json::answer(StatusCode::OK, &health))
}
