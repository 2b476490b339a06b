//! How much anybody may ask of the server.

use std::time::Duration;

use skew_proto::wire;

/// How often something may happen: `burst` times at once, and `per_second` times a second in the long run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Times a second, in the long run.
    pub per_second: f64,
    /// Times at once after a quiet while.
    pub burst: u32,
}

/// What is past a limit is refused, closed or counted as [`wire::OTHER`], and counted in the metrics. A viewer's stream is never
/// refused by its status: it gets 200, is told when to come again, and ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Streams in all.
    pub connections: usize,
    /// Streams from one client address: from one IPv4 address, or one IPv6 network of 64 bits. Where the address is not known, since the
    /// peer is a private address that is no trusted proxy, this does not apply; nor do the other limits by address.
    pub connections_by_address: usize,
    /// Streams that one address opens.
    pub opens_by_address: Rate,
    /// Wrong secrets and tokens from one address.
    pub tries_by_address: Rate,
    /// Requests on one kept-alive HTTP/1.1 connection; then it is closed in order.
    pub requests_by_connection: u64,
    /// A request's line and headers, in bytes.
    pub head_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// A request's head must be whole in this time, also when it drips in.
    pub head_time: Duration,
    /// A request's body, in bytes.
    pub body_bytes: usize,
    /// A WebSocket message from a client, in bytes; a longer one closes its connection.
    pub message_bytes: usize,
    /// WebSocket messages from one client; more close its connection.
    pub messages: Rate,
    /// A route, in bytes. A longer one counts as [`wire::OTHER`].
    pub route_bytes: usize,
    /// A version, in bytes. A longer one counts as [`wire::OTHER`].
    pub version_bytes: usize,
    /// Distinct routes. Past it, new ones count as [`wire::OTHER`] until others are gone.
    pub routes: usize,
    /// Distinct versions. Past it, new ones count as [`wire::OTHER`] until others are gone.
    pub versions: usize,
    /// Connections that are told stats.
    pub subscribers: usize,
    /// Messages that may wait for one reader; one more closes its connection.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000_000,
            connections_by_address: 1_000,
            opens_by_address: Rate { per_second: 50.0, burst: 500 },
            tries_by_address: Rate { per_second: 0.2, burst: 10 },
            requests_by_connection: 1_000,
            head_bytes: 32 * 1024,
            headers: 100,
            head_time: Duration::from_secs(10),
            body_bytes: wire::MAX_BODY_BYTES,
            message_bytes: 8 * 1024,
            messages: Rate { per_second: 10.0, burst: 50 },
            route_bytes: wire::MAX_ROUTE_BYTES,
            version_bytes: wire::MAX_VERSION_BYTES,
            routes: 10_000,
            versions: 1_000,
            subscribers: 100,
            queue: 64,
        }
    }
}
