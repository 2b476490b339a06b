//! Whoever asks for more than his share does not get it, harms nobody, and is counted.

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use skew_server::{Config, Limits, Rate};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::embed::Journal;
use super::support::{Server, Ws, client, config, soon, with};

/// Behind a proxy that says who asks.
fn behind_a_proxy(limits: Limits) -> Config {
    Config { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], limits, ..config() }
}

/// How often a limit was reached, by its name in the metrics.
fn limited(server: &Server, limit: &str) -> u64 {
    metric(server, &format!("skew_limited_total{{limit=\"{limit}\"}}"))
}

pub(crate) fn metric(server: &Server, name: &str) -> u64 {
    let value = |line: &str| line.strip_prefix(name)?.trim().parse().ok();
    server.handle.metrics().lines().find_map(value).unwrap()
}

fn from(address: &'static str) -> [(&'static str, &'static str); 1] {
    [("x-forwarded-for", address)]
}

/// Opens a stream that is turned away, and returns what it is told.
pub(crate) async fn turned_away(server: &Server, path: &str, headers: &[(&str, &str)]) -> String {
    let answer = with(client().get(server.url(path)), headers).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    soon("the end", answer.text()).await.unwrap()
}

fn assert_is_told_to_come_again(text: &str) {
    let wait = text.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix("\n\n")).unwrap();
    assert!((30_000..=90_000).contains(&wait.parse::<u32>().unwrap()), "{wait}");
}

/// Opens a WebSocket that may be turned away, and returns the code it is closed with before anything else is said, if it is.
async fn turned_away_ws(server: &Server, headers: &[(&str, &str)]) -> Option<u16> {
    let mut socket = Ws::handshake(server.address, "/__skew/ws", headers).await;
    match soon("a message", socket.next()).await.unwrap().unwrap() {
        Message::Close(Some(frame)) => Some(frame.code.into()),
        _ => None,
    }
}

#[tokio::test]
async fn past_the_number_of_all_a_stream_is_told_to_come_again_and_counts_nowhere() {
    let journal = Journal::default();
    let limits = Limits { connections: 2, ..Limits::default() };
    let server = Server::with_hooks(Config { limits, ..config() }, journal.clone()).await;
    let sse = server.sse("", &[]).await;
    let _ws = server.ws("", &[]).await;
    assert_is_told_to_come_again(&turned_away(&server, "/__skew/sse", &[]).await);
    assert_eq!(turned_away_ws(&server, &[]).await, Some(1013));
    assert_eq!(server.handle.stats().await.unwrap().total, 2);
    assert_eq!(journal.lines().len(), 2, "no hook hears of them");
    assert_eq!(limited(&server, "connections"), 2);
    drop(sse);
    // Its place is given back behind the hub's news of it.
    let opened = async { while turned_away_ws(&server, &[]).await.is_some() {} };
    soon("a place", opened).await;
}

#[tokio::test]
async fn one_address_has_so_many_streams_and_another_its_own() {
    let limits = Limits { connections_by_address: 2, ..Limits::default() };
    let server = Server::start(behind_a_proxy(limits)).await;
    let (one, other) = (from("203.0.113.1"), from("203.0.113.2"));
    let (_sse, _ws) = (server.sse("", &one).await, server.ws("", &one).await);
    assert_is_told_to_come_again(&turned_away(&server, "/__skew/sse", &one).await);
    assert_eq!(turned_away_ws(&server, &one).await, Some(1013));
    assert_eq!(limited(&server, "connections_by_address"), 2);
    let (_sse2, _ws2) = (server.sse("", &other).await, server.ws("", &other).await);
    assert_eq!(server.handle.stats().await.unwrap().total, 4);
}

#[tokio::test]
async fn one_ipv6_network_is_one_client() {
    let limits = Limits { connections_by_address: 1, ..Limits::default() };
    let server = Server::start(behind_a_proxy(limits)).await;
    let _sse = server.sse("", &from("2001:db8:1:2::1")).await;
    turned_away(&server, "/__skew/sse", &from("2001:db8:1:2:ffff::9")).await;
    let _other = server.sse("", &from("2001:db8:1:3::1")).await;
}

#[tokio::test]
async fn one_address_opens_no_faster_than_it_may() {
    let opens_by_address = Rate { per_second: 0.001, burst: 3 };
    let server = Server::start(behind_a_proxy(Limits { opens_by_address, ..Limits::default() })).await;
    let one = from("203.0.113.1");
    for _ in 0..3 {
        drop(server.sse("", &one).await);
    }
    assert_is_told_to_come_again(&turned_away(&server, "/__skew/sse", &one).await);
    assert_eq!(turned_away_ws(&server, &one).await, Some(1013));
    assert_eq!(limited(&server, "opens_by_address"), 2);
    let _other = server.sse("", &from("203.0.113.2")).await;
}

#[tokio::test]
async fn whose_address_is_not_known_is_not_limited_by_it() {
    let opens_by_address = Rate { per_second: 0.001, burst: 1 };
    let limits = Limits { connections_by_address: 1, opens_by_address, ..Limits::default() };
    // The tests come from 127.0.0.1, behind which there may be anybody.
    let server = Server::start(Config { limits: limits.clone(), ..config() }).await;
    let (_one, _two) = (server.sse("", &from("203.0.113.1")).await, server.sse("", &from("203.0.113.1")).await);
    // A proxy that does not say for whom it asks asks for all.
    let server = Server::start(behind_a_proxy(limits)).await;
    let (_one, _two) = (server.sse("", &[]).await, server.sse("", &[]).await);
}

