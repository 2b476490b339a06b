//! The arguments of `wait`.

use std::time::Duration;

use clap::Args;
use skew_proto::{MatchKind, PatternError, RoutePattern};

use super::{Options, values};
use crate::wait::{Patience, Percent, Terms, Wanted};

/// How long `wait` waits, where nothing else is said.
const PATIENCE: Duration = Duration::from_mins(30);

/// What `wait` waits for.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// The site, such as https://shop.example.com
    pub url: Option<String>,

    /// The share of connected tabs that is enough, in percent
    #[arg(long, value_name = "SHARE", env = "SKEW_PERCENT", default_value = "100",
          value_parser = values::percent)]
    pub percent: Percent,

    /// The build: current is whichever is current; an id is waited for until it is current, and a later release ends the wait
    #[arg(long, value_name = "ID|current", env = "SKEW_VERSION", default_value = "current",
          value_parser = values::wanted)]
    pub version: Wanted,

    /// Fewer connected tabs than these are no answer; 0 lets an empty site pass
    #[arg(long, value_name = "N", env = "SKEW_MIN_CONNECTIONS", default_value_t = 1)]
    pub min_connections: u64,

    /// How long the share must hold
    #[arg(long, value_name = "TIME", env = "SKEW_STABLE_FOR", default_value = "15s", value_parser = values::patience)]
    pub stable_for: Duration,

    /// How long tabs may take to come back after a restart, where less than half of them have
    #[arg(long, value_name = "TIME", env = "SKEW_SETTLE", default_value = "60s", value_parser = values::patience)]
    pub settle: Duration,

    /// Ask of one page only: a route or a pattern
    #[arg(long, value_name = "PATTERN", env = "SKEW_ROUTE")]
    pub route: Option<String>,

    /// How the pattern is compared with routes: prefix, exact, segment or regex
    #[arg(long = "match", value_name = "KIND", env = "SKEW_MATCH", default_value_t, value_parser = values::match_kind())]
    pub kind: MatchKind,
}

impl WaitArgs {
    /// What is waited for, checked.
    ///
    /// # Errors
    ///
    /// When the route is no pattern.
    pub fn terms(&self, options: &Options) -> Result<Terms, PatternError> {
        let patience = options.timeout.unwrap_or(PATIENCE);
        Ok(Terms {
            percent: self.percent,
            wanted: self.version.clone(),
            min_connections: self.min_connections,
            stable_for_ms: ms(self.stable_for),
            settle_ms: ms(self.settle),
            patience: if patience.is_zero() { Patience::Once } else { Patience::Ms(ms(patience)) },
            route: self.route.as_deref().map(|route| RoutePattern::new(self.kind, route)).transpose()?,
        })
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
