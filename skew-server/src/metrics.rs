//! What is counted, and how a scraper reads it. No label comes from a visitor: neither a route, a version, a user nor an address.

mod label;
mod process;
mod stats;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::label::By;
pub(crate) use self::label::{Limit, Told, Transport};
use self::process::{LostLines, Process};
pub(crate) use self::stats::StatsMetrics;

/// Everything that is counted. Fields are counters and gauges that can be changed from anywhere without waiting.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    limited: By<Limit>,
    lost_lines: LostLines,
    /// Connections that the hub knows.
    pub(crate) connections: Gauge,
    /// Connections that are told stats.
    pub(crate) subscribers: Gauge,
    /// Connections ever opened, and those that are closed again.
    pub(crate) opened: By<Transport>,
    pub(crate) closed: By<Transport>,
    /// Commands that wait for the hub.
    pub(crate) hub_queue: Gauge,
    /// Requests of other sites' pages that were refused.
    pub(crate) foreign: Counter,
    /// Failures to accept a connection.
    pub(crate) accept_errors: Counter,
    /// Whether the server ends its streams.
    pub(crate) draining: Gauge,
    /// What subscribers are told.
    pub(crate) stats: StatsMetrics,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let lost_lines = LostLines::default();
        registry.register_collector(Box::new(Process::new(lost_lines.clone())));
        let ours = registry.sub_registry_with_prefix("skew");
        let (limited, connections, subscribers) = (By::new(), Gauge::default(), Gauge::default());
        let (opened, closed) = (By::new(), By::new());
        let (hub_queue, accept_errors, draining) = (Gauge::default(), Counter::default(), Gauge::default());
        ours.register("build", "The server's own version", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        ours.register("limited", "Times that a limit was reached, by limit", limited.clone());
        ours.register("connections", "Connections that are open", connections.clone());
        ours.register("subscribers", "Connections that are told stats", subscribers.clone());
        ours.register("opened", "Connections opened, by transport", opened.clone());
        ours.register("closed", "Connections closed, by transport", closed.clone());
        ours.register("hub_queue", "Commands that wait for the hub", hub_queue.clone());
        let foreign = Counter::default();
        ours.register("foreign", "Requests of other sites' pages that were refused", foreign.clone());
        ours.register("accept_errors", "Failures to accept a connection", accept_errors.clone());
        ours.register("draining", "1 while the server ends its streams, else 0", draining.clone());
        let stats = StatsMetrics::new(ours);
        Self {
            registry,
            limited,
            lost_lines,
            connections,
            subscribers,
            opened,
            closed,
            hub_queue,
            foreign,
            accept_errors,
            draining,
            stats,
        }
    }

    /// Counts that somebody has reached a limit.
    pub(crate) fn limited(&self, limit: Limit) {
        self.limited.count(limit);
    }

    /// Shows the count of lines that a log has lost.
    pub(crate) fn show_lost_lines(&self, count: Arc<AtomicU64>) {
        // There is one log.
        let _ = self.lost_lines.set(count);
    }

    /// The text that Prometheus reads, in the form of OpenMetrics.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_exists_before_it_counts() {
        let metrics = Metrics::new();
        let text = metrics.text();
        assert!(text.contains("skew_limited_total{limit=\"opens_by_address\"} 0\n"), "{text}");
        assert!(text.contains("skew_log_lost_lines_total 0"), "{text}");
        assert!(text.contains("# HELP skew_connections Connections that are open.\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
        metrics.limited(Limit::OpensByAddress);
        assert!(metrics.text().contains("skew_limited_total{limit=\"opens_by_address\"} 1\n"));
    }

    #[test]
    fn lines_that_a_log_has_lost_are_shown() {
        let metrics = Metrics::new();
        metrics.show_lost_lines(Arc::new(AtomicU64::new(17)));
        assert!(metrics.text().contains("skew_log_lost_lines_total 17"));
    }
}
