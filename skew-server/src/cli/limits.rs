//! How much anybody may ask of the server.

use std::time::Duration;

use clap::Args;
use skew_server::{Config, Limits, Rate};

use super::values::duration;

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Streams in all. One more gets 200, is told to come again in 30 to 90 s, and ends
    #[arg(long, env = "SKEW_MAX_CONNECTIONS", hide_env_values = true, value_name = "N")]
    #[arg(default_value_t = Limits::default().connections)]
    max_connections: usize,

    /// Streams from one client: an IPv4 address, or an IPv6 network of 64 bits. One more is answered like one past
    /// --max-connections. Limits by address hold where a trusted proxy says who asks, or the peer is no private address
    #[arg(long, env = "SKEW_MAX_CONNECTIONS_BY_ADDRESS", hide_env_values = true, value_name = "N")]
    #[arg(default_value_t = Limits::default().connections_by_address)]
    max_connections_by_address: usize,

    /// Streams that one client opens: so many a second (/m a minute, /h an hour) in the long run, and so many at once
    #[arg(long, env = "SKEW_OPEN_RATE_BY_ADDRESS", hide_env_values = true, value_name = "RATE")]
    #[arg(default_value_t = Limits::default().opens_by_address)]
    open_rate_by_address: Rate,

    /// Wrong secrets and tokens from one client; past it none is looked at, and the answer is 429
    #[arg(long, env = "SKEW_TRY_RATE_BY_ADDRESS", hide_env_values = true, value_name = "RATE")]
    #[arg(default_value_t = Limits::default().tries_by_address)]
    try_rate_by_address: Rate,

    /// Requests on one kept-alive HTTP/1.1 connection, which is closed in order then
    #[arg(long, env = "SKEW_MAX_REQUESTS_BY_CONNECTION", hide_env_values = true, value_name = "N")]
    #[arg(default_value_t = Limits::default().requests_by_connection)]
    max_requests_by_connection: u64,

    /// A request's line and headers, in bytes; 431 past it
    #[arg(long, env = "SKEW_MAX_HEAD_BYTES", hide_env_values = true, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().head_bytes)]
    max_head_bytes: usize,

    /// Headers of a request; 431 past it
    #[arg(long, env = "SKEW_MAX_HEADERS", hide_env_values = true, value_name = "N")]
    #[arg(default_value_t = Limits::default().headers)]
    max_headers: usize,

    /// Time in which a request's head must be whole, also when it drips in
    #[arg(long, env = "SKEW_HEAD_TIMEOUT", hide_env_values = true, default_value = "10s", value_parser = duration)]
    #[arg(value_name = "TIME")]
    head_timeout: Duration,

    /// A request's body, in bytes; 413 past it
    #[arg(long, env = "SKEW_MAX_BODY_BYTES", hide_env_values = true, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().body_bytes)]
    max_body_bytes: usize,

    /// A WebSocket message from a client, in bytes; a longer one closes its connection with 1009
    #[arg(long, env = "SKEW_MAX_MESSAGE_BYTES", hide_env_values = true, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().message_bytes)]
    max_message_bytes: usize,

    /// WebSocket messages from one connection; more close it with 1008
    #[arg(long, env = "SKEW_MESSAGE_RATE", hide_env_values = true, value_name = "RATE")]
    #[arg(default_value_t = Limits::default().messages)]
    message_rate: Rate,

    /// A route, in bytes. A stream with a longer one counts as `other`; a POST is answered 400
    #[arg(long, env = "SKEW_MAX_ROUTE_BYTES", hide_env_values = true, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().route_bytes)]
    max_route_bytes: usize,

    /// A version in a visitor's cookie, in bytes; a longer one counts as `other`
    #[arg(long, env = "SKEW_MAX_VERSION_BYTES", hide_env_values = true, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().version_bytes)]
    max_version_bytes: usize,

    /// Distinct routes; past it new ones count as `other` until others are gone
    #[arg(long, env = "SKEW_MAX_ROUTES", hide_env_values = true, value_name = "N")]
    #[arg(default_value_t = Limits::default().routes)]
    max_routes: usize,

    /// Distinct versions; past it new ones count as `other` until others are gone
    #[arg(long, env = "SKEW_MAX_VERSIONS", hide_env_values = true, value_name = "N")]
    #[arg(default_value_t = Limits::default().versions)]
    max_versions: usize,

    /// Connections that are told stats; one more gets none
    #[arg(long, env = "SKEW_MAX_SUBSCRIBERS", hide_env_values = true, value_name = "N")]
    #[arg(default_value_t = Limits::default().subscribers)]
    max_subscribers: usize,

    /// Messages that may wait for one reader; one more closes its connection
    #[arg(long, env = "SKEW_MAX_QUEUE", hide_env_values = true, value_name = "N")]
    #[arg(default_value_t = Limits::default().queue)]
    max_queue: usize,
}

impl LimitArgs {
    pub(super) fn apply(&self, config: &mut Config) {
        config.limits = Limits {
            connections: self.max_connections,
            connections_by_address: self.max_connections_by_address,
            opens_by_address: self.open_rate_by_address,
            tries_by_address: self.try_rate_by_address,
            requests_by_connection: self.max_requests_by_connection,
            head_bytes: self.max_head_bytes,
            headers: self.max_headers,
            head_time: self.head_timeout,
            body_bytes: self.max_body_bytes,
            message_bytes: self.max_message_bytes,
            messages: self.message_rate,
            route_bytes: self.max_route_bytes,
            version_bytes: self.max_version_bytes,
            routes: self.max_routes,
            versions: self.max_versions,
            subscribers: self.max_subscribers,
            queue: self.max_queue,
        };
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn limits(arguments: impl IntoIterator<Item = String>) -> Limits {
        let mut config = Config::new("b1");
        Only::parse_from(std::iter::once("x".to_owned()).chain(arguments)).limits.apply(&mut config);
        config.limits
    }

    #[test]
    fn the_defaults_are_those_of_the_library() {
        assert_eq!(limits([]), Limits::default());
    }

    #[test]
    fn every_limit_can_be_set() {
        let names = [
            "max-connections",
            "max-connections-by-address",
            "max-requests-by-connection",
            "max-head-bytes",
            "max-headers",
            "max-body-bytes",
            "max-message-bytes",
            "max-route-bytes",
            "max-version-bytes",
            "max-routes",
            "max-versions",
            "max-subscribers",
            "max-queue",
        ];
        let numbers = names.iter().zip(2001..).map(|(name, n)| format!("--{name}={n}"));
        let rates = ["open-rate-by-address", "try-rate-by-address", "message-rate"];
        let rates = rates.iter().zip(1..).map(|(name, n)| format!("--{name}={n}/s:{n}"));
        insta::assert_debug_snapshot!(limits(["--head-timeout=7s".to_owned()].into_iter().chain(numbers).chain(rates)));
    }

    #[test]
    fn every_limit_and_its_default_are_in_the_docs() {
        let docs = include_str!("../../../docs/limits.md");
        for arg in Only::command().get_arguments() {
            let name = arg.get_long().unwrap();
            let row = docs.lines().find(|line| line.starts_with('|') && line.contains(&format!("`--{name}`")));
            let default = arg.get_default_values()[0].to_str().unwrap();
            assert!(row.is_some_and(|row| row.contains(default)), "--{name} {default}");
        }
    }

    #[test]
    fn what_is_no_rate_is_told_how_to_write_one() {
        let error = Only::try_parse_from(["x", "--message-rate", "10"]).unwrap_err().to_string();
        assert!(error.contains("50/s:500"), "{error}");
    }
}
