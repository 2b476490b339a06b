//! One connection, from its first message to its end.

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::Url;
use skew_proto::{ServerMessage, SubscribeBody};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::ended::Ended;
use super::releases;
use super::wire::Wire;
use crate::SourceEvent;
use crate::http::{Http, HttpError, words};
use crate::target::below;

/// Longest message that is looked into for `connected`. Stats may be long, and are for the state to decode.
const MAX_CONNECTED_BYTES: usize = 8 * 1024;

/// Largest answer to a subscription that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What goes on beside the stream.
enum Aside {
    Subscribed,
    Refused { status: u16, reason: String },
    Failed(Ended),
    Releases(Box<Option<skew_proto::Releases>>),
}

/// Reads an open stream to its end: passes on every message, asks for stats on every `connected`, and looks at the
/// site's release list now and then.
pub(super) async fn run(mut wire: Wire, http: &Http, base: &Url, outlet: &mpsc::Sender<SourceEvent>) -> Ended {
    let release_urls = http.target().release_urls();
    let mut known_releases = None;
    let mut looks = interval(releases::EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asides: FuturesUnordered<BoxFuture<'_, Aside>> = FuturesUnordered::new();

    loop {
        tokio::select! {
            message = wire.next() => {
                let text = match message {
                    Ok(text) => text,
                    Err(ended) => return ended,
                };
                let connection_id = connection_id(&text);
                if outlet.send(SourceEvent::Frame(text)).await.is_err() {
                    return Ended::Lost("nobody listens any more".to_owned());
                }
                match (connection_id, &mut wire) {
                    (Some(id), Wire::Sse(_)) => asides.push(Box::pin(subscribe(http, base, id))),
                    (Some(_), Wire::Ws(ws)) => match ws.subscribe().await {
                        Ok(()) => say(outlet, SourceEvent::Subscribed).await,
                        Err(ended) => return ended,
                    },
                    (None, _) => {}
                }
            }
            _ = looks.tick() => asides.push(Box::pin(async {
                Aside::Releases(Box::new(releases::read(http, &release_urls).await))
            })),
            Some(aside) = asides.next() => match aside {
                Aside::Subscribed => say(outlet, SourceEvent::Subscribed).await,
                Aside::Refused { status, reason } => say(outlet, SourceEvent::Refused { status, reason }).await,
                Aside::Failed(ended) => return ended,
                Aside::Releases(list) => {
                    if let Some(list) = *list && known_releases.as_ref() != Some(&list) {
                        known_releases = Some(list.clone());
                        say(outlet, SourceEvent::Releases(list)).await;
                    }
                }
            },
        }
    }
}

/// A closed outlet is noticed by whoever holds the session.
async fn say(outlet: &mpsc::Sender<SourceEvent>, event: SourceEvent) {
    let _ = outlet.send(event).await;
}

/// The id of one's own connection, where the message is the one that tells it.
fn connection_id(text: &str) -> Option<String> {
    if text.len() > MAX_CONNECTED_BYTES || !text.contains("connected") {
        return None;
    }
    match ServerMessage::decode(text) {
        Ok(ServerMessage::Connected(connected)) => Some(connected.connection_id),
        _ => None,
    }
}

/// Asks for stats by a POST, which is how it's done on SSE.
async fn subscribe(http: &Http, base: &Url, connection_id: String) -> Aside {
    let url = below(base, "/subscribe-stats");
    let body = SubscribeBody { connection_id: Some(connection_id), extra: skew_proto::Extra::new() };
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
        let connected = r#"{"type":"connected","version":"b","connectionId":"c-1"}"#;
        assert_eq!(connection_id(connected).as_deref(), Some("c-1"));
        assert_eq!(connection_id(r#"{"type":"stats","routes":{"connected":1}}"#), None);
        assert_eq!(connection_id(r#"{"type":"welcome","connectionId":"x"}"#), None);
        assert_eq!(connection_id("connected"), None);
    }
}
