//! Stats asked for every few seconds, for networks that let no stream through.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::value::RawValue;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::ended::Ended;
use super::inbox::Outlet;
use super::opening::MAX_MESSAGE_BYTES;
use super::releases;
use crate::http::{Http, HttpError, words};
use crate::{SourceEvent, Transport};

/// Time between two questions.
const EVERY: Duration = Duration::from_secs(5);

/// How long the figures wait for the release list, which tells what the current build is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks for stats until that fails. `opened` is called with the first answer.
pub(super) async fn run(http: &Http, outlet: &Outlet, mut opened: impl FnMut()) -> Ended {
    let urls = http.target().stats_urls();
    let (mut url, first) = match find(http, &urls).await {
        Ok(found) => found,
        Err(ended) => return ended,
    };
    let mut frame = Some(first);
    opened();
    outlet.say(SourceEvent::Open(Transport::Poll)).await;

    let release_urls = http.target().release_urls();
    let mut known_releases = None;
    let mut looked_at: Option<Instant> = None;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if looked_at.is_none_or(|at| at.elapsed() >= releases::EVERY) {
            looked_at = Some(Instant::now());
            let list = timeout(PATIENCE, releases::read(http, &release_urls)).await;
            if let Ok(Some(list)) = list
                && known_releases.as_ref() != Some(&list)
            {
                known_releases = Some(list.clone());
                outlet.say(SourceEvent::Releases(list)).await;
            }
        }
        let text = match frame.take() {
            Some(first) => first,
            None => match ask(http, &url).await {
                Ok(text) => text,
                // What answered before is gone: it may have moved to the next place.
                Err(Ended::Missing(_)) => match find(http, &urls).await {
                    Ok((found, text)) => {
                        url = found;
                        text
                    }
                    Err(ended) => return ended,
                },
                Err(ended) => return ended,
            },
        };
        outlet.say(SourceEvent::Frame(text)).await;
    }
}

/// The first place that answers with stats. Where none does, a refusal says more than an absence.
async fn find(http: &Http, urls: &[Url]) -> Result<(Url, String), Ended> {
    let mut refused = None;
    let mut missing = Vec::new();
    for url in urls {
        match ask(http, url).await {
            Ok(text) => return Ok((url.clone(), text)),
            Err(Ended::Missing(reason)) => missing.push(reason),
            Err(ended @ Ended::Refused { .. }) => refused = refused.or(Some(ended)),
            Err(ended) => return Err(ended),
        }
    }
    Err(refused.unwrap_or_else(|| Ended::Missing(missing.join("; "))))
}

/// One question, answered with a `stats` message.
async fn ask(http: &Http, url: &Url) -> Result<String, Ended> {
    let answer = match http.read(url.clone(), MAX_MESSAGE_BYTES).await {
        // The stock endpoint never answers on Cloudflare Durable Objects, and the recipe next to it may.
        Err(error @ HttpError::TimedOut(_)) => return Err(Ended::Missing(format!("{}: {error}", url.path()))),
        answer => answer?,
    };
    let reason = || format!("{} answered {}", url.path(), http.target().redact(&words(answer.status, &answer.body)));
    match answer.status {
        StatusCode::OK => {
            stats_message(&answer.body).ok_or_else(|| Ended::Missing(format!("{} answered no stats", url.path())))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(Ended::Refused { status: answer.status.as_u16(), reason: reason() })
        }
        // 503 is what a stock server says that has no key for this endpoint.
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::SERVICE_UNAVAILABLE => {
            Err(Ended::Missing(reason()))
        }
        _ => Err(Ended::Lost(reason())),
    }
}

/// The body of a stats endpoint as the message that a stream would have brought: the same object with its `type`.
fn stats_message(body: &str) -> Option<String> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(body).ok()?;
    if !fields.contains_key("total") && !fields.contains_key("connections") {
        return None;
    }
    let kind: &RawValue = serde_json::from_str(r#""stats""#).ok()?;
    fields.insert("type".to_owned(), kind);
    serde_json::to_string(&fields).ok()
}

#[cfg(test)]
mod tests {
    use skew_proto::ServerMessage;

    use super::*;

    #[test]
    fn a_stats_body_becomes_a_stats_message() {
        let body = r#"{ "total": 2, "versions": {"b": 2}, "routes": {"/": 2}, "connections": [], "type": "x" }"#;
        let Ok(ServerMessage::Stats(stats)) = ServerMessage::decode(&stats_message(body).unwrap()) else { panic!() };
        assert_eq!((stats.total, stats.versions["b"]), (2, 2));
    }

    #[test]
    fn a_page_or_an_error_is_no_stats_body() {
        for body in ["<html>", "[1]", "{}", r#"{"error":true,"statusCode":404}"#, "null"] {
            assert_eq!(stats_message(body), None, "{body}");
        }
    }
}
