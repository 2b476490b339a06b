//! The endpoints that need an admin: what they do is logged, with who did it and how many it reached, and so is who was refused.

pub(crate) mod people;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;
use skew_proto::text::cut;
use skew_proto::{InvalidateAnswer, InvalidateRequest, Release, ReleaseAnswer, ReleaseRequest, RoutePattern};

use crate::app::{App, Shared};
use crate::auth::{Caller, Grant, Refusal};
use crate::clock::now_ms;
use crate::config::is_version;
use crate::failure::ApiError;
use crate::hub::answer::{Invalidated, Mode, Released};
use crate::json::{answer, encoded};
use crate::posted::{Object, Posted, understood};
use crate::visitor;

/// Of a text from outside, this much goes into a log line.
const LOGGED_CHARS: usize = 200;

/// `GET {base}/admin/stats` and `GET /api/admin/stats`
pub(crate) async fn stats(State(app): State<Shared>, parts: Parts) -> Result<Response, ApiError> {
    app.live.reader(&Caller::of(&parts, visitor::source(&parts, &app), &app)).await?;
    Ok(encoded(app.hub.stats_json().await?))
}

/// `POST {base}/admin/invalidate-route` and `POST /api/admin/invalidate-route`
pub(crate) async fn invalidate(State(app): State<Shared>, posted: Posted<Object>) -> Result<Response, ApiError> {
    let secret = posted.body.get("secret").and_then(Value::as_str);
    let grant = admin(&app, &posted.caller, secret, "invalidate a route").await?;
    let InvalidateRequest { route, kind, dry_run, .. } = understood(posted.body)?;
    let pattern = RoutePattern::new(kind.unwrap_or_default(), &route);
    let pattern = pattern.map_err(|error| ApiError::bad_request(error.to_string()))?;
    let kind = pattern.kind();
    let mode = if dry_run { Mode::DryRun } else { Mode::Send };
    let Invalidated { matched, routes, reached } = app.hub.invalidate(pattern, mode).await?;
    if mode == Mode::Send {
        let (who, pattern) = (cut(&grant.name, LOGGED_CHARS), cut(&route, LOGGED_CHARS));
        tracing::info!(who, pattern, %kind, matched, reached, "invalidated a route");
    }
    let answered =
        InvalidateAnswer { ok: true, route, kind: Some(kind), matched: Some(matched), routes: Some(routes), dry_run };
    Ok(answer(StatusCode::OK, &answered))
}

/// `POST {base}/admin/release`
pub(crate) async fn release(State(app): State<Shared>, posted: Posted<Object>) -> Result<Response, ApiError> {
    let grant = admin(&app, &posted.caller, None, "release a build").await?;
    let ReleaseRequest { version } = understood(posted.body)?;
    if !is_version(&version) {
        let rule = format!("version must be of 1 to {} visible characters", skew_proto::wire::MAX_VERSION_BYTES);
        return Err(ApiError::bad_request(rule));
    }
    let release = Release { version: version.clone(), released_at: Some(now_ms()) };
    let Released { previous, reached } = app.hub.release(release).await?;
    let who = cut(&grant.name, LOGGED_CHARS);
    tracing::info!(who, version, previous, reached, "released a build");
    Ok(answer(StatusCode::OK, &ReleaseAnswer { ok: true, version, previous, reached }))
}

/// Every other path below `{base}/admin`.
pub(crate) async fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "there is no such endpoint; docs/protocol.md lists them")
}

/// Who acts; one who may not is logged. The log never says what they sent.
async fn admin(app: &App, caller: &Caller, secret: Option<&str>, action: &str) -> Result<Grant, ApiError> {
    let refused = |refusal| {
        let error = ApiError::from(refusal);
        // A flood of tries is counted, and must not become a flood of lines.
        if !matches!(refusal, Refusal::Slowed(_)) {
            tracing::warn!(action, reason = error.message(), "refused an admin's action");
        }
        error
    };
    app.live.admin(caller, secret).await.map_err(refused)
}
