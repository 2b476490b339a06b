//! What has happened since subscribers of one kind were last told, and how it is told to all of them in one message.
//!
//! Subscribers join at any time with a snapshot of their own, so that they know different things. The message therefore says what
//! is, and holds for all of them: a connection that some know and others do not is told whole, one that some know and that is gone is
//! told as closed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use skew_proto::{List, Subscription, UserIds};

use super::registry::{Change, Key};
use super::state::State;
use crate::id::PublicId;

/// So much is always kept.
const SMALL: usize = 1_000;

#[derive(Debug)]
pub(super) struct Pending {
    /// The number of the stats that the one who knows least has.
    pub(super) since: u64,
    /// Connections before this one are known to all.
    pub(super) all_know: Key,
    /// Connections before this one are known to some.
    pub(super) some_know: Key,
    pub(super) touched: BTreeMap<Key, PublicId>,
    pub(super) versions: BTreeSet<Arc<str>>,
    pub(super) routes: BTreeSet<Arc<str>>,
    /// Whether the number of users, or of connections without one, is news.
    pub(super) people: bool,
    /// These numbers as the one who knows least knows them.
    counted: (u64, u64),
    /// Whether connections are told with their users.
    pub(super) users: UserIds,
    /// Whether the current build or its time of release is news.
    pub(super) current: bool,
    /// Whether the times of release of the builds that somebody is on are news.
    pub(super) releases: bool,
    /// Whether the figures of an instance, or which there are, are news.
    pub(super) instances: bool,
    /// Whether it is news what is missing of them.
    pub(super) partial: bool,
    /// Whether there may be several, and each connection is told with its own.
    several: bool,
    pub(super) list: Listed,
}

/// What is told of the list.
#[derive(Debug)]
pub(super) enum Listed {
    None,
    All,
    /// The first so many, where they have changed. `beyond` is the first connection that is not among them, if any is.
    Top {
        count: usize,
        beyond: Option<Key>,
        changed: bool,
    },
}

impl Pending {
    /// Nothing: whoever subscribes now knows all.
    pub(super) fn new<P>(granted: Subscription, state: &State<P>) -> Self {
        let next = state.registry.next_key();
        let list = match granted.list {
            List::None => Listed::None,
            List::All => Listed::All,
            List::Top(count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                Listed::Top { count, beyond: state.registry.iter().nth(count).map(|(key, _)| key), changed: false }
            }
        };
        Self {
            since: state.seq,
            all_know: next,
            some_know: next,
            touched: BTreeMap::new(),
            versions: BTreeSet::new(),
            routes: BTreeSet::new(),
            people: false,
            counted: counted(state),
            users: granted.users,
            current: false,
            releases: false,
            instances: false,
            partial: false,
            several: state.fleet.is_some(),
            list,
        }
    }

    /// One more knows all that there is now.
    pub(super) fn joined<P>(&mut self, state: &State<P>) {
        self.some_know = state.registry.next_key();
    }

    pub(super) fn note<P>(&mut self, change: &Change, state: &State<P>) {
        self.people |= self.counted != counted(state);
        match change {
            Change::Opened { key, id, version, route } => {
                self.touch(*key, *id, true);
                self.count_version(version, 1, state);
                self.count_route(route);
                self.instances = true;
            }
            Change::Closed { key, id, version, route } => {
                self.touch(*key, *id, false);
                self.count_version(version, 0, state);
                self.count_route(route);
                self.instances = true;
            }
            Change::Moved { key, id, from, to } => {
                self.touch(*key, *id, true);
                self.count_route(from);
                self.count_route(to);
            }
            Change::Listed { key, id } => self.touch(*key, *id, true),
            Change::Unlisted { key, id } => self.touch(*key, *id, false),
            Change::Counted { versions, routes, builds } => {
                self.releases |= builds;
                self.versions.extend(versions.iter().cloned());
                self.routes.extend(routes.iter().cloned());
            }
            Change::Fleet => {
                self.instances = true;
                self.partial = true;
            }
            Change::Released => {
                self.current = true;
                self.releases = true;
            }
        }
    }

    fn touch(&mut self, key: Key, id: PublicId, alive: bool) {
        match &mut self.list {
            Listed::None => {}
            Listed::All => {
                if alive || key < self.some_know {
                    self.touched.insert(key, id);
                } else {
                    // It has come and gone and nobody has heard of it.
                    self.touched.remove(&key);
                }
            }
            Listed::Top { beyond, changed, .. } => *changed |= beyond.is_none_or(|beyond| key < beyond),
        }
    }

    /// At the count `edge` the build has just come, or gone, and with it its time of release.
    fn count_version<P>(&mut self, version: &Arc<str>, edge: u64, state: &State<P>) {
        self.releases |= state.aggregates.versions.of(version) == edge && state.release_times.of(version).is_some();
        if !self.versions.contains(version) {
            self.versions.insert(version.clone());
        }
    }

    fn count_route(&mut self, route: &Arc<str>) {
        if !self.routes.contains(route) {
            self.routes.insert(route.clone());
        }
    }

    /// Whether so much has happened that a whole snapshot is the shorter way to tell it. It also bounds what is kept for a long tick.
    pub(super) fn is_too_much<P>(&self, state: &State<P>) -> bool {
        let State { registry, aggregates, fleet, .. } = state;
        self.several != fleet.is_some()
            || self.touched.len() > SMALL + 2 * registry.len()
            || self.routes.len() > SMALL + 2 * aggregates.routes.len()
            || self.versions.len() > SMALL + 2 * aggregates.versions.len()
    }
}

/// Users, and connections without one.
fn counted<P>(state: &State<P>) -> (u64, u64) {
    (state.people.users(), state.people.anonymous())
}
