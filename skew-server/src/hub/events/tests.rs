//! Events of the hub alone, on a clock that stands still until everybody waits.

use std::sync::Mutex;

use futures_util::FutureExt;
use serde_json::Value;
use skew_proto::{Events, Subscription};

use super::super::command::{Command, Opening, Verdict};
use super::super::outbox::{Outbox, Parcel};
use super::*;
use crate::auth::Watch;
use crate::config::{Config, Secret, UserConfig};
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::id::{ConnectionId, PublicId};

/// Keeps what it hears.
#[derive(Default)]
struct Heard {
    asks: EventsAsked,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Hooks for Heard {
    fn asks_for_events(&self) -> EventsAsked {
        self.asks
    }

    fn event(&self, event: &Event) {
        self.events.lock().unwrap().push(event.clone());
        assert_ne!(event.seq, 2, "a hook that panics");
    }
}

fn start(config: Config, hooks: Heard) -> (Handle, mpsc::UnboundedSender<Command>) {
    let (sender, commands) = mpsc::unbounded_channel();
    let hooks: Arc<dyn Hooks> = Arc::new(hooks);
    let live = Arc::new(Live::new(config, hooks.clone()).unwrap());
    tokio::spawn(Hub::new(live.clone(), hooks).run(commands));
    (Handle::new(sender.clone(), live), sender)
}

struct Client {
    connection_id: ConnectionId,
    outbox: Arc<Outbox>,
}

impl Client {
    async fn open(hub: &Handle, user: Option<&str>) -> Self {
        let (connection_id, id) = (ConnectionId::random(7), PublicId::random());
        let outbox = Arc::new(Outbox::new(4));
        let (route, user) = ("/".to_owned(), user.map(Into::into));
        hub.open(Opening { connection_id, id, version: None, route, ip: None, user, outbox: outbox.clone() })
            .await
            .unwrap();
        let client = Self { connection_id, outbox };
        assert_eq!(client.next().await["type"], "connected");
        client
    }

    async fn ask(&self, hub: &Handle, events: EventsAsked) {
        let asked = Subscription { events, ..Subscription::default() };
        hub.subscribe(self.connection_id, Verdict::Granted(asked, Watch::none())).await.unwrap();
    }

    async fn next(&self) -> Value {
        loop {
            if let Parcel::Message(message) = self.outbox.next().await.expect("the stream goes on") {
                return serde_json::from_slice(&message.json()).unwrap();
            }
        }
    }

