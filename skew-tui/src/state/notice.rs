//! What an operator should know or do before figures can be trusted.

use skew_proto::Partial;

use super::State;
use super::site::{Authorization, Link, Refusal};

/// Silence after asking for stats that starts to mean something, in milliseconds.
pub(crate) const SILENCE_MS: u64 = 5_000;

/// Something to be said above the figures, or in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'a> {
    /// The first connection is not there yet.
    Connecting,
    /// There is no connection and there never were figures; the reason is cleaned.
    Unreachable(&'a str),
    /// Given up; the reason is cleaned.
    Failed(&'a str),
    /// Stats were asked for a moment ago.
    Asking,
    /// Stats were asked for, and nothing has come since.
    Silent,
    /// The server's hook did not authorize these credentials.
    RefusedByHook,
    /// The server refused by status; the reason is cleaned.
    RefusedByStatus(u16, &'a str),
    /// The server does not hear from some of its instances.
    Instances(&'a Partial),
}

impl State {
    /// What is to be said now, if anything.
    #[must_use]
    pub fn notice(&self) -> Option<Notice<'_>> {
        let site = self.site();
        let has_figures = site.stats.is_some();
        if let Link::Failed(reason) = &site.link {
            return Some(Notice::Failed(reason));
        }
        match &site.authorization {
            Authorization::Refused(Refusal::ByServer) => return Some(Notice::RefusedByHook),
            Authorization::Refused(Refusal::ByStatus(status, reason)) => {
                return Some(Notice::RefusedByStatus(*status, reason));
            }
            Authorization::Pending { .. } | Authorization::Granted => {}
        }
        match &site.link {
            Link::Reconnecting { reason, .. } if !has_figures => Some(Notice::Unreachable(reason)),
            Link::Connecting if !has_figures => Some(Notice::Connecting),
            Link::Live | Link::Behind | Link::Stale if self.silence_begins_in() == Some(0) => Some(Notice::Silent),
            Link::Live | Link::Behind | Link::Stale if !has_figures => Some(Notice::Asking),
            Link::Live => self.shown().missing.as_ref().map(Notice::Instances),
            _ => None,
        }
    }

    /// Milliseconds until no answer is an answer; nothing while none is awaited.
    pub(super) fn silence_begins_in(&self) -> Option<u64> {
        match self.site().authorization {
            Authorization::Pending { asked_at_ms: Some(asked) } => {
                Some((asked + SILENCE_MS).saturating_sub(self.now().monotonic_ms))
            }
            _ => None,
        }
    }
}
