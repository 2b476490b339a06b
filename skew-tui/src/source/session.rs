//! One connection, from its first message to its end.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::Url;
use skew_proto::{Extra, ServerInfo, ServerMessage, SubscribeBody, Subscription};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::ended::Ended;
use super::inbox::{Outlet, Reader};
use super::opening::request;
use super::releases;
use super::wire::Wire;
use crate::SourceEvent;
use crate::event::{Telling, telling};
use crate::http::{Http, HttpError, words};
use crate::target::below;

/// Longest message that is looked into here. Stats may be long, and are for the state to decode.
const MAX_PEEKED_BYTES: usize = 8 * 1024;

/// Largest answer to a subscription that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// First wait for an answer to a subscription before it is sent once more, which doubles up to the last.
const ASK_AGAIN: Duration = Duration::from_secs(10);
const ASK_AGAIN_AT_MOST: Duration = Duration::from_secs(60);

/// What goes on beside the stream.
enum Aside {
    Subscribed,
    Refused { status: u16, reason: String },
    Failed(Ended),
    Releases(Box<Option<skew_proto::Releases>>),
}

/// Reads an open stream to its end: passes on every message, asks for stats on every `connected` and whenever it is told to, and
/// looks at the site's release list now and then. `wanted` is the kind of stats to ask for, of a server that has more than one.
pub(super) async fn run(
    mut wire: Wire,
    http: &Http,
    base: &Url,
    outlet: &Outlet,
    ask: &Notify,
    wanted: &watch::Receiver<Subscription>,
) -> Ended {
    let release_urls = http.target().release_urls();
    let mut known_releases = None;
    let mut current = None;
    let mut looks = interval(releases::EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asides: FuturesUnordered<BoxFuture<'_, Aside>> = FuturesUnordered::new();
    let mut own_id: Option<String> = None;
    let mut asking: Option<Asking> = None;
    let mut server = None;

    loop {
        tokio::select! {
            message = wire.next() => {
                let text = match message {
                    Ok(text) => text,
                    Err(ended) => return ended,
                };
                let peeked = Peeked::of(&text);
                if peeked.answers {
                    asking = None;
                }
                if outlet.say(SourceEvent::Frame(text)).await == Reader::FellBehind {
                    asking = own_id.clone().map(Asking::new);
                }
                // A build that was not current before has a time of release that is not known yet.
                if peeked.version.is_some() && peeked.version != current {
                    if current.is_some() {
                        looks.reset_immediately();
                    }
                    current = peeked.version;
                }
                if let Some(id) = peeked.connection_id {
                    server = peeked.server;
                    own_id = Some(id.clone());
                    asking = Some(Asking::new(id));
                }
            }
            () = ask.notified(), if own_id.is_some() => asking = own_id.clone().map(Asking::new),
            id = due(&mut asking) => {
                let request = request(server.as_ref(), *wanted.borrow());
                match &mut wire {
                    Wire::Sse(_) => asides.push(Box::pin(subscribe(http, base, id, request))),
                    Wire::Ws(ws) => {
                        if let Err(ended) = ws.subscribe(request).await {
                            return ended;
                        }
                        outlet.say(SourceEvent::Subscribed).await;
                    }
                }
            },
            _ = looks.tick() => asides.push(Box::pin(async {
                Aside::Releases(Box::new(releases::read(http, &release_urls).await))
            })),
            Some(aside) = asides.next() => match aside {
                Aside::Subscribed => {
                    outlet.say(SourceEvent::Subscribed).await;
                }
                Aside::Refused { status, reason } => {
                    outlet.say(SourceEvent::Refused { status, reason }).await;
                }
                Aside::Failed(ended) => return ended,
                Aside::Releases(list) => {
                    if let Some(list) = *list && known_releases.as_ref() != Some(&list) {
                        known_releases = Some(list.clone());
                        outlet.say(SourceEvent::Releases(list)).await;
                    }
                }
            },
        }
    }
}

/// A subscription that has no answer yet. Where a site has several processes, the request may have reached another one than the
/// stream is on, which says nothing; the next one may reach the right one.
struct Asking {
    connection_id: String,
    /// When to ask, where that is not now.
    at: Option<Instant>,
    next_wait: Duration,
}

impl Asking {
    fn new(connection_id: String) -> Self {
        Self { connection_id, at: None, next_wait: ASK_AGAIN }
    }
}

/// Waits until it is time to ask, for which connection.
async fn due(asking: &mut Option<Asking>) -> String {
    let Some(asking) = asking else { return std::future::pending().await };
    if let Some(at) = asking.at {
        sleep_until(at).await;
    }
    asking.at = Some(Instant::now() + asking.next_wait);
    asking.next_wait = (asking.next_wait * 2).min(ASK_AGAIN_AT_MOST);
    asking.connection_id.clone()
}

/// What of a message matters to the connection itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Peeked {
    /// Whether it answers a subscription.
    answers: bool,
    /// One's own connection id, in `connected`.
    connection_id: Option<String>,
    /// Who the server is, in `connected`.
    server: Option<ServerInfo>,
    /// The server's current build, in `connected` and `version`.
    version: Option<String>,
}

