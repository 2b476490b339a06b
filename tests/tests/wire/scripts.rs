//! What the clients do. Each step waits for what comes of it, so that one change is one message on both servers.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};

use super::client::{Tab, post, send};
use super::normal::Transcript;

const SUBSCRIBE: &str = "/__skew/subscribe-stats";
const ROUTE: &str = "/__skew/route";
const INVALIDATE: &str = "/api/admin/invalidate-route";

fn bearer() -> String {
    format!("Bearer {ADMIN_SECRET}")
}

async fn invalidate(addr: SocketAddr, pattern: &str) -> (u16, Value) {
    post(addr, INVALIDATE, &[], &json!({"route": pattern, "secret": ADMIN_SECRET}).to_string()).await
}

/// Tabs of three visitors, one of them with two tabs, an operator by session and one by secret, and two invalidations.
pub(crate) async fn a_day(addr: SocketAddr, strategy: Strategy, session: &str, said: &mut Transcript) {
    let cookie = format!("a=1; nuxt-session={session}");
    let headers = [("cookie", &*cookie), ("x-forwarded-for", "198.51.100.1")];
    let (mut operator, connected) = Tab::open(addr, strategy, "?route=/admin", &headers).await;
    said.heard("operator", connected);
    said.lines.push(operator.subscribe().await.to_string());
    said.heard("operator", operator.next().await);

    let headers = [("cookie", "__nkpv=build-old"), ("x-forwarded-for", "203.0.113.9")];
    let (mut visitor, connected) = Tab::open(addr, strategy, "", &headers).await;
    said.heard("visitor", connected);
    said.heard("operator", operator.next().await);
    // Without rights: the refusal comes on the stream, and nothing else does from then on.
    said.lines.push(visitor.subscribe().await.to_string());
    said.heard("visitor", visitor.next().await);

    let bearer = bearer();
    let headers = [("authorization", &*bearer), ("x-forwarded-for", "2001:db8::7")];
    let (mut support, connected) = Tab::open(addr, strategy, "?x=1&route=%2Fproducts%20list+a", &headers).await;
    said.heard("support", connected);
    said.heard("operator", operator.next().await);
    said.lines.push(support.subscribe().await.to_string());
    said.heard("support", support.next().await);

    for route in ["/checkout", "/gr\u{f6}\u{df}e/\u{6771}\u{4eac}", "/checkout-help"] {
        said.lines.push(visitor.navigate(&json!(route)).await.to_string());
        said.heard("operator", operator.next().await);
        said.heard("support", support.next().await);
    }

    let second = [("cookie", "__nkpv=build%20older; b=2"), ("x-forwarded-for", "203.0.113.9")];
    let (tab, connected) = Tab::open(addr, strategy, "?route=", &second).await;
    said.heard("second tab", connected);
    said.heard("operator", operator.next().await);
    said.heard("support", support.next().await);
    drop(tab);
    said.heard("operator", operator.next().await);
    said.heard("support", support.next().await);

    // By prefix, so that it is the visitor alone; then everybody.
    said.answered("invalidate", invalidate(addr, "/check").await);
    said.heard("visitor", visitor.next().await);
    said.answered("invalidate", invalidate(addr, "/nobody-is-here").await);
    said.answered("invalidate", invalidate(addr, "/").await);
    for (who, tab) in [("operator", &mut operator), ("visitor", &mut visitor), ("support", &mut support)] {
        said.heard(who, tab.next().await);
    }

    // A second subscription of the same tab is answered again, and is one.
    said.lines.push(support.subscribe().await.to_string());
    said.heard("support", support.next().await);
    drop(support);
    said.heard("operator", operator.next().await);
    drop(visitor);
    said.heard("operator", operator.next().await);
}

