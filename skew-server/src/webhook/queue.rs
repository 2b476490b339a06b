//! What waits to be sent to one URL.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use skew_proto::Event;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::metrics::WebhookMetrics;

/// Events in one request.
pub(super) const BATCH: usize = 500;

/// How long the first event of a request waits for others.
const GATHERING: Duration = Duration::from_millis(100);

/// Events in the order in which they came. Past what there is room for the oldest are dropped; those that are being sent are not among
/// them and have a place of their own.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Arc<Event>>>,
    came: Notify,
    /// How many are not delivered yet, those that are being sent among them.
    left: watch::Sender<usize>,
}

impl Queue {
    /// Puts an event behind the others, with room for so many.
    pub(super) fn push(&self, event: Arc<Event>, room: usize, metrics: &WebhookMetrics) {
        let mut waiting = self.lock();
        let too_many = (waiting.len() + 1).saturating_sub(room.max(1));
        waiting.drain(..too_many);
        waiting.push_back(event);
        // Under the lock, so that it agrees with the queue.
        self.left.send_modify(|left| *left = *left + 1 - too_many);
        drop(waiting);
        metrics.dropped.inc_by(too_many as u64);
        metrics.queue.inc_by(1 - too_many as i64);
        self.came.notify_one();
    }

    /// Waits for events and takes the oldest: those that come together, as many as one request holds.
    pub(super) async fn batch(&self) -> Vec<Arc<Event>> {
        self.until(1).await;
        let _ = timeout(GATHERING, self.until(BATCH)).await;
        let mut waiting = self.lock();
        let most = waiting.len().min(BATCH);
        waiting.drain(..most).collect()
    }

    /// So many that were taken have been delivered.
    pub(super) fn delivered(&self, number: usize, metrics: &WebhookMetrics) {
        self.left.send_modify(|left| *left -= number);
        metrics.delivered.inc_by(number as u64);
        metrics.queue.dec_by(number as i64);
    }

    /// Waits until all is delivered.
    pub(super) async fn emptied(&self) {
        let _ = self.left.subscribe().wait_for(|left| *left == 0).await;
    }

    /// Nobody will take them any more.
    pub(super) fn give_up(&self, metrics: &WebhookMetrics) {
        self.lock().clear();
        let left = self.left.send_replace(0);
        metrics.dropped.inc_by(left as u64);
        metrics.queue.dec_by(left as i64);
    }

    async fn until(&self, number: usize) {
        while self.lock().len() < number {
            self.came.notified().await;
        }
    }

    /// No code that runs under the lock can panic half-way, so a poisoned lock guards a sound state.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use skew_proto::Happening;
    use tokio::time::Instant;

    use super::*;
    use crate::metrics::Metrics;

    fn event(seq: u64) -> Arc<Event> {
        let what = Happening::UserCame { user: "u".into() };
        Arc::new(Event { instance: "web-1".into(), epoch: 7, seq, at: 9, what })
    }

    fn numbers(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|event| event.seq).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn events_that_come_together_go_together_and_in_order() {
        let (queue, metrics, begun) = (Arc::new(Queue::default()), Metrics::new().webhooks, Instant::now());
        let taken = tokio::spawn({
            let queue = queue.clone();
            async move { queue.batch().await }
        });
        for seq in 1..=3 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            queue.push(event(seq), 9, &metrics);
        }
        assert_eq!(numbers(&taken.await.unwrap()), [1, 2, 3]);
        assert_eq!(begun.elapsed().as_millis(), 130);
        for seq in 1..=BATCH as u64 + 1 {
            queue.push(event(seq), 1000, &metrics);
        }
        assert_eq!(queue.batch().await.len(), BATCH);
        assert_eq!(begun.elapsed().as_millis(), 130, "a full request does not wait");
        assert_eq!(numbers(&queue.batch().await), [BATCH as u64 + 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn past_its_room_the_oldest_are_dropped_and_counted_and_those_under_way_are_not() {
        let (queue, metrics) = (Queue::default(), Metrics::new().webhooks);
        queue.push(event(1), 3, &metrics);
        assert_eq!(numbers(&queue.batch().await), [1]);
        for seq in 2..=7 {
            queue.push(event(seq), 3, &metrics);
        }
        assert_eq!((metrics.dropped.get(), metrics.queue.get()), (3, 4));
        queue.push(event(8), 1, &metrics);
        assert_eq!((metrics.dropped.get(), metrics.queue.get()), (6, 2), "room may become less");
        queue.delivered(1, &metrics);
        assert_eq!(numbers(&queue.batch().await), [8]);
        queue.delivered(1, &metrics);
        queue.emptied().await;
        assert_eq!((metrics.delivered.get(), metrics.queue.get()), (2, 0));
        queue.push(event(9), 1, &metrics);
        queue.give_up(&metrics);
        assert_eq!((metrics.dropped.get(), metrics.queue.get()), (7, 0));
    }
}
