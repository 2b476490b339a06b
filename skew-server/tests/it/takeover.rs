//! Streams of events on sockets that hyper had before: what a client of raw bytes sees.

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::support::{Server, config, soon};

struct Raw(BufReader<TcpStream>);

impl Raw {
    async fn open(server: &Server) -> Self {
        Self(BufReader::new(TcpStream::connect(server.address).await.unwrap()))
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Everything up to and with `end`.
    async fn until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        soon(end, async {
            while !text.ends_with(end.as_bytes()) {
                text.push(self.0.read_u8().await.unwrap());
            }
        })
        .await;
        String::from_utf8(text).unwrap()
    }

    async fn rest(&mut self) -> String {
        let mut text = String::new();
        soon("the end", self.0.read_to_string(&mut text)).await.unwrap();
        text
    }
}

const HEALTH: &str = "GET /__skew/health HTTP/1.1\r\nhost: a\r\n\r\n";
const SSE: &str = "GET /__skew/sse HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_stream_begins_with_the_stock_head_and_a_time_to_come_back() {
    let server = Server::start(config()).await;
    let mut raw = Raw::open(&server).await;
    raw.say(SSE).await;
    let head = raw.until("\r\n\r\n").await;
    let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "HTTP/1.1 200 OK");
    lines.sort_unstable();
    let expected = [
        "cache-control: private, no-cache, no-store, no-transform, must-revalidate, max-age=0",
        "connection: close",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "content-type: text/event-stream",
        "cross-origin-resource-policy: same-origin",
        "referrer-policy: no-referrer",
        "x-accel-buffering: no",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
    ];
    assert_eq!(lines, expected);
    let retry = raw.until("\n\n").await;
    let retry: u32 = retry.strip_prefix("retry: ").unwrap().trim_end().parse().unwrap();
    assert!((2_000..=5_000).contains(&retry), "{retry}");
    assert!(raw.until("\n\n").await.starts_with("data: {\"type\":\"connected\""));
}

#[tokio::test]
async fn clients_are_told_to_come_back_at_different_times() {
    let server = Server::start(config()).await;
    let mut times = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let mut raw = Raw::open(&server).await;
        raw.say(SSE).await;
        raw.until("\r\n\r\n").await;
        times.insert(raw.until("\n\n").await);
    }
    assert!(times.len() > 3, "{times:?}");
}

#[tokio::test]
async fn an_answer_that_was_asked_for_before_a_stream_comes_whole_before_it() {
    let server = Server::start(config()).await;
    let mut raw = Raw::open(&server).await;
    let script = "GET /__skew/client.js HTTP/1.1\r\nhost: a\r\n\r\n";
    raw.say(&(HEALTH.to_owned() + script + HEALTH + SSE + HEALTH)).await;
    let answers = raw.until("\"type\":\"connected\"").await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 4, "{answers}");
    assert_eq!(answers.matches(r#"{"ok":true,"#).count(), 2);
    assert!(answers.contains("EventSource"));
    // What comes after the stream was asked for is not answered: a stream has no end to wait for.
    raw.until("\n\n").await;
    server.handle.broadcast(&"next").await.unwrap();
    assert_eq!(raw.until("\n\n").await, "data: \"next\"\n\n");
}

#[tokio::test]
async fn a_connection_kept_alive_may_become_a_stream_later() {
    let server = Server::start(config()).await;
    let mut raw = Raw::open(&server).await;
    raw.say(HEALTH).await;
    raw.until("}").await;
    raw.say(SSE).await;
    raw.until("\"type\":\"connected\"").await;
    assert_eq!(server.handle.stats().await.unwrap().total, 1);
}

#[tokio::test]
async fn a_request_with_a_body_opens_a_stream_and_its_body_is_passed_over() {
    let server = Server::start(config()).await;
    for (header, body) in
        [("content-length: 40", "GET /__skew/health HTTP/1.1\r\n"), ("transfer-encoding: chunked", "5\r\n")]
    {
        let mut raw = Raw::open(&server).await;
        raw.say(&format!("GET /__skew/sse HTTP/1.1\r\nhost: a\r\n{header}\r\n\r\n{body}")).await;
        raw.until("\"type\":\"connected\"").await;
        raw.until("\n\n").await;
        raw.say("more\r\n\r\n").await;
        raw.say(HEALTH).await;
        server.handle.broadcast(&"next").await.unwrap();
        assert_eq!(raw.until("\n\n").await, "data: \"next\"\n\n");
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_reads_a_stream_to_its_end() {
    let server = Server::start(config()).await;
    let mut raw = Raw::open(&server).await;
    raw.say("GET /__skew/sse HTTP/1.0\r\n\r\n").await;
    let head = raw.until("\r\n\r\n").await;
    assert!(!head.contains("transfer-encoding") && !head.contains("content-length"), "{head}");
    raw.until("\"type\":\"connected\"").await;
    raw.until("\n\n").await;
    let ((), rest) = tokio::join!(server.stop(), raw.rest());
    assert!(rest.starts_with("retry: ") && rest.ends_with("\n\n"), "{rest}");
}

#[tokio::test]
async fn a_client_that_will_not_say_more_has_left() {
    let server = Server::start(config()).await;
    let mut raw = Raw::open(&server).await;
    raw.say(SSE).await;
    raw.until("\"type\":\"connected\"").await;
    raw.0.shutdown().await.unwrap();
    server.until("the end", |stats| stats.total == 0).await;
    raw.rest().await;
}

#[tokio::test]
async fn what_a_client_says_on_its_stream_is_passed_over() {
    let server = Server::start(config()).await;
    let mut raw = Raw::open(&server).await;
    raw.say(SSE).await;
    raw.until("\"type\":\"connected\"").await;
    raw.until("\n\n").await;
    soon("all of it", raw.0.write_all(&vec![b'x'; 10_000_000])).await.unwrap();
    server.handle.broadcast(&"next").await.unwrap();
    assert_eq!(raw.until("\n\n").await, "data: \"next\"\n\n");
}

#[tokio::test]
async fn a_router_served_by_another_server_streams_too() {
    let (router, handle) = skew_server::router(config(), ()).unwrap();
    let listener = skew_server::listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut raw = Raw(BufReader::new(TcpStream::connect(address).await.unwrap()));
    raw.say(SSE).await;
    assert!(raw.until("\r\n\r\n").await.contains("transfer-encoding: chunked"));
    assert!(raw.until("\n\n").await.contains("retry: "));
    raw.until("\"type\":\"connected\"").await;
    handle.broadcast(&"next").await.unwrap();
    raw.until("data: \"next\"\n\n").await;
}
