//! The ways in which a visitor's connection is kept open and talked to.

pub(crate) mod events;
pub(crate) mod post;
mod refusal;
pub(crate) mod sse;
pub(crate) mod stream;
pub(crate) mod ws;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use skew_proto::Health;

use crate::app::Shared;
use crate::failure::ApiError;
use crate::json;

/// `GET {base}/health`
pub(crate) async fn health(State(app): State<Shared>) -> Result<Response, ApiError> {
    let version = app.hub.current().await?.version;
    let health = Health { ok: true, version, uptime: app.started.elapsed().as_secs() };
    Ok(json::answer(StatusCode::OK, &health))
}
