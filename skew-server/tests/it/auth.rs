//! Forward-auth, and what becomes of those who try secrets out.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::json;
use skew_server::{Config, Rate};

use super::support::{ADMIN, Server, client, config, soon, with};

const STATS: &str = "/__skew/admin/stats";
const INVALIDATE: &str = "/__skew/admin/invalidate-route";

/// An endpoint that admits the cookie `sid=good`, and how often it was asked.
async fn forward_auth() -> (String, &'static AtomicUsize) {
    let asked: &'static AtomicUsize = Box::leak(Box::default());
    let answer = move |headers: HeaderMap| async move {
        asked.fetch_add(1, Ordering::SeqCst);
        let is_good = headers.get("cookie").is_some_and(|cookie| cookie == "sid=good");
        if is_good { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answer))).await });
    (url, asked)
}

#[tokio::test]
async fn whom_the_operators_endpoint_admits_reads_and_does_not_act() {
    let (url, asked) = forward_auth().await;
    let server = Server::start(Config { forward_auth_url: Some(url), ..config() }).await;
    let (good, bad) = (("cookie", "__nkpv=b1; sid=good"), ("cookie", "sid=bad"));
    assert_eq!(server.get(STATS, &[good]).await.status, 200);
    assert_eq!(server.get(STATS, &[bad]).await.status, 401);
    assert_eq!(server.get(STATS, &[ADMIN]).await.status, 200);
    assert_eq!(server.post(INVALIDATE, &[good], &json!({"route": "/"})).await.status, 401);
    let mut sse = server.sse("", &[]).await;
    server.subscribe(&sse.connection_id, &[good]).await;
    assert_eq!(sse.next().await["type"], "stats");
    let from_elsewhere = ("origin", "https://evil.example");
    assert_eq!(server.get(STATS, &[good, from_elsewhere]).await.status, 401);
    for (header, kind) in [(good, "stats"), (bad, "stats-unauthorized")] {
        let mut ws = server.ws("", &[header]).await;
        ws.send(r#"{"type":"subscribe-stats"}"#).await;
        assert_eq!(ws.next().await["type"], kind);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// A server that knows client addresses, and allows one two wrong ones.
async fn slowing() -> Server {
    let mut config = Config { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..config() };
    config.limits.tries_by_address = Rate { per_second: 0.001, burst: 2 };
    Server::start(config).await
}

#[tokio::test]
async fn an_address_that_is_wrong_too_often_waits_also_where_it_is_right_then() {
    let server = slowing().await;
    let (here, there) = (("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "203.0.113.10"));
    let wrong = ("authorization", "Bearer guess");
    let secret = |secret: &'static str| json!({"route": "/", "secret": secret});
    assert_eq!(server.get(STATS, &[here, wrong]).await.status, 401);
    assert_eq!(server.post(INVALIDATE, &[here], &secret("guess")).await.status, 401);
    for (headers, body) in [(vec![here, wrong], "adm1n"), (vec![here, ADMIN], "guess"), (vec![here], "adm1n")] {
        assert_eq!(server.post(INVALIDATE, &headers, &secret(body)).await.status, 429);
    }
    let answer = soon("an answer", with(client().get(server.url(STATS)), &[here, ADMIN]).send()).await.unwrap();
    assert_eq!(answer.status(), 429);
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=1000).contains(&wait), "{wait}");

    let mut sse = server.sse("", &[here]).await;
    let body = json!({"connectionId": sse.connection_id});
    assert_eq!(server.post("/__skew/subscribe-stats", &[here, ADMIN], &body).await.status, 429);
    let mut ws = server.ws("", &[here, ADMIN]).await;
    ws.send(r#"{"type":"subscribe-stats"}"#).await;
    assert_eq!(ws.next().await["type"], "stats-unauthorized");

    assert_eq!(server.get(STATS, &[there, ADMIN]).await.status, 200, "another address is not slowed by it");
    assert_eq!(server.get(STATS, &[ADMIN]).await.status, 200, "nor is one that is not known");
    server.subscribe(&sse.connection_id, &[here]).await;
    assert_eq!(sse.next().await["type"], "stats-unauthorized", "one who tries nothing is answered as ever");
    let metrics = server.handle.metrics();
    assert!(metrics.contains(r#"skew_limited_total{limit="tries_by_address"} 6"#), "{metrics}");
}

#[tokio::test]
async fn what_can_not_be_a_try_and_what_is_right_costs_none() {
    let server = slowing().await;
    let here = ("x-forwarded-for", "203.0.113.9");
    for _ in 0..5 {
        assert_eq!(server.get(STATS, &[here]).await.status, 401);
        assert_eq!(server.get(STATS, &[here, ("cookie", "nuxt-session=Fe26.2**x")]).await.status, 401);
        assert_eq!(server.get(STATS, &[here, ("authorization", "Basic eDp5")]).await.status, 401);
        assert_eq!(server.get(STATS, &[here, ADMIN]).await.status, 200);
        assert_eq!(server.post(INVALIDATE, &[here, ("authorization", "Bearer st4ts")], &json!({})).await.status, 403);
    }
    assert_eq!(server.get(STATS, &[here, ("authorization", "Bearer guess")]).await.status, 401);
}

#[tokio::test]
async fn many_tries_at_once_are_no_way_around() {
    let server = slowing().await;
    let tries = (0..30).map(|n| {
        let (server, guess) = (&server, format!("Bearer guess{n}"));
        async move { server.get(STATS, &[("x-forwarded-for", "203.0.113.9"), ("authorization", &guess)]).await.status }
    });
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 2, "{answers:?}");
}
