//! The library in an application: hooks, messages of the application's own, and a server of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use serde_json::json;
use skew_proto::{MatchKind, RoutePattern};
use skew_server::{Config, Decision, Hooks, Mode, OpenedConnection, PublicId, SendError, Sender, StatsRequest};
use tokio::net::TcpListener;

use super::support::{Server, Sse, config, soon};

/// Writes down what it hears, greets everybody, and lets in who has the cookie `let=me`.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Hooks for Journal {
    fn connection_open(&self, connection: &OpenedConnection<'_>, sender: Sender) {
        let OpenedConnection { id, version, route, ip } = connection;
        self.note(format!("open {version} {route} {}", ip.is_some()));
        sender.send(&json!({"type": "welcome", "id": id.to_string()})).unwrap();
        assert_ne!(*route, "/panic", "a hook that panics");
    }

    fn connection_close(&self, _: PublicId) {
        self.note("close".into());
    }

    fn route_update(&self, _: PublicId, route: &str) {
        self.note(format!("route {route}"));
    }

    fn authorize_stats<'a>(&'a self, request: StatsRequest<'a>) -> Option<Decision<'a>> {
        Some(Box::pin(async move {
            tokio::task::yield_now().await;
            request.credentials.cookie.as_deref() == Some("let=me")
        }))
    }
}

#[tokio::test]
async fn hooks_hear_everything_in_order_and_can_answer() {
    let journal = Journal::default();
    let server = Server::with_hooks(config(), journal.clone()).await;
    let mut sse = server.sse("?route=/a", &[("cookie", "__nkpv=old")]).await;
    let welcome = sse.next().await;
    let shown = server.handle.stats().await.unwrap().connections[0].id.clone();
    assert_eq!(welcome, json!({"type": "welcome", "id": shown}));
    server.post("/__skew/route", &[], &json!({"connectionId": sse.connection_id, "route": "/b"})).await;
    drop(sse);
    server.until("the close", |stats| stats.total == 0).await;
    assert_eq!(journal.lines(), ["open old /a false", "route /b", "close"]);
}

#[tokio::test]
async fn the_hook_lets_in_whom_no_secret_does() {
    let server = Server::with_hooks(Config::new("b1"), Journal::default()).await;
    let mut sse = server.sse("", &[]).await;
    assert_eq!(sse.next().await["type"], "welcome");
    server.subscribe(&sse.connection_id, &[]).await;
    assert_eq!(sse.next().await["type"], "stats-unauthorized");
    server.subscribe(&sse.connection_id, &[("cookie", "let=me")]).await;
    assert_eq!(sse.next().await["type"], "stats");

    let mut ws = server.ws("", &[("cookie", "let=me")]).await;
    assert_eq!(ws.next().await["type"], "welcome");
    ws.send(r#"{"type":"subscribe-stats"}"#).await;
    assert_eq!(ws.next().await["type"], "stats");
    assert_eq!(server.get("/__skew/admin/stats", &[("cookie", "let=me")]).await.status, 200);
    assert_eq!(server.get("/__skew/admin/stats", &[("cookie", "let=him")]).await.status, 401);
}

#[tokio::test]
async fn a_hook_that_panics_harms_nobody() {
    let server = Server::with_hooks(config(), Journal::default()).await;
    let _unlucky = server.sse("?route=/panic", &[]).await;
    let _other = server.sse("", &[]).await;
    assert_eq!(server.handle.stats().await.unwrap().total, 2);
}

#[tokio::test]
async fn the_handle_reaches_all_one_or_a_page() {
    let server = Server::start(config()).await;
    let mut a = server.sse("?route=/a", &[]).await;
    let mut b = server.ws("?route=/b", &[]).await;
    assert_eq!(server.handle.broadcast(&json!({"type": "sale"})).await.unwrap(), 2);
    assert_eq!((a.next().await, b.next().await), (json!({"type": "sale"}), json!({"type": "sale"})));

    let id: PublicId = server.handle.stats().await.unwrap().connections[1].id.parse().unwrap();
    server.handle.send_to(id, &json!({"type": "psst", "text": "a\r\n\nb"})).await.unwrap();
    assert_eq!(b.next().await["text"], "a\r\n\nb");

    let pattern = RoutePattern::new(MatchKind::Exact, "/a").unwrap();
    assert_eq!(server.handle.invalidate(pattern, Mode::Send).await.unwrap().matched, 1);
    assert_eq!(a.next().await["force"], true);
    b.assert_quiet().await;

    drop(b);
    server.until("the close", |stats| stats.total == 1).await;
    assert!(matches!(server.handle.send_to(id, &json!({})).await, Err(SendError::Closed)));
}

#[tokio::test]
async fn the_router_merges_into_an_application_served_by_axum() {
    let (skew, handle) = skew_server::router(config(), ()).unwrap();
    let app = Router::new().route("/", get(|| async { "hello" })).merge(skew);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut sse = Sse::open(&format!("{url}/__skew/sse?route=/a"), &[]).await;
    assert_eq!(handle.stats().await.unwrap().routes["/a"], 1);
    handle.broadcast(&json!({"type": "sale"})).await.unwrap();
    assert_eq!(soon("the message", sse.next()).await["type"], "sale");
    serving.abort();
}