/// The two POSTs with everything that a tab, or somebody who is none, can put there.
pub(crate) async fn posts(addr: SocketAddr, said: &mut Transcript) {
    let bearer = bearer();
    let headers = [("authorization", &*bearer), ("x-forwarded-for", "198.51.100.1")];
    let (mut watcher, _) = Tab::open(addr, Strategy::Sse, "", &headers).await;
    watcher.subscribe().await;
    said.heard("watcher", watcher.next().await);
    let own = watcher.connection_id.clone();

    let nobody = "00000000-0000-4000-8000-000000000000";
    for body in [
        r"{bad".to_owned(),
        json!({}).to_string(),
        json!({"connectionId": own}).to_string(),
        json!({"route": "/x"}).to_string(),
        json!({"connectionId": "", "route": "/x"}).to_string(),
        json!({"connectionId": null, "route": null}).to_string(),
        json!({"connectionId": own, "route": ""}).to_string(),
        json!({"connectionId": own, "route": false}).to_string(),
        json!({"connectionId": nobody, "route": "/x"}).to_string(),
        json!({"connectionId": "no UUID at all", "route": "/x"}).to_string(),
        json!({"connectionId": "__proto__", "route": "/x"}).to_string(),
    ] {
        let shown = body.replace(&own, "OWN");
        said.answered(&format!("route {shown}"), post(addr, ROUTE, &[], &body).await);
    }
    for body in [
        r"{bad".to_owned(),
        json!({}).to_string(),
        json!({"connectionId": ""}).to_string(),
        json!({"connectionId": nobody}).to_string(),
        json!({"connectionId": "no UUID at all"}).to_string(),
    ] {
        said.answered(&format!("subscribe {body}"), post(addr, SUBSCRIBE, &[], &body).await);
    }
    // With a charset, fields that nobody knows, and JSON in other words: the same.
    let typed = [("content-type", "application/json; charset=utf-8")];
    let odd = format!(r#" {{"route":"\u002fodd","x":[1,{{}}],"connectionId":"{own}"}} "#);
    said.answered("route", send(addr, Method::POST, ROUTE, &typed, &odd).await);
    // It is the only message that has come of all this.
    said.heard("watcher", watcher.next().await);
    said.answered("invalidate", invalidate(addr, "/").await);
    said.heard("watcher", watcher.next().await);
}

/// Everything that a WebSocket can carry to the server.
pub(crate) async fn frames(addr: SocketAddr, said: &mut Transcript) {
    let bearer = bearer();
    let headers = [("authorization", &*bearer), ("x-forwarded-for", "198.51.100.1")];
    let (mut tab, _) = Tab::open(addr, Strategy::Ws, "", &headers).await;
    for ping in [r#"{"type":"ping"}"#, "ping", r#" { "type" : "ping" , "x" : 1 } "#, "{not json but a ping", "\"ping\""]
    {
        tab.say(ping).await;
        said.heard(ping, tab.next().await);
    }
    for ignored in [
        "",
        "{not json",
        "null",
        "[]",
        "7",
        "\"text\"",
        "{}",
        r#"{"type":"dance"}"#,
        r#"{"type":7}"#,
        r#"{"type":null}"#,
        r#"{"type":"route-update"}"#,
        r#"{"type":"route-update","route":""}"#,
        r#"{"type":"route-update","route":null}"#,
        r#"{"type":"Subscribe-Stats"}"#,
        r#"{"type":"connected","connectionId":"x"}"#,
        "\u{0}",
        "\u{1f980}",
    ] {
        tab.say(ignored).await;
    }
    tab.say_bytes(b"\xff\xfe").await;
    // The next message is the answer to this: nothing came of all those.
    tab.say("ping").await;
    said.heard("after what is ignored", tab.next().await);
    tab.say(r#"{"type":"subscribe-stats"}"#).await;
    said.heard("stats", tab.next().await);
    tab.say(r#"{"x":0,"route":"/a\/b","type":"route-update"}"#).await;
    said.heard("moved", tab.next().await);
    tab.say_bytes(br#"{"type":"route-update","route":"/binary"}"#).await;
    said.heard("moved by bytes", tab.next().await);
}

/// The endpoints of the recipes, with and without rights, and what is there for everybody.
pub(crate) async fn operators(addr: SocketAddr, said: &mut Transcript) {
    let bearer = bearer();
    for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", &*bearer)]] {
        said.answered("stats", send(addr, Method::GET, "/api/admin/stats", headers, "").await);
    }
    for body in [
        json!({"route": "/", "secret": "wrong"}),
        json!({"route": "/"}),
        json!({"secret": ADMIN_SECRET}),
        json!({"route": "", "secret": ADMIN_SECRET}),
        json!({"route": 7, "secret": ADMIN_SECRET}),
        json!({"route": "/", "secret": ADMIN_SECRET}),
    ] {
        said.answered(&format!("invalidate {body}"), post(addr, INVALIDATE, &[], &body.to_string()).await);
    }
    said.answered("invalidate", post(addr, INVALIDATE, &[], "{bad").await);
    said.answered("health", send(addr, Method::GET, "/__skew/health", &[], "").await);
}

/// Nothing happens for half a minute.
pub(crate) async fn quiet(addr: SocketAddr, said: &mut Transcript) {
    let (mut tab, connected) = Tab::open(addr, Strategy::Sse, "", &[]).await;
    said.heard("tab", connected);
    said.heard("tab", tab.next().await);
}
