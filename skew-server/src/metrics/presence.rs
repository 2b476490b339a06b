//! The other instances and the way to them, as numbers.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::registered;

/// Clones count the same.
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis nobody counts"))]
#[derive(Debug, Clone)]
pub(crate) struct PresenceMetrics {
    /// Milliseconds from saying something to hearing it from Redis, the last time.
    pub(crate) lag_ms: Gauge,
    /// Commands that Redis has not answered, or with an error.
    pub(crate) errors: Counter,
    /// Connections to Redis that were lost.
    pub(crate) reconnects: Counter,
    /// Messages of other instances that were dropped since too many waited.
    pub(crate) dropped: Counter,
    /// Times that what another instance has written was read whole.
    pub(crate) reread: Counter,
    /// Values of other instances that could not be read.
    pub(crate) damaged: Gauge,
    instances: Family<[(&'static str, &'static str); 1], Gauge>,
}

impl PresenceMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let lag = "Milliseconds that a message of this instance's own took over Redis, the last time";
        let reread = "Times that what another instance has written was read whole";
        let dropped = "Messages of other instances that were dropped since too many waited";
        let metrics = Self {
            lag_ms: registered(registry, "presence_lag_ms", lag),
            errors: registered(registry, "presence_errors", "Times that Redis did not answer, or with an error"),
            reconnects: registered(registry, "presence_reconnects", "Connections to Redis that were lost"),
            dropped: registered(registry, "presence_dropped", dropped),
            reread: registered(registry, "presence_reread", reread),
            damaged: registered(registry, "presence_damaged", "Values of other instances that could not be read"),
            instances: registered(registry, "instances", "Other instances, by state"),
        };
        metrics.set_instances([0; 3]);
        metrics
    }

    /// How many others are heard from, are not, and can't be read.
    pub(crate) fn set_instances(&self, counts: [usize; 3]) {
        for (state, count) in ["live", "silent", "unreadable"].into_iter().zip(counts) {
            self.instances.get_or_create(&[("state", state)]).set(count as i64);
        }
    }
}
