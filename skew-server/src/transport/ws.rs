//! `GET {base}/ws`: a connection as a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseCode, CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::SinkExt;
use skew_proto::{ClientMessage, ServerMessage, Subscription, Text, wire};
use tokio::time::{sleep, timeout};

use super::refusal;
use crate::app::Shared;
use crate::auth::{Caller, Watch};
use crate::clock;
use crate::hub::command::Verdict;
use crate::hub::message;
use crate::hub::outbox::Parcel;
use crate::limits::Bucket;
use crate::metrics::{Limit, Transport};
use crate::session::Session;
use crate::visitor::{self, Visitor};

/// Read buffer of a socket. The default costs 128 KiB for each connection, and clients write little.
const READ_BUFFER_BYTES: usize = 512;

/// Longest message that is sent: a snapshot of some hundred thousand connections. Only one is under way at a time.
const MAX_WRITE_BYTES: usize = 64 * 1024 * 1024;

/// How long a peer may take to close its side.
const CLOSE_TIME: Duration = Duration::from_secs(2);

pub(crate) async fn open(State(app): State<Shared>, parts: Parts, upgrade: WebSocketUpgrade) -> Response {
    // The only request that a page of another site can send and read the answer of: browsers hold it to no rule of their own.
    let source = match visitor::own(&parts, &app) {
        Ok(source) => source,
        Err(error) => return error.into_response(),
    };
    let admitted = match refusal::admit(&parts, &app) {
        Ok(permit) => Ok((permit, Visitor::of(&parts, source, &app).await)),
        Err(refusal) => Err(refusal),
    };
    let caller = Caller::of(&parts, source, &app).kept();
    let most = app.settings().config.limits.message_bytes;
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BYTES)
        .max_message_size(most)
        .max_frame_size(most)
        .on_upgrade(move |mut socket| async move {
            let (permit, visitor) = match admitted {
                Ok(admitted) => admitted,
                Err(refusal) => return end(&mut socket, refusal.close()).await,
            };
            let opened = Session::open(app.hub.clone(), visitor, permit, Transport::Ws).await;
            let Ok(session) = opened else { return };
            let mut connection = Connection { app, session, caller, received: Bucket::default() };
            // A task of its own: that of the upgrade is several times as large, and stays so until it ends. What is handed to an async
            // function by value would be held twice.
            tokio::spawn(async move { connection.run(&mut socket).await });
        })
}

struct Connection {
    app: Shared,
    session: Session,
    /// That of the upgrade, for as long as the connection lives: it may subscribe at any time and again.
    caller: Option<Arc<Caller>>,
    received: Bucket,
}

/// Whether the connection goes on.
enum Next {
    Listen,
    Hangup,
}

impl Connection {
    /// What is rare or short is in a box, so that an idle connection does not carry the room for it about.
    async fn run(&mut self, socket: &mut WebSocket) {
        loop {
            tokio::select! {
                // First what waits to be sent: then a client that asks without reading fills its own receive window, not our memory.
                biased;
                parcel = self.session.outbox.next() => {
                    let Some(parcel) = parcel else { return Box::pin(end(socket, (close_code::AWAY, "the server goes away"))).await };
                    let sent = match parcel {
                        Parcel::Message(message) => self.send_text(socket, message.json()).await,
                        Parcel::Stats(snapshot) => {
                            self.send_text(socket, snapshot.json(&self.session.id.to_string())).await
                        }
                        // Pages do not see a ping, and what the system gets no receipt for shows that the peer is gone.
                        Parcel::Keepalive(_) => self.send(socket, Message::Ping(Bytes::new())).await,
                    };
                    if let Next::Hangup = sent {
                        return;
                    }
                }
                message = socket.recv() => {
                    if let Some(Ok(_)) = message && self.is_too_fast() {
                        return Box::pin(end(socket, (close_code::POLICY, "too many messages; send fewer"))).await;
                    }
                    let text = match &message {
                        Some(Ok(Message::Text(text))) => text.as_str(),
                        Some(Ok(Message::Binary(bytes))) => std::str::from_utf8(bytes).unwrap_or_default(),
                        // A ping is answered by the library.
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        Some(Ok(Message::Close(_))) => {
                            // The library has the answer ready; a peer that is gone already is none of our business.
                            let _ = timeout(CLOSE_TIME, socket.flush()).await;
                            return;
                        }
                        Some(Err(error)) if is_too_long(error) => {
                            self.app.live.metrics.limited(Limit::MessageBytes);
                            return Box::pin(refuse_the_rest(socket)).await;
                        }
                        Some(Err(_)) | None => return,
                    };
                    Box::pin(self.receive(text)).await;
                }
            }
        }
    }

