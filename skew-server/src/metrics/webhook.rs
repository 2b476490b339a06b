//! What becomes of events that are sent to webhooks.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::registered;

#[derive(Debug, Clone)]
pub(crate) struct WebhookMetrics {
    pub(crate) delivered: Counter,
    pub(crate) dropped: Counter,
    /// Requests that were not taken.
    pub(crate) failures: Counter,
    pub(crate) queue: Gauge,
}

impl WebhookMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            delivered: registered(registry, "webhook_delivered", "Events that webhooks have taken"),
            dropped: registered(registry, "webhook_dropped", "Events that were dropped since too many waited"),
            failures: registered(registry, "webhook_failures", "Requests to webhooks that were not taken"),
            queue: registered(registry, "webhook_queue", "Events that wait for webhooks"),
        }
    }
}
