//! What is counted, and how a scraper reads it. No label comes from a visitor: neither a route, a version, a user nor an address.

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// A limit that somebody has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(dead_code, reason = "the limits come one by one")]
pub(crate) enum Limit {
    Connections,
    ConnectionsByAddress,
    OpensByAddress,
    TriesByAddress,
    RequestsByConnection,
    Head,
    HeadTime,
    Body,
    MessageBytes,
    MessageRate,
    RouteBytes,
    VersionBytes,
    Routes,
    Versions,
    Subscribers,
    Queue,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limited {
    limit: Limit,
}

/// Everything that is counted. Fields are counters and gauges that can be changed from anywhere without waiting.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    limited: Family<Limited, Counter>,
    /// Connections that the hub knows.
    pub(crate) connections: Gauge,
    /// Connections that are told stats.
    pub(crate) subscribers: Gauge,
    /// Connections ever opened.
    pub(crate) opened: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("skew");
        let (limited, connections, subscribers, opened) =
            (Family::default(), Gauge::default(), Gauge::default(), Counter::default());
        registry.register("limited", "Times that a limit was reached, by limit", limited.clone());
        registry.register("connections", "Connections that are open", connections.clone());
        registry.register("subscribers", "Connections that are told stats", subscribers.clone());
        registry.register("opened", "Connections ever opened", opened.clone());
        Self { registry, limited, connections, subscribers, opened }
    }

    /// Counts that somebody has reached a limit.
    pub(crate) fn limited(&self, limit: Limit) {
        self.limited.get_or_create(&Limited { limit }).inc();
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
