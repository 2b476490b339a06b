//! Streams from their opening to their end.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use skew_proto::wire::TUI_ROUTE;
use skew_server::{Config, Edge};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::support::{ADMIN, Server, client, config, soon};

#[tokio::test]
async fn a_stream_has_the_stock_headers_and_says_who_the_server_is() {
    let server = Server::start(config()).await;
    let sse = server.sse("", &[]).await;
    let header = |name: &str| sse.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("x-accel-buffering"), "no");
    assert!(header("cache-control").contains("no-store") && header("cache-control").contains("no-transform"));
    assert_eq!(sse.connected["server"]["name"], "skew-server");
    assert_eq!(sse.connected["version"], "b1");
    assert!(sse.connected["timestamp"].is_u64());
}

#[tokio::test]
async fn both_transports_are_in_one_list_and_everybody_finds_themselves() {
    let server = Server::start(config()).await;
    let mut sse = server.sse("?route=/sse", &[]).await;
    let mut ws = server.ws("?route=/ws", &[ADMIN]).await;
    server.subscribe(&sse.connection_id, &[ADMIN]).await;
    ws.send(r#"{"type":"subscribe-stats"}"#).await;
    let (by_sse, by_ws) = (sse.stats(|stats| stats["total"] == 2).await, ws.stats(|stats| stats["total"] == 2).await);
    assert_eq!(by_sse["connections"], by_ws["connections"]);
    assert_eq!(by_sse["routes"], json!({"/sse": 1, "/ws": 1}));
    let list = by_sse["connections"].as_array().unwrap();
    assert_eq!((&by_sse["yourId"], &by_ws["yourId"]), (&list[0]["id"], &list[1]["id"]));
}

#[tokio::test]
async fn the_id_that_stats_show_gives_no_power_over_a_connection() {
    let server = Server::start(config()).await;
    let mut sse = server.sse("", &[]).await;
    let shown = server.handle.stats().await.unwrap().connections[0].id.clone();
    assert_ne!(shown, sse.connection_id);
    server.subscribe(&shown, &[ADMIN]).await;
    let body = json!({"connectionId": shown, "route": "/moved"});
    assert_eq!(server.post("/__skew/route", &[], &body).await.body, json!({"ok": true}));
    sse.assert_quiet().await;
    assert_eq!(server.handle.stats().await.unwrap().routes["/"], 1);
}

#[tokio::test]
async fn without_route_tracking_everybody_is_at_the_root_but_skew_tui() {
    let server = Server::start(Config { route_tracking: false, ..config() }).await;
    let sse = server.sse("?route=/secret", &[]).await;
    let mut ws = server.ws("?route=/secret", &[]).await;
    let _tui = server.sse(&format!("?route={TUI_ROUTE}"), &[]).await;
    let body = json!({"connectionId": sse.connection_id, "route": "/secret"});
    assert_eq!(server.post("/__skew/route", &[], &body).await.body, json!({"ok": true}));
    ws.send(r#"{"type":"route-update","route":"/secret"}"#).await;
    ws.send("ping").await;
    assert_eq!(ws.next().await["type"], "pong");
    let stats = server.handle.stats().await.unwrap();
    assert_eq!(stats.routes, [("/".to_owned(), 2), (TUI_ROUTE.to_owned(), 1)].into());
}

#[tokio::test]
async fn addresses_are_kept_only_where_asked_for_and_believed_only_from_a_trusted_proxy() {
    let shown = |config: Config| async {
        let server = Server::start(config).await;
        let _sse = server.sse("", &[("x-forwarded-for", "203.0.113.9")]).await;
        server.handle.stats().await.unwrap().connections[0].ip.clone()
    };
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    assert_eq!(shown(Config { trusted_proxies: trusted_proxies.clone(), ..config() }).await, None);
    assert_eq!(shown(Config { ip_tracking: true, ..config() }).await.as_deref(), Some("127.0.0.1"));
    let both = Config { ip_tracking: true, trusted_proxies, ..config() };
    assert_eq!(shown(both).await.as_deref(), Some("203.0.113.9"));
}

#[tokio::test]
async fn whatever_a_page_sends_its_stream_opens_and_counts_under_other() {
    let server = Server::start(config()).await;
    let long = "x".repeat(600);
    let _long = server.sse(&format!("?route=/{long}"), &[("cookie", &format!("__nkpv={long}"))]).await;
    let _array = server.ws("?route=/a&route=/b", &[("cookie", "__nkpv=%ff%fe")]).await;
    let _bytes = server.sse("?route=%2F%ff", &[("cookie", "__nkpv=constructor")]).await;
    let stats = server.handle.stats().await.unwrap();
    assert_eq!(stats.routes, [("other".to_owned(), 3)].into());
    assert_eq!(stats.versions, [("constructor".to_owned(), 1), ("other".to_owned(), 2)].into());
}

#[tokio::test]
async fn a_route_that_contains_ping_is_a_route() {
    let server = Server::start(config()).await;
    let mut ws = server.ws("", &[]).await;
    ws.send(r#"{"type":"route-update","route":"/shipping#a"}"#).await;
    server.until("the new route", |stats| stats.routes.contains_key("/shipping")).await;
    ws.send(r#"{"type":"route-update","route":7}"#).await;
    server.until("a damaged route", |stats| stats.routes.contains_key("other")).await;
    ws.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_quiet_socket_is_pinged_which_pages_do_not_see() {
    let server = Server::start(config()).await;
    let mut ws = server.ws("", &[]).await;
    let begun = tokio::time::Instant::now();
    let frame = tokio::time::timeout(std::time::Duration::from_secs(60), ws.socket.next()).await.unwrap();
    assert!(matches!(frame, Some(Ok(Message::Ping(_)))), "{frame:?}");
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn a_message_too_long_ends_its_socket_and_no_other() {
    let server = Server::start(config()).await;
    let mut ws = server.ws("", &[]).await;
    let _other = server.ws("", &[]).await;
    ws.send(&"x".repeat(9000)).await;
    server.until("the end of the socket", |stats| stats.total == 1).await;
}

#[tokio::test]
async fn stopping_ends_every_stream_in_order() {
    let server = Server::start(config()).await;
    let mut sse = server.sse("", &[]).await;
    let mut ws = server.ws("", &[]).await;
    let closing = async {
        assert_eq!(sse.next_or_end().await, None);
        let frame = soon("the close frame", ws.socket.next()).await.unwrap().unwrap();
        assert!(matches!(frame, Message::Close(Some(frame)) if u16::from(frame.code) == 1001));
        assert!(soon("the end", ws.socket.next()).await.is_none());
    };
    tokio::join!(server.stop(), closing);
}

#[tokio::test]
async fn while_it_drains_streams_go_on_and_new_ones_open_and_are_sent_away() {
    let edge = Edge { drain: Duration::from_secs(3_600), ..Edge::default() };
    let server = Server::with_edge(config(), (), edge).await;
    let mut old = server.sse("", &[]).await;
    let (url, address, handle) = (server.url("/__skew/sse"), server.address, server.handle.clone());
    let _stopping = tokio::spawn(server.stop());
    soon("the drain", async {
        while !handle.metrics().contains("skew_draining 1") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;

    let answer = client().get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = soon("the end of a new stream", answer.text()).await.unwrap();
    let retry: u32 = text.strip_prefix("retry: ").unwrap().trim_end().parse().unwrap();
    assert!((2_000..=5_000).contains(&retry), "{retry}");

    let socket = TcpStream::connect(address).await.unwrap();
    let opening = tokio_tungstenite::client_async(format!("ws://{address}/__skew/ws"), socket);
    let (mut ws, _) = soon("a socket", opening).await.unwrap();
    let frame = soon("the close frame", ws.next()).await.unwrap().unwrap();
    assert!(matches!(frame, Message::Close(Some(frame)) if u16::from(frame.code) == 1012));

    handle.broadcast(&json!({"type": "news"})).await.unwrap();
    assert_eq!(old.next().await["type"], "news");
    assert_eq!(handle.stats().await.unwrap().total, 1);
}

#[tokio::test]
async fn health_and_the_script_are_open_to_all() {
    let server = Server::start(config()).await;
    let health = server.get("/__skew/health", &[]).await;
    assert_eq!((health.status, &health.body["ok"], &health.body["version"]), (200, &json!(true), &json!("b1")));
    assert!(health.body["uptime"].is_u64());

    let script = super::support::client().get(server.url("/__skew/client.js")).send().await.unwrap();
    assert!(script.headers()["content-type"].to_str().unwrap().starts_with("text/javascript"));
    let tag = script.headers()["etag"].to_str().unwrap().to_owned();
    assert!(script.text().await.unwrap().contains("EventSource"));
    assert_eq!(server.get("/__skew/client.js", &[("if-none-match", &tag)]).await.status, 304);
}

#[tokio::test]
async fn the_base_path_can_be_anywhere() {
    let server = Server::start(Config { base_path: "/shop/__skew/".into(), ..config() }).await;
    assert_eq!(server.get("/shop/__skew/health", &[]).await.status, 200);
    assert_eq!(server.get("/__skew/health", &[]).await.status, 404);
    let api = Server::start(Config { base_path: "/api".into(), ..config() }).await;
    assert_eq!(api.get("/api/admin/stats", &[ADMIN]).await.status, 200);
    let root = Server::start(Config { base_path: "/".into(), ..config() }).await;
    assert_eq!(root.get("/health", &[]).await.status, 200);
}
