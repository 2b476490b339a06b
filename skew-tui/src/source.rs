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
mod inbox;
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

use skew_proto::Subscription;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

pub use inbox::Keep;
pub(crate) use inbox::{Inbox, Outlet};

use crate::http::Http;
use crate::target::Target;

// For a look at a stream that is not kept.
pub(crate) use ended::Ended;
pub(crate) use opening::{MAX_MESSAGE_BYTES, request, stream_url};
pub(crate) use ws::Ws;

/// Why a source can't start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(String);

/// The live messages of one site, said to an outlet. Reconnects by itself; dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Source {
    wake: Arc<Notify>,
    ask: Arc<Notify>,
    wanted: watch::Sender<Subscription>,
    task: JoinHandle<()>,
}

impl Source {
    /// Starts to connect, and will ask for stats of that kind where the server has it. Must be called within a tokio runtime. An
    /// error says that TLS can't be set up with the target's certificates.
    pub(crate) fn start(target: Arc<Target>, outlet: Outlet, wanted: Subscription) -> Result<Self, SourceError> {
        let http = Http::new(target, opening::SILENCE).map_err(|error| SourceError(error.to_string()))?;
        let (wake, ask) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (wanted, told) = watch::channel(wanted);
        let worker = worker::Worker::new(http, outlet, Arc::clone(&wake), Arc::clone(&ask), told);
        Ok(Self { wake, ask, wanted, task: tokio::spawn(worker.run()) })
    }

    /// Asks for stats once more on the connection that there is.
    pub(crate) fn ask(&self) {
        self.ask.notify_one();
    }

    /// Asks for stats of another kind from now on.
    pub(crate) fn want(&self, subscription: Subscription) {
        if self.wanted.send_if_modified(|wanted| std::mem::replace(wanted, subscription) != subscription) {
            self.ask();
        }
    }

    /// Connects anew at once: what is open is closed, and what waits does not wait any longer.
    pub(crate) fn reconnect(&self) {
        self.wake.notify_one();
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}
