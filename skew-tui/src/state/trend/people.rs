//! Who was seen, and since when they are on an old build.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap};

use super::super::site::Site;
use crate::Now;

/// Connections of whom nearly all are gone at once: that is a restart, and not that everybody left.
const CROWD: u64 = 10;

/// Whoever was in the last list, by a keyed hash of the public id: no id is copied, and 50,000 take some 4 MB.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    hasher: DefaultHashBuilder,
    seen: HashMap<u64, Seen>,
    /// Number of the last list.
    list: u32,
    /// Whoever of it is on an old build for longest.
    longest: Option<Old>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Hash of the build.
    build: u64,
    /// Since when it is known to be there.
    here: Old,
    /// Since when it is known to be on an old build, if it is.
    old: Option<Old>,
    /// The last list that had it.
    list: u32,
}

/// Since when, on [`Now::monotonic_ms`]. What was only found so comes before what was witnessed at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Old {
    since_ms: u64,
    sight: Sight,
}

impl Old {
    fn until(self, now: Now) -> OldFor {
        let ms = now.monotonic_ms.saturating_sub(self.since_ms);
        match self.sight {
            Sight::Witnessed => OldFor::Exactly(ms),
            Sight::Found => OldFor::AtLeast(ms),
        }
    }
}

/// How something is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sight {
    /// It was found so, and may have been so for long.
    Found,
    /// It was seen as it happened.
    Witnessed,
}

/// What one list has that the one before had not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Number of connections in the list before.
    before: u64,
    pub(super) opened: u64,
    pub(super) closed: u64,
    /// Ends on old builds.
    pub(super) left: u64,
    /// Openings on the current build.
    pub(super) joined: u64,
}

impl Difference {
    /// Whether so few are left of so many that the server must have started anew.
    pub(super) fn is_a_restart(self) -> bool {
        self.before >= CROWD && (self.before - self.closed) * 10 < self.before
    }
}

/// Who is on an old build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stragglers {
    /// Number of all of them that are listed.
    pub total: usize,
    /// Those who are for longest, longest first.
    pub longest: Vec<Straggler>,
}

/// A connection on an old build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Straggler {
    /// Its position in [`Site::connections`].
    pub position: usize,
    /// For how long.
    pub old_for: OldFor,
}

/// For how long something has been so: a connection there, or on a build that is not the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldFor {
    /// For so many milliseconds: it was watched as the connection opened, or as the next build was released.
    Exactly(u64),
    /// For so many milliseconds or longer: it was found so.
    AtLeast(u64),
}

impl OldFor {
    /// Milliseconds that it has been at least.
    #[must_use]
    pub fn ms(self) -> u64 {
        match self {
            Self::Exactly(ms) | Self::AtLeast(ms) => ms,
        }
    }
}

impl People {
    /// Compares a complete list with the one before and keeps it in its place. What is new in it has been seen as `sight`
    /// says.
    pub(super) fn compare(&mut self, site: &Site, current: &str, sight: Sight, now: Now) -> Difference {
        self.list = self.list.wrapping_add(1);
        let current = self.hasher.hash_one(current);
        let mut difference = Difference { before: self.seen.len() as u64, ..Difference::default() };
        let mut listed = 0;
        self.longest = None;
        let mut last = ("", self.hasher.hash_one(""));
        for connection in site.connections().iter().filter(|connection| !site.is_watcher(connection)) {
            // Neighbours are often on the same build.
            if last.0 != connection.version {
                last = (&connection.version, self.hasher.hash_one(connection.version.as_str()));
            }
            let build = last.1;
            let here = Old { since_ms: now.monotonic_ms, sight };
            let old = || (build != current).then_some(here);
            let key = self.hasher.hash_one(connection.id.as_str());
            let seen = self.seen.entry(key).or_insert_with(|| {
                difference.opened += 1;
                difference.joined += u64::from(build == current);
                Seen { build, here, old: old(), list: self.list.wrapping_sub(1) }
            });
            if seen.list == self.list {
                continue;
            }
            seen.list = self.list;
            listed += 1;
            if seen.build != build {
                difference.left += u64::from(seen.build != current);
                difference.joined += u64::from(build == current);
                seen.build = build;
            }
            seen.old = if build == current { None } else { seen.old.or_else(old) };
            self.longest = [self.longest, seen.old].into_iter().flatten().min();
        }
        if self.seen.len() > listed {
            let list = self.list;
            self.seen.retain(|_, seen| {
                let stays = seen.list == list;
                difference.closed += u64::from(!stays);
                difference.left += u64::from(!stays && seen.build != current);
                stays
            });
        }
        if self.seen.capacity() > 4 * self.seen.len() {
            self.seen.shrink_to(2 * self.seen.len());
        }
        difference
    }

    /// Without a complete list nothing is known of anybody.
    pub(super) fn forget(&mut self) -> Difference {
        self.seen = HashMap::new();
        self.longest = None;
        Difference::default()
    }

    /// Number of connections that are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// After a gap nobody is known to have been old from the beginning: ids may be given anew.
    pub(super) fn doubt(&mut self) {
        self.seen.values_mut().for_each(|seen| seen.here.sight = Sight::Found);
        for old in self.seen.values_mut().map(|seen| &mut seen.old).chain([&mut self.longest]).flatten() {
            old.sight = Sight::Found;
        }
    }

    /// For how long whoever is on an old build for longest has been.
    pub(super) fn longest(&self, now: Now) -> Option<OldFor> {
        Some(self.longest?.until(now))
    }

    /// For how long a connection is known to be there.
    pub(super) fn known_for(&self, id: &str, now: Now) -> Option<OldFor> {
        Some(self.seen.get(&self.hasher.hash_one(id))?.here.until(now))
    }

    /// Who is on an old build, longest first; those for equally long as the server lists them.
    pub(super) fn stragglers(&self, site: &Site, most: usize, now: Now) -> Stragglers {
        let mut all: Vec<(Old, usize)> = (site.connections().iter().enumerate())
            .filter(|(_, connection)| !site.is_watcher(connection))
            .filter_map(|(position, connection)| {
                Some((self.seen.get(&self.hasher.hash_one(connection.id.as_str()))?.old?, position))
            })
            .collect();
        let total = all.len();
        let by_age = |&(old, position): &(Old, usize)| (old.since_ms, position);
        if most < total {
            all.select_nth_unstable_by_key(most, by_age);
            all.truncate(most);
        }
        all.sort_unstable_by_key(by_age);
        let straggler = |(old, position): (Old, usize)| Straggler { position, old_for: old.until(now) };
        Stragglers { total, longest: all.into_iter().map(straggler).collect() }
    }
}
