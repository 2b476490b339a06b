//! A server that answers whatever a test wants, over plain sockets, and remembers what it was asked.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::{Message, protocol::Role};

use crate::program::PATIENCE;

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path with query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Method and path without query.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A status, headers and a body.
    Whole(u16, Vec<(&'static str, String)>, String),
    /// This JSON, not before a request with this line has come.
    JsonAfter(&'static str, &'static str),
    /// An event stream of these messages, and of all that is pushed later.
    Events(Vec<String>),
    /// An event stream of these messages that ends behind the last.
    EventsThenEnd(Vec<String>),
    /// An event stream of one line that goes on for ever.
    EndlessLine,
    /// A WebSocket: the first message, and the one that answers a subscription.
    WebSocket(Option<String>, String),
}

impl Answer {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::Whole(status, vec![("content-type", "application/json".into())], body.to_owned())
    }

    pub(crate) fn page() -> Self {
        Self::Whole(200, vec![("content-type", "text/html".into())], "<!doctype html><p>a page".into())
    }

    pub(crate) fn not_found() -> Self {
        Self::json(404, r#"{"error":true,"statusCode":404,"message":"Page not found"}"#)
    }

    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::Whole(status, vec![("location", to.to_owned())], String::new())
    }
}

/// Sends messages to every open event stream.
pub(crate) type Push = broadcast::Sender<String>;

pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) seen: watch::Sender<Vec<Seen>>,
    pub(crate) push: Push,
    tasks: JoinSet<()>,
}

type Script = dyn Fn(&Seen, &Push) -> Answer + Send + Sync;

impl Server {
    pub(crate) async fn start(script: impl Fn(&Seen, &Push) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_on(0, script).await
    }

    pub(crate) async fn start_on(port: u16, script: impl Fn(&Seen, &Push) -> Answer + Send + Sync + 'static) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
        let listener = socket.listen(64).unwrap();
        Self::serve(listener, Arc::new(script), None)
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls(
        acceptor: TlsAcceptor,
        script: impl Fn(&Seen, &Push) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::serve(listener, Arc::new(script), Some(acceptor))
    }

    fn serve(listener: TcpListener, script: Arc<Script>, tls: Option<TlsAcceptor>) -> Self {
        let port = listener.local_addr().unwrap().port();
        let seen = watch::Sender::new(Vec::new());
        let push = broadcast::Sender::new(64);
        let mut tasks = JoinSet::new();
        let (log, pushing) = (seen.clone(), push.clone());
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (script, log, push, tls) = (Arc::clone(&script), log.clone(), pushing.clone(), tls.clone());
                open.spawn(async move {
                    match tls {
                        None => connection(socket, script, log, push).await,
                        Some(tls) => {
                            let Ok(socket) = tls.accept(socket).await else { return };
                            connection(socket, script, log, push).await;
                        }
                    }
                });
            }
        });
        Self { port, seen, push, tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen.borrow().iter().map(Seen::line).collect()
    }

    /// How often a request with this line came.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|seen| *seen == line).count()
    }

    /// Waits until such a request has come so often.
    pub(crate) async fn until(&self, line: &str, times: usize) {
        let mut seen = self.seen.subscribe();
        let often = |seen: &Vec<Seen>| seen.iter().filter(|seen| seen.line() == line).count() >= times;
        let came = timeout(PATIENCE, seen.wait_for(often)).await.map(|waited| waited.map(|_| ()));
        assert!(matches!(came, Ok(Ok(()))), "{line} did not come {times} times: {:?}", self.lines());
    }

    /// Closes the port and every connection, as a crash does.
    pub(crate) async fn stop(mut self) -> u16 {
        self.tasks.shutdown().await;
        self.port
    }
}

