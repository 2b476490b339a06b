//! What a source tells about one server.

use std::fmt;

use serde::Deserialize;
use skew_proto::{Releases, Text};

/// How messages come from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Server-sent events, with POSTs for what the client says.
    Sse,
    /// A WebSocket.
    Ws,
    /// A stats endpoint that is asked every few seconds. One's own connection is not in its figures: there is none.
    Poll,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sse => "sse",
            Self::Ws => "ws",
            Self::Poll => "poll",
        })
    }
}

/// One fact from a source, in the order it happened. Texts come from outside and are not cleaned.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceEvent {
    /// A try to connect begins.
    Connecting(Transport),
    /// The stream is open, or the endpoint has answered.
    Open(Transport),
    /// One message, as JSON text.
    Frame(String),
    /// Stats were asked for on this connection, and the request was taken.
    Subscribed,
    /// The server refused this client by HTTP status, before any message.
    Refused {
        /// The status, such as 401, 403 or 503.
        status: u16,
        /// What was asked, and the server's own words if it gave any.
        reason: String,
    },
    /// Nothing arrived for so long that the figures can't be trusted. The source reconnects next.
    Stale,
    /// The stream ended or a try failed.
    Lost {
        /// Why, in one line.
        reason: String,
        /// Time to the next try, in milliseconds.
        retry_ms: u64,
    },
    /// The site's release list, where it has one.
    Releases(Releases),
    /// The source gives up: trying again can't help.
    Failed(String),
}

/// How a message tells stats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Whole: the next snapshot takes its place.
    Snapshot,
    /// By what has changed, which is of use behind all that came before it.
    Changes,
}

impl SourceEvent {
    /// Whether it is a message with stats: a whole snapshot, which the next one replaces.
    #[must_use]
    pub fn is_stats(&self) -> bool {
        self.telling() == Some(Telling::Snapshot)
    }

    /// How it tells stats, where it does.
    pub(crate) fn telling(&self) -> Option<Telling> {
        if let Self::Frame(text) = self { telling(text) } else { None }
    }
}

/// How a message tells stats, where it does, without reading all of it.
pub(crate) fn telling(text: &str) -> Option<Telling> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(default, rename = "type")]
        kind: Option<Text>,
    }
    // Servers put the type first, and then the rest need not be looked at.
    if text.starts_with(r#"{"type":"#) {
        return match text {
            _ if text.starts_with(r#"{"type":"stats""#) => Some(Telling::Snapshot),
            _ if text.starts_with(r#"{"type":"stats-changes""#) => Some(Telling::Changes),
            _ => None,
        };
    }
    match serde_json::from_str::<Kind>(text).ok()?.kind?.whole()?.as_str() {
        "stats" => Some(Telling::Snapshot),
        "stats-changes" => Some(Telling::Changes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_are_known_by_their_type_wherever_it_stands() {
        for text in [r#"{"total":1,"type":"stats"}"#, r#" {"type":"stats"}"#, r#"{"type":"stats"}"#] {
            assert!(SourceEvent::Frame(text.into()).is_stats(), "{text}");
        }
        for text in [r#"{"since":1,"type":"stats-changes"}"#, r#"{"type":"stats-changes"}"#] {
            assert_eq!(SourceEvent::Frame(text.into()).telling(), Some(Telling::Changes), "{text}");
        }
        for text in [r#"{"type":"stats-unauthorized"}"#, r#"{"x":"\"type\":\"stats\""}"#, "stats", ""] {
            assert_eq!(SourceEvent::Frame(text.into()).telling(), None, "{text}");
        }
    }
}
