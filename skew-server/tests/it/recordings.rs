//! The script of each recording of a real `nuxt-skew-protection` 1.3.0 server, played against this one: every connection must
//! hear the same messages in the same order, but for ids, times and our extra fields.

use serde_json::{Value, json};
use skew_server::Config;

use super::support::{ADMIN, Server, Sse, Ws, config};

const SSE: &str = include_str!("../../../skew-proto/tests/vectors/nuxt-sse.jsonl");
const WS: &str = include_str!("../../../skew-proto/tests/vectors/nuxt-ws.jsonl");

/// What a connection heard in a recording.
fn heard(recording: &str, conn: &str) -> Vec<Value> {
    let lines = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["conn"] == conn && (line["dir"] == "bytes" || line["dir"] == "text"))
        .map(|line| {
            let data = line["data"].as_str().unwrap().trim_end();
            normal(serde_json::from_str(data.strip_prefix("data: ").unwrap_or(data)).unwrap())
        })
        .collect()
}

/// A message without what must differ: ids become places in the list, and what this server adds is taken away.
fn normal(mut message: Value) -> Value {
    let list = message["connections"].as_array().cloned().unwrap_or_default();
    let place = |id: &Value| list.iter().position(|entry| entry["id"] == *id);
    if let Some(your_id) = message.get("yourId").cloned() {
        message["yourId"] = json!(place(&your_id).expect("yourId is in the list"));
    }
    for entry in message["connections"].as_array_mut().into_iter().flatten() {
        entry["id"] = json!(place(&entry["id"]));
        // A socket's own address is shown as IPv4 here, and was not shown at all on that server's WebSockets.
        if entry["ip"].as_str().is_some_and(|ip| ip.ends_with("127.0.0.1")) {
            entry.as_object_mut().unwrap().remove("ip");
        }
        // Routes are paths here.
        entry["route"] = entry["route"].as_str().map(|route| route.split('?').next().unwrap().to_owned()).into();
    }
    if let Some(routes) = message["routes"].as_object().cloned() {
        message["routes"] =
            routes.into_iter().map(|(route, count)| (route.split('?').next().unwrap().to_owned(), count)).collect();
    }
    let fields = message.as_object_mut().unwrap();
    for extra in ["timestamp", "server", "users", "anonymous", "current", "releasedAt"] {
        fields.remove(extra);
    }
    if let Some(id) = fields.get_mut("connectionId") {
        assert_eq!(id.as_str().unwrap().len(), 36);
        *id = json!("a UUID");
    }
    message
}

fn like_the_recorded(build: &str) -> Config {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    Config { build_id: build.into(), ip_tracking: true, trusted_proxies, ..config() }
}

/// Takes messages until there are as many as the recording has.
macro_rules! hear {
    ($client:ident, $said:ident, $count:expr) => {
        while $said.len() < $count {
            $said.push(normal($client.next().await));
        }
    };
}

#[tokio::test]
async fn the_sse_script_is_answered_as_by_the_stock_server() {
    let server = Server::start(like_the_recorded("peer-v1")).await;
    let invalidate = |secret: &'static str| {
        let body = json!({"route": "/check", "secret": secret});
        let server = &server;
        async move { server.post("/api/admin/invalidate-route", &[], &body).await }
    };

    let mut admin = server.sse("?route=/admin", &[]).await;
    let mut said = vec![normal(admin.connected.clone())];
    server.subscribe(&admin.connection_id, &[]).await;
    hear!(admin, said, 2);
    server.subscribe(&admin.connection_id, &[ADMIN]).await;
    hear!(admin, said, 3);
    let mut a = server.sse("", &[("cookie", "__nkpv=build-old"), ("x-forwarded-for", "203.0.113.9")]).await;
    let mut a_said = vec![normal(a.connected.clone())];
    hear!(admin, said, 4);
    let b: Sse = server.sse("?route=%2Fproducts", &[]).await;
    hear!(admin, said, 5);
    let body = json!({"connectionId": a.connection_id, "route": "/checkout"});
    assert_eq!(server.post("/__skew/route", &[], &body).await.body, json!({"ok": true}));
    hear!(admin, said, 6);
    let answer = invalidate("adm1n").await;
    assert_eq!((answer.status, &answer.body["ok"], &answer.body["route"]), (200, &json!(true), &json!("/check")));
    hear!(a, a_said, 2);
    let answer = invalidate("wrong").await;
    assert_eq!((answer.status, &answer.body["error"], &answer.body["statusCode"]), (401, &json!(true), &json!(401)));
    drop(a);
    hear!(admin, said, 7);
    drop(b);
    hear!(admin, said, 8);

    assert_eq!(said, heard(SSE, "admin"));
    assert_eq!(a_said, heard(SSE, "a"));
    admin.assert_quiet().await;
}

#[tokio::test]
async fn the_websocket_script_is_answered_as_by_the_stock_server() {
    let server = Server::start(like_the_recorded("peer-v2")).await;
    let mut admin: Ws = server.ws("?route=/admin", &[ADMIN]).await;
    let mut said = vec![normal(admin.connected.clone())];
    let mut a = server.ws("", &[("cookie", "__nkpv=build-old"), ("x-forwarded-for", "192.0.2.44")]).await;
    let mut a_said = vec![normal(a.connected.clone())];
    a.send(r#"{"type":"subscribe-stats"}"#).await;
    hear!(a, a_said, 2);
    admin.send("ping").await;
    admin.send(r#"{"type":"subscribe-stats"}"#).await;
    hear!(admin, said, 3);
    a.send(r#"{"type":"route-update","route":"/checkout?x=1"}"#).await;
    hear!(admin, said, 4);
    a.send("{not json").await;
    a.send(r#"{"type":"route-update"}"#).await;
    let body = json!({"route": "/checkout", "secret": "adm1n"});
    assert_eq!(server.post("/api/admin/invalidate-route", &[], &body).await.status, 200);
    hear!(a, a_said, 3);
    a.socket.close(None).await.unwrap();
    hear!(admin, said, 5);

    assert_eq!(said, heard(WS, "admin"));
    assert_eq!(a_said, heard(WS, "a"));
    admin.assert_quiet().await;
}
