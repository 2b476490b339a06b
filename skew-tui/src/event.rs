//! What a source tells about one server.

use std::fmt;

use skew_proto::Releases;

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
