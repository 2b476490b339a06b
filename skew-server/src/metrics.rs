//! What is counted, and how a scraper reads it. No label comes from a visitor: neither a route, a version, a user nor an address.

mod label;
mod presence;
mod process;
mod stats;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use self::label::By;
pub(crate) use self::label::{KnownBy, Limit, Outcome, Told, Transport};
pub(crate) use self::presence::PresenceMetrics;
use self::process::{LostLines, Process};
pub(crate) use self::stats::StatsMetrics;
pub(crate) use self::webhook::WebhookMetrics;

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
    /// What says whose the streams are that were opened.
    pub(crate) identified: By<KnownBy>,
    /// What came of somebody's wish to read stats or to act.
    pub(crate) authorizations: By<Outcome>,
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
    /// The other instances.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis nobody counts"))]
    pub(crate) presence: PresenceMetrics,
    /// Events that are sent on.
    pub(crate) webhooks: WebhookMetrics,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let lost_lines = LostLines::default();
        registry.register_collector(Box::new(Process::new(lost_lines.clone())));
        let ours = registry.sub_registry_with_prefix("skew");
        ours.register("build", "The server's own version", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self {
            limited: registered(ours, "limited", "Times that a limit was reached, by limit"),
            connections: registered(ours, "connections", "Connections that are open"),
            subscribers: registered(ours, "subscribers", "Connections that are told stats"),
            opened: registered(ours, "opened", "Connections opened, by transport"),
            closed: registered(ours, "closed", "Connections closed, by transport"),
            identified: registered(ours, "identified", "Streams opened, by what says whose they are"),
            authorizations: registered(ours, "authorizations", "Wishes to read stats or to act, by outcome"),
            hub_queue: registered(ours, "hub_queue", "Commands that wait for the hub"),
            foreign: registered(ours, "foreign", "Requests of other sites' pages that were refused"),
            accept_errors: registered(ours, "accept_errors", "Failures to accept a connection"),
            draining: registered(ours, "draining", "1 while the server ends its streams, else 0"),
            stats: StatsMetrics::new(ours),
            presence: PresenceMetrics::new(ours),
            webhooks: WebhookMetrics::new(ours),
            lost_lines,
            registry,
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

/// A new metric, which the registry shows from now on.
fn registered<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::label::Label;
    use super::*;

    #[test]
    fn a_counter_exists_before_it_counts() {
        let metrics = Metrics::new();
        let text = metrics.text();
        assert!(text.contains("skew_limited_total{limit=\"opens_by_address\"} 0\n"), "{text}");
        assert!(text.contains("skew_authorizations_total{outcome=\"wrong\"} 0\n"), "{text}");
        assert!(text.contains("skew_log_lost_lines_total 0"), "{text}");
        assert!(text.contains("# HELP skew_connections Connections that are open.\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
        metrics.limited(Limit::OpensByAddress);
        assert!(metrics.text().contains("skew_limited_total{limit=\"opens_by_address\"} 1\n"));
    }

    #[test]
    fn every_limit_is_in_the_docs_by_the_name_it_has_here() {
        let docs = include_str!("../../docs/limits.md");
        for limit in Limit::ALL {
            assert!(docs.contains(&format!("`{}`", limit.name())), "{limit:?}");
        }
    }

    #[test]
    fn lines_that_a_log_has_lost_are_shown() {
        let metrics = Metrics::new();
        metrics.show_lost_lines(Arc::new(AtomicU64::new(17)));
        assert!(metrics.text().contains("skew_log_lost_lines_total 17"));
    }

    #[test]
    fn alerts_are_about_metrics_that_exist() {
        let alerts = include_str!("../../docs/examples/skew-alerts.yml");
        let text = Metrics::new().text();
        let mut words = alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named: Vec<_> =
            words.by_ref().filter(|word| word.starts_with("skew_") || word.starts_with("process_")).collect();
        assert!(named.len() > 5, "{named:?}");
        for name in named {
            assert!(text.lines().any(|line| line.split([' ', '{']).next() == Some(name)), "{name} is no metric");
        }
    }
}
