//! The way to the task that speaks with the other instances.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::exchange::Order;

/// Orders that may wait for the task.
const QUEUE: usize = 1_024;
/// Those who have not answered by now are not waited for. The task stops a little earlier.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Leaving takes no longer, also where Redis is away.
const LEAVING: Duration = Duration::from_secs(3);

/// What the task is asked for.
#[derive(Debug)]
pub(crate) enum Call {
    /// To be carried out by all others, or by the one that has the connection. The answer is how many connections were reached.
    Order(Order, oneshot::Sender<u64>),
    /// This instance ends.
    Leave(oneshot::Sender<()>),
}

/// The other instances, as the rest of the server knows them. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Others {
    calls: mpsc::Sender<Call>,
    tags: watch::Receiver<Arc<HashSet<u32>>>,
}

/// The task's side.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) calls: mpsc::Receiver<Call>,
    /// The tags of those that are there.
    pub(crate) tags: watch::Sender<Arc<HashSet<u32>>>,
}

impl Others {
    pub(crate) fn new() -> (Self, Calls) {
        let (sender, calls) = mpsc::channel(QUEUE);
        let (tags, known) = watch::channel(Arc::default());
        (Self { calls: sender, tags: known }, Calls { calls, tags })
    }

    /// Whether connections with this tag are another instance's that is there.
    pub(crate) fn has(&self, tag: u32) -> bool {
        self.tags.borrow().contains(&tag)
    }

    /// Has the others carry something out, and waits for a second at most. How many connections were reached, as those say that have
    /// answered by then.
    pub(crate) async fn order(&self, order: Order) -> u64 {
        let (reply, answer) = oneshot::channel();
        // A task that takes nothing any more, or too slowly, reaches nobody.
        let asked = async {
            self.calls.send(Call::Order(order, reply)).await.ok()?;
            answer.await.ok()
        };
        timeout(PATIENCE, asked).await.ok().flatten().unwrap_or(0)
    }

    /// Has the others told that this instance ends, and what it has written taken away.
    pub(crate) async fn leave(&self) {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            if self.calls.send(Call::Leave(reply)).await.is_ok() {
                let _ = answer.await;
            }
        };
        // What is left behind is gone by itself in a few seconds.
        let _ = timeout(LEAVING, asked).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ConnectionId;

    fn order() -> Order {
        Order::Navigate(ConnectionId::random(7), "/".into())
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_task_that_is_stuck_or_gone() {
        let (others, calls) = Others::new();
        assert_eq!(others.order(order()).await, 0, "stuck");
        others.leave().await;
        drop(calls);
        assert_eq!(others.order(order()).await, 0, "gone");
        others.leave().await;
    }

    #[tokio::test]
    async fn the_answer_is_what_the_task_says() {
        let (others, mut calls) = Others::new();
        calls.tags.send_replace(Arc::new([7].into()));
        assert!(others.has(7) && !others.has(8));
        let task = async {
            let Some(Call::Order(Order::Navigate(..), reply)) = calls.calls.recv().await else { panic!("no order") };
            reply.send(3).unwrap();
        };
        assert_eq!(tokio::join!(others.order(order()), task).0, 3);
    }
}