/// Serves one connection: request after request, until an answer takes it over.
async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send>(
    socket: S,
    script: Arc<Script>,
    log: watch::Sender<Vec<Seen>>,
    push: Push,
) {
    let mut socket = BufReader::new(socket);
    while let Some(seen) = read(&mut socket).await {
        // Before the script pushes anything, so that nothing it pushes is missed.
        let mut pushed = push.subscribe();
        log.send_modify(|log| log.push(seen.clone()));
        let sent = match script(&seen, &push) {
            Answer::Whole(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                socket.write_all(format!("{head}\r\n{body}").as_bytes()).await
            }
            Answer::JsonAfter(line, body) => {
                let came = |seen: &Vec<Seen>| seen.iter().any(|seen| seen.line() == line);
                let _ = log.subscribe().wait_for(came).await;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                socket.write_all(format!("{head}{body}").as_bytes()).await
            }
            Answer::Events(messages) => {
                let _ = events(&mut socket, &messages).await;
                while let Ok(message) = pushed.recv().await {
                    if socket.write_all(format!("data: {message}\n\n").as_bytes()).await.is_err() {
                        break;
                    }
                }
                return;
            }
            Answer::EventsThenEnd(messages) => {
                let _ = events(&mut socket, &messages).await;
                return;
            }
            Answer::EndlessLine => {
                let _ = events(&mut socket, &[]).await;
                let mut piece = b"data: ".to_vec();
                while socket.write_all(&piece).await.is_ok() {
                    piece = vec![b'x'; 1 << 20];
                }
                return;
            }
            Answer::WebSocket(first, stats) => {
                web_socket(socket, &seen, first, stats, &log).await;
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn events<S: AsyncWrite + Unpin>(socket: &mut S, messages: &[String]) -> std::io::Result<()> {
    let mut text = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_owned();
    for message in messages {
        text.push_str(&format!("data: {message}\n\n"));
    }
    socket.write_all(text.as_bytes()).await
}

async fn web_socket<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    seen: &Seen,
    first: Option<String>,
    stats: String,
    log: &watch::Sender<Vec<Seen>>,
) {
    let key = seen.header("sec-websocket-key").unwrap_or_default();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(socket, Role::Server, None).await;
    if let Some(first) = first {
        socket.send(Message::text(first)).await.unwrap();
    }
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let (method, path, body) = ("MESSAGE".to_owned(), seen.path.clone(), text.as_str().to_owned());
        log.send_modify(|log| log.push(Seen { method, path, headers: Vec::new(), body }));
        let answer = if text.contains("subscribe-stats") {
            stats.clone()
        } else if text.contains("ping") {
            r#"{"type":"pong"}"#.to_owned()
        } else {
            continue;
        };
        if socket.send(Message::text(answer)).await.is_err() {
            return;
        }
    }
}

async fn read<S: AsyncRead + Unpin>(socket: &mut BufReader<S>) -> Option<Seen> {
    let mut line = String::new();
    if socket.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let mut parts = line.split_whitespace();
    let (method, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        line.clear();
        if socket.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).await.ok()?;
    Some(Seen { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

pub(crate) const CONNECTED: &str = r#"{"type":"connected","version":"b2","connectionId":"c-own","timestamp":1}"#;

/// The same of a server that says who it is.
pub(crate) const CONNECTED_OURS: &str = r#"{"type":"connected","version":"b2","connectionId":"c-own","timestamp":1,"server":{"name":"skew-server","version":"0.1.0"}}"#;

pub(crate) const STATS: &str = r#"{"type":"stats","total":3,"versions":{"b2":2,"b1":1},"routes":{"/__skew/tui":1,"/":1,"/shop":1},"yourId":"c-own","connections":[{"id":"c-own","version":"b2","route":"/__skew/tui"},{"id":"v","version":"b2","route":"/"},{"id":"w","version":"b1","route":"/shop"}]}"#;

/// What `skew-server` says where it knows whose connections there are, and one of its two instances is not heard from.
pub(crate) const PEOPLE: &str = r#"{"type":"stats","total":4,"versions":{"b2":3,"b1":1},"routes":{"/__skew/tui":1,"/":1,"/shop":2},"yourId":"c-own","users":1,"anonymous":2,"partial":{"instances":["web-2"],"since":1795341600000},"instances":[{"name":"web-1","epoch":1795341500000,"build":"b2","server":"0.1.0","connections":3,"users":1,"state":"live"},{"name":"web-2","epoch":1795341400000,"build":"b1","server":"0.1.0","connections":1,"users":1,"state":"silent","since":1795341600000}],"connections":[{"id":"c-own","version":"b2","route":"/__skew/tui","instance":"web-1"},{"id":"v","version":"b2","route":"/","user":"ann@example.com","instance":"web-1"},{"id":"w","version":"b1","route":"/shop","user":"ann@example.com","instance":"web-2"},{"id":"x","version":"b2","route":"/shop","instance":"web-1"}]}"#;

/// What a stock SSE build does, for whoever has `Bearer s3cret-token`.
pub(crate) fn stock_sse(seen: &Seen, push: &Push) -> Answer {
    sse_with_stats(seen, push, STATS)
}

/// [`stock_sse`] with other stats.
pub(crate) fn sse_with_stats(seen: &Seen, push: &Push, stats: &str) -> Answer {
    match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED.into()]),
        "POST /__skew/subscribe-stats" => {
            let may = seen.header("authorization") == Some("Bearer s3cret-token");
            let _ = push.send(if may { stats.to_owned() } else { r#"{"type":"stats-unauthorized"}"#.to_owned() });
            Answer::json(200, r#"{"ok":true}"#)
        }
        _ => Answer::not_found(),
    }
}
