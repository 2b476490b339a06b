//! The body of a POST, and the rules that every POST is held to.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::failure::ApiError;
use crate::metrics::Limit;
use crate::visitor;

const BODY_TIME: Duration = Duration::from_secs(10);

/// A body whose fields are not looked at yet: a handler that needs credentials checks them first.
pub(crate) type Object = serde_json::Map<String, Value>;

/// The body of a POST, with who sent it. Every handler of a POST takes this one, so that none forgets a rule: a page of another
/// site is refused, the content type is JSON (which no foreign page can send unasked), and the body is small and comes soon.
#[derive(Debug)]
pub(crate) struct Posted<T> {
    pub(crate) body: T,
    pub(crate) caller: Caller,
}

impl<T: DeserializeOwned> FromRequest<Shared> for Posted<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let source = visitor::own(&parts, app)?;
        if !is_json(&parts.headers) {
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send content-type: application/json"));
        }
        let bytes = read(&parts, body, app).await?;
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(ApiError::bad_request("bad JSON: the body must be an object"));
        }
        let body =
            serde_json::from_slice(&bytes).map_err(|error| ApiError::bad_request(format!("bad JSON: {error}")))?;
        Ok(Self { body, caller: Caller::of(&parts, source, app) })
    }
}

/// What the fields of a body say.
pub(crate) fn understood<T: DeserializeOwned>(body: Object) -> Result<T, ApiError> {
    serde_json::from_value(body.into()).map_err(|error| ApiError::bad_request(format!("bad JSON: {error}")))
}

async fn read(parts: &Parts, body: Body, app: &App) -> Result<Bytes, ApiError> {
    let most = app.settings().config.limits.body_bytes;
    let too_large = || {
        app.live.metrics.limited(Limit::Body);
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is over {most} bytes"))
    };
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    match timeout(BODY_TIME, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Its other reason is a socket that has gone, and then nobody reads the answer.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
