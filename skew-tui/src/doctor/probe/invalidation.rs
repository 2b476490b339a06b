//! The invalidation endpoint, asked in a way that reaches nobody.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use skew_proto::{InvalidateAnswer, InvalidateRequest, MatchKind};

use super::ask::{Reply, ask};
use crate::doctor::evidence::Invalidation;
use crate::http::Http;
use crate::target::below;

/// A route that nobody is on, whatever way it is compared.
const NOBODYS_ROUTE: &str = "/__skew/doctor/nobody-is-here";

/// What is sent to a stock app as secret: no secret of anybody's.
const WRONG_SECRET: &str = "skew-tui doctor: a wrong secret on purpose";

const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A `skew-server` can count without acting, so that it is asked with the operator's own credentials.
pub(super) async fn of_skew_server(http: &Http, base: &Url, patience: Duration) -> Invalidation {
    let body = InvalidateRequest {
        route: NOBODYS_ROUTE.to_owned(),
        secret: None,
        kind: Some(MatchKind::Exact),
        dry_run: true,
    };
    let url = below(base, "/admin/invalidate-route");
    let reply = match ask(http.post_as_admin(url, &body), MAX_ANSWER_BYTES, patience).await {
        Ok(reply) => reply,
        Err(_) => return Invalidation::Failed("no answer".to_owned()),
    };
    let said = reply.said(http);
    match reply.status {
        _ if carried_out(&reply) => Invalidation::Counted,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Invalidation::Refused(said),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Invalidation::Missing(said),
        _ => Invalidation::Failed(said),
    }
}

/// A stock app acts on all that it takes. So it gets no credentials, a wrong secret and a route that nobody is on: that it
/// refuses says that it is there, and one that does not refuse still reaches nobody.
pub(super) async fn of_a_recipe(http: &Http, patience: Duration) -> Invalidation {
    let body = InvalidateRequest {
        route: NOBODYS_ROUTE.to_owned(),
        secret: Some(WRONG_SECRET.to_owned()),
        kind: None,
        dry_run: true,
    };
    let mut missing = Vec::new();
    for url in http.target().recipe_urls() {
        let reply = match ask(http.post_as_stranger(url, &body), MAX_ANSWER_BYTES, patience).await {
            Ok(reply) => reply,
            Err(_) => return Invalidation::Failed("no answer".to_owned()),
        };
        let said = reply.said(http);
        match reply.status {
            _ if carried_out(&reply) => return Invalidation::Unguarded(said),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Invalidation::Guarded(said),
            // A page of a single-page app is no endpoint either.
            StatusCode::OK | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => missing.push(said),
            _ => return Invalidation::Failed(said),
        }
    }
    Invalidation::Missing(missing.join("; "))
}

fn carried_out(reply: &Reply) -> bool {
    let answer = serde_json::from_str::<InvalidateAnswer>(&reply.body);
    reply.status.is_success() && answer.is_ok_and(|answer| answer.ok)
}
