//! What all streams have in common: where they are opened, their limits, and what an answer means that opens none.

use std::time::Duration;

use reqwest::Url;
use skew_proto::{Extra, ServerInfo, Subscription, wire};

use super::ended::Ended;
use crate::http::{Http, words};
use crate::target::below;

/// How long a stream may bring no byte before its figures can't be trusted. Servers say something every 30 s.
pub(super) const SILENCE: Duration = Duration::from_secs(65);

/// How long a server may take to open a stream.
pub(super) const OPENING: Duration = Duration::from_secs(15);

/// Largest message that is read, in bytes: some 400,000 connections.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// The URL of a stream. Every `skew-tui` opens it with the same route, so that none counts as a visitor.
pub(crate) fn stream_url(base: &Url, name: &str) -> Url {
    let mut url = below(base, name);
    url.query_pairs_mut().append_pair("route", wire::TUI_ROUTE);
    url
}

/// The fields by which stats of a kind are asked for. None, where that is what everybody gets, and where the server is a stock
/// one, which does not say who it is.
pub(crate) fn request(server: Option<&ServerInfo>, wanted: Subscription) -> Extra {
    match server {
        Some(_) if wanted != Subscription::default() => wanted.fields(),
        _ => Extra::new(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::by_changes;

    #[test]
    fn only_who_says_who_it_is_is_asked_for_more() {
        let ours = ServerInfo { name: "skew-server".into(), version: String::new() };
        assert_eq!(request(Some(&ours), by_changes()), by_changes().fields());
        assert_eq!(request(Some(&ours), Subscription::default()), Extra::new());
        assert_eq!(request(None, by_changes()), Extra::new());
    }
}
