//! One open stream, whatever carries it.

use std::time::Duration;

use reqwest::Url;
use skew_proto::wire as proto;

use super::ended::Ended;
use super::sse::Sse;
use super::ws::Ws;
use crate::http::{Http, words};
use crate::target::below;

/// How long a stream may bring no byte before its figures can't be trusted. Servers say something every 30 s.
pub(super) const SILENCE: Duration = Duration::from_secs(65);

/// How long a server may take to open a stream.
pub(super) const OPENING: Duration = Duration::from_secs(15);

/// Largest message that is read, in bytes: some 400,000 connections.
pub(super) const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// One open stream.
pub(super) enum Wire {
    Sse(Sse),
    Ws(Box<Ws>),
}

impl Wire {
    /// The next message. May be dropped before it is ready without losing anything.
    pub(super) async fn next(&mut self) -> Result<String, Ended> {
        match self {
            Self::Sse(sse) => sse.next().await,
            Self::Ws(ws) => ws.next().await,
        }
    }
}

/// The URL of a stream. Every `skew-tui` opens it with the same route, so that none counts as a visitor.
pub(super) fn stream_url(base: &Url, name: &str) -> Url {
    let mut url = below(base, name);
    url.query_pairs_mut().append_pair("route", proto::TUI_ROUTE);
    url
}

/// What an answer other than an open stream means.
pub(super) fn not_a_stream(http: &Http, url: &Url, status: reqwest::StatusCode, body: &str) -> Ended {
    let said = http.target().redact(&words(status, body));
    let reason = format!("{} answered {said}", url.path());
    match status.as_u16() {
        401 | 403 => Ended::Refused { status: status.as_u16(), reason },
        // What a site answers that does not have this endpoint: a page of a single-page app (200), an empty answer, a
        // wrong method, or a plain-HTTP answer to an upgrade.
        200 | 204 | 400 | 404 | 405 | 410 | 426 | 501 => Ended::Missing(reason),
        _ => Ended::Lost(reason),
    }
}
