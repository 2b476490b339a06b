//! Totals by version and by route, kept by addition and subtraction.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::registry::Change;

/// Connections by one of their texts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table(BTreeMap<Arc<str>, u64>);

impl Table {
    /// The text as the table holds it, so that a thousand connections on one page share one copy of its name.
    pub(crate) fn share(&self, text: &str) -> Arc<str> {
        self.0.get_key_value(text).map_or_else(|| text.into(), |(shared, _)| shared.clone())
    }

    /// The same, where it is in the table or there is room for one more.
    pub(crate) fn share_within(&self, text: &str, limit: usize) -> Option<Arc<str>> {
        (self.0.len() < limit || self.0.contains_key(text)).then(|| self.share(text))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(text, count)| (&**text, *count))
    }

    /// Number of connections with a text.
    pub(crate) fn of(&self, text: &str) -> u64 {
        self.0.get(text).copied().unwrap_or(0)
    }

    /// Number of distinct texts.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn add(&mut self, text: &Arc<str>) {
        *self.0.entry(text.clone()).or_insert(0) += 1;
    }

    fn subtract(&mut self, text: &str) {
        if let Some(count) = self.0.get_mut(text) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(text);
            }
        }
    }
}

/// What `stats` tells besides the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Aggregates {
    pub(crate) total: u64,
    pub(crate) versions: Table,
    pub(crate) routes: Table,
}

impl Aggregates {
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Opened { version, route, .. } => {
                self.total += 1;
                self.versions.add(version);
                self.routes.add(route);
            }
            Change::Closed { version, route, .. } => {
                self.total -= 1;
                self.versions.subtract(version);
                self.routes.subtract(route);
            }
            Change::Moved { from, to, .. } => {
                self.routes.subtract(from);
                self.routes.add(to);
            }
            Change::Released => {}
        }
    }
}