    /// Counts what was received, a ping as well: each is answered.
    fn is_too_fast(&mut self) -> bool {
        let taken = self.received.take(&self.app.settings().config.limits.messages, clock::nanos());
        taken.inspect_err(|_| self.app.live.metrics.limited(Limit::MessageRate)).is_err()
    }

    async fn send_text(&self, socket: &mut WebSocket, text: Bytes) -> Next {
        // What we encode is UTF-8.
        let Ok(text) = Utf8Bytes::try_from(text) else { return Next::Hangup };
        self.send(socket, Message::Text(text)).await
    }

    /// Sends a message, unless the connection is cut off while the peer does not read it.
    async fn send(&self, socket: &mut WebSocket, message: Message) -> Next {
        tokio::select! {
            sent = socket.send(message) => if sent.is_ok() { Next::Listen } else { Next::Hangup },
            () = self.session.outbox.cut_off() => Next::Hangup,
        }
    }

    /// Bad JSON, unknown types and missing fields are ignored, as the stock server ignores them.
    async fn receive(&self, text: &str) {
        match ClientMessage::decode(text) {
            Ok(ClientMessage::RouteUpdate(update)) => {
                if let Some(route) = update.route.filter(|_| self.app.settings().config.route_tracking) {
                    self.navigate(&route).await;
                }
            }
            Ok(ClientMessage::SubscribeStats(asked)) => self.subscribe(Subscription::read(&asked.extra)).await,
            Ok(ClientMessage::Ping) => {
                let _ = self.session.outbox.push(Parcel::Message(message::Message::new(&ServerMessage::Pong)));
            }
            Ok(ClientMessage::Other) | Err(_) => {}
        }
    }

    async fn navigate(&self, route: &Text) {
        let route = match route {
            Text::Whole(route) if route.is_empty() => return,
            Text::Whole(route) => visitor::page(route, &self.app).unwrap_or(wire::OTHER),
            Text::Damaged(_) => wire::OTHER,
        };
        let _ = self.app.hub.navigate(self.session.connection_id, route.to_owned()).await;
    }

    async fn subscribe(&self, asked: Subscription) {
        let watch = Watch::begin(&self.app, self.session.connection_id, self.caller.clone()).await;
        let verdict = watch.map_or(Verdict::Refused, |watch| Verdict::Granted(asked, watch));
        let _ = self.app.hub.subscribe(self.session.connection_id, verdict).await;
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|error| error.downcast_ref());
    matches!(cause, Some(tungstenite::Error::Capacity(_)))
}

/// Ends a connection whose next bytes are a message that is not to be read. With them unread the system tells the peer that the socket
/// is gone, so it is given the time to read why.
async fn refuse_the_rest(socket: &mut WebSocket) {
    let frame = CloseFrame { code: close_code::SIZE, reason: Utf8Bytes::from_static("the message is too long") };
    if let Ok(Ok(())) = timeout(CLOSE_TIME, socket.send(Message::Close(Some(frame)))).await {
        sleep(CLOSE_TIME).await;
    }
}

/// Says why the connection ends, and gives the peer a moment to close its side: a socket closed with unread bytes in it takes
/// the last frame with it.
async fn end(socket: &mut WebSocket, (code, reason): (CloseCode, &'static str)) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let _ = timeout(CLOSE_TIME, async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    })
    .await;
}
