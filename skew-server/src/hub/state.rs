//! All that stats tell: who is connected, the totals, the current build.

use std::collections::HashMap;
use std::sync::Arc;

use skew_proto::Release;

use super::aggregates::Aggregates;
use super::answer::Current;
use super::elsewhere::{Fleet, Instances};
use super::people::{People, Turn};
use super::registry::{Change, Entry, Key, Registry};
use super::releases::ReleaseTimes;
use super::share::Unshared;

/// The state that stats are taken of. Every change of it has a number.
#[derive(Debug)]
pub(crate) struct State<P> {
    pub(crate) registry: Registry<P>,
    pub(crate) aggregates: Aggregates,
    pub(crate) people: People,
    pub(crate) current: Current,
    pub(crate) release_times: ReleaseTimes,
    /// All instances, where there may be several.
    pub(super) fleet: Option<Fleet>,
    /// The instances of those connections that are elsewhere.
    pub(super) names: HashMap<Key, Arc<str>>,
    pub(super) unshared: Unshared,
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
            fleet: None,
            names: HashMap::new(),
            unshared: Unshared::default(),
            seq: 0,
        }
    }

    pub(crate) fn open(&mut self, mut entry: Entry<P>, now_ms: u64) -> (Key, Change) {
        entry.user = entry.user.map(|user| self.people.share(user));
        let user = entry.user.clone();
        let turn = self.people.open(user.as_ref(), now_ms);
        let (key, change) = self.registry.open(entry);
        self.apply(&change, user.as_ref(), turn);
        (key, change)
    }

    pub(crate) fn close(&mut self, key: Key) -> Option<(Entry<P>, Change)> {
        let (entry, change) = self.registry.close(key)?;
        let turn = self.people.close(entry.user.as_deref());
        self.apply(&change, entry.user.as_ref(), turn);
        Some((entry, change))
    }

    /// Moves a connection to another page, where it is not there already.
    pub(crate) fn navigate(&mut self, key: Key, route: &Arc<str>) -> Option<Change> {
        let change = self.registry.navigate(key, route)?;
        self.apply(&change, None, Turn::default());
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

    /// The name of the instance that a connection is connected to, where there may be several.
    pub(super) fn instance_of(&self, key: Key, entry: &Entry<P>) -> Option<&str> {
        let fleet = self.fleet.as_ref()?;
        match entry.connection_id {
            Some(_) => Some(&fleet.name),
            None => self.names.get(&key).map(|name| &**name),
        }
    }

    /// All instances, where there may be several.
    pub(super) fn instances(&self) -> Option<Instances<'_>> {
        let (connections, people) = (self.aggregates.own_total(), &self.people);
        self.fleet.as_ref().map(|fleet| Instances { fleet, connections, people })
    }

    fn apply(&mut self, change: &Change, user: Option<&Arc<str>>, turn: Turn) {
        self.aggregates.apply(change);
        self.unshared.note(change);
        if let Some(user) = user {
            self.unshared.turn(user, turn);
        }
        self.bound_unshared();
        self.seq += 1;
    }

    pub(super) fn bound_unshared(&mut self) {
        let Self { aggregates: Aggregates { versions, routes, .. }, people, registry, .. } = self;
        self.unshared.bound(versions.len() + routes.len() + people.users() as usize, registry.len());
    }
}
