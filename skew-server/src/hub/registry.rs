//! Who is connected.

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::id::{ConnectionId, PublicId};

/// A connection's place in the order of opening. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    nth: u64,
    /// Where it is found. Another may be there later.
    slot: u32,
}

/// One connection, of this instance or of another. `P` is what the hub keeps beside it; the registry does not look at it.
#[derive(Debug)]
pub(crate) struct Entry<P> {
    /// Nothing for one of another instance: that alone can be addressed by it.
    pub(crate) connection_id: Option<ConnectionId>,
    pub(crate) id: PublicId,
    pub(crate) version: Arc<str>,
    pub(crate) route: Arc<str>,
    pub(crate) ip: Option<IpAddr>,
    /// Whose it is, where that is known.
    pub(crate) user: Option<Arc<str>>,
    pub(crate) peer: P,
}

/// What has just happened. What is elsewhere is counted by its own instance, whether its connections are listed here or not.
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
    /// A connection of another instance is in the list, or has another page there.
    Listed {
        key: Key,
        id: PublicId,
    },
    /// It is not in the list any more.
    Unlisted {
        key: Key,
        id: PublicId,
    },
    /// The other instances together count something else.
    Counted {
        versions: Vec<Arc<str>>,
        routes: Vec<Arc<str>>,
        /// Whether somebody is on a build that nobody was on, or nobody any more on one that somebody was on.
        builds: bool,
    },
    /// Which instances there are, or what is missing of them, has changed.
    Fleet,
    /// Another build is current, or the time of a release is known.
    Released,
}

/// No slot.
const NONE: u32 = u32::MAX;

/// An entry between its neighbours in the order of opening.
#[derive(Debug)]
struct Node<P> {
    nth: u64,
    before: u32,
    after: u32,
    /// Its neighbours among the connections of its user.
    older: u32,
    newer: u32,
    entry: Entry<P>,
}

/// All connections, a chain in the order of opening. Opening, closing and finding one cost the same however many there are. The two
/// indexes by id hold exactly the slots in use: five bytes each for a connection, where a map would hold ids and keys once more. The one
/// by user holds the newest connection of each, and the others are a chain from there.
#[derive(Debug)]
pub(crate) struct Registry<P> {
    slots: Vec<Option<Node<P>>>,
    free: Vec<u32>,
    first: u32,
    last: u32,
    by_connection_id: HashTable<u32>,
    by_id: HashTable<u32>,
    by_user: HashTable<u32>,
    /// What users are called may come from outside.
    hasher: RandomState,
    next: u64,
}

