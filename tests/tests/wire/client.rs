//! A tab without a browser: it sends exactly what it is told to, and hears every message.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use skew_proto::sse::{Decoder, Event};
use skew_tests::nuxt::Strategy;
use skew_tests::{PATIENCE, http};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// Headers of a request.
pub(crate) type Headers<'a> = &'a [(&'a str, &'a str)];

/// A POST of JSON: the status and the body of the answer.
pub(crate) async fn post(addr: SocketAddr, path: &str, headers: Headers<'_>, body: &str) -> (u16, Value) {
    let all: Vec<_> = [("content-type", "application/json")].iter().chain(headers).copied().collect();
    send(addr, Method::POST, path, &all, body).await
}

/// Any request: the status and the body of the answer, null where it is no JSON.
pub(crate) async fn send(
    addr: SocketAddr,
    method: Method,
    path: &str,
    headers: Headers<'_>,
    body: &str,
) -> (u16, Value) {
    let request = http::client().request(method, format!("http://{addr}{path}")).body(body.to_owned());
    // A stock server answers a page that it does not have with JSON to those who ask for it.
    http::json(with(request.header("accept", "application/json"), headers)).await
}

fn with(mut request: RequestBuilder, headers: Headers<'_>) -> RequestBuilder {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

/// One open tab.
pub(crate) struct Tab {
    addr: SocketAddr,
    stream: Stream,
    headers: Vec<(String, String)>,
    /// By which it speaks for itself.
    pub(crate) connection_id: String,
}

enum Stream {
    Sse { answer: Response, decoder: Decoder, events: Vec<Event> },
    Ws(WebSocketStream<TcpStream>),
}

impl Tab {
    /// Opens a stream, and answers it with its first message. The headers are sent with everything it asks for later, too.
    pub(crate) async fn open(addr: SocketAddr, strategy: Strategy, query: &str, headers: Headers<'_>) -> (Self, Value) {
        let stream = match strategy {
            Strategy::Sse => sse(addr, query, headers).await,
            Strategy::Ws => Stream::Ws(ws(addr, query, headers).await),
        };
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut tab = Self { addr, stream, headers, connection_id: String::new() };
        let connected = tab.next().await;
        tab.connection_id = connected["connectionId"].as_str().expect("the first message has an id").to_owned();
        (tab, connected)
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        let text = match &mut self.stream {
            Stream::Sse { answer, decoder, events } => {
                while events.is_empty() {
                    let bytes = timeout(PATIENCE, answer.chunk()).await.expect("a message comes in time");
                    let bytes = bytes.expect("the stream holds").expect("the stream goes on");
                    decoder.push(&bytes, events).expect("messages are small");
                }
                events.remove(0).data
            }
            Stream::Ws(socket) => loop {
                let message = timeout(PATIENCE, socket.next()).await.expect("a message comes in time");
                match message.expect("the socket stays open").expect("the socket holds") {
                    Message::Text(text) => break text.to_string(),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("{other:?}"),
                }
            },
        };
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
    }

    /// Asks for stats: the answer of the POST; on a WebSocket there is none.
    pub(crate) async fn subscribe(&mut self) -> Value {
        self.act("subscribe-stats", json!({})).await
    }

    /// Shows another page.
    pub(crate) async fn navigate(&mut self, route: &Value) -> Value {
        self.act("route-update", json!({ "route": route })).await
    }

    async fn act(&mut self, kind: &str, mut fields: Value) -> Value {
        if let Stream::Ws(_) = self.stream {
            fields["type"] = json!(kind);
            self.say(&fields.to_string()).await;
            return Value::Null;
        }
        fields["connectionId"] = json!(self.connection_id);
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let path = if kind == "route-update" { "/__skew/route" } else { "/__skew/subscribe-stats" };
        let (status, body) = post(self.addr, path, &headers, &fields.to_string()).await;
        json!([status, body])
    }

    /// Sends a text frame.
    pub(crate) async fn say(&mut self, text: &str) {
        self.frame(Message::text(text)).await;
    }

    /// Sends a binary frame.
    pub(crate) async fn say_bytes(&mut self, bytes: &'static [u8]) {
        self.frame(Message::Binary(Bytes::from_static(bytes))).await;
    }

    async fn frame(&mut self, message: Message) {
        let Stream::Ws(socket) = &mut self.stream else { panic!("an SSE stream goes one way") };
        socket.send(message).await.expect("the socket holds");
    }
}

async fn sse(addr: SocketAddr, query: &str, headers: Headers<'_>) -> Stream {
    // A client of its own, so that dropping the answer closes the socket.
    let client: Client = http::client();
    let request = with(client.get(format!("http://{addr}/__skew/sse{query}")), headers);
    let answer = request.send().await.expect("the stream opens");
    assert_eq!(answer.status(), 200);
    Stream::Sse { answer, decoder: Decoder::new(1 << 20), events: Vec::new() }
}

async fn ws(addr: SocketAddr, query: &str, headers: Headers<'_>) -> WebSocketStream<TcpStream> {
    let mut request = format!("ws://{addr}/__skew/ws{query}").into_client_request().expect("a request");
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        request.headers_mut().append(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    let stream = TcpStream::connect(addr).await.expect("the server listens");
    tokio_tungstenite::client_async(request, stream).await.expect("the socket opens").0
}
