//! How much anybody may ask of the server.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use skew_proto::wire;

use super::ConfigError;

/// How often something may happen: `burst` times at once, and `per_second` times a second in the long run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Times a second, in the long run.
    pub per_second: f64,
    /// Times at once after a quiet while.
    pub burst: u32,
}

/// A text that is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a rate and a burst such as 50/s:500, 12/m:10 or 1/h:5")]
pub struct NotARate;

impl Rate {
    /// Less than once a day is never, and past a billion a second nothing is held.
    fn is_sound(&self) -> bool {
        (1.0 / 86_400.0..=1e9).contains(&self.per_second) && self.burst > 0
    }
}

/// Reads `50/s:500`: 50 a second in the long run, 500 at once. Of a minute and of an hour it is `/m` and `/h`.
impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (pace, burst) = text.split_once(':').ok_or(NotARate)?;
        let (number, unit) = pace.split_once('/').ok_or(NotARate)?;
        let seconds = UNITS.iter().find(|(name, _)| *name == unit).ok_or(NotARate)?.1;
        let per_second = number.parse::<f64>().map_err(|_| NotARate)? / seconds;
        let rate = Self { per_second, burst: burst.parse().map_err(|_| NotARate)? };
        if rate.is_sound() { Ok(rate) } else { Err(NotARate) }
    }
}

/// In the first unit in which it is a whole number, else by the second.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.iter().find(|(_, seconds)| (self.per_second * seconds).fract() == 0.0);
        let (unit, seconds) = whole.unwrap_or(&UNITS[0]);
        write!(f, "{}/{unit}:{}", self.per_second * seconds, self.burst)
    }
}

const UNITS: [(&str, f64); 3] = [("s", 1.0), ("m", 60.0), ("h", 3600.0)];

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

impl Limits {
    /// Refuses what would keep everybody out, or hold nothing.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let counts = [
            ("max-connections", self.connections, 1..=usize::MAX),
            ("max-connections-by-address", self.connections_by_address, 1..=usize::MAX),
            (
                "max-requests-by-connection",
                usize::try_from(self.requests_by_connection).unwrap_or(usize::MAX),
                1..=usize::MAX,
            ),
            // A browser's own headers are about 20, of 1 KiB.
            ("max-head-bytes", self.head_bytes, 4096..=1024 * 1024),
            ("max-headers", self.headers, 32..=1000),
            // The longest of ours, a release or an invalidation, must go in.
            ("max-body-bytes", self.body_bytes, 1024..=1024 * 1024),
            ("max-message-bytes", self.message_bytes, 1024..=1024 * 1024),
            ("max-route-bytes", self.route_bytes, 16..=8192),
            ("max-version-bytes", self.version_bytes, 16..=1024),
            ("max-routes", self.routes, 1..=usize::MAX),
            ("max-versions", self.versions, 1..=usize::MAX),
            ("max-subscribers", self.subscribers, 1..=usize::MAX),
            // The first messages of a connection are there before anybody can have read one.
            ("max-queue", self.queue, 4..=65_536),
        ];
        for (name, value, range) in counts {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                return Err(ConfigError::Limit { name, least, most });
            }
        }
        let rates = [
            ("open-rate-by-address", self.opens_by_address),
            ("try-rate-by-address", self.tries_by_address),
            ("message-rate", self.messages),
        ];
        if let Some((name, _)) = rates.into_iter().find(|(_, rate)| !rate.is_sound()) {
            return Err(ConfigError::Rate(name));
        }
        if self.head_time.is_zero() { Err(ConfigError::HeadTime) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_as_it_is_read() {
        for (text, per_second, burst) in [("50/s:500", 50.0, 500), ("12/m:10", 0.2, 10), ("1/h:1", 1.0 / 3600.0, 1)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate, rate.to_string().as_str()), (Rate { per_second, burst }, text));
        }
        assert_eq!("0.3/s:2".parse::<Rate>().unwrap().to_string(), "18/m:2");
        for text in ["", "50", "50/s", "50:5", "0/s:5", "50/s:0", "-1/s:5", "nan/s:1", "inf/s:1", "1/d:1", "1e-9/s:1"] {
            assert_eq!(text.parse::<Rate>(), Err(NotARate), "{text}");
        }
    }

    #[test]
    fn limits_that_keep_everybody_out_or_hold_nothing_are_refused() {
        assert_eq!(Limits::default().check(), Ok(()));
        type Change = fn(&mut Limits);
        let changes: [(Change, &str); 6] = [
            (|l| l.connections = 0, "max-connections must be 1 or more"),
            (|l| l.headers = 0, "max-headers must be from 32 to 1000"),
            (|l| l.body_bytes = usize::MAX, "max-body-bytes must be from 1024 to 1048576"),
            (|l| l.opens_by_address.burst = 0, "open-rate-by-address must be a rate"),
            (|l| l.messages.per_second = f64::NAN, "message-rate must be a rate"),
            (|l| l.head_time = Duration::ZERO, "head-timeout must be longer than 0"),
        ];
        for (change, expected) in changes {
            let mut limits = Limits::default();
            change(&mut limits);
            let error = limits.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
