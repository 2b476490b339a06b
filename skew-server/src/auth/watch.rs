//! Looking again and again whether a subscriber may still see stats.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::{self, AbortHandle};
use tokio::time::sleep;

use super::{Caller, Refusal};
use crate::app::{App, Shared};
use crate::clock::now_ms;
use crate::hub::command::Verdict;
use crate::id::ConnectionId;

/// No two looks are nearer than this, however soon it is that something ends.
const PAUSE: Duration = Duration::from_secs(1);

/// A task that takes the leave of one subscriber back when it does not hold any more: at the end of what admitted them, every few minutes,
/// and at once when the settings have changed. It ends with this.
#[derive(Debug)]
pub(crate) struct Watch(AbortHandle);

/// Which watch it is.
pub(crate) type WatchId = task::Id;

impl Watch {
    /// Begins where `caller` may see stats now.
    pub(crate) async fn begin(
        app: &Shared,
        connection_id: ConnectionId,
        caller: Option<Arc<Caller>>,
    ) -> Result<Self, Refusal> {
        // From before the first look on, so that no change of the settings is missed.
        let mut changes = app.live.changes();
        let caller = caller.unwrap_or_default();
        let mut grant = app.live.reader(&caller).await?;
        let app = app.clone();
        let watching = tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = sleep(next_look(&app, grant.until)) => {}
                    Ok(()) = changes.changed() => {}
                }
                // A hook that panics has not said yes.
                match AssertUnwindSafe(app.live.still_reader(&caller)).catch_unwind().await {
                    Ok(Ok(newer)) => grant = newer,
                    // The hub ends this task then, unless it has not heard of it yet.
                    Ok(Err(_)) | Err(_) => drop(app.hub.subscribe(connection_id, Verdict::Ended(task::id())).await),
                }
            }
        });
        Ok(Self(watching.abort_handle()))
    }

    pub(crate) fn id(&self) -> WatchId {
        self.0.id()
    }

    /// One that never looks.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(tokio::spawn(std::future::pending::<()>()).abort_handle())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn next_look(app: &App, until: Option<u64>) -> Duration {
    let interval = app.settings().config.recheck_interval;
    let left = until.map(|until| Duration::from_millis(until.saturating_sub(now_ms())));
    left.map_or(interval, |left| left.min(interval)).max(PAUSE)
}

#[cfg(test)]
mod tests;
