//! A server on a free port, and clients that speak to it.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use skew_proto::sse::{Decoder, Event};
use skew_server::{Config, Edge, Handle, Hooks, Secret};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Nothing here takes a fraction of this, unless the machine is very busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Long enough for something that must not come to come all the same.
const QUIET: Duration = Duration::from_millis(300);

pub(crate) const ADMIN: (&str, &str) = ("authorization", "Bearer adm1n");

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("{what} did not come in time"))
}

/// A build `b1`, tracking routes, with the admin secret `adm1n` and the stats secret `st4ts`.
pub(crate) fn config() -> Config {
    Config {
        route_tracking: true,
        admin_secrets: vec![Secret::new("adm1n").unwrap()],
        stats_secrets: vec![Secret::new("st4ts").unwrap()],
        stats_interval: Duration::from_millis(20),
        ..Config::new("b1")
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        Self::with_hooks(config, ()).await
    }

    pub(crate) async fn with_hooks(config: Config, hooks: impl Hooks) -> Self {
        Self::with_edge(config, hooks, Edge::default()).await
    }

    pub(crate) async fn with_edge(config: Config, hooks: impl Hooks, edge: Edge) -> Self {
        let (router, handle) = skew_server::router(config, hooks).unwrap();
        let listener = skew_server::listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn({
            let handle = handle.clone();
            async move {
                skew_server::serve(listener, router, &handle, edge, async {
                    let _ = stopped.await;
                })
                .await;
            }
        });
        Self { address, handle, stop: Some(stop), task }
    }

    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        soon("the end", self.task).await.unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        answer(with(client().get(self.url(path)), headers)).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let request = client().post(self.url(path)).header("content-type", "application/json").body(body.to_string());
        answer(with(request, headers)).await
    }

    pub(crate) async fn subscribe(&self, connection_id: &str, headers: &[(&str, &str)]) {
        let answer = self.post("/__skew/subscribe-stats", headers, &json!({ "connectionId": connection_id })).await;
        assert_eq!((answer.status, answer.body), (200, json!({"ok": true})));
    }

    /// Opens a stream and takes its `connected`.
    pub(crate) async fn sse(&self, query: &str, headers: &[(&str, &str)]) -> Sse {
        Sse::open(&self.url(&format!("/__skew/sse{query}")), headers).await
    }

    pub(crate) async fn ws(&self, query: &str, headers: &[(&str, &str)]) -> Ws {
        Ws::open(self.address, &format!("/__skew/ws{query}"), headers).await
    }

    /// Waits until stats are as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&skew_proto::Stats) -> bool) -> skew_proto::Stats {
        soon(what, async {
            loop {
                let stats = self.handle.stats().await.unwrap();
                if wanted(&stats) {
                    return stats;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }
}

/// An answer that was read to its end. `body` is null where it is no JSON.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(crate) fn client() -> reqwest::Client {
    // Plain http needs no certificates, and a test machine may have none.
    reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap()
}

pub(crate) fn with(mut request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> reqwest::RequestBuilder {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let answer = soon("an answer", request.send()).await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

/// A client on SSE.
pub(crate) struct Sse {
    answer: reqwest::Response,
    decoder: Decoder,
    events: Vec<Event>,
    pub(crate) connection_id: String,
    pub(crate) connected: Value,
}

impl Sse {
    pub(crate) async fn open(url: &str, headers: &[(&str, &str)]) -> Self {
        let answer = soon("the stream", with(client().get(url), headers).send()).await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut sse = Self {
            answer,
            decoder: Decoder::new(1 << 20),
            events: Vec::new(),
            connection_id: String::new(),
            connected: Value::Null,
        };
        sse.connected = sse.next().await;
        assert_eq!(sse.connected["type"], "connected");
        sse.connection_id = sse.connected["connectionId"].as_str().unwrap().to_owned();
        sse
    }

    pub(crate) fn headers(&self) -> &reqwest::header::HeaderMap {
        self.answer.headers()
    }

    /// The next message, or nothing where the stream has ended in order. Keepalives, which come when their turn is, are passed over.
    pub(crate) async fn next_or_end(&mut self) -> Option<Value> {
        loop {
            while self.events.is_empty() {
                let bytes = soon("a message", self.answer.chunk()).await.unwrap()?;
                self.decoder.push(&bytes, &mut self.events).unwrap();
            }
            let message: Value = serde_json::from_str(&self.events.remove(0).data).unwrap();
            if message["type"] != "keepalive" {
                return Some(message);
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        self.next_or_end().await.expect("the stream goes on")
    }

    pub(crate) async fn stats(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        stats_among(async || self.next().await, wanted).await
    }

    pub(crate) async fn assert_quiet(&mut self) {
        if let Ok(message) = timeout(QUIET, self.next_or_end()).await {
            panic!("{message:?} came");
        }
    }
}

/// The next stats that are as wanted; others are passed over, since how many changes one tick takes is a matter of time.
async fn stats_among(mut next: impl AsyncFnMut() -> Value, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let message = next().await;
        assert_eq!(message["type"], "stats", "{message}");
        if wanted(&message) {
            return message;
        }
    }
}

/// A client on a WebSocket.
pub(crate) struct Ws {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) connected: Value,
}

impl Ws {
    pub(crate) async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let socket = Self::handshake(address, path, headers).await;
        let mut ws = Self { socket, connected: Value::Null };
        ws.connected = ws.next().await;
        assert_eq!(ws.connected["type"], "connected");
        ws
    }

    /// The upgrade alone.
    pub(crate) async fn handshake(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> WebSocketStream<TcpStream> {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        let opening = tokio_tungstenite::client_async(request, stream);
        soon("the socket", opening).await.unwrap().0
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match soon("a message", self.socket.next()).await.expect("the socket stays").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    pub(crate) async fn stats(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        stats_among(async || self.next().await, wanted).await
    }

    pub(crate) async fn assert_quiet(&mut self) {
        if let Ok(message) = timeout(QUIET, self.socket.next()).await {
            panic!("{message:?} came");
        }
    }
}
