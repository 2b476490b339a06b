//! What a site's messages say, by kind.

use skew_proto::Counts;

use super::people::Users;
use crate::Now;

/// Where the connection to the server stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    /// The first try, or a new one, is under way.
    Connecting,
    /// Messages arrive.
    Live,
    /// Messages arrive, but some of the changes of stats were lost: the figures are old until they come whole.
    Behind,
    /// The stream is open but silent for too long: the figures are old.
    Stale,
    /// Waiting for the next try.
    Reconnecting {
        /// Why the last one ended, cleaned.
        reason: String,
        /// When the next one begins, on [`Now::monotonic_ms`].
        retry_at_ms: u64,
    },
    /// Given up, with the reason, cleaned.
    Failed(String),
}

/// Whether the server lets this client see stats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// Not asked yet, or not answered yet.
    Pending {
        /// When stats were asked for, on [`Now::monotonic_ms`]. A hook that throws never answers.
        asked_at_ms: Option<u64>,
    },
    /// Stats arrive.
    Granted,
    /// Refused.
    Refused(Refusal),
}

/// How stats were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// By `stats-unauthorized`: the server's hook did not authorize these credentials.
    ByServer,
    /// By an HTTP status, with the reason, cleaned.
    ByStatus(u16, String),
}

/// Whether `skew-tui`s count in the figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Watchers {
    /// They are left out: they are no visitors.
    #[default]
    LeftOut,
    /// They count like everybody, as in the server's own figures.
    Counted,
}

/// Connections by version and route, and who they belong to, as they are shown: with or without watchers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Number of connections.
    pub total: u64,
    /// Connections by build.
    pub versions: Counts,
    /// Connections by route.
    pub routes: Counts,
    /// Connections by route that are not on the current build. Empty where the server sent no complete list.
    pub outdated_routes: Counts,
    /// Number of `skew-tui`s that are connected, this one among them.
    pub watching: u64,
    /// The people behind the connections, where the server counts them.
    pub users: Option<Users>,
}

/// One line of the log. Its text is cleaned.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// When it happened, the last time where it happened several times in a row.
    pub at: Now,
    /// What happened.
    pub text: String,
    /// How much it matters.
    pub level: Level,
    /// How many times it happened in a row.
    pub times: u32,
}

/// How much a log entry matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something that went as it should.
    Info,
    /// Something to look at.
    Warning,
    /// Something that failed.
    Error,
}

/// Whether the figures are those of everybody who should be in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coverage {
    /// They are, or none answers, which [`Site::link`](super::Site::link) tells.
    #[default]
    Whole,
    /// Some targets don't answer, and nothing of them is in the figures.
    Partial {
        /// Number of targets that answer.
        answering: usize,
        /// Number of targets.
        of: usize,
    },
    /// All targets answer, and one has not heard from some of the server's instances, which [`Site::missing`](super::Site::missing) tells. Of these
    /// the figures are the last that were known.
    Instances,
}
