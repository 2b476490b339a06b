//! A stream that is opened for a look: its first message, and what comes of asking for stats on it.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE};
use reqwest::{StatusCode, Url};
use skew_proto::sse::{Decoder, Event};
use skew_proto::{Extra, ServerMessage, SubscribeBody};
use tokio::time::{Instant, timeout, timeout_at};

use super::ask::ask;
use crate::doctor::evidence::{Greeting, Opening, Subscription};
use crate::doctor::failure::Failure;
use crate::feed::by_changes;
use crate::http::{Http, redirection};
use crate::source::{Ended, MAX_MESSAGE_BYTES, Ws, request, stream_url};
use crate::target::below;

/// Longest piece of an answer that is no stream, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// An open stream, behind its first message.
pub(super) struct Stream {
    wire: Wire,
    base: Url,
    connection_id: String,
    /// The fields that ask for stats as every other command does.
    request: Extra,
    /// When the server sent its first message, by its own clock, in milliseconds since 1970.
    pub(super) greeted_ms: Option<u64>,
}

enum Wire {
    Sse(Box<Sse>),
    Ws(Box<Ws>),
}

struct Sse {
    pieces: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    decoder: Decoder,
    ready: VecDeque<Event>,
}

impl Sse {
    async fn next(&mut self) -> Result<String, String> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event.data);
            }
            let piece = self.pieces.next().await.ok_or("the server closed the stream")?;
            let mut events = Vec::new();
            self.decoder.push(&piece.map_err(|error| error.to_string())?, &mut events).map_err(|e| e.to_string())?;
            self.ready.extend(events);
        }
    }
}

/// Opens `{base}/sse`.
pub(super) async fn open_sse(http: &Http, base: &Url, patience: Duration) -> (Opening, Option<Stream>) {
    let url = stream_url(base, "/sse");
    let deadline = Instant::now() + patience;
    let request = http.get(url.clone()).header("accept", "text/event-stream").header(CACHE_CONTROL, "no-cache");
    let response = match timeout_at(deadline, request.send()).await {
        Err(_) => return (Opening::Unanswered, None),
        Ok(Err(error)) if error.is_timeout() => return (Opening::Unanswered, None),
        Ok(Err(error)) => return (Opening::Broken(described(&Failure::of(&error))), None),
        Ok(Ok(response)) => response,
    };
    if let Some(elsewhere) = redirection(&response) {
        return (Opening::Redirected(elsewhere), None);
    }
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_stream = content_type.trim_start().to_ascii_lowercase().starts_with("text/event-stream");
    if status != StatusCode::OK || !is_stream {
        let kind = if status == StatusCode::OK { " with a page" } else { "" };
        return (not_a_stream(status, format!("{} answered {status}{kind}", url.path())), None);
    }
    let pieces = response.bytes_stream().boxed();
    let sse = Sse { pieces, decoder: Decoder::new(MAX_MESSAGE_BYTES), ready: VecDeque::new() };
    greeted(Wire::Sse(Box::new(sse)), base, deadline).await
}

/// Opens `{base}/ws`.
pub(super) async fn open_ws(http: &Http, base: &Url, patience: Duration) -> (Opening, Option<Stream>) {
    let deadline = Instant::now() + patience;
    let reason = match timeout_at(deadline, Ws::open(http, base)).await {
        Err(_) => return (Opening::Unanswered, None),
        Ok(Ok(ws)) => return greeted(Wire::Ws(Box::new(ws)), base, deadline).await,
        Ok(Err(Ended::Refused { reason, .. })) => return (Opening::Refused(reason), None),
        Ok(Err(Ended::Stale)) => return (Opening::Mute, None),
        Ok(Err(Ended::Missing(reason) | Ended::Lost(reason) | Ended::Hopeless(reason))) => reason,
    };
    // Nitro takes an upgrade at any path, and a proxy may take one away from the right path. What a plain request hears
    // there tells both: only where there is a WebSocket it is told to upgrade.
    match ask(http.get(stream_url(base, "/ws")), MAX_ANSWER_BYTES, patience).await {
        Ok(reply) if reply.status == StatusCode::UPGRADE_REQUIRED => (Opening::Broken(reason), None),
        _ => (Opening::Missing(reason), None),
    }
}

