//! Where the two servers differ on purpose. docs/protocol.md tells each of these; here both are asked, so that it stays true.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};
use skew_tests::http;
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::site::Peer;

use super::Both;
use super::client::{Headers, Tab, send};
use super::normal::answer;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A request that is answered in two ways: the status and body of a stock server, and of ours.
struct Differs<'a> {
    why: &'a str,
    request: (Method, &'a str, Headers<'a>, &'a str),
    stock: (u16, Value),
    ours: (u16, Value),
}

fn refused(status: u16) -> (u16, Value) {
    (status, json!({"error": true, "statusCode": status}))
}

async fn assert_differ(both: &Both, differs: &[Differs<'_>]) {
    for Differs { why, request: (method, path, headers, body), stock, ours } in differs {
        for (peer, expected) in [(Peer::Stock, stock), (Peer::Ours, ours)] {
            let got = send(both.at(peer), method.clone(), path, headers, body).await;
            assert_eq!(answer(peer, got), json!(expected), "{peer:?}, {method} {path}: {why}");
        }
    }
}

#[tokio::test]
async fn ours_holds_every_post_to_rules_that_stock_has_not() {
    let both = Both::start(Strategy::Sse).await;
    let ok = || (200, json!({"ok": true}));
    let not_ok = || (200, json!({"ok": false}));
    let body = r#"{"connectionId":"00000000-0000-4000-8000-000000000000","route":"/x"}"#;
    let large = format!(r#"{{"connectionId":"x","route":"/x","pad":"{}"}}"#, "x".repeat(8 * 1024));
    let pathless = body.replace("/x", "checkout");
    let numeric = body.replace(r#""/x""#, "7");
    let long = body.replace("/x", &format!("/{}", "x".repeat(512)));
    let case = |why, path, headers, body, stock, ours| Differs {
        why,
        request: (Method::POST, path, headers, body),
        stock,
        ours,
    };
    let route = "/__skew/route";
    let subscribe = "/__skew/subscribe-stats";
    assert_differ(
        &both,
        &[
            case(
                "a page of any site can send text/plain unasked",
                route,
                &[("content-type", "text/plain")],
                body,
                not_ok(),
                refused(415),
            ),
            case("nor is what does not say its type JSON", subscribe, &[], body, ok(), refused(415)),
            case(
                "another site's page may not act",
                route,
                &[JSON, ("origin", "https://evil.example")],
                body,
                ok(),
                refused(403),
            ),
            case(
                "nor one that hides where it comes from",
                route,
                &[JSON, ("origin", "null")],
                body,
                ok(),
                refused(403),
            ),
            case("a body has 8 KiB at most", route, &[JSON], &large, ok(), refused(413)),
            case("a body is an object", route, &[JSON], "null", not_ok(), refused(400)),
            case("a body is an object", route, &[JSON], "", not_ok(), refused(400)),
            case("a body is an object, and no crash", subscribe, &[JSON], "null", refused(500), refused(400)),
            case("a route is a path", route, &[JSON], &pathless, ok(), refused(400)),
            case("a route is a text", route, &[JSON], &numeric, ok(), refused(400)),
            case("a route has 512 bytes at most", route, &[JSON], &long, ok(), refused(400)),
        ],
    )
    .await;
}

#[tokio::test]
async fn ours_has_all_endpoints_in_one_and_keeps_to_their_methods() {
    let (sse, ws) = tokio::join!(Both::start(Strategy::Sse), Both::start(Strategy::Ws));
    let none = || refused(404);
    let bearer = format!("Bearer {ADMIN_SECRET}");
    let bearer = [("authorization", &*bearer)];
    let case =
        |why, method, path, headers, stock, ours| Differs { why, request: (method, path, headers, "{}"), stock, ours };
    let empty = json!({"total": 0, "versions": {}, "routes": {}, "connections": []});
    let wrong_method =
        "stock renders a page for what it has no handler for; ours is a part of an app that has its own pages";
    assert_differ(
        &sse,
        &[
            case(wrong_method, Method::GET, "/__skew/route", &[], none(), (405, Value::Null)),
            case(wrong_method, Method::PUT, "/__skew/subscribe-stats", &[], none(), (405, Value::Null)),
            case(wrong_method, Method::POST, "/__skew/health", &[JSON], none(), (405, Value::Null)),
            case(wrong_method, Method::GET, "/__skew/nothing", &[], none(), (404, Value::Null)),
            case("no preflight is answered", Method::OPTIONS, "/__skew/route", &[], none(), (405, Value::Null)),
            case(
                "stock wants an SEO Pro key there",
                Method::GET,
                "/__skew/admin/stats",
                &bearer,
                refused(503),
                (200, empty.clone()),
            ),
            case(
                "stock wants an SEO Pro key there",
                Method::GET,
                "/__skew/admin/stats",
                &[],
                refused(503),
                refused(401),
            ),
            case(
                "stock has it by a recipe alone",
                Method::POST,
                "/__skew/admin/release",
                &[JSON],
                none(),
                refused(401),
            ),
        ],
    )
    .await;
    let unknown = [JSON];
    assert_differ(
        &ws,
        &[
            case(
                "a WS build of stock has no POSTs",
                Method::POST,
                "/__skew/route",
                &unknown,
                none(),
                (200, json!({"ok": false})),
            ),
            case(
                "a WS build of stock has no POSTs",
                Method::POST,
                "/__skew/subscribe-stats",
                &unknown,
                none(),
                refused(400),
            ),
        ],
    )
    .await;
    // Stock opens a stream whatever the method, and so for any form on any page.
    let post = async |addr: SocketAddr| {
        let answer = http::client().post(format!("http://{addr}/__skew/sse")).send().await.expect("an answer");
        answer.status().as_u16()
    };
    assert_eq!((post(sse.at(Peer::Stock)).await, post(sse.at(Peer::Ours)).await), (200, 405));
    // What is no upgrade is refused by both, each in its way.
    let plain = async |peer| send(ws.at(peer), Method::GET, "/__skew/ws", &[], "").await.0;
    assert_eq!((plain(Peer::Stock).await, plain(Peer::Ours).await), (426, 400));
}

/// The stats that a subscriber is shown once a visitor has come by that request.
async fn shown(addr: SocketAddr, strategy: Strategy, query: &str, headers: Headers<'_>) -> Value {
    let bearer = format!("Bearer {ADMIN_SECRET}");
    let (mut watcher, _) =
        Tab::open(addr, strategy, "", &[("authorization", &bearer), ("x-forwarded-for", "198.51.100.1")]).await;
    watcher.subscribe().await;
    watcher.next().await;
    let (_visitor, _) = Tab::open(addr, strategy, query, headers).await;
    watcher.next().await
}

#[tokio::test]
async fn no_visitor_damages_the_stats_of_ours() {
    let both = Both::start(Strategy::Sse).await;
    let shown = async |peer, query: &str, cookie: &str| {
        let stats = shown(both.at(peer), Strategy::Sse, query, &[("cookie", cookie)]).await;
        (stats["versions"].clone(), stats["routes"].clone(), stats["connections"][1].clone())
    };
    // Counted in a plain JavaScript object, a prototype's name is no count.
    let (versions, ..) = shown(Peer::Stock, "", "__nkpv=constructor").await;
    assert_eq!(versions["constructor"], "function Object() { [native code] }1");
    let (versions, ..) = shown(Peer::Ours, "", "__nkpv=constructor").await;
    assert_eq!(versions, json!({"build-sse": 1, "constructor": 1}));
    let (versions, ..) = shown(Peer::Stock, "", "__nkpv=__proto__").await;
    assert_eq!(versions, json!({"build-sse": 1}), "it has vanished");
    let (versions, ..) = shown(Peer::Ours, "", "__nkpv=__proto__").await;
    assert_eq!(versions, json!({"build-sse": 1, "__proto__": 1}));

    // Two routes are a list in stock; ours keeps text alone.
    let (_, routes, visitor) = shown(Peer::Stock, "?route=/a&route=/b", "").await;
    assert_eq!((&routes["/a,/b"], &visitor["route"]), (&json!(1), &json!(["/a", "/b"])));
    let (_, routes, visitor) = shown(Peer::Ours, "?route=/a&route=/b", "").await;
    assert_eq!((&routes["other"], &visitor["route"]), (&json!(1), &json!("other")));

    // What is behind the path is nobody's business.
    let (.., visitor) = shown(Peer::Stock, "?route=%2Fpay%3Ftoken%3Ds3cret%23x", "").await;
    assert_eq!(visitor["route"], "/pay?token=s3cret#x");
    let (.., visitor) = shown(Peer::Ours, "?route=%2Fpay%3Ftoken%3Ds3cret%23x", "").await;
    assert_eq!(visitor["route"], "/pay");

    // Nothing is as long as a visitor likes.
    let (query, cookie) = (format!("?route=/{}", "x".repeat(600)), format!("__nkpv={}", "y".repeat(200)));
    let (.., visitor) = shown(Peer::Stock, &query, &cookie).await;
    assert_eq!(
        (visitor["route"].as_str().map(str::len), visitor["version"].as_str().map(str::len)),
        (Some(601), Some(200))
    );
    let (.., visitor) = shown(Peer::Ours, &query, &cookie).await;
    assert_eq!((&visitor["route"], &visitor["version"]), (&json!("other"), &json!("other")));
}

#[tokio::test]
async fn a_forwarded_address_is_what_the_proxy_has_seen() {
    for strategy in [Strategy::Sse, Strategy::Ws] {
        let both = Both::start(strategy).await;
        let ip =
            async |peer, headers| shown(both.at(peer), strategy, "", headers).await["connections"][1]["ip"].clone();
        // Everything but the last was sent by the client itself.
        let list = &[("x-forwarded-for", "6.6.6.6, 203.0.113.9")];
        assert_eq!((ip(Peer::Stock, list).await, ip(Peer::Ours, list).await), (json!("6.6.6.6"), json!("203.0.113.9")));
        // Where nothing was forwarded, the socket's own address; stock has none for a WebSocket.
        let of_stock = if strategy == Strategy::Sse { json!("127.0.0.1") } else { Value::Null };
        assert_eq!((ip(Peer::Stock, &[]).await, ip(Peer::Ours, &[]).await), (of_stock, json!("127.0.0.1")));
    }
}

#[tokio::test]
async fn a_message_that_contains_ping_is_what_it_says() {
    let both = Both::start(Strategy::Ws).await;
    let shipping = r#"{"type":"route-update","route":"/shipping"}"#;
    let bearer = format!("Bearer {ADMIN_SECRET}");
    for (peer, kind) in [(Peer::Stock, "pong"), (Peer::Ours, "stats")] {
        let (mut tab, _) = Tab::open(both.at(peer), Strategy::Ws, "", &[("authorization", &bearer)]).await;
        tab.subscribe().await;
        tab.next().await;
        tab.say(shipping).await;
        let said = tab.next().await;
        assert_eq!(said["type"], kind);
        if peer == Peer::Ours {
            assert_eq!(said["routes"], json!({"/shipping": 1}));
        }
        // Stock keeps what it is sent, so that the documented recipe meets a number; ours counts it as damaged.
        tab.say(r#"{"type":"route-update","route":7}"#).await;
        let kept = if peer == Peer::Stock { json!(7) } else { json!("other") };
        assert_eq!(tab.next().await["connections"][0]["route"], kept);
    }
}

#[tokio::test]
async fn an_id_that_stats_show_gives_power_in_stock_alone() {
    let both = Both::start(Strategy::Sse).await;
    let bearer = format!("Bearer {ADMIN_SECRET}");
    for (peer, moved) in [(Peer::Stock, "/elsewhere"), (Peer::Ours, "/")] {
        let addr = both.at(peer);
        let (_visitor, _) = Tab::open(addr, Strategy::Sse, "", &[]).await;
        let stats = async || {
            send(addr, Method::GET, "/api/admin/stats", &[("authorization", &*bearer)], "").await.1["connections"][0]
                .clone()
        };
        let body = json!({"connectionId": stats().await["id"], "route": "/elsewhere"}).to_string();
        assert_eq!(send(addr, Method::POST, "/__skew/route", &[JSON], &body).await, (200, json!({"ok": true})));
        assert_eq!(stats().await["route"], moved, "{peer:?}");
    }
}
