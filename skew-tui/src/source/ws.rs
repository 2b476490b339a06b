//! A WebSocket over an upgraded request of the same HTTP client, so that proxies and certificates work for both alike.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::header::{CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{StatusCode, Upgraded, Url};
use skew_proto::{ClientMessage, Extra, SubscribeStats};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::ended::Ended;
use super::opening::{MAX_MESSAGE_BYTES, OPENING, SILENCE, not_a_stream, stream_url};
use crate::http::{Http, HttpError, redirection};

/// Time between two pings: servers send nothing by themselves on a WebSocket.
const PING: Duration = Duration::from_secs(25);

/// How long a server may take to say its first word. Nitro opens a WebSocket at any path of the app, and where nothing of
/// this protocol is behind it nothing is ever said.
const GREETING: Duration = Duration::from_secs(5);

/// An open WebSocket.
pub(crate) struct Ws {
    socket: WebSocketStream<Upgraded>,
    pings: Interval,
    heard_at: Instant,
    greeting: Option<String>,
}

impl Ws {
    /// Opens the WebSocket below `base`.
    pub(crate) async fn open(http: &Http, base: &Url) -> Result<Self, Ended> {
        let url = stream_url(base, "/ws");
        let opened = tokio::time::timeout(OPENING, shake_hands(http, &url)).await;
        let upgraded = opened.map_err(|_| HttpError::TimedOut(OPENING))??;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        let mut pings = interval_at(Instant::now() + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ws = Self { socket, pings, heard_at: Instant::now(), greeting: None };
        let greeting = tokio::time::timeout(GREETING, ws.next()).await;
        let mute = |_| Ended::Missing(format!("{} is a WebSocket that says nothing", url.path()));
        ws.greeting = Some(greeting.map_err(mute)??);
        Ok(ws)
    }

    /// Asks for stats, with the fields of an extension.
    pub(crate) async fn subscribe(&mut self, extra: Extra) -> Result<(), Ended> {
        self.say(ClientMessage::subscribe_stats(&SubscribeStats { extra })).await
    }

    pub(crate) async fn next(&mut self) -> Result<String, Ended> {
        if let Some(greeting) = self.greeting.take() {
            return Ok(greeting);
        }
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    self.heard_at = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                        Some(Ok(Message::Close(_))) | None => {
                            return Err(Ended::Lost("the server closed the stream".to_owned()));
                        }
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(lost(&error)),
                    }
                }
                _ = self.pings.tick() => self.say(ClientMessage::ping().to_owned()).await?,
                () = sleep_until(self.heard_at + SILENCE) => return Err(Ended::Stale),
            }
        }
    }

    /// A peer that takes nothing any more is as good as silent.
    async fn say(&mut self, text: String) -> Result<(), Ended> {
        let sent = tokio::time::timeout_at(self.heard_at + SILENCE, self.socket.send(Message::text(text))).await;
        sent.map_err(|_| Ended::Stale)?.map_err(|error| lost(&error))
    }
}

async fn shake_hands(http: &Http, url: &Url) -> Result<Upgraded, Ended> {
    let key = generate_key();
    let request = http
        .upgrade(url.clone())?
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key);
    let response = request.send().await.map_err(HttpError::from)?;
    if let Some(elsewhere) = redirection(&response) {
        return Err(HttpError::Redirected(elsewhere).into());
    }
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(not_a_stream(http, url, response.status(), ""));
    }
    if !accepted(response.headers(), &key) {
        return Err(Ended::Missing(format!("{} speaks no WebSocket", url.path())));
    }
    response.upgrade().await.map_err(|error| HttpError::from(error).into())
}

fn accepted(headers: &HeaderMap, key: &str) -> bool {
    let expected = derive_accept_key(key.as_bytes());
    headers.get(SEC_WEBSOCKET_ACCEPT).is_some_and(|accept| accept.as_bytes() == expected.as_bytes())
}

fn lost(error: &Error) -> Ended {
    Ended::Lost(match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "the server closed the stream".to_owned(),
        Error::Protocol(_) | Error::Io(_) | Error::Capacity(_) => error.to_string(),
        _ => format!("the WebSocket broke: {error}"),
    })
}
