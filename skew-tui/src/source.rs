//! Where messages come from: a task that keeps one site's stream open and says what happens to it.
//!
//! ```text
//! worker ── places: which transport, where ── backoff: when again
//!   └─ session: one connection, from open to its end
//!        ├─ wire: sse (eventsource-client) | ws (tokio-tungstenite)
//!        └─ releases: the site's release list, now and then
//!   └─ poll: the same for a stats endpoint
//! ```

mod backoff;
mod ended;
mod opening;
mod places;
mod poll;
mod releases;
mod session;
mod sse;
mod utf8;
mod wire;
mod worker;
mod ws;

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::SourceEvent;
use crate::http::Http;
use crate::target::Target;

// For a look at a stream that is not kept.
pub(crate) use ended::Ended;
pub(crate) use opening::{MAX_MESSAGE_BYTES, stream_url};
pub(crate) use ws::Ws;

/// Events that may wait to be read. Past that the stream itself waits.
const UNREAD_EVENTS: usize = 64;

/// Why a source can't start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(String);

/// The live messages of one site. Reconnects by itself; dropping it closes the connection.
#[derive(Debug)]
pub struct Source {
    events: mpsc::Receiver<SourceEvent>,
    wake: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Source {
    /// Starts to connect. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When TLS can't be set up with the target's certificates.
    pub fn start(target: Arc<Target>) -> Result<Self, SourceError> {
        let http = Http::new(target, opening::SILENCE).map_err(|error| SourceError(error.to_string()))?;
        let (outlet, events) = mpsc::channel(UNREAD_EVENTS);
        let wake = Arc::new(Notify::new());
        let task = tokio::spawn(worker::Worker::new(http, outlet, Arc::clone(&wake)).run());
        Ok(Self { events, wake, task })
    }

    /// The next event. None once the source has ended, which it does not do by itself.
    pub async fn next(&mut self) -> Option<SourceEvent> {
        self.events.recv().await
    }

    /// An event that has come already, without waiting for one.
    pub fn ready(&mut self) -> Option<SourceEvent> {
        self.events.try_recv().ok()
    }

    /// Connects anew at once: what is open is closed, and what waits does not wait any longer.
    pub fn reconnect(&self) {
        self.wake.notify_one();
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}
