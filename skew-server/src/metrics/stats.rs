//! What subscribers are told, as numbers.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::label::{By, Told};
use super::registered;

#[derive(Debug)]
pub(crate) struct StatsMetrics {
    messages: By<Told>,
    bytes: By<Told>,
    /// Times that changes were dropped, since a reader had let too many wait.
    pub(crate) behind: Counter,
    /// Milliseconds until the next whole snapshot, as the last one had it.
    pub(crate) interval_ms: Gauge,
}

impl StatsMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let behind = "Times that a subscriber read too slowly for changes and was given a snapshot instead";
        let interval = "Milliseconds between whole snapshots; it grows with their size";
        Self {
            messages: registered(registry, "stats_messages", "Stats given to subscribers, by kind"),
            bytes: registered(registry, "stats_bytes", "Bytes of stats given to subscribers, by kind"),
            behind: registered(registry, "stats_behind", behind),
            interval_ms: registered(registry, "stats_interval_ms", interval),
        }
    }

    /// Counts a message to one subscriber.
    pub(crate) fn told(&self, kind: Told, bytes: usize) {
        self.messages.count(kind);
        self.bytes.add(kind, bytes as u64);
    }
}