    /// What of events waits to be read.
    fn unread(&self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(Some(parcel)) = self.outbox.next().now_or_never() {
            let Parcel::Message(message) = parcel else { continue };
            if let Ok(message) = serde_json::from_slice::<Events>(&message.json()) {
                assert_eq!(message.extra["type"], "events");
                events.extend(message.events);
            }
        }
        events
    }
}

/// What is told of whom, shortly.
fn short(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match &event.what {
        Happening::UserCame { user } => format!("{} came {user}", event.seq),
        Happening::UserLeft { user } => format!("{} left {user}", event.seq),
        Happening::ConnectionOpened { user, .. } => format!("{} opened {}", event.seq, user.as_deref().unwrap_or("-")),
        Happening::ConnectionClosed { user, .. } => format!("{} closed {}", event.seq, user.as_deref().unwrap_or("-")),
        Happening::ConnectionNavigated { from, to, .. } => format!("{} moved {from} {to}", event.seq),
    };
    events.iter().map(line).collect()
}

async fn pass(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn subscribers_hear_what_they_ask_for_from_then_on() {
    let (hub, _) = start(Config::new("b1"), Heard::default());
    let (all, users, none) =
        (Client::open(&hub, Some("op")).await, Client::open(&hub, None).await, Client::open(&hub, None).await);
    all.ask(&hub, EventsAsked::All).await;
    users.ask(&hub, EventsAsked::Users).await;
    none.ask(&hub, EventsAsked::None).await;

    let tab = Client::open(&hub, Some("ann")).await;
    hub.navigate(tab.connection_id, "/a".into()).await.unwrap();
    let second = Client::open(&hub, Some("ann")).await;
    hub.close(second.connection_id);
    hub.close(tab.connection_id);
    pass(150).await;
    // Three connections opened before anybody asked.
    let opened = ["4 opened ann", "1 came ann", "5 moved / /a", "6 opened ann", "7 closed ann", "8 closed ann"];
    assert_eq!(short(&all.unread()), opened);
    assert_eq!(short(&users.unread()), ["1 came ann"]);
    pass(2800).await;
    assert!(users.unread().is_empty(), "a reload is no leaving");
    pass(200).await;
    let left = users.unread();
    assert_eq!(short(&left), ["2 left ann"]);
    assert_eq!((&*left[0].instance, left.len()), ("skew", 1));
    assert_eq!(short(&all.unread()), ["2 left ann"]);
    assert!(none.unread().is_empty());

    users.ask(&hub, EventsAsked::All).await;
    all.ask(&hub, EventsAsked::None).await;
    let _bob = Client::open(&hub, Some("bob")).await;
    hub.subscribe(none.connection_id, Verdict::Refused).await.unwrap();
    pass(150).await;
    assert_eq!(short(&users.unread()), ["9 opened bob", "3 came bob"]);
    assert!(all.unread().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_back_within_the_grace_has_not_left() {
    let (hub, _) = start(Config::new("b1"), Heard::default());
    let watcher = Client::open(&hub, None).await;
    watcher.ask(&hub, EventsAsked::Users).await;
    let mut tab = Client::open(&hub, Some("ann")).await;
    for _ in 0..5 {
        hub.close(tab.connection_id);
        pass(2900).await;
        tab = Client::open(&hub, Some("ann")).await;
        pass(10_000).await;
    }
    assert_eq!(short(&watcher.unread()), ["1 came ann"]);
}

#[tokio::test(start_paused = true)]
async fn who_was_here_before_anybody_listened_is_told_of_when_they_leave() {
    let (hub, _) = start(Config { leave_grace: Duration::ZERO, ..Config::new("b1") }, Heard::default());
    let tab = Client::open(&hub, Some("ann")).await;
    let watcher = Client::open(&hub, Some("op")).await;
    watcher.ask(&hub, EventsAsked::Users).await;
    hub.close(tab.connection_id);
    pass(150).await;
    assert_eq!(short(&watcher.unread()), ["1 left ann"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_loses_events_sees_it_by_their_numbers_and_stays() {
    let (hub, _) = start(Config::new("b1"), Heard::default());
    let watcher = Client::open(&hub, None).await;
    watcher.ask(&hub, EventsAsked::All).await;
    for _ in 0..30 {
        Client::open(&hub, None).await;
        pass(200).await;
    }
    let events = watcher.unread();
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (24..=31).collect::<Vec<_>>(), "the newest");
    Client::open(&hub, None).await;
    pass(200).await;
    assert_eq!(watcher.unread().len(), 1);
    assert_eq!(hub.stats().await.unwrap().total, 32);
}

#[tokio::test(start_paused = true)]
async fn many_events_at_once_are_in_messages_of_a_bounded_size() {
    let (hub, _) = start(Config::new("b1"), Heard::default());
    let watcher = Client::open(&hub, None).await;
    watcher.ask(&hub, EventsAsked::All).await;
    for _ in 0..1000 {
        Client::open(&hub, None).await;
    }
    pass(150).await;
    let (mut bytes, mut events) = (Vec::new(), 0);
    while let Some(Some(parcel)) = watcher.outbox.next().now_or_never() {
        let Parcel::Message(message) = parcel else { continue };
        if let Ok(message) = serde_json::from_slice::<Events>(&message.json()) {
            events += message.events.len();
        }
        bytes.push(message.len());
    }
    assert!(events == 1000 && bytes.len() > 1 && bytes.iter().all(|bytes| *bytes < 65 * 1024), "{events} {bytes:?}");
}

#[tokio::test(start_paused = true)]
async fn the_hook_hears_what_it_asks_for_and_may_panic() {
    for (asks, heard) in [
        (EventsAsked::All, &["1 opened ann", "1 came ann", "2 closed ann", "2 left ann"][..]),
        (EventsAsked::Users, &["1 came ann", "2 left ann"]),
        (EventsAsked::None, &[]),
    ] {
        let hooks = Heard { asks, ..Heard::default() };
        let events = hooks.events.clone();
        let (hub, _) = start(Config::new("b1"), hooks);
        let tab = Client::open(&hub, Some("ann")).await;
        hub.close(tab.connection_id);
        pass(3100).await;
        assert_eq!(short(&events.lock().unwrap()), heard);
    }
}

#[test]
fn where_nobody_listens_nothing_is_made_of_what_happens() {
    let live = Arc::new(Live::new(Config::new("b1"), Arc::new(())).unwrap());
    let mut hub = Hub::new(live, Arc::new(()));
    hub.prepare_events();
    hub.tell_of_connection(|| panic!("somebody listens"));
    assert!(matches!(hub.events.announces, Announces::Here(None)), "nor is it kept who is here");
    assert_eq!(hub.events.due(), None);
}

#[tokio::test(start_paused = true)]
async fn several_instances_are_told_of_users_by_their_leader_and_of_connections_by_each_other() {
    let redis = "redis://127.0.0.1:1".parse().unwrap();
    let key = Secret::new("a-key-for-hashes-of-32-bytes-or-more").unwrap();
    let users = UserConfig { hash_key: Some(key), ..UserConfig::default() };
    let hooks = Heard { asks: EventsAsked::Users, ..Heard::default() };
    let heard = hooks.events.clone();
    let (hub, commands) = start(Config { redis: Some(redis), users, ..Config::new("b1") }, hooks);
    let watcher = Client::open(&hub, None).await;
    watcher.ask(&hub, EventsAsked::All).await;
    let (sender, mut offered) = mpsc::channel(2);
    commands.send(Command::OfferEvents(sender)).unwrap();
    let mut tabs = Vec::new();
    for _ in 0..3 {
        tabs.push(Client::open(&hub, Some("ann")).await);
    }
    pass(150).await;
    assert_eq!(short(&watcher.unread()), ["2 opened ann", "3 opened ann", "4 opened ann"], "nobody is announced here");
    let (first, second) = (offered.recv().await.unwrap(), offered.recv().await.unwrap());
    assert_eq!(short(&[first, second]), ["2 opened ann", "3 opened ann"]);
    hub.close(tabs[0].connection_id);
    assert_eq!(short(&[offered.recv().await.unwrap()]), ["5 closed ann"], "what had no room shows by the numbers");

    let event = |what| Event { instance: "web-2".into(), epoch: 3, seq: 1, at: 9, what };
    let (reply, done) = tokio::sync::oneshot::channel();
    let came = event(Happening::UserCame { user: "ann".into() });
    commands.send(Command::Announced(vec![came.clone()], ToWebhooks::Left, reply)).unwrap();
    done.await.unwrap();
    let (reply, done) = tokio::sync::oneshot::channel();
    let moved = event(Happening::ConnectionNavigated { id: "c".into(), from: "/".into(), to: "/a".into(), user: None });
    commands.send(Command::EventsOfOthers(vec![moved], reply)).unwrap();
    done.await.unwrap();
    pass(150).await;
    assert_eq!(short(&watcher.unread()), ["5 closed ann", "1 came ann", "1 moved / /a"]);
    assert_eq!(*heard.lock().unwrap(), [came]);
}
