//! Events for the operator's own systems: batches of them in signed requests, sent again until they are taken.
//!
//! Each URL has a queue and a task of its own, so that one that does not answer holds up no other. What is in a queue is bounded: the
//! oldest events go first, and whoever reads sees by the numbers that they are missing.

mod queue;
mod retry;
mod signature;
mod target;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use skew_proto::{Event, EventsAsked};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

pub(crate) use self::signature::Key;
use self::target::Target;
use crate::config::{ConfigError, WebhookConfig};
use crate::live::Live;

/// How long events that wait may take to be sent once the server ends.
pub(crate) const END_TIME: Duration = Duration::from_secs(2);

/// Where events are sent, as it is set now.
pub(crate) struct Webhooks {
    targets: Vec<Arc<Target>>,
    /// By each of them every request is signed.
    keys: Vec<Key>,
    events: EventsAsked,
    /// Events that may wait for each.
    room: usize,
}

impl Webhooks {
    /// What a configuration asks for. Who was there before keeps its queue.
    pub(crate) fn new(config: Option<&WebhookConfig>, before: Option<&Self>) -> Result<Self, ConfigError> {
        let Some(config) = config.filter(|config| !config.urls.is_empty()) else {
            return Ok(Self { targets: Vec::new(), keys: Vec::new(), events: EventsAsked::None, room: 0 });
        };
        let keys = config.keys()?;
        if keys.is_empty() {
            return Err(ConfigError::NoWebhookSecret);
        }
        let mut targets: Vec<Arc<Target>> = Vec::new();
        for url in config.urls()? {
            if targets.iter().any(|target| *target.url() == url) {
                continue;
            }
            let known = before.and_then(|before| before.targets.iter().find(|target| *target.url() == url));
            targets.push(match known {
                Some(known) => known.clone(),
                None => Arc::new(Target::new(url).map_err(ConfigError::Client)?),
            });
        }
        Ok(Self { targets, keys, events: config.events, room: config.queue })
    }

    /// Which events are sent to anybody.
    pub(crate) fn asked(&self) -> EventsAsked {
        self.events
    }

    /// Has an event sent that is asked for.
    pub(crate) fn send(&self, event: &Arc<Event>, live: &Live) {
        for target in &self.targets {
            target.queue.push(event.clone(), self.room, &live.metrics.webhooks);
        }
    }

    /// Up to where each URL has taken the events of users. See [`Delivered`].
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis there is nobody who needs it"))]
    pub(crate) fn delivered(&self) -> Vec<tokio::sync::watch::Receiver<Option<Delivered>>> {
        self.targets.iter().map(|target| target.delivered.subscribe()).collect()
    }

    /// Tries once more to send what waits, and returns when it is sent, or [`END_TIME`] is over.
    pub(crate) async fn end(&self) {
        self.targets.iter().for_each(|target| target.hurry());
        let _ = timeout(END_TIME, join_all(self.targets.iter().map(|target| target.queue.emptied()))).await;
    }
}

/// The newest event of a user that a URL has taken, by its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
}

/// Sends to whom the settings name, as they change. Goes on until it is dropped.
pub(crate) async fn run(live: Arc<Live>) {
    let mut changes = live.changes();
    let (mut tasks, mut running) = (JoinSet::new(), Vec::<(Arc<Target>, AbortHandle)>::new());
    loop {
        let wanted = live.settings().webhooks.targets.clone();
        running.retain(|(target, task)| {
            let stays = wanted.iter().any(|wanted| Arc::ptr_eq(wanted, target));
            if !stays {
                task.abort();
            }
            stays
        });
        for target in wanted {
            if !running.iter().any(|(known, _)| Arc::ptr_eq(known, &target)) {
                let task = tasks.spawn(target::run(target.clone(), live.clone()));
                running.push((target, task));
            }
        }
        // Those that were told to end are not kept.
        while tasks.try_join_next().is_some() {}
        if changes.changed().await.is_err() {
            return;
        }
    }
}
