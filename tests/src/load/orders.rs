//! What a worker is told on its standard input and answers on its standard output, a line of JSON each.

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::target::Target;

/// What a worker is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Order {
    /// Open connections, so many at once, and read what comes. Answered by [`Answer::Opened`].
    Open {
        /// Where to.
        target: Target,
        /// How many.
        count: usize,
        /// How many may be under way.
        at_once: usize,
        /// From where, each in its turn.
        sources: Vec<Ipv4Addr>,
        /// Whether they read.
        manner: Manner,
    },
    /// Report other pages for the connections that are open, and let everybody report about as often. Answered by [`Answer::Moved`].
    Move {
        /// How many reports a second.
        per_second: u32,
        /// For how long.
        time: Duration,
    },
    /// Say what has come. Answered by [`Answer::Tally`].
    Tally,
    /// Close all connections. Answered by [`Answer::Closed`].
    Close,
}

/// What becomes of what is sent to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// It is read at once.
    Reads,
    /// It is never read, and the system takes as little of it as it can. Its page is [`STALLED_ROUTE`].
    Stalls,
}

/// The page of those who do not read.
pub const STALLED_ROUTE: &str = "/stalled";

/// What a worker answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    /// Connections were opened.
    Opened {
        /// So many.
        opened: usize,
        /// Why others were not, the first reason.
        failed: Option<String>,
    },
    /// Pages were reported.
    Moved {
        /// So many times.
        sent: u64,
        /// Reports that were not answered by 200.
        failed: u64,
    },
    /// All connections are closed.
    Closed,
    /// What has come so far.
    Tally(Tally),
}

/// What has come to all connections of a worker, or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Connections that the server has ended.
    pub ended: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// `version` messages that were read.
    pub versions: u64,
    /// When the last of them came, in microseconds by [`now_us`].
    pub last_version_us: u64,
}

impl Tally {
    /// What has come to both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            ended: self.ended + other.ended,
            bytes: self.bytes + other.bytes,
            versions: self.versions + other.versions,
            last_version_us: self.last_version_us.max(other.last_version_us),
        }
    }
}

/// A clock that all processes of a machine share, in microseconds.
pub fn now_us() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
