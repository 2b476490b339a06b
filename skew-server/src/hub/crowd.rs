//! The state of a server with many connections and subscribers, and no sockets: what is measured and counted.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use skew_proto::{List, Subscription, UserIds};
use tokio::time::Instant;

use super::answer::Current;
use super::delivery::push_to;
use super::message::Message;
use super::outbox::{Outbox, Parcel};
use super::peer::Peer;
use super::plan::Scene;
use super::registry::{Change, Entry, Key};
use super::snapshot;
use super::state::State;
use super::subscribers::Subscribers;
use crate::id::{ConnectionId, PublicId};
use crate::metrics::Metrics;

const VERSIONS: usize = 8;
const ROUTES: usize = 500;
const INTERVAL: Duration = Duration::from_millis(100);

/// Connections on some builds and a site's pages.
#[derive(Debug)]
pub struct Crowd {
    state: State<Peer>,
    subscribers: Subscribers,
    metrics: Metrics,
    now: Instant,
    routes: Vec<String>,
    keys: Vec<Key>,
    turn: usize,
}

/// One who is about to open.
#[derive(Debug)]
pub struct Newcomer(Entry<Peer>);

impl Crowd {
    /// A crowd of so many.
    #[must_use]
    pub fn new(connections: usize) -> Self {
        let now = Instant::now();
        let mut crowd = Self {
            state: State::new(Current { version: "build-0".into(), released_at: None }),
            subscribers: Subscribers::new(now),
            metrics: Metrics::new(),
            now,
            routes: (0..ROUTES).map(|n| format!("/products/page-{n}")).collect(),
            keys: Vec::new(),
            turn: 0,
        };
        for _ in 0..connections {
            let newcomer = crowd.newcomer();
            crowd.open(newcomer);
        }
        crowd
    }

    /// Draws the ids of one more.
    #[must_use]
    pub fn newcomer(&mut self) -> Newcomer {
        self.turn += 1;
        let version = self.state.aggregates.versions.share(&format!("build-{}", self.turn % VERSIONS));
        let route = self.state.aggregates.routes.share(&self.routes[self.turn % ROUTES]);
        let (connection_id, id) = (Some(ConnectionId::random(7)), PublicId::random());
        let peer = Peer::Here(Arc::new(Outbox::new(64)));
        Newcomer(Entry { connection_id, id, version, route, ip: None, user: None, peer })
    }

    /// One more opens.
    pub fn open(&mut self, Newcomer(entry): Newcomer) {
        let (key, change) = self.state.open(entry, 7);
        self.keys.push(key);
        self.note(&change);
    }

    /// One of them closes, each at some time.
    pub fn close(&mut self) {
        let nth = self.next();
        let key = self.keys.swap_remove(nth);
        if let Some((_, change)) = self.state.close(key) {
            self.note(&change);
        }
    }

    /// One of them goes to another page.
    pub fn navigate(&mut self) {
        let nth = self.next();
        let key = self.keys[nth];
        let route = self.state.aggregates.routes.share(&self.routes[self.turn % ROUTES]);
        if let Some(change) = self.state.navigate(key, &route) {
            self.note(&change);
        }
    }

    /// One more opens and is told stats.
    pub fn subscribe(&mut self, asked: Subscription) {
        let newcomer = self.newcomer();
        self.open(newcomer);
        let key = self.keys[self.keys.len() - 1];
        self.tell(|subscribers, scene| subscribers.subscribe(key, asked, scene));
        // It stays.
        self.keys.pop();
    }

    /// Lets the time of a tick go by. Subscribers are told what there is to tell, and read it. Returns the bytes of it.
    pub fn tick(&mut self) -> usize {
        self.now += INTERVAL;
        self.tell(Subscribers::publish);
        let mut bytes = 0;
        for key in self.subscribers.keys() {
            if let Some(outbox) = self.state.registry.get(key).and_then(|entry| entry.peer.outbox()) {
                bytes += read(outbox);
            }
        }
        bytes
    }

    /// Encodes everything, and returns its bytes.
    #[must_use]
    pub fn snapshot(&self) -> usize {
        snapshot::take(&self.state, List::All, UserIds::Hidden).len()
    }

    /// Gives everybody a message, and returns how many took it.
    ///
    /// # Panics
    ///
    /// When the message is no JSON.
    #[expect(clippy::expect_used, reason = "whoever measures sends JSON")]
    pub fn broadcast<T: Serialize>(&self, message: &T) -> u64 {
        let parcel = Parcel::Message(Message::custom(message).expect("JSON"));
        push_to(self.state.registry.iter(), &parcel).reached
    }

    /// Has everybody read what waits.
    pub fn read_all(&self) {
        for outbox in self.state.registry.iter().filter_map(|(_, entry)| entry.peer.outbox()) {
            read(outbox);
        }
    }

    /// Spreads over the crowd, each one once before anybody twice where their number is no multiple of the step.
    fn next(&mut self) -> usize {
        self.turn += 7_919;
        self.turn % self.keys.len()
    }

    fn note(&mut self, change: &Change) {
        if self.subscribers.len() == 0 {
            self.subscribers.forget();
        } else {
            self.tell(|subscribers, scene| subscribers.note(change, scene));
        }
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Subscribers, &Scene<'_>)) {
        let scene = Scene { state: &self.state, now: self.now, interval: INTERVAL, metrics: &self.metrics.stats };
        tell(&mut self.subscribers, &scene);
    }
}

fn read(outbox: &Outbox) -> usize {
    let mut bytes = 0;
    let mut reader = std::task::Context::from_waker(std::task::Waker::noop());
    while let std::task::Poll::Ready(Some(parcel)) = outbox.poll_next(&mut reader) {
        bytes += match parcel {
            Parcel::Message(message) | Parcel::Keepalive(message) => message.len(),
            Parcel::Stats(snapshot) => snapshot.len(),
        };
    }
    bytes
}
