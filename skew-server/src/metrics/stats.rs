//! What subscribers are told, as numbers.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::label::{By, Told};

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
        let new =
            Self { messages: By::new(), bytes: By::new(), behind: Counter::default(), interval_ms: Gauge::default() };
        registry.register("stats_messages", "Stats given to subscribers, by kind", new.messages.clone());
        registry.register("stats_bytes", "Bytes of stats given to subscribers, by kind", new.bytes.clone());
        let help = "Times that a subscriber read too slowly for changes and was given a snapshot instead";
        registry.register("stats_behind", help, new.behind.clone());
        let help = "Milliseconds between whole snapshots; it grows with their size";
        registry.register("stats_interval_ms", help, new.interval_ms.clone());
        new
    }

    /// Counts a message to one subscriber.
    pub(crate) fn told(&self, kind: Told, bytes: usize) {
        self.messages.count(kind);
        self.bytes.add(kind, bytes as u64);
    }
}
