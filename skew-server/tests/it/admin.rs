//! Who may see stats, and who may act.

use serde_json::{Value, json};
use skew_server::{Config, Secret, SessionConfig};

use super::support::{ADMIN, Server, config};

const READER: (&str, &str) = ("authorization", "Bearer st4ts");
const INVALIDATE: &str = "/__skew/admin/invalidate-route";

/// A cookie of the vectors: `admin, never expires` and the like.
fn session_cookie(name: &str) -> String {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/nuxt-session.json")).unwrap();
    let case = vectors["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
    format!("theme=dark; nuxt-session={}", case["sealed"].as_str().unwrap())
}

fn with_sessions() -> Config {
    let password = Secret::new("an-example-password-of-32-chars-or-more").unwrap();
    let session = SessionConfig { password, roles: vec!["admin".into()], emails: vec![], max_age: None };
    Config { session: Some(session), ..config() }
}

#[tokio::test]
async fn stats_are_shown_to_secrets_and_admins_alone() {
    let server = Server::start(with_sessions()).await;
    let _tab = server.sse("?route=/a", &[]).await;
    let cookie = |name| session_cookie(name);
    for path in ["/__skew/admin/stats", "/api/admin/stats"] {
        let (admin, viewer, expired) =
            (cookie("admin, never expires"), cookie("viewer, never expires"), cookie("expired long ago"));
        for good in [ADMIN, READER, ("cookie", &admin)] {
            let answer = server.get(path, &[good]).await;
            assert_eq!(
                (answer.status, &answer.body["total"], &answer.body["routes"]),
                (200, &json!(1), &json!({"/a": 1}))
            );
            assert_eq!((&answer.body["current"], answer.body.get("yourId")), (&json!("b1"), None));
        }
        for bad in [("authorization", "Bearer x"), ("cookie", &*viewer), ("cookie", &*expired), ("x-nothing", "")] {
            let answer = server.get(path, &[bad]).await;
            assert_eq!((answer.status, &answer.body["total"]), (401, &Value::Null));
        }
    }
}

#[tokio::test]
async fn where_no_credentials_exist_nobody_is_let_in() {
    let server = Server::start(Config { route_tracking: true, ..Config::new("b1") }).await;
    assert_eq!(server.get("/__skew/admin/stats", &[("authorization", "Bearer ")]).await.status, 503);
    assert_eq!(server.post(INVALIDATE, &[], &json!({"route": "/", "secret": ""})).await.status, 503);
    let mut sse = server.sse("", &[]).await;
    server.subscribe(&sse.connection_id, &[]).await;
    assert_eq!(sse.next().await["type"], "stats-unauthorized");
}

#[tokio::test]
async fn a_session_opens_stats_on_both_transports() {
    let server = Server::start(with_sessions()).await;
    let admin = session_cookie("admin, never expires");
    let stretched = session_cookie("8192 iterations, as h3 2 seals");
    let viewer = session_cookie("viewer, never expires");

    let mut sse = server.sse("", &[]).await;
    server.subscribe(&sse.connection_id, &[("cookie", &viewer)]).await;
    assert_eq!(sse.next().await["type"], "stats-unauthorized");
    server.subscribe(&sse.connection_id, &[("cookie", &admin)]).await;
    assert_eq!(sse.next().await["type"], "stats");

    for (cookie, kind) in [(&viewer, "stats-unauthorized"), (&admin, "stats"), (&stretched, "stats")] {
        let mut ws = server.ws("", &[("cookie", cookie)]).await;
        ws.send(r#"{"type":"subscribe-stats"}"#).await;
        assert_eq!(ws.next().await["type"], kind);
    }
}

#[tokio::test]
async fn a_cookie_that_another_sites_page_made_the_browser_send_opens_nothing() {
    let server = Server::start(with_sessions()).await;
    let admin = session_cookie("admin, never expires");
    let sse = server.sse("", &[]).await;
    let headers = [("cookie", &*admin), ("origin", "https://evil.example")];
    let body = json!({"connectionId": sse.connection_id});
    assert_eq!(server.post("/__skew/subscribe-stats", &headers, &body).await.status, 403);
    assert_eq!(server.post(INVALIDATE, &headers, &json!({"route": "/"})).await.status, 403);
}

#[tokio::test]
async fn the_recipe_takes_its_secret_in_the_body() {
    let server = Server::start(config()).await;
    let recipe = |secret: &'static str| json!({"route": "/", "secret": secret});
    for path in [INVALIDATE, "/api/admin/invalidate-route"] {
        let good = server.post(path, &[], &recipe("adm1n")).await;
        assert_eq!((good.status, &good.body["ok"], &good.body["route"]), (200, &json!(true), &json!("/")));
        assert_eq!(server.post(path, &[], &recipe("wrong")).await.status, 401);
        assert_eq!(server.post(path, &[], &recipe("st4ts")).await.status, 403);
    }
}

#[tokio::test]
async fn an_invalidation_says_whom_it_reached_by_each_rule() {
    let server = Server::start(config()).await;
    let mut pay = server.sse("?route=/checkout/pay", &[]).await;
    let mut help = server.ws("?route=/checkout-help", &[]).await;
    let mut home = server.sse("", &[]).await;
    let ask = |body: Value| {
        let server = &server;
        async move { server.post(INVALIDATE, &[ADMIN], &body).await }
    };

    let dry = ask(json!({"route": "/checkout", "dryRun": true})).await.body;
    assert_eq!(dry["routes"], json!({"/checkout/pay": 1, "/checkout-help": 1}));
    assert_eq!((&dry["matched"], &dry["dryRun"], &dry["match"]), (&json!(2), &json!(true), &json!("prefix")));
    for (kind, pattern, matched) in
        [("prefix", "/", 3), ("exact", "/checkout", 0), ("segment", "/checkout", 1), ("regex", "(pay|help)$", 2)]
    {
        let answer = ask(json!({"route": pattern, "match": kind, "dryRun": true})).await;
        assert_eq!(answer.body["matched"], matched, "{kind}");
    }
    assert_eq!(ask(json!({"route": "/checkout", "match": "segment"})).await.body["matched"], 1);
    let message = pay.next().await;
    assert_eq!(
        (&message["type"], &message["version"], &message["force"]),
        (&json!("version"), &json!("b1"), &json!(true))
    );
    help.assert_quiet().await;
    home.assert_quiet().await;
}

#[tokio::test]
async fn what_is_no_pattern_is_refused_with_a_reason() {
    let server = Server::start(config()).await;
    for (body, reason) in [
        (json!({"route": ""}), "empty"),
        (json!({"route": "(", "match": "regex"}), "unclosed group"),
        (json!({"route": "x".repeat(600)}), "longer than 512"),
        (json!({"route": "/", "match": "glob"}), "glob"),
        (json!({"route": 7}), "bad JSON"),
        (json!({}), "route"),
    ] {
        let answer = server.post(INVALIDATE, &[ADMIN], &body).await;
        let message = answer.body["message"].as_str().unwrap().to_owned();
        assert!(answer.status == 400 && message.contains(reason), "{body}: {message}");
    }
}

#[tokio::test]
async fn whoever_may_not_act_does_not_learn_what_a_body_lacks() {
    let server = Server::start(config()).await;
    for path in [INVALIDATE, "/api/admin/invalidate-route", "/__skew/admin/release"] {
        assert_eq!(server.post(path, &[], &json!({})).await.status, 401);
        assert_eq!(server.post(path, &[READER], &json!({"route": 7, "version": 7})).await.status, 403);
        assert_eq!(server.post(path, &[ADMIN], &json!({"route": 7, "version": 7})).await.status, 400);
    }
    assert_eq!(server.post(INVALIDATE, &[], &json!({"secret": "adm1n"})).await.status, 400);
    assert_eq!(server.post(INVALIDATE, &[], &json!({"secret": ["adm1n"], "route": "/"})).await.status, 401);
}

#[tokio::test]
async fn only_an_admin_acts() {
    let server = Server::start(with_sessions()).await;
    let viewer = session_cookie("viewer, never expires");
    for (path, body) in [(INVALIDATE, json!({"route": "/"})), ("/__skew/admin/release", json!({"version": "b2"}))] {
        let refused = server.post(path, &[READER], &body).await;
        assert_eq!(refused.status, 403);
        assert!(refused.body["message"].as_str().unwrap().contains("may read and not act"));
        assert_eq!(server.post(path, &[], &body).await.status, 401);
        assert_eq!(server.post(path, &[("cookie", &viewer)], &body).await.status, 401);
    }
    assert_eq!(server.get("/__skew/health", &[]).await.body["version"], "b1");
    let admin = session_cookie("admin, never expires");
    assert_eq!(server.post(INVALIDATE, &[("cookie", &admin)], &json!({"route": "/"})).await.status, 200);
}

#[tokio::test]
async fn a_release_is_told_to_everybody_and_current_from_then_on() {
    let server = Server::start(config()).await;
    let mut sse = server.sse("", &[]).await;
    let mut ws = server.ws("", &[]).await;
    let release = |version: &'static str| {
        let server = &server;
        async move { server.post("/__skew/admin/release", &[ADMIN], &json!({ "version": version })).await }
    };
    let answer = release("b2").await;
    assert_eq!(answer.body, json!({"ok": true, "version": "b2", "previous": "b1", "reached": 2}));
    for message in [sse.next().await, ws.next().await] {
        assert_eq!(
            (&message["type"], &message["version"], message.get("force")),
            (&json!("version"), &json!("b2"), None)
        );
        assert!(message["timestamp"].is_u64());
    }
    assert_eq!(server.sse("", &[]).await.connected["version"], "b2");
    assert_eq!(release("").await.status, 400);
    assert_eq!(release("a\nb").await.status, 400);
    assert_eq!(server.get("/__skew/health", &[]).await.body["version"], "b2");
}
