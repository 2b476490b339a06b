//! Events for subscribers and for the embedder, over real sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use skew_proto::{Event, Events, EventsAsked, Happening};
use skew_server::{Config, Hooks, UserConfig};

use super::support::{ADMIN, Server, Sse, Ws, config};

fn watched() -> Config {
    let users = UserConfig { cookie: Some("visitor".into()), ..UserConfig::default() };
    Config { users, leave_grace: Duration::from_millis(50), ..config() }
}

/// The events of the next message that has some.
async fn events(mut next: impl AsyncFnMut() -> Value) -> Vec<Event> {
    loop {
        let message = next().await;
        if message["type"] == "events" {
            return serde_json::from_value::<Events>(message).unwrap().events;
        }
        assert_eq!(message["type"], "stats", "{message}");
    }
}

async fn subscribe(server: &Server, sse: &Sse, events: &str) {
    let body = json!({"connectionId": sse.connection_id, "list": "none", "events": events});
    assert_eq!(server.post("/__skew/subscribe-stats", &[ADMIN], &body).await.status, 200);
}

async fn subscribed(server: &Server, events: &str) -> Sse {
    let mut sse = server.sse("", &[]).await;
    subscribe(server, &sse, events).await;
    let stats = sse.next().await;
    assert_eq!(stats["granted"]["events"], *events, "{stats}");
    sse
}

#[tokio::test]
async fn a_subscriber_hears_of_connections_as_they_are() {
    let server = Server::start(watched()).await;
    let mut watcher = subscribed(&server, "all").await;
    let tab = server.sse("?route=/a", &[("cookie", "__nkpv=old; visitor=ann")]).await;
    let stats = server.handle.stats().await.unwrap();
    let shown = stats.connections.iter().find(|connection| connection.version == "old").unwrap().clone();
    server.post("/__skew/route", &[], &json!({"connectionId": tab.connection_id, "route": "/b"})).await;
    drop(tab);
    let mut all = Vec::new();
    while !all.iter().any(|event: &Event| matches!(event.what, Happening::UserLeft { .. })) {
        all.extend(events(async || watcher.next().await).await);
    }
    let (users, connections): (Vec<_>, Vec<_>) = all.into_iter().partition(|event| event.what.is_of_user());
    let [opened, moved, closed] = &connections[..] else { panic!("{connections:?}") };
    let Happening::ConnectionOpened { id, version, route, user: Some(user) } = &opened.what else {
        panic!("{opened:?}")
    };
    assert_eq!((id, &**version, &**route), (&shown.id, "old", "/a"));
    let Happening::ConnectionNavigated { from, to, .. } = &moved.what else { panic!("{moved:?}") };
    assert_eq!((&**from, &**to), ("/a", "/b"));
    assert!(matches!(&closed.what, Happening::ConnectionClosed { route, .. } if route == "/b"));
    let told: Vec<_> = users.iter().map(|event| (event.seq, &event.what)).collect();
    let (came, left) = (Happening::UserCame { user: user.clone() }, Happening::UserLeft { user: user.clone() });
    assert_eq!(told, [(1, &came), (2, &left)]);
    assert_ne!(users[0].epoch, connections[0].epoch, "each has numbers of its own");
    assert!(connections.windows(2).all(|two| two[1].seq == two[0].seq + 1));
}

#[tokio::test]
async fn nobody_hears_of_events_unasked_or_without_leave() {
    let server = Server::start(watched()).await;
    let mut plain = server.sse("", &[]).await;
    server.subscribe(&plain.connection_id, &[ADMIN]).await;
    let mut stranger = server.sse("", &[]).await;
    subscribe_without_leave(&server, &stranger).await;
    assert_eq!(stranger.next().await["type"], "stats-unauthorized");
    let _tab = server.sse("", &[("cookie", "visitor=ann")]).await;
    plain.stats(|stats| stats["total"] == 3).await;
    plain.assert_quiet().await;
    stranger.assert_quiet().await;
}

async fn subscribe_without_leave(server: &Server, sse: &Sse) {
    let body = json!({"connectionId": sse.connection_id, "events": "all"});
    server.post("/__skew/subscribe-stats", &[], &body).await;
}

#[tokio::test]
async fn a_web_socket_asks_for_events_alike() {
    let server = Server::start(watched()).await;
    let mut watcher: Ws = server.ws("", &[ADMIN]).await;
    watcher.send(r#"{"type":"subscribe-stats","events":"users"}"#).await;
    assert_eq!(watcher.next().await["granted"]["events"], "users");
    let _tab = server.sse("", &[("cookie", "visitor=ann")]).await;
    let events = events(async || watcher.next().await).await;
    assert!(matches!(&events[..], [Event { what: Happening::UserCame { .. }, .. }]), "{events:?}");
}

/// Keeps the events of users.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Event>>>);

impl Hooks for Heard {
    fn asks_for_events(&self) -> EventsAsked {
        EventsAsked::Users
    }

    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

#[tokio::test]
async fn the_embedders_hook_hears_of_users() {
    let heard = Heard::default();
    let server = Server::with_hooks(watched(), heard.clone()).await;
    let tabs = (
        server.sse("", &[("cookie", "visitor=ann")]).await,
        server.ws("", &[("cookie", "visitor=ann")]).await,
        server.sse("", &[]).await,
    );
    server.until("all", |stats| stats.total == 3).await;
    drop(tabs);
    super::support::soon("the leave", async {
        while heard.0.lock().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let events = heard.0.lock().unwrap().clone();
    assert!(matches!(
        &events[..],
        [Event { what: Happening::UserCame { .. }, .. }, Event { what: Happening::UserLeft { .. }, .. }]
    ));
}