/// What an answer other than a stream means.
fn not_a_stream(status: StatusCode, said: String) -> Opening {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Opening::Refused(said),
        status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => Opening::Broken(said),
        _ => Opening::Missing(said),
    }
}

async fn greeted(wire: Wire, base: &Url, deadline: Instant) -> (Opening, Option<Stream>) {
    let mut wire = wire;
    loop {
        let text = match timeout_at(deadline, wire.next()).await {
            Err(_) => return (Opening::Mute, None),
            Ok(Err(cause)) => return (Opening::Broken(cause), None),
            Ok(Ok(text)) => text,
        };
        let fields = match ServerMessage::decode(&text) {
            Ok(ServerMessage::Connected(connected)) => {
                let request = request(connected.server.as_ref(), by_changes());
                let server = connected.server.map(|server| format!("{} {}", server.name, server.version));
                let greeting = Greeting { version: Some(connected.version), has_id: true, server };
                let (connection_id, greeted_ms) = (connected.connection_id, connected.timestamp);
                let stream = Stream { wire, base: base.clone(), connection_id, request, greeted_ms };
                return (Opening::Open(greeting), Some(stream));
            }
            Ok(ServerMessage::Other(other)) if other.kind == "connected" => other.fields,
            Ok(_) => continue,
            Err(error) => return (Opening::Broken(error.to_string()), None),
        };
        let version = fields.get("version").and_then(|version| version.as_str()).map(str::to_owned);
        return (Opening::Open(Greeting { version, ..Greeting::default() }), None);
    }
}

impl Wire {
    async fn next(&mut self) -> Result<String, String> {
        match self {
            Self::Sse(sse) => sse.next().await,
            Self::Ws(ws) => ws.next().await.map_err(|ended| lost(&ended)),
        }
    }
}

impl Stream {
    /// Whether this is SSE, where the question for stats goes another way than the answer.
    pub(super) fn is_sse(&self) -> bool {
        matches!(self.wire, Wire::Sse(_))
    }

    /// Asks for stats and waits for what comes of it. The stats message, where it comes.
    pub(super) async fn subscribe(&mut self, http: &Http, patience: Duration) -> (Subscription, Option<String>) {
        match &mut self.wire {
            Wire::Ws(ws) => {
                if let Err(ended) = ws.subscribe(self.request.clone()).await {
                    return (Subscription::Failed(lost(&ended)), None);
                }
            }
            Wire::Sse(_) => {
                let url = below(&self.base, "/subscribe-stats");
                let connection_id = Some(self.connection_id.clone());
                let body = SubscribeBody { connection_id, extra: self.request.clone() };
                match ask(http.post(url, &body), MAX_ANSWER_BYTES, patience).await {
                    Err(Failure::TimedOut) => return (Subscription::Unanswered, None),
                    Err(failure) => return (Subscription::Failed(described(&failure)), None),
                    Ok(reply) if !reply.status.is_success() => {
                        return (Subscription::Status(reply.status.as_u16(), reply.said(http)), None);
                    }
                    Ok(_) => {}
                }
            }
        }
        timeout(patience, self.answer()).await.unwrap_or((Subscription::Silent, None))
    }

    async fn answer(&mut self) -> (Subscription, Option<String>) {
        loop {
            let text = match self.wire.next().await {
                Ok(text) => text,
                Err(cause) => return (Subscription::Failed(cause), None),
            };
            match ServerMessage::decode(&text) {
                Ok(ServerMessage::Stats(_)) => return (Subscription::Shown, Some(text)),
                Ok(ServerMessage::StatsUnauthorized) => return (Subscription::Refused, None),
                _ => {}
            }
        }
    }
}

fn lost(ended: &Ended) -> String {
    match ended {
        Ended::Missing(reason) | Ended::Hopeless(reason) | Ended::Lost(reason) | Ended::Refused { reason, .. } => {
            reason.clone()
        }
        Ended::Stale => "nothing came any more".to_owned(),
    }
}

/// A failure behind a site that answers otherwise.
fn described(failure: &Failure) -> String {
    match failure {
        Failure::NoConnection(cause) | Failure::Setup(cause) | Failure::Other(cause) => cause.clone(),
        Failure::NoSuchName => "the host's name leads nowhere any more".to_owned(),
        Failure::TimedOut => "no answer in time".to_owned(),
        Failure::Tls(_) => "no encrypted connection came about any more".to_owned(),
    }
}
