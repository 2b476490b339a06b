//! What metrics tell apart. Every value is there from the beginning, so that a counter exists before it counts, and none comes from
//! a visitor.

use std::marker::PhantomData;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// The values of one label.
pub(crate) trait Label: Copy + Send + Sync + 'static {
    const KEY: &'static str;
    const ALL: &'static [Self];

    fn name(self) -> &'static str;
}

/// A counter for each value of a label.
#[derive(Debug)]
pub(crate) struct By<L> {
    counters: Family<[(&'static str, &'static str); 1], Counter>,
    label: PhantomData<L>,
}

impl<L: Label> Default for By<L> {
    fn default() -> Self {
        let by = Self { counters: Family::default(), label: PhantomData };
        for value in L::ALL {
            drop(by.counters.get_or_create(&[(L::KEY, value.name())]));
        }
        by
    }
}

impl<L: Label> By<L> {
    pub(crate) fn count(&self, value: L) {
        self.add(value, 1);
    }

    pub(crate) fn add(&self, value: L, number: u64) {
        self.counters.get_or_create(&[(L::KEY, value.name())]).inc_by(number);
    }
}

impl<L> Clone for By<L> {
    fn clone(&self) -> Self {
        Self { counters: self.counters.clone(), label: PhantomData }
    }
}

impl<L: std::fmt::Debug + Label> EncodeMetric for By<L> {
    fn encode(&self, encoder: MetricEncoder) -> Result<(), std::fmt::Error> {
        self.counters.encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        self.counters.metric_type()
    }
}

/// Declares a label with its values and what they are called.
macro_rules! label {
    ($(#[$about:meta])* $name:ident as $key:literal { $($(#[$what:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$what])* $value,)*
        }

        impl Label for $name {
            const KEY: &'static str = $key;
            const ALL: &'static [Self] = &[$(Self::$value,)*];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)*
                }
            }
        }
    };
}

label! {
    /// A limit that somebody has reached.
    Limit as "limit" {
        Connections = "connections",
        ConnectionsByAddress = "connections_by_address",
        OpensByAddress = "opens_by_address",
        TriesByAddress = "tries_by_address",
        RequestsByConnection = "requests_by_connection",
        Head = "head",
        HeadTime = "head_time",
        Body = "body",
        MessageBytes = "message_bytes",
        MessageRate = "message_rate",
        RouteBytes = "route_bytes",
        VersionBytes = "version_bytes",
        Routes = "routes",
        Versions = "versions",
        Subscribers = "subscribers",
        Queue = "queue",
    }
}

label! {
    /// How a subscriber is told stats.
    Told as "kind" {
        Snapshot = "snapshot",
        Changes = "changes",
    }
}

label! {
    /// How a connection is kept open.
    Transport as "transport" {
        Sse = "sse",
        Ws = "ws",
    }
}

label! {
    /// What says whose a stream is.
    KnownBy as "by" {
        Session = "session",
        Token = "token",
        Header = "header",
        Forward = "forward_auth",
        Cookie = "cookie",
        Hook = "hook",
        Nothing = "nothing",
        Late = "late",
    }
}

label! {
    /// What came of somebody's wish to read stats or to act.
    Outcome as "outcome" {
        Granted = "granted",
        Closed = "closed",
        Slowed = "slowed",
        Wrong = "wrong",
        Unknown = "unknown",
        ReadsOnly = "reads_only",
    }
}
