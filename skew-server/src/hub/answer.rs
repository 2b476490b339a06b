//! What the hub answers, and how it is asked.

use skew_proto::Counts;

/// The build that new visitors get now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// Its id.
    pub version: String,
    /// When it was released, in milliseconds since 1970, where that is known.
    pub released_at: Option<u64>,
}

/// Whether an invalidation is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Tell the connections that match.
    Send,
    /// Only count them.
    DryRun,
}

/// Whom an invalidation or a message has reached, or would reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidated {
    /// Number of connections that match.
    pub matched: u64,
    /// The same by route, where it went to a route.
    pub routes: Counts,
    /// Number of connections that were told: fewer than match where some do not read, none in a dry run.
    pub reached: u64,
}

/// What a release has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// The build that was current before.
    pub previous: String,
    /// Number of connections that were told: none where the build was current already.
    pub reached: u64,
}
