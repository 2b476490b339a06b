//! Where a wait stands.

use super::settle::Settling;
use super::share::{Share, Unusable};

/// Where a wait stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What of it is reached.
    pub phase: Phase,
    /// The figures, where there are any that can be trusted.
    pub share: Option<Share>,
}

/// What of a wait is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Not enough is known to say anything, success least of all.
    Unknown(Unknown),
    /// The build that is waited for is not the current one.
    NotCurrent {
        /// The one that is.
        current: String,
    },
    /// The share is too small yet.
    Rolling,
    /// The share is reached, and has to hold.
    Holding {
        /// Since when, on [`Now::monotonic_ms`](crate::Now::monotonic_ms).
        since_ms: u64,
    },
    /// It is decided.
    Over(Verdict),
}

/// Why a share says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// The first try to connect is under way.
    Connecting,
    /// There is no connection, with the reason, cleaned.
    Disconnected(String),
    /// Nothing came for so long that the figures are old.
    Stale,
    /// The site has no such endpoint, or leads elsewhere, with the reason, cleaned. A deploy may be going on.
    Missing(String),
    /// Stats were not asked for yet, or not answered yet.
    Pending,
    /// Stats are refused for now, with the reason.
    Refused(String),
    /// The server has not said which build is current.
    NoBuild,
    /// Targets call these different builds current, as in the middle of a deploy.
    Disputed(String, String),
    /// Some targets don't answer.
    Partial {
        /// Number of targets that do.
        answering: usize,
        /// Number of targets.
        of: usize,
    },
    /// The server has not heard from these of its instances, cleaned.
    Instances(String),
    /// The figures can't tell.
    Unusable(Unusable),
    /// Tabs are on their way back after a restart.
    Settling(Settling),
    /// Nobody is connected, or too few are.
    TooFew {
        /// Connections that there are.
        connected: u64,
        /// How many there must be.
        needed: u64,
    },
}

/// How a wait ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The share has held.
    Met,
    /// Asked once, and it was not so, or a recording was over before it was. With where it stood.
    NotMet(Box<Phase>),
    /// A later release has taken the build's place.
    Superseded {
        /// The later one.
        by: String,
    },
    /// The time is over. With where it stood.
    TimedOut(Box<Phase>),
    /// The credentials are not enough, with what to do about it.
    Unauthorized(String),
    /// Asked once, and there was no answer, with the reason.
    Failed(String),
}
