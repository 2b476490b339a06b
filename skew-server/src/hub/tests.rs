//! The hub alone, on a clock that stands still until everybody waits.

#[cfg(feature = "redis")]
mod elsewhere;
mod people;

use futures_util::FutureExt;
use serde_json::{Value, json};
use skew_proto::{MatchKind, RoutePattern, Subscription};

use super::answer::{Invalidated, Mode};
use super::command::{Opening, Verdict};
use super::outbox::{Outbox, Parcel};
use super::*;
use crate::auth::Watch;
use crate::config::Config;
use crate::handle::Handle;
use crate::id::{ConnectionId, PublicId};

const QUEUE_LIMIT: usize = 64;

fn start() -> Handle {
    start_with(Config::new("b1"))
}

fn start_with(config: Config) -> Handle {
    let (sender, commands) = mpsc::unbounded_channel();
    let live = Arc::new(Live::new(config, Arc::new(())).unwrap());
    tokio::spawn(Hub::new(live.clone(), Arc::new(())).run(commands));
    Handle::new(sender, live)
}

struct Client {
    hub: Handle,
    connection_id: ConnectionId,
    id: PublicId,
    outbox: Arc<Outbox>,
}

impl Client {
    /// Opens a connection and takes its `connected`.
    async fn open(hub: &Handle, route: &str) -> Self {
        Self::open_as(hub, route, None).await
    }

    async fn open_as(hub: &Handle, route: &str, user: Option<&str>) -> Self {
        let (connection_id, id) = (ConnectionId::random(7), PublicId::random());
        let outbox = Arc::new(Outbox::new(QUEUE_LIMIT));
        let (version, route, user) = (None, route.to_owned(), user.map(Into::into));
        hub.open(Opening { connection_id, id, version, route, ip: None, user, outbox: outbox.clone() }).await.unwrap();
        let client = Self { hub: hub.clone(), connection_id, id, outbox };
        assert_eq!(client.next().await["type"], "connected");
        client
    }

    async fn subscribe(&self) -> Value {
        self.subscribe_to(Subscription::default()).await
    }

    async fn subscribe_to(&self, asked: Subscription) -> Value {
        self.hub.subscribe(self.connection_id, Verdict::Granted(asked, Watch::none())).await.unwrap();
        self.next().await
    }

    async fn next(&self) -> Value {
        let json = match self.outbox.next().await.expect("the stream goes on") {
            Parcel::Message(message) | Parcel::Keepalive(message) => message.json(),
            Parcel::Stats(snapshot) => snapshot.json(&self.id.to_string()),
        };
        serde_json::from_slice(&json).unwrap()
    }

    fn nothing_waits(&self) -> bool {
        self.outbox.next().now_or_never().is_none()
    }
}

