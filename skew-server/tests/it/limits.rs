//! Clients that do not read, drip, or leave in the middle.

use std::time::Duration;

use serde_json::json;
use skew_server::{Config, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::embed::Journal;
use super::support::{ADMIN, Server, config, soon};

/// Opens a stream by hand and never reads it.
async fn deaf(server: &Server, path: &str, headers: &str) -> TcpStream {
    let before = server.handle.stats().await.unwrap().total;
    let socket = TcpSocket::new_v4().unwrap();
    // The less the kernel takes for it, the sooner the server's own queue fills.
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut socket = socket.connect(server.address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", server.address);
    socket.write_all(head.as_bytes()).await.unwrap();
    server.until("the connection", |stats| stats.total == before + 1).await;
    socket
}

const LARGE_BYTES: usize = 50_000;

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_the_others_do_not_notice() {
    for (path, headers) in [("/__skew/sse", ""), ("/__skew/ws", UPGRADE)] {
        let server = Server::start(config()).await;
        let mut slow = deaf(&server, path, headers).await;
        let mut quick = server.sse("", &[]).await;
        let large = json!({"type": "news", "text": "x".repeat(LARGE_BYTES)});
        let mut sent = 0;
        while server.handle.stats().await.unwrap().total == 2 {
            sent += 1;
            assert!(sent < 500, "25 MB wait for a client that does not read");
            server.handle.broadcast(&large).await.unwrap();
            assert_eq!(quick.next().await["type"], "news");
        }
        // Its socket is closed as well, not only forgotten: what the kernel holds comes, then the end.
        let mut rest = Vec::new();
        let _ = soon("the end of the socket", slow.read_to_end(&mut rest)).await;
        assert!(rest.len() < sent * LARGE_BYTES);
    }
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_holds_up_nobody() {
    let server = Server::start(config()).await;
    let mut deaf_tabs = Vec::new();
    for _ in 0..3 {
        let mut sse = server.sse("", &[]).await;
        server.subscribe(&sse.connection_id, &[ADMIN]).await;
        sse.stats(|_| true).await;
        deaf_tabs.push(sse);
    }
    let mut admin = server.sse("", &[]).await;
    server.subscribe(&admin.connection_id, &[ADMIN]).await;
    for n in 0..20 {
        let route = format!("/{n}");
        let body = json!({"connectionId": admin.connection_id, "route": route});
        server.post("/__skew/route", &[], &body).await;
        admin.stats(|stats| stats["routes"][&route] == 1).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_gone_at_once() {
    let server = Server::start(config()).await;
    let sse = server.sse("", &[]).await;
    let ws = server.ws("", &[]).await;
    server.until("both", |stats| stats.total == 2).await;
    drop(sse);
    server.until("one", |stats| stats.total == 1).await;
    drop(ws);
    server.until("none", |stats| stats.total == 0 && stats.versions.is_empty() && stats.routes.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_dripped_head_is_cut_off_after_ten_seconds() {
    let server = Server::start(config()).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let begun = tokio::time::Instant::now();
    let mut answer = Vec::new();
    socket.write_all(b"GET /__skew/sse HTTP/1.1\r\nhost: a").await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(60), socket.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert!(server.handle.metrics().contains("limit=\"head_time\"} 1"), "{}", server.handle.metrics());
}

#[tokio::test(start_paused = true)]
async fn a_connection_kept_alive_for_nothing_is_closed() {
    let server = Server::start(config()).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let begun = tokio::time::Instant::now();
    socket.write_all(b"GET /__skew/health HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(60), socket.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert!(!server.handle.metrics().contains("head_time\"} 1"), "it has kept to every limit");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_not_cut_off_for_being_quiet() {
    let server = Server::start(config()).await;
    let mut sse = server.sse("", &[]).await;
    let mut ws = server.ws("", &[]).await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    server.handle.broadcast(&json!({"type": "news"})).await.unwrap();
    assert_eq!((&sse.next().await["type"], &ws.next().await["type"]), (&json!("news"), &json!("news")));
}

#[tokio::test]
async fn a_large_cookie_is_read_and_a_huge_head_is_refused() {
    let server = Server::start(config()).await;
    let cookie = format!("a={}; __nkpv=old", "x".repeat(16_000));
    let _sse = server.sse("", &[("cookie", &cookie)]).await;
    assert_eq!(server.handle.stats().await.unwrap().versions["old"], 1);
    let cookie = format!("a={}", "x".repeat(40_000));
    assert_eq!(server.get("/__skew/health", &[("cookie", &cookie)]).await.status, 431);
}

#[tokio::test]
async fn a_head_request_opens_nothing() {
    let journal = Journal::default();
    let server = Server::with_hooks(config(), journal.clone()).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let request = |method: &str, path: &str| format!("{method} /__skew/{path} HTTP/1.1\r\nhost: a\r\n");
    let heads = (request("HEAD", "sse") + "\r\n").repeat(100);
    socket.write_all((heads + &request("GET", "health") + "connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answers = String::new();
    soon("the answers", socket.read_to_string(&mut answers)).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 101);
    assert_eq!(answers.matches("text/event-stream").count(), 100);
    assert_eq!(journal.lines(), [""; 0]);
}

#[tokio::test]
async fn a_connection_is_closed_in_order_after_its_last_request() {
    let limits = Limits { requests_by_connection: 3, ..Limits::default() };
    let server = Server::start(Config { limits, ..config() }).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let request = "GET /__skew/health HTTP/1.1\r\nhost: a\r\n\r\n";
    socket.write_all(request.repeat(4).as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    // What was asked in vain is not read, so that the system may call it a reset.
    let _ = soon("the end", socket.read_to_end(&mut answers)).await;
    let answers = String::from_utf8(answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(answers.matches("connection: close").count(), 1);
    assert!(server.handle.metrics().contains("limit=\"requests_by_connection\"} 1"), "{}", server.handle.metrics());
}

#[tokio::test]
async fn heads_are_held_to_the_limits_and_counted() {
    let limits = Limits { head_bytes: 5_000, headers: 40, ..Limits::default() };
    let server = Server::start(Config { limits, ..config() }).await;
    let long = "x".repeat(5_000);
    assert_eq!(server.get("/__skew/health", &[("x-long", &long)]).await.status, 431);
    let names: Vec<_> = (0..40).map(|n| format!("x-{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (&**name, "1")).collect();
    assert_eq!(server.get("/__skew/health", &many).await.status, 431);
    assert_eq!(server.get("/__skew/health", &many[..5]).await.status, 200);
    assert!(server.handle.metrics().contains("limit=\"head\"} 2"), "{}", server.handle.metrics());
}
