//! Subscribers of one kind: when they hear of what has happened, and in which form.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use skew_proto::{EventsAsked, List, StatsMode, Subscription};
use tokio::time::Instant;

use super::budget::Whole;
use super::message::Snapshot;
use super::outbox::{Behind, Outbox};
use super::peer::Peer;
use super::pending::Pending;
use super::registry::{Change, Key};
use super::snapshot;
use super::state::State;
use crate::metrics::{StatsMetrics, Told};

/// Longest time between two messages that a subscriber may ask for.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// What there is to be told, and how.
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a State<Peer>,
    pub(crate) now: Instant,
    /// Shortest time between two messages to a subscriber.
    pub(crate) interval: Duration,
    pub(crate) metrics: &'a StatsMetrics,
}

/// What is granted of what a subscriber asks for. Who asks for nothing gets what a stock server sends.
pub(super) fn grant(asked: Subscription, shortest: Duration) -> Subscription {
    if asked == Subscription::default() {
        return asked;
    }
    let interval = asked.interval_ms.map_or(shortest, Duration::from_millis).min(LONGEST_INTERVAL).max(shortest);
    Subscription { interval_ms: u64::try_from(interval.as_millis()).ok(), ..asked }
}

#[derive(Debug)]
pub(super) struct Plan {
    granted: Subscription,
    members: BTreeSet<Key>,
    /// Those of them who need a whole snapshot next.
    waiting: BTreeSet<Key>,
    /// What the others have not been told. Nothing where every message is a whole snapshot.
    pending: Option<Pending>,
    /// When they hear of it, if there is anything.
    pub(super) tick: Option<Instant>,
}

impl Plan {
    pub(super) fn new(granted: Subscription, state: &State<Peer>) -> Self {
        let pending = (granted.mode == StatsMode::Changes).then(|| Pending::new(granted, state));
        Self { granted, members: BTreeSet::new(), waiting: BTreeSet::new(), pending, tick: None }
    }

    /// Whether anything of the list is told.
    pub(super) fn has_list(&self) -> bool {
        self.granted.list != List::None
    }

    /// Whether the events of connections are told.
    pub(super) fn has_all_events(&self) -> bool {
        self.granted.events == EventsAsked::All
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Takes somebody in, and sends the first stats if they may be taken now.
    pub(super) fn join(&mut self, key: Key, whole: &mut Whole, scene: &Scene<'_>) {
        self.members.insert(key);
        self.waiting.insert(key);
        if let Some(outbox) = outbox(key, scene) {
            outbox.drop_stats();
        }
        self.send_whole(whole, scene);
    }

    pub(super) fn leave(&mut self, key: Key) {
        self.members.remove(&key);
        self.waiting.remove(&key);
    }

    pub(super) fn note(&mut self, change: &Change, scene: &Scene<'_>) {
        self.arm(scene.now + self.interval(scene));
        let Some(pending) = &mut self.pending else { return };
        pending.note(change, scene.state);
        if pending.is_too_much(scene.state) {
            *pending = Pending::new(self.granted, scene.state);
            self.waiting.clone_from(&self.members);
        }
    }

    /// Tells what there is to tell.
    pub(super) fn publish(&mut self, whole: &mut Whole, scene: &Scene<'_>) {
        self.tick = None;
        match &mut self.pending {
            Some(pending) => {
                // Whoever does not read costs no message.
                if self.waiting.len() < self.members.len() && pending.since < scene.state.seq {
                    let message = snapshot::changes(pending, scene.state);
                    for key in &self.members {
                        let Some(outbox) = outbox(*key, scene).filter(|_| !self.waiting.contains(key)) else {
                            continue;
                        };
                        match outbox.put_changes(message.clone()) {
                            Ok(()) => scene.metrics.told(Told::Changes, message.len()),
                            Err(Behind) => {
                                scene.metrics.behind.inc();
                                self.waiting.insert(*key);
                            }
                        }
                    }
                }
                *pending = Pending::new(self.granted, scene.state);
            }
            None => self.waiting.clone_from(&self.members),
        }
        self.send_whole(whole, scene);
    }

    /// Sends a snapshot to those who need one, when one may be taken. A reader that has let changes wait gets it when it reads again.
    fn send_whole(&mut self, whole: &mut Whole, scene: &Scene<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        if !whole.is_free(scene.now) {
            return self.arm(whole.free_at());
        }
        let ready: Vec<(Key, &Arc<Outbox>)> = self
            .waiting
            .iter()
            .filter_map(|key| Some((*key, outbox(*key, scene)?)))
            .filter(|(_, o)| !o.is_behind())
            .collect();
        if !ready.is_empty() {
            let snapshot =
                self.marked(whole.take(self.granted.list, self.granted.users, ready.len(), scene), scene.state.seq);
            for (key, outbox) in ready {
                self.waiting.remove(&key);
                scene.metrics.told(Told::Snapshot, snapshot.len());
                outbox.put_snapshot(snapshot.clone());
            }
            if let Some(pending) = &mut self.pending {
                pending.joined(scene.state);
            }
        }
        if !self.waiting.is_empty() {
            self.arm(scene.now + self.interval(scene));
        }
    }

    /// What is granted is told to those who have asked for something.
    fn marked(&self, snapshot: Snapshot, seq: u64) -> Snapshot {
        if self.granted == Subscription::default() {
            return snapshot;
        }
        snapshot.marked(&format!(r#","seq":{seq},"granted":{}"#, Value::Object(self.granted.fields())))
    }

    fn interval(&self, scene: &Scene<'_>) -> Duration {
        self.granted.interval_ms.map_or(scene.interval, |ms| Duration::from_millis(ms).max(scene.interval))
    }

    fn arm(&mut self, at: Instant) {
        self.tick = Some(self.tick.map_or(at, |tick| tick.min(at)));
    }
}

fn outbox<'a>(key: Key, scene: &Scene<'a>) -> Option<&'a Arc<Outbox>> {
    scene.state.registry.get(key).and_then(|entry| entry.peer.outbox())
}