fn pattern(text: &str) -> RoutePattern {
    RoutePattern::new(MatchKind::Prefix, text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_first_stats_come_at_once_and_the_next_on_the_tick() {
    let hub = start();
    let admin = Client::open(&hub, "/admin").await;
    let begun = Instant::now();
    assert_eq!(admin.subscribe().await["total"], 1);
    assert_eq!(begun.elapsed(), Duration::ZERO);

    for _ in 0..500 {
        Client::open(&hub, "/").await;
    }
    assert!(admin.nothing_waits());
    assert_eq!(admin.next().await["total"], 501);
    assert_eq!(begun.elapsed().as_millis(), 100);
}

#[tokio::test(start_paused = true)]
async fn nothing_ticks_while_nothing_moves() {
    let hub = start();
    let admin = Client::open(&hub, "/").await;
    admin.subscribe().await;
    // Only keepalives come.
    for _ in 0..100 {
        assert!(matches!(admin.outbox.next().await, Some(Parcel::Keepalive(_))));
    }
    hub.navigate(admin.connection_id, "/".into()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(admin.nothing_waits(), "a move to the same page is none");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_who_reads_late_gets_the_newest_stats_once() {
    let hub = start();
    let admin = Client::open(&hub, "/").await;
    admin.subscribe().await;
    let mut others = Vec::new();
    for total in 2..10 {
        others.push(Client::open(&hub, "/").await);
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(hub.stats().await.unwrap().total, total);
    }
    assert_eq!(admin.next().await["total"], 9);
    assert!(admin.nothing_waits());
}

#[tokio::test(start_paused = true)]
async fn a_closed_subscriber_gets_nothing_and_costs_nothing() {
    let hub = start();
    let admin = Client::open(&hub, "/").await;
    admin.subscribe().await;
    hub.close(admin.connection_id);
    hub.subscribe(admin.connection_id, Verdict::Granted(Subscription::default(), Watch::none())).await.unwrap();
    Client::open(&hub, "/").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(admin.nothing_waits());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_no_byte_of_stats() {
    let hub = start();
    let visitor = Client::open(&hub, "/").await;
    hub.subscribe(visitor.connection_id, Verdict::Refused).await.unwrap();
    assert_eq!(visitor.next().await, json!({"type": "stats-unauthorized"}));
    Client::open(&hub, "/").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(visitor.nothing_waits());
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_after_a_grant_gets_no_more_stats() {
    let hub = start();
    let user = Client::open(&hub, "/").await;
    user.subscribe().await;
    Client::open(&hub, "/").await;
    // These stats wait when the refusal comes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    hub.subscribe(user.connection_id, Verdict::Refused).await.unwrap();
    Client::open(&hub, "/").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(user.next().await, json!({"type": "stats-unauthorized"}));
    assert!(user.nothing_waits());
}

#[tokio::test(start_paused = true)]
async fn keepalives_go_to_everybody_every_thirty_seconds_and_not_all_at_once() {
    let hub = start();
    let mut tabs = Vec::new();
    for _ in 0..120 {
        tabs.push(Client::open(&hub, "/").await);
    }
    let begun = Instant::now();
    for round in 1..4 {
        let mut moments = std::collections::BTreeMap::<_, usize>::new();
        for tab in &tabs {
            let Some(Parcel::Keepalive(message)) = tab.outbox.next().await else { panic!("no keepalive") };
            let message: Value = serde_json::from_slice(&message.json()).unwrap();
            assert_eq!((&message["type"], message["timestamp"].is_u64()), (&json!("keepalive"), true));
            *moments.entry(begun.elapsed().as_millis()).or_default() += 1;
        }
        // Places are taken in order, so they were heard as they came.
        assert!(moments.values().all(|count| *count == 2), "{moments:?}");
        assert_eq!(begun.elapsed().as_secs(), 30 * round);
    }
    for tab in &tabs {
        hub.close(tab.connection_id);
    }
    hub.current().await.unwrap();
    let alone = Client::open(&hub, "/").await;
    assert!(matches!(alone.outbox.next().await, Some(Parcel::Keepalive(_))), "the timer starts again");
}

#[tokio::test(start_paused = true)]
async fn who_was_cut_off_by_an_applications_messages_is_closed_by_the_next_keepalive() {
    let hub = start();
    let slow = Client::open(&hub, "/").await;
    let sender = Sender::new(slow.outbox.clone());
    while sender.send(&json!({"type": "news"})).is_ok() {}
    assert_eq!(hub.stats().await.unwrap().total, 1);
    tokio::time::sleep(Duration::from_millis(wire::KEEPALIVE_MS) + Duration::from_secs(1)).await;
    assert_eq!(hub.stats().await.unwrap().total, 0);
}

#[tokio::test(start_paused = true)]
async fn two_equal_invalidations_differ_and_reach_only_who_matches() {
    let hub = start();
    let buyer = Client::open(&hub, "/checkout").await;
    let helped = Client::open(&hub, "/checkout-help").await;
    let reader = Client::open(&hub, "/").await;

    let counted = hub.invalidate(pattern("/checkout"), Mode::DryRun).await.unwrap();
    assert_eq!((counted.matched, counted.reached), (2, 0));
    assert!(buyer.nothing_waits());

    for _ in 0..2 {
        let sent = hub.invalidate(pattern("/checkout"), Mode::Send).await.unwrap();
        assert_eq!(sent, Invalidated { reached: 2, ..counted.clone() });
    }
    let (first, second) = (buyer.next().await, buyer.next().await);
    assert_eq!((&first["version"], &first["force"]), (&json!("b1"), &json!(true)));
    assert!(first["timestamp"].as_u64() < second["timestamp"].as_u64());
    assert_eq!(helped.next().await, first);
    assert!(reader.nothing_waits());
}

#[tokio::test(start_paused = true)]
async fn a_release_reaches_everybody_and_moves_nobody() {
    let hub = start();
    let tab = Client::open(&hub, "/").await;
    let released = hub.release(Release { version: "b2".into(), released_at: Some(17) }).await.unwrap();
    assert_eq!(released, Released { previous: "b1".into(), reached: 1 });
    let message = tab.next().await;
    assert_eq!(
        (&message["type"], &message["version"], &message["force"]),
        (&json!("version"), &json!("b2"), &Value::Null)
    );
    let stats = hub.stats().await.unwrap();
    assert_eq!(
        (stats.versions["b1"], &stats.extra["current"], &stats.extra["releasedAt"]),
        (1, &json!("b2"), &json!(17))
    );
}

#[tokio::test(start_paused = true)]
async fn a_build_released_twice_is_told_once_and_keeps_its_first_time() {
    let hub = start();
    let tab = Client::open(&hub, "/").await;
    let release = |at: Option<u64>| hub.release(Release { version: "b2".into(), released_at: at });
    assert_eq!(release(None).await.unwrap().reached, 1);
    assert_eq!(tab.next().await["version"], "b2");
    for (at, known) in [(Some(17), 17), (Some(18), 17), (None, 17), (Some(16), 16)] {
        assert_eq!(release(at).await.unwrap(), Released { previous: "b2".into(), reached: 0 });
        assert_eq!(hub.stats().await.unwrap().extra["releasedAt"], json!(known));
    }
    assert!(tab.nothing_waits());
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_that_overflows_a_queue_does_not_reach_it() {
    let hub = start();
    let slow = Client::open(&hub, "/").await;
    for _ in 0..QUEUE_LIMIT {
        slow.outbox.push(Parcel::Message(Message::custom("news").unwrap())).unwrap();
    }
    let sent = hub.invalidate(pattern("/"), Mode::Send).await.unwrap();
    assert_eq!((sent.matched, sent.reached), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn who_lets_too_much_wait_is_closed_and_nobody_else() {
    let hub = start();
    let slow = Client::open(&hub, "/slow").await;
    let quick = Client::open(&hub, "/quick").await;
    for n in 0..=QUEUE_LIMIT {
        let reached = hub.broadcast(&json!({ "n": n })).await.unwrap();
        assert_eq!(reached, if n < QUEUE_LIMIT { 2 } else { 1 });
        assert_eq!(quick.next().await["n"], n);
    }
    assert!(slow.outbox.next().await.is_none());
    assert_eq!(hub.stats().await.unwrap().routes.into_keys().collect::<Vec<_>>(), ["/quick"]);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_ends_streams_and_waits_for_them() {
    let hub = start();
    let tab = Client::open(&hub, "/").await;
    // Two ask, and both are answered.
    let also = tokio::spawn({
        let hub = hub.clone();
        async move { hub.shut_down(Duration::ZERO).await }
    });
    let down = tokio::spawn({
        let hub = hub.clone();
        async move { hub.shut_down(Duration::ZERO).await }
    });
    assert!(tab.outbox.next().await.is_none());
    let late = Client::open(&hub, "/").await;
    assert!(late.outbox.next().await.is_none(), "a newcomer is ended as it comes");
    hub.close(tab.connection_id);
    hub.current().await.unwrap();
    assert!(!down.is_finished());
    hub.close(late.connection_id);
    down.await.unwrap().unwrap();
    also.await.unwrap().unwrap();
    let later = Client::open(&hub, "/").await;
    assert!(later.outbox.next().await.is_none(), "it stays shut down");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_everybody_at_a_random_moment_of_its_time() {
    let hub = start();
    let mut tabs = Vec::new();
    for _ in 0..200 {
        tabs.push(Client::open(&hub, "/").await);
    }
    let begun = Instant::now();
    let down = tokio::spawn({
        let hub = hub.clone();
        async move { hub.shut_down(Duration::from_secs(10)).await }
    });
    let ends = futures_util::future::join_all(tabs.iter().map(|tab| async {
        while let Some(parcel) = tab.outbox.next().await {
            assert!(matches!(parcel, Parcel::Keepalive(_)));
        }
        hub.close(tab.connection_id);
        begun.elapsed()
    }))
    .await;
    let early = ends.iter().filter(|end| **end <= Duration::from_secs(5)).count();
    assert!((90..=110).contains(&early), "{early} of 200 in the first half");
    assert!(!ends.is_sorted(), "in no order");
    down.await.unwrap().unwrap();
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn names_past_the_limit_count_as_other_and_those_that_matter_never_do() {
    let limits = crate::config::Limits { routes: 3, versions: 2, ..Default::default() };
    let hub = start_with(Config { limits, ..Config::new("b1") });
    let open = async |version: &str, route: &str| {
        let (connection_id, id, outbox) = (ConnectionId::random(7), PublicId::random(), Arc::new(Outbox::new(1)));
        let (version, route) = (Some(version.to_owned()), route.to_owned());
        hub.open(Opening { connection_id, id, version, route, ip: None, user: None, outbox }).await.unwrap();
        connection_id
    };
    let first = open("old", "/1").await;
    for n in 2..=9 {
        open(&format!("v{n}"), &format!("/{n}")).await;
    }
    open("b1", "/").await;
    open("b1", wire::TUI_ROUTE).await;
    let stats = hub.stats().await.unwrap();
    let counts = |counts: &[(&str, u64)]| -> skew_proto::Counts {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    assert_eq!(stats.routes, counts(&[("/", 1), ("/1", 1), ("/2", 1), ("/3", 1), ("/__skew/tui", 1), ("other", 6)]));
    assert_eq!(stats.versions, counts(&[("b1", 2), ("old", 1), ("other", 7), ("v2", 1)]));
    let metrics = hub.metrics();
    assert!(metrics.contains("limit=\"routes\"} 6\n") && metrics.contains("limit=\"versions\"} 7\n"), "{metrics}");

    hub.navigate(first, "/2".into()).await.unwrap();
    hub.navigate(first, "/10".into()).await.unwrap();
    assert_eq!(hub.stats().await.unwrap().routes.get("/10"), None, "the table is still full");
}

#[tokio::test(start_paused = true)]
async fn more_subscribers_than_allowed_are_told_so_and_the_stream_goes_on() {
    let limits = crate::config::Limits { subscribers: 1, ..Default::default() };
    let hub = start_with(Config { limits, ..Config::new("b1") });
    let (one, other) = (Client::open(&hub, "/").await, Client::open(&hub, "/").await);
    let granted = || Verdict::Granted(Subscription::default(), Watch::none());
    one.subscribe().await;
    assert_eq!(hub.subscribe(other.connection_id, granted()).await.unwrap(), Subscribed::TooMany);
    assert!(other.nothing_waits());
    assert!(hub.metrics().contains("limit=\"subscribers\"} 1\n"));
    assert_eq!(
        hub.subscribe(one.connection_id, granted()).await.unwrap(),
        Subscribed::Heard,
        "one who is in may ask again"
    );
    hub.close(one.connection_id);
    assert_eq!(other.subscribe().await["total"], 1);
}