#[tokio::test]
async fn limits_that_are_replaced_hold_at_once() {
    let server = Server::start(config()).await;
    let (_one, _two) = (server.sse("", &[]).await, server.sse("", &[]).await);
    let limits = Limits { connections: 2, ..Limits::default() };
    server.handle.reconfigure(Config { limits, ..config() }).unwrap();
    turned_away(&server, "/__skew/sse", &[]).await;
    server.handle.reconfigure(config()).unwrap();
    let _three = server.sse("", &[]).await;
}

#[tokio::test]
async fn a_body_past_its_limit_is_refused_and_counted() {
    let server = Server::start(Config { limits: Limits { body_bytes: 1024, ..Limits::default() }, ..config() }).await;
    let padded = |length: usize| json!({"connectionId": "", "x": "x".repeat(length - 26)});
    assert_eq!(padded(1024).to_string().len(), 1024);
    assert_eq!(server.post("/__skew/route", &[], &padded(1024)).await.status, 200);
    let refused = server.post("/__skew/route", &[], &padded(1025)).await;
    assert_eq!((refused.status, &refused.body["message"]), (413, &json!("the body is over 1024 bytes")));
    assert_eq!(limited(&server, "body"), 1);
}

#[tokio::test]
async fn long_routes_and_versions_are_other_and_counted() {
    let limits = Limits { route_bytes: 16, version_bytes: 16, ..Limits::default() };
    let server = Server::start(Config { limits, ..config() }).await;
    let long = "x".repeat(17);
    let cookie = format!("__nkpv={long}");
    let mut ws = server.ws(&format!("?route=/{long}"), &[("cookie", &cookie)]).await;
    let stats = server.handle.stats().await.unwrap();
    assert_eq!((stats.routes["other"], stats.versions["other"]), (1, 1));
    assert_eq!((limited(&server, "route_bytes"), limited(&server, "version_bytes")), (1, 1));

    ws.send(&json!({"type": "route-update", "route": "/short"}).to_string()).await;
    server.until("a short route", |stats| stats.routes.contains_key("/short")).await;
    ws.send(&json!({"type": "route-update", "route": format!("/{long}")}).to_string()).await;
    server.until("a long route", |stats| stats.routes.contains_key("other")).await;
    let body = json!({"connectionId": ws.connected["connectionId"], "route": format!("/{long}")});
    let refused = server.post("/__skew/route", &[], &body).await;
    assert_eq!((refused.status, &refused.body["message"]), (400, &json!("route is longer than 16 bytes")));
    assert_eq!(limited(&server, "route_bytes"), 3);
}

/// The code a WebSocket is closed with, whatever comes before.
async fn close_code(ws: &mut Ws) -> u16 {
    loop {
        match soon("the close", ws.socket.next()).await.unwrap().unwrap() {
            Message::Close(Some(frame)) => return frame.code.into(),
            Message::Close(None) => panic!("closed without a reason"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_websocket_message_past_its_limit_closes_the_connection_in_one_frame_or_many() {
    let limits = Limits { message_bytes: 1024, ..Limits::default() };
    let server = Server::start(Config { limits, ..config() }).await;
    let mut ws = server.ws("", &[]).await;
    let longest = json!({"type": "ping", "x": "x".repeat(1002)}).to_string();
    assert_eq!(longest.len(), 1024);
    ws.send(&longest).await;
    assert_eq!(ws.next().await["type"], "pong");
    ws.send(&format!("{longest} ")).await;
    assert_eq!(close_code(&mut ws).await, 1009);

    let mut ws = server.ws("", &[]).await;
    ws.send(&"x".repeat(1_000_000)).await;
    assert_eq!(close_code(&mut ws).await, 1009);

    let mut ws = server.ws("", &[]).await;
    for (opcode, is_final) in [(OpCode::Data(Data::Text), false), (OpCode::Data(Data::Continue), true)] {
        let frame = Frame::message(vec![b'x'; 600], opcode, is_final);
        ws.socket.send(Message::Frame(frame)).await.unwrap();
    }
    assert_eq!(close_code(&mut ws).await, 1009);
    assert_eq!(limited(&server, "message_bytes"), 3);
}

#[tokio::test]
async fn a_websocket_that_talks_too_fast_is_closed_and_a_ping_is_talk() {
    let limits = Limits { messages: Rate { per_second: 0.001, burst: 5 }, ..Limits::default() };
    let server = Server::start(Config { limits, ..config() }).await;
    for message in [Message::text("ping"), Message::text("junk"), Message::Ping("x".into()), Message::Pong("x".into())]
    {
        let mut ws = server.ws("", &[]).await;
        for _ in 0..6 {
            ws.socket.send(message.clone()).await.unwrap();
        }
        assert_eq!(close_code(&mut ws).await, 1008, "{message:?}");
    }
    assert_eq!(limited(&server, "message_rate"), 4);
    let mut calm = server.ws("", &[]).await;
    for _ in 0..5 {
        calm.send("ping").await;
        assert_eq!(calm.next().await["type"], "pong");
    }
}
