//! One open stream, whatever carries it.

use super::ended::Ended;
use super::sse::Sse;
use super::ws::Ws;

/// One open stream.
pub(super) enum Wire {
    Sse(Sse),
    Ws(Box<Ws>),
}

impl Wire {
    /// The next message. May be dropped before it is ready without losing anything.
    pub(super) async fn next(&mut self) -> Result<String, Ended> {
        match self {
            Self::Sse(sse) => sse.next().await,
            Self::Ws(ws) => ws.next().await,
        }
    }
}
