//! Whoever asks for more than his share does not get it, harms nobody, and is counted.

use futures_util::StreamExt;
use skew_server::{Config, Limits, Rate};
use tokio_tungstenite::tungstenite::Message;

use super::embed::Journal;
use super::support::{Server, Ws, client, config, soon, with};

/// Behind a proxy that says who asks.
fn behind_a_proxy(limits: Limits) -> Config {
    Config { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], limits, ..config() }
}

/// How often a limit was reached, by its name in the metrics.
fn limited(server: &Server, limit: &str) -> u64 {
    let line = format!("skew_limited_total{{limit=\"{limit}\"}} ");
    server.handle.metrics().lines().find_map(|text| text.strip_prefix(&line)?.parse().ok()).unwrap_or(0)
}

fn from(address: &'static str) -> [(&'static str, &'static str); 1] {
    [("x-forwarded-for", address)]
}

/// Opens a stream that is turned away, and returns what it is told.
async fn turned_away(server: &Server, path: &str, headers: &[(&str, &str)]) -> String {
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
    assert_eq!(limited(&server, "Connections"), 2);
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
    assert_eq!(limited(&server, "ConnectionsByAddress"), 2);
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
    assert_eq!(limited(&server, "OpensByAddress"), 2);
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
