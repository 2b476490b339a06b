//! What happens at the sites that are watched, with the time at which it did: all that a command or the dashboard reads.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::clock::Clock;
use crate::source::{Inbox, Keep, Source, SourceError};
use crate::target::Targets;
use crate::{Now, SourceEvent};

/// One fact of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// The target's number, in the order in which they were named.
    pub from: usize,
    /// What happened.
    pub event: SourceEvent,
    /// When, by the feed's clock.
    pub at: Now,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Something happened.
    Happened(Happening),
    /// Nothing did until the moment that was asked for, which is now.
    Deadline(Now),
    /// Nothing will ever happen again.
    Ended,
}

/// The live facts of one or more targets. Each reconnects by itself; dropping the feed closes all connections.
#[derive(Debug)]
pub struct Feed {
    clock: Clock,
    inbox: Inbox,
    sources: Vec<Source>,
}

impl Feed {
    /// Starts to connect to every target. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When TLS can't be set up with a target's certificates.
    pub fn live(targets: &Targets, keep: Keep) -> Result<Self, SourceError> {
        let inbox = Inbox::new(keep);
        let sources = (targets.iter().enumerate())
            .map(|(from, target)| Source::start(Arc::clone(target), inbox.outlet(from)))
            .collect::<Result<_, _>>()?;
        Ok(Self { clock: Clock::start(), inbox, sources })
    }

    /// This moment, by the feed's clock.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Waits for what comes next, at most until a moment on [`Now::monotonic_ms`].
    pub async fn next(&mut self, until_ms: Option<u64>) -> Next {
        let arrived = match until_ms {
            None => self.inbox.arrived().await,
            Some(until_ms) => {
                let left = Duration::from_millis(until_ms.saturating_sub(self.now().monotonic_ms));
                match timeout(left, self.inbox.arrived()).await {
                    Ok(arrived) => arrived,
                    Err(_) => return Next::Deadline(self.now()),
                }
            }
        };
        if !arrived {
            return Next::Ended;
        }
        self.ready().map_or(Next::Ended, Next::Happened)
    }

    /// Waits until something can be had by [`Self::ready`]. False where nothing will ever happen again.
    pub async fn arrived(&self) -> bool {
        self.inbox.arrived().await
    }

    /// What has happened already, without waiting.
    pub fn ready(&mut self) -> Option<Happening> {
        let (from, event) = self.inbox.read()?;
        Some(Happening { from, event, at: self.now() })
    }

    /// Connects to one target anew, at once.
    pub fn reconnect_to(&self, target: usize) {
        self.sources.get(target).into_iter().for_each(Source::reconnect);
    }

    /// Connects to every target anew, at once.
    pub fn reconnect(&self) {
        self.sources.iter().for_each(Source::reconnect);
    }
}
