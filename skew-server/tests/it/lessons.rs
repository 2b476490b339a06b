//! What has gone wrong in servers and libraries of this kind, each tried on this one.

mod packets;
mod tokens;

use reqwest::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use skew_server::{Hooks, OpenedConnection, Sender};

use super::support::{ADMIN, Answer, Server, answer, client, config, soon, with};

/// As lines of a stream this would be two events of somebody else's making, one by line feeds and one by carriage returns alone.
const INJECTED: &str = "/\nevent: evil\ndata: 1\n\n\revent: evil\rdata: 2\r\r\r\nid: 3\r\n\r\n";

struct Greets;

impl Hooks for Greets {
    fn connection_open(&self, _: &OpenedConnection<'_>, sender: Sender) {
        sender.send(&json!({"type": INJECTED, INJECTED: INJECTED})).unwrap();
        // JSON that the application has written by itself, with line breaks where JSON has white space.
        let written = RawValue::from_string("{\"type\":\r\n\r\n\"x\",\r\"a\":\n\n1}".to_owned()).unwrap();
        sender.send(&written).unwrap();
    }
}

// GHSA-4hxc-9384-m385: h3 split the data of an event at line feeds, and wrote carriage returns as they were.
#[tokio::test]
async fn nothing_that_anybody_sends_ends_a_line_of_a_stream() {
    let server = Server::with_hooks(config(), Greets).await;
    let encoded: String = INJECTED.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let url = server.url(&format!("/__skew/sse?route={encoded}"));
    let mut stream = client().get(url).header("cookie", format!("__nkpv={encoded}")).send().await.unwrap();
    for refused in ["b2\ndata: x", "b2\r", "b2\r\n\r\n"] {
        let release = server.post("/__skew/admin/release", &[ADMIN], &json!({"version": refused})).await;
        assert_eq!(release.status, 400, "{refused:?}");
    }
    server.handle.broadcast(&json!({"type": "news", "text": INJECTED})).await.unwrap();
    let mut text = String::new();
    let mut read_until = async |wanted: &str| {
        while !text.contains(wanted) {
            let bytes = soon("more of the stream", stream.chunk()).await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        text.clone()
    };
    let first = read_until("\"news\"").await;
    let id = first.split("\"connectionId\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let body = json!({"connectionId": id, "route": format!("/moved{INJECTED}")});
    assert_eq!(server.post("/__skew/route", &[], &body).await.status, 200);
    server.subscribe(&id, &[ADMIN]).await;
    let text = read_until("\"yourId\":").await;

    assert!(!text.contains('\r'), "{text:?}");
    let lines = text.split('\n').filter(|line| !line.is_empty() && !line.starts_with("retry: "));
    let messages: Vec<&str> =
        lines.map(|line| line.strip_prefix("data: {").unwrap_or_else(|| panic!("{line:?}"))).collect();
    assert_eq!(messages.len(), 5, "connected, two greetings, news and stats: {messages:?}");
    // And it is all there: a page's name is what it is.
    let stats = server.handle.stats().await.unwrap();
    assert_eq!((stats.versions[INJECTED], stats.routes[&format!("/moved{INJECTED}")]), (1, 1));
}

// A stock server counts in plain JavaScript objects: `constructor` is there before anybody came, and `__proto__` goes nowhere.
#[tokio::test]
async fn the_names_of_a_prototype_are_builds_and_pages_as_any() {
    const NAMES: [&str; 5] = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];
    let server = Server::start(config()).await;
    let mut open = Vec::new();
    for name in NAMES {
        for query in [format!("?route=/{name}"), format!("?route={name}")] {
            open.push(server.sse(&query, &[("cookie", &format!("__nkpv={name}"))]).await);
        }
        for (body, status) in [
            (json!({"connectionId": name, "route": "/x"}), 200),
            (json!({"connectionId": {name: {"length": 1}}, "route": "/x"}), 400),
            (json!({name: {"connectionId": "x", "route": "/x"}}), 200),
        ] {
            assert_eq!(server.post("/__skew/route", &[], &body).await.status, status, "{body}");
        }
        let forged = json!({name: {"secret": "adm1n"}, "route": "/"});
        assert_eq!(server.post("/__skew/admin/invalidate-route", &[], &forged).await.status, 401);
    }
    let shown = server.get("/__skew/admin/stats", &[ADMIN]).await.body;
    let counts = |prefix: &str, count: u64| NAMES.map(|name| (format!("{prefix}{name}"), json!(count))).into_iter();
    assert_eq!(shown["versions"], Value::from_iter(counts("", 2)));
    // What is no path is no page of anybody's.
    let routes = counts("/", 1).chain([("other".to_owned(), json!(5))]);
    assert_eq!(shown["routes"], Value::from_iter(routes));
    drop(open);
    let gone = server.until("the end of all", |stats| stats.total == 0).await;
    assert!(gone.versions.is_empty() && gone.routes.is_empty());
}

// Many servers of streams answer `access-control-allow-origin: *`, some with the origin that was sent and with credentials.
#[tokio::test]
async fn no_answer_opens_anything_to_pages_of_other_origins() {
    let server = Server::start(config()).await;
    let paths =
        ["sse", "ws", "route", "subscribe-stats", "health", "client.js", "admin/stats", "admin/release", "none"];
    let recipes = ["/api/admin/stats", "/api/admin/invalidate-route"].map(str::to_owned);
    for path in paths.map(|path| format!("/__skew/{path}")).into_iter().chain(recipes) {
        for method in [Method::GET, Method::POST, Method::OPTIONS, Method::HEAD, Method::PUT] {
            for origin in ["https://evil.example", "null", &server.url("")] {
                let asked = [
                    ("origin", origin),
                    ("access-control-request-method", "POST"),
                    ("access-control-request-headers", "content-type,authorization"),
                    ("access-control-request-private-network", "true"),
                    ("content-type", "application/json"),
                    ADMIN,
                ];
                let request = with(client().request(method.clone(), server.url(&path)), &asked).body("{}");
                let answer = soon("an answer", request.send()).await.unwrap();
                let opened = answer.headers().keys().find(|name| name.as_str().starts_with("access-control-"));
                assert_eq!(opened, None, "{method} {path} of {origin}");
                assert!(method != Method::OPTIONS || answer.status() == 405 || path.ends_with("none"), "{path}");
            }
        }
    }
}

// A stock server takes every message that contains `ping` for a ping.
#[tokio::test]
async fn a_page_named_shipping_is_a_page() {
    let server = Server::start(config()).await;
    let mut ws = server.ws("?route=/ping", &[("cookie", "__nkpv=ping")]).await;
    for route in ["/shipping", "/ping", "/a?ping", "/pinging/\\u0070ing"] {
        ws.send(&format!(r#"{{"type":"route-update","route":"{route}"}}"#)).await;
    }
    server.until("the last page", |stats| stats.routes.contains_key("/pinging/ping")).await;
    let body = json!({"route": "/pinging", "match": "segment"});
    let Answer { body, .. } = server.post("/__skew/admin/invalidate-route", &[ADMIN], &body).await;
    assert_eq!(body["matched"], 1);
    // The first message since: no pong came of all those pages.
    assert_eq!(ws.next().await["type"], "version");
    ws.send("ping").await;
    assert_eq!(ws.next().await["type"], "pong");
    let sse = server.sse("", &[]).await;
    let body = json!({"connectionId": sse.connection_id, "route": "/shipping"});
    assert_eq!(
        answer(
            client()
                .post(server.url("/__skew/route"))
                .header("content-type", "application/json")
                .body(body.to_string())
        )
        .await
        .status,
        200
    );
    server.until("both pages", |stats| stats.routes.contains_key("/shipping") && stats.total == 2).await;
}
