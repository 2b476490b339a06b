//! All that stats tell: who is connected, the totals, the current build.

use std::sync::Arc;

use skew_proto::Release;

use super::aggregates::Aggregates;
use super::answer::Current;
use super::people::People;
use super::registry::{Change, Entry, Key, Registry};
use super::releases::ReleaseTimes;

/// The state that stats are taken of. Every change of it has a number.
#[derive(Debug)]
pub(crate) struct State<P> {
    pub(crate) registry: Registry<P>,
    pub(crate) aggregates: Aggregates,
    pub(crate) people: People,
    pub(crate) current: Current,
    pub(crate) release_times: ReleaseTimes,
    /// The number of the newest change.
    pub(crate) seq: u64,
}

impl<P> State<P> {
    pub(crate) fn new(current: Current) -> Self {
        Self {
            registry: Registry::new(),
            aggregates: Aggregates::default(),
            people: People::default(),
            current,
            release_times: ReleaseTimes::default(),
            seq: 0,
        }
    }

    pub(crate) fn open(&mut self, mut entry: Entry<P>, now_ms: u64) -> (Key, Change) {
        entry.user = entry.user.map(|user| self.people.share(user));
        self.people.open(entry.user.as_ref(), now_ms);
        let (key, change) = self.registry.open(entry);
        self.apply(&change);
        (key, change)
    }

    pub(crate) fn close(&mut self, key: Key) -> Option<(Entry<P>, Change)> {
        let closed = self.registry.close(key)?;
        self.people.close(closed.0.user.as_deref());
        self.apply(&closed.1);
        Some(closed)
    }

    /// Moves a connection to another page, where it is not there already.
    pub(crate) fn navigate(&mut self, key: Key, route: &Arc<str>) -> Option<Change> {
        let change = self.registry.navigate(key, route)?;
        self.apply(&change);
        Some(change)
    }

    pub(crate) fn learn_releases(&mut self, releases: &[Release]) -> Change {
        for release in releases {
            self.release_times.learn(release);
        }
        self.current.released_at = self.release_times.of(&self.current.version);
        self.seq += 1;
        Change::Released
    }

    /// Makes a build the current one, and returns the one before.
    pub(crate) fn release(&mut self, version: String) -> (String, Change) {
        let released_at = self.release_times.of(&version);
        let previous = std::mem::replace(&mut self.current, Current { version, released_at }).version;
        self.seq += 1;
        (previous, Change::Released)
    }

    fn apply(&mut self, change: &Change) {
        self.aggregates.apply(change);
        self.seq += 1;
    }
}
