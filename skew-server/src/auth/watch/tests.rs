use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use skew_proto::Subscription;
use tokio::time::Instant;

use super::*;
use crate::config::{Config, Secret};
use crate::handle::Handle;
use crate::hooks::{Credentials, Decision, Hooks, StatsRequest};
use crate::hub::Hub;
use crate::hub::command::{Opening, Subscribed};
use crate::hub::outbox::{Outbox, Parcel};
use crate::id::PublicId;
use crate::live::Live;

/// An application that says yes until it is told otherwise, to the cookie `let=me`.
#[derive(Clone, Default)]
struct Application {
    says_no: Arc<AtomicBool>,
    panics: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Hooks for Application {
    fn authorize_stats<'a>(&'a self, request: StatsRequest<'a>) -> Option<Decision<'a>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics.load(Ordering::SeqCst), "a hook that panics");
        let is_known = request.credentials.cookie.as_deref() == Some("let=me");
        let admits = is_known && !self.says_no.load(Ordering::SeqCst);
        Some(Box::pin(std::future::ready(admits)))
    }
}

fn config(secrets: &[&str]) -> Config {
    let stats_secrets = secrets.iter().map(|secret| Secret::new(secret).unwrap()).collect();
    Config { stats_secrets, ..Config::new("b1") }
}

fn start(hooks: impl Hooks, secrets: &[&str]) -> Shared {
    let hooks: Arc<dyn Hooks> = Arc::new(hooks);
    let live = Arc::new(Live::new(config(secrets), hooks.clone()).unwrap());
    let (sender, commands) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(Hub::new(live.clone(), hooks).run(commands));
    Arc::new(App { hub: Handle::new(sender, live.clone()), live, started: std::time::Instant::now() })
}

fn cookie(text: &str) -> Arc<Caller> {
    let credentials = Credentials { cookie: Some(text.into()), ..Credentials::default() };
    Arc::new(Caller { credentials, address: None })
}

fn bearer(secret: &str) -> Arc<Caller> {
    let credentials = Credentials { authorization: Some(format!("Bearer {secret}").into()), ..Credentials::default() };
    Arc::new(Caller { credentials, address: None })
}

struct Client {
    app: Shared,
    connection_id: ConnectionId,
    outbox: Arc<Outbox>,
}

impl Client {
    async fn open(app: &Shared) -> Self {
        let (connection_id, id, outbox) = (ConnectionId::random(7), PublicId::random(), Arc::new(Outbox::new(64)));
        let (version, route) = (None, "/".to_owned());
        app.hub
            .open(Opening { connection_id, id, version, route, ip: None, user: None, outbox: outbox.clone() })
            .await
            .unwrap();
        let client = Self { app: app.clone(), connection_id, outbox };
        assert_eq!(client.next().await, "connected");
        client
    }

    async fn subscribe(&self, caller: Arc<Caller>) {
        let watch = Watch::begin(&self.app, self.connection_id, Some(caller)).await.unwrap();
        let verdict = Verdict::Granted(Subscription::default(), watch);
        assert_eq!(self.app.hub.subscribe(self.connection_id, verdict).await.unwrap(), Subscribed::Heard);
        assert_eq!(self.next().await, "stats");
    }

    /// The type of the next message but keepalives.
    async fn next(&self) -> String {
        loop {
            let json = match self.outbox.next().await.unwrap() {
                Parcel::Message(message) => message.json(),
                Parcel::Stats(snapshot) => snapshot.json("x"),
                Parcel::Keepalive(_) => continue,
            };
            return serde_json::from_slice::<Value>(&json).unwrap()["type"].as_str().unwrap().to_owned();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_allowed_any_more_hears_so_at_the_next_look_and_gets_no_more_stats() {
    let application = Application::default();
    let app = start(application.clone(), &[]);
    let (client, begun) = (Client::open(&app).await, Instant::now());
    client.subscribe(cookie("let=me")).await;
    tokio::time::sleep(Duration::from_secs(599)).await;
    assert_eq!(application.asked.load(Ordering::SeqCst), 1 + 4, "once, and then every two minutes");
    application.says_no.store(true, Ordering::SeqCst);
    assert_eq!(client.next().await, "stats-unauthorized");
    assert!(begun.elapsed() <= Duration::from_secs(720), "{:?}", begun.elapsed());
    let asked = application.asked.load(Ordering::SeqCst);
    let _other = Client::open(&app).await;
    let nothing = tokio::time::timeout(Duration::from_secs(3600), client.next()).await;
    assert!(nothing.is_err());
    assert_eq!(application.asked.load(Ordering::SeqCst), asked, "nobody looks after one who has no stats");
    assert_eq!(app.live.metrics.subscribers.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_has_not_said_yes() {
    let application = Application::default();
    let app = start(application.clone(), &[]);
    let client = Client::open(&app).await;
    client.subscribe(cookie("let=me")).await;
    application.panics.store(true, Ordering::SeqCst);
    assert_eq!(client.next().await, "stats-unauthorized");
}

#[tokio::test(start_paused = true)]
async fn new_settings_are_heard_of_at_once() {
    let app = start((), &["old", "new"]);
    let (client, begun) = (Client::open(&app).await, Instant::now());
    client.subscribe(bearer("old")).await;
    app.live.reconfigure(config(&["new", "other"])).unwrap();
    assert_eq!(client.next().await, "stats-unauthorized");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_subscription_of_a_connection_is_looked_after() {
    let app = start((), &["old", "new"]);
    let client = Client::open(&app).await;
    let old = bearer("old");
    client.subscribe(old.clone()).await;
    client.subscribe(bearer("new")).await;
    app.live.reconfigure(config(&["new"])).unwrap();
    let _other = Client::open(&app).await;
    assert_eq!(client.next().await, "stats");
    assert_eq!(Arc::strong_count(&old), 1, "its credentials are not kept");
    app.live.reconfigure(config(&["other"])).unwrap();
    assert_eq!(client.next().await, "stats-unauthorized");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_another_has_followed_ends_nothing() {
    let app = start((), &["one"]);
    let client = Client::open(&app).await;
    client.subscribe(bearer("one")).await;
    let stale = Watch::none();
    app.hub.subscribe(client.connection_id, Verdict::Ended(stale.id())).await.unwrap();
    let _other = Client::open(&app).await;
    assert_eq!(client.next().await, "stats");
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_connection() {
    let app = start((), &["one"]);
    let client = Client::open(&app).await;
    let caller = bearer("one");
    client.subscribe(caller.clone()).await;
    assert_eq!(Arc::strong_count(&caller), 2);
    app.hub.close(client.connection_id);
    app.hub.current().await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(Arc::strong_count(&caller), 1);
}

#[tokio::test(start_paused = true)]
async fn a_look_is_no_try_and_no_slowed_address_ends_it() {
    let app = start((), &["one"]);
    let client = Client::open(&app).await;
    let address = crate::limits::AddressKey::of([203, 0, 113, 9].into());
    let Caller { credentials, .. } = Arc::into_inner(bearer("one")).unwrap();
    client.subscribe(Arc::new(Caller { credentials, address })).await;
    let rate = config(&[]).limits.tries_by_address;
    while app.live.tries.take(address.unwrap(), &rate, crate::clock::nanos()).is_ok() {}
    app.live.reconfigure(config(&["one", "two"])).unwrap();
    let _other = Client::open(&app).await;
    assert_eq!(client.next().await, "stats");
}