impl Peeked {
    fn of(text: &str) -> Self {
        if text.len() > MAX_PEEKED_BYTES {
            return Self { answers: telling(text) == Some(Telling::Snapshot), ..Self::default() };
        }
        match ServerMessage::decode(text) {
            Ok(ServerMessage::Connected(connected)) => Self {
                connection_id: Some(connected.connection_id),
                server: connected.server,
                version: Some(connected.version),
                ..Self::default()
            },
            Ok(ServerMessage::Version(version)) => Self { version: Some(version.version), ..Self::default() },
            Ok(ServerMessage::Stats(_) | ServerMessage::StatsUnauthorized) => Self { answers: true, ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// Asks for stats by a POST, which is how it's done on SSE.
async fn subscribe(http: &Http, base: &Url, connection_id: String, extra: Extra) -> Aside {
    let url = below(base, "/subscribe-stats");
    let body = SubscribeBody { connection_id: Some(connection_id), extra };
    let answer = match http.answer(http.post(url.clone(), &body), MAX_ANSWER_BYTES).await {
        Ok(answer) => answer,
        Err(error @ HttpError::Redirected(_)) => return Aside::Failed(error.into()),
        Err(error) => return Aside::Failed(Ended::Lost(format!("asking for stats failed: {error}"))),
    };
    if answer.status.is_success() {
        return Aside::Subscribed;
    }
    let said = http.target().redact(&words(answer.status, &answer.body));
    let reason = format!("{} answered {said}", url.path());
    match answer.status.as_u16() {
        404 | 405 => Aside::Refused {
            status: answer.status.as_u16(),
            reason: format!("{reason}; connection tracking seems to be off in the site's configuration"),
        },
        // A proxy that limits or a server that is busy may well answer the next time.
        408 | 425 | 429 => Aside::Failed(Ended::Lost(reason)),
        400..=499 => Aside::Refused { status: answer.status.as_u16(), reason },
        _ => Aside::Failed(Ended::Lost(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connected_tells_ones_own_id() {
        let connected = Peeked::of(r#"{"type":"connected","version":"b","connectionId":"c-1"}"#);
        assert_eq!((connected.connection_id.as_deref(), connected.version.as_deref()), (Some("c-1"), Some("b")));
        let version = Peeked::of(r#"{"type":"version","version":"b2","connectionId":"x"}"#);
        assert_eq!((version.connection_id, version.version.as_deref()), (None, Some("b2")));
        for text in [r#"{"type":"welcome","connectionId":"x"}"#, "connected"] {
            assert_eq!(Peeked::of(text), Peeked::default(), "{text}");
        }
        let long = format!(r#"{{"type":"stats","x":"{}"}}"#, "x".repeat(MAX_PEEKED_BYTES));
        for text in [r#"{"type":"stats","version":"b"}"#, r#"{"type":"stats-unauthorized"}"#, &long] {
            assert_eq!(Peeked::of(text), Peeked { answers: true, ..Peeked::default() }, "{text}");
        }
    }
}
