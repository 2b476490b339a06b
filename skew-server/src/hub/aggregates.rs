//! Totals by version and by route, kept by addition and subtraction: of this instance's own connections, and with them of all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::registry::Change;

/// Connections with one text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    own: u64,
    /// In all other instances together.
    elsewhere: i64,
}

impl Count {
    fn all(&self) -> u64 {
        self.own.saturating_add_signed(self.elsewhere)
    }
}

/// Connections by one of their texts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    counts: BTreeMap<Arc<str>, Count>,
    /// Number of texts that connections of this instance have.
    own: usize,
}

impl Table {
    /// The text as the table holds it, so that a thousand connections on one page share one copy of its name.
    pub(crate) fn share(&self, text: &str) -> Arc<str> {
        self.counts.get_key_value(text).map_or_else(|| text.into(), |(shared, _)| shared.clone())
    }

    /// The same, where a connection of this instance has it or there is room for one more. What others count takes no room.
    pub(crate) fn share_within(&self, text: &str, limit: usize) -> Option<Arc<str>> {
        (self.own < limit || self.own_of(text) > 0).then(|| self.share(text))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(text, count)| (&**text, count.all())).filter(|(_, count)| *count > 0)
    }

    /// Those of this instance's own connections.
    pub(crate) fn iter_own(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        self.counts.iter().map(|(text, count)| (text, count.own)).filter(|(_, count)| *count > 0)
    }

    /// Number of connections with a text.
    pub(crate) fn of(&self, text: &str) -> u64 {
        self.counts.get(text).map_or(0, Count::all)
    }

    /// The same of this instance's own.
    pub(crate) fn own_of(&self, text: &str) -> u64 {
        self.counts.get(text).map_or(0, |count| count.own)
    }

    /// Number of distinct texts.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    fn add(&mut self, text: &Arc<str>) {
        let count = self.counts.entry(text.clone()).or_default();
        count.own += 1;
        self.own += usize::from(count.own == 1);
    }

    fn subtract(&mut self, text: &str) {
        let Some(count) = self.counts.get_mut(text).filter(|count| count.own > 0) else { return };
        count.own -= 1;
        if count.own == 0 {
            self.own -= 1;
            if count.elsewhere == 0 {
                self.counts.remove(text);
            }
        }
    }

    fn add_elsewhere(&mut self, text: &Arc<str>, by: i64) {
        let count = self.counts.entry(text.clone()).or_default();
        count.elsewhere += by;
        if *count == Count::default() {
            self.counts.remove(text);
        }
    }
}

/// What `stats` tells besides the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Aggregates {
    total: Count,
    pub(crate) versions: Table,
    pub(crate) routes: Table,
}

impl Aggregates {
    /// Number of connections.
    pub(crate) fn total(&self) -> u64 {
        self.total.all()
    }

    /// Number of this instance's own connections.
    pub(crate) fn own_total(&self) -> u64 {
        self.total.own
    }

    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Opened { version, route, .. } => {
                self.total.own += 1;
                self.versions.add(version);
                self.routes.add(route);
            }
            Change::Closed { version, route, .. } => {
                self.total.own -= 1;
                self.versions.subtract(version);
                self.routes.subtract(route);
            }
            Change::Moved { from, to, .. } => {
                self.routes.subtract(from);
                self.routes.add(to);
            }
            Change::Listed { .. }
            | Change::Unlisted { .. }
            | Change::Counted { .. }
            | Change::Fleet
            | Change::Released => {}
        }
    }

    /// By how much the connections of a build have changed in the other instances.
    pub(crate) fn add_version(&mut self, version: &Arc<str>, by: i64) {
        self.total.elsewhere += by;
        self.versions.add_elsewhere(version, by);
    }

    /// The same of a route.
    pub(crate) fn add_route(&mut self, route: &Arc<str>, by: i64) {
        self.routes.add_elsewhere(route, by);
    }
}