impl<P> Registry<P> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            first: NONE,
            last: NONE,
            by_connection_id: HashTable::new(),
            by_id: HashTable::new(),
            by_user: HashTable::new(),
            hasher: RandomState::new(),
            next: 0,
        }
    }

    pub(crate) fn open(&mut self, entry: Entry<P>) -> (Key, Change) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // Their entries would fill half a terabyte before there are so many.
            (self.slots.len() - 1) as u32
        });
        let key = Key { nth: self.next, slot };
        self.next += 1;
        let Entry { connection_id, id, .. } = entry;
        let change = match connection_id {
            Some(_) => Change::Opened { key, id, version: entry.version.clone(), route: entry.route.clone() },
            None => Change::Listed { key, id },
        };
        let before = std::mem::replace(&mut self.last, slot);
        match self.node_mut(before) {
            Some(node) => node.after = slot,
            None => self.first = slot,
        }
        self.slots[slot as usize] = Some(Node { nth: key.nth, before, after: NONE, older: NONE, newer: NONE, entry });
        let slots = &self.slots;
        if let Some(connection_id) = connection_id {
            self.by_connection_id.insert_unique(connection_id.hash(), slot, |slot| {
                node(slots, *slot).and_then(|node| node.entry.connection_id).map_or(0, ConnectionId::hash)
            });
        }
        self.by_id.insert_unique(id.hash(), slot, |slot| node(slots, *slot).map_or(0, |node| node.entry.id.hash()));
        self.join_user(slot);
        (key, change)
    }

    pub(crate) fn close(&mut self, key: Key) -> Option<(Entry<P>, Change)> {
        self.get(key)?;
        self.leave_user(key.slot);
        let Node { before, after, entry, .. } = self.slots[key.slot as usize].take()?;
        self.free.push(key.slot);
        match self.node_mut(before) {
            Some(node) => node.after = after,
            None => self.first = after,
        }
        match self.node_mut(after) {
            Some(node) => node.before = before,
            None => self.last = before,
        }
        let by_connection_id = entry.connection_id.map(|id| (&mut self.by_connection_id, id.hash()));
        for (index, hash) in by_connection_id.into_iter().chain([(&mut self.by_id, entry.id.hash())]) {
            if let Ok(found) = index.find_entry(hash, |slot| *slot == key.slot) {
                found.remove();
            }
        }
        let id = entry.id;
        let change = match entry.connection_id {
            Some(_) => Change::Closed { key, id, version: entry.version.clone(), route: entry.route.clone() },
            None => Change::Unlisted { key, id },
        };
        Some((entry, change))
    }

    /// Moves a connection to another page, where it is not there already.
    pub(crate) fn navigate(&mut self, key: Key, route: &Arc<str>) -> Option<Change> {
        let node = self.node_mut(key.slot).filter(|node| node.nth == key.nth && node.entry.route != *route)?;
        let from = std::mem::replace(&mut node.entry.route, route.clone());
        let id = node.entry.id;
        Some(match node.entry.connection_id {
            Some(_) => Change::Moved { key, id, from, to: route.clone() },
            None => Change::Listed { key, id },
        })
    }

    pub(crate) fn key_of(&self, connection_id: ConnectionId) -> Option<Key> {
        let is_it =
            |slot: &u32| node(&self.slots, *slot).is_some_and(|node| node.entry.connection_id == Some(connection_id));
        self.key_at(*self.by_connection_id.find(connection_id.hash(), is_it)?)
    }

    pub(crate) fn key_of_public(&self, id: PublicId) -> Option<Key> {
        let is_it = |slot: &u32| node(&self.slots, *slot).is_some_and(|node| node.entry.id == id);
        self.key_at(*self.by_id.find(id.hash(), is_it)?)
    }

    /// The connections of a user, the newest first.
    pub(crate) fn of_user(&self, user: &str) -> impl Iterator<Item = (Key, &Entry<P>)> {
        let newest = self.by_user.find(self.hasher.hash_one(user), is_of(&self.slots, user));
        let mut slot = newest.copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let node = node(&self.slots, slot)?;
            let key = Key { nth: node.nth, slot };
            slot = node.older;
            Some((key, &node.entry))
        })
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Entry<P>> {
        node(&self.slots, key.slot).filter(|node| node.nth == key.nth).map(|node| &node.entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Before which all are who have opened so far. Nobody's key.
    pub(crate) fn next_key(&self) -> Key {
        Key { nth: self.next, slot: 0 }
    }

    /// Everybody in the order of opening.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Entry<P>)> {
        let mut slot = self.first;
        std::iter::from_fn(move || {
            let node = node(&self.slots, slot)?;
            let key = Key { nth: node.nth, slot };
            slot = node.after;
            Some((key, &node.entry))
        })
    }

    /// Number of places that are, or were, somebody's. It only ever grows.
    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }

    /// Those at some of the places, in no order. A connection keeps its place as long as it lives.
    pub(crate) fn at(&self, places: std::ops::Range<usize>) -> impl Iterator<Item = (Key, &Entry<P>)> {
        let start = places.start;
        self.slots[places].iter().enumerate().filter_map(move |(nth, node)| {
            let node = node.as_ref()?;
            Some((Key { nth: node.nth, slot: (start + nth) as u32 }, &node.entry))
        })
    }

    fn key_at(&self, slot: u32) -> Option<Key> {
        node(&self.slots, slot).map(|node| Key { nth: node.nth, slot })
    }

    /// Makes it the newest connection of its user, where it has one.
    fn join_user(&mut self, slot: u32) {
        let Some(user) = node(&self.slots, slot).and_then(|node| node.entry.user.clone()) else { return };
        let hash = self.hasher.hash_one(&*user);
        let Some(newest) = self.by_user.find_mut(hash, is_of(&self.slots, &user)) else {
            let (slots, hasher) = (&self.slots, &self.hasher);
            self.by_user.insert_unique(hash, slot, |slot| {
                node(slots, *slot).map_or(0, |node| node.entry.user.as_deref().map_or(0, |user| hasher.hash_one(user)))
            });
            return;
        };
        let older = std::mem::replace(newest, slot);
        if let Some(node) = self.node_mut(slot) {
            node.older = older;
        }
        if let Some(node) = self.node_mut(older) {
            node.newer = slot;
        }
    }

    fn leave_user(&mut self, slot: u32) {
        let Some(Node { older, newer, entry, .. }) = node(&self.slots, slot) else { return };
        let (older, newer) = (*older, *newer);
        if newer == NONE
            && let Some(user) = &entry.user
            && let Ok(mut newest) = self.by_user.find_entry(self.hasher.hash_one(&**user), |of| *of == slot)
        {
            if older == NONE {
                newest.remove();
            } else {
                *newest.get_mut() = older;
            }
        }
        if let Some(node) = self.node_mut(older) {
            node.newer = newer;
        }
        if let Some(node) = self.node_mut(newer) {
            node.older = older;
        }
    }

    fn node_mut(&mut self, slot: u32) -> Option<&mut Node<P>> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }
}

fn node<P>(slots: &[Option<Node<P>>], slot: u32) -> Option<&Node<P>> {
    slots.get(slot as usize)?.as_ref()
}

/// Whether a slot's connection is a user's.
fn is_of<P>(slots: &[Option<Node<P>>], user: &str) -> impl Fn(&u32) -> bool {
    |slot| node(slots, *slot).is_some_and(|node| node.entry.user.as_deref() == Some(user))
}
