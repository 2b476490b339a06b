//! Who is connected.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use crate::id::{ConnectionId, PublicId};

/// A connection's place in the order of opening. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(u64);

/// One connection. `P` is what the hub keeps beside it; the registry does not look at it.
#[derive(Debug)]
pub(crate) struct Entry<P> {
    pub(crate) connection_id: ConnectionId,
    pub(crate) id: PublicId,
    pub(crate) version: Arc<str>,
    pub(crate) route: Arc<str>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) peer: P,
}

/// What has just happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Opened {
        key: Key,
        id: PublicId,
        version: Arc<str>,
        route: Arc<str>,
    },
    Closed {
        key: Key,
        id: PublicId,
        version: Arc<str>,
        route: Arc<str>,
    },
    Moved {
        key: Key,
        id: PublicId,
        from: Arc<str>,
        to: Arc<str>,
    },
    /// Another build is current, or the time of a release is known.
    Released,
}

/// All connections in the order of opening. The two indexes hold exactly the keys of `entries`.
#[derive(Debug)]
pub(crate) struct Registry<P> {
    entries: BTreeMap<Key, Entry<P>>,
    by_connection_id: HashMap<ConnectionId, Key>,
    by_id: HashMap<PublicId, Key>,
    next: u64,
}

impl<P> Registry<P> {
    pub(crate) fn new() -> Self {
        Self { entries: BTreeMap::new(), by_connection_id: HashMap::new(), by_id: HashMap::new(), next: 0 }
    }

    pub(crate) fn open(&mut self, entry: Entry<P>) -> (Key, Change) {
        let key = Key(self.next);
        self.next += 1;
        let change = Change::Opened { key, id: entry.id, version: entry.version.clone(), route: entry.route.clone() };
        self.by_connection_id.insert(entry.connection_id, key);
        self.by_id.insert(entry.id, key);
        self.entries.insert(key, entry);
        (key, change)
    }

    pub(crate) fn close(&mut self, key: Key) -> Option<(Entry<P>, Change)> {
        let entry = self.entries.remove(&key)?;
        self.by_connection_id.remove(&entry.connection_id);
        self.by_id.remove(&entry.id);
        let change = Change::Closed { key, id: entry.id, version: entry.version.clone(), route: entry.route.clone() };
        Some((entry, change))
    }

    /// Moves a connection to another page, where it is not there already.
    pub(crate) fn navigate(&mut self, key: Key, route: &Arc<str>) -> Option<Change> {
        let entry = self.entries.get_mut(&key).filter(|entry| entry.route != *route)?;
        let from = std::mem::replace(&mut entry.route, route.clone());
        Some(Change::Moved { key, id: entry.id, from, to: route.clone() })
    }

    pub(crate) fn key_of(&self, connection_id: ConnectionId) -> Option<Key> {
        self.by_connection_id.get(&connection_id).copied()
    }

    pub(crate) fn key_of_public(&self, id: PublicId) -> Option<Key> {
        self.by_id.get(&id).copied()
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Entry<P>> {
        self.entries.get(&key)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The key of the next one who opens.
    pub(crate) fn next_key(&self) -> Key {
        Key(self.next)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Entry<P>)> {
        self.entries.iter().map(|(key, entry)| (*key, entry))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::aggregates::Aggregates;
    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Open(String, String),
        Close(usize),
        Move(usize, String),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => ("[ab]|__proto__", "/[ab]?").prop_map(|(version, route)| Step::Open(version, route)),
            2 => any::<prop::sample::Index>().prop_map(|index| Step::Close(index.index(30))),
            2 => (any::<prop::sample::Index>(), "/[ab]?").prop_map(|(index, route)| Step::Move(index.index(30), route)),
        ]
    }

    fn recount(registry: &Registry<()>) -> Aggregates {
        let mut counted = Aggregates::default();
        for (key, entry) in registry.iter() {
            counted.apply(&Change::Opened {
                key,
                id: entry.id,
                version: entry.version.clone(),
                route: entry.route.clone(),
            });
        }
        counted
    }

    proptest! {
        #[test]
        fn incremental_totals_equal_a_recount(steps in prop::collection::vec(step(), 0..120)) {
            let mut registry = Registry::new();
            let mut aggregates = Aggregates::default();
            let mut opened = Vec::new();
            for step in steps {
                let change = match step {
                    Step::Open(version, route) => {
                        let (version, route) = (aggregates.versions.share(&version), aggregates.routes.share(&route));
                        let (connection_id, id) = (ConnectionId::random(), PublicId::random());
                        let (key, change) =
                            registry.open(Entry { connection_id, id, version, route, ip: None, peer: () });
                        prop_assert_eq!(registry.key_of(connection_id), Some(key));
                        prop_assert_eq!(registry.key_of_public(id), Some(key));
                        opened.push(key);
                        Some(change)
                    }
                    // Also keys that are long closed: both must be without effect then.
                    Step::Close(nth) => {
                        opened.get(nth).and_then(|key| registry.close(*key)).map(|(_, change)| change)
                    }
                    Step::Move(nth, route) => {
                        let route = aggregates.routes.share(&route);
                        opened.get(nth).and_then(|key| registry.navigate(*key, &route))
                    }
                };
                if let Some(change) = change {
                    aggregates.apply(&change);
                }
                prop_assert_eq!(&aggregates, &recount(&registry));
                prop_assert_eq!(registry.by_connection_id.len(), registry.entries.len());
                prop_assert_eq!(registry.by_id.len(), registry.entries.len());
            }
            prop_assert!(registry.iter().map(|(key, _)| key).is_sorted());
        }
    }

    #[test]
    fn connections_on_one_page_share_its_name() {
        let mut aggregates = Aggregates::default();
        let first: Arc<str> = "/a".into();
        aggregates.apply(&Change::Opened {
            key: Key(0),
            id: PublicId::random(),
            version: "v".into(),
            route: first.clone(),
        });
        assert!(Arc::ptr_eq(&aggregates.routes.share("/a"), &first));
    }
}
