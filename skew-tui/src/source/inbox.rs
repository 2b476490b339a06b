//! What sources have said and nobody has read yet.
//!
//! Stats are whole snapshots, so of those that wait only the newest is worth reading: however fast a server sends them, they
//! cost one message of memory and one decoding for each look. All else is kept in order, and when it is too much to keep, the
//! streams themselves wait.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::SourceEvent;

/// Events that may wait to be read. Past that a source waits.
const MOST_EVENTS: usize = 64;

/// Bytes of messages that may wait to be read, past which only an empty inbox takes another one.
const MOST_BYTES: usize = 16 << 20;

/// Which of the stats that wait are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest of each source.
    Newest,
    /// Every one, for who records or prints messages.
    Every,
}

#[derive(Debug)]
struct Shared {
    keep: Keep,
    unread: Mutex<Unread>,
    arrived: Notify,
    room: Notify,
}

#[derive(Debug, Default)]
struct Unread {
    events: VecDeque<(usize, SourceEvent)>,
    bytes: usize,
    outlets: usize,
}

impl Shared {
    fn unread(&self) -> MutexGuard<'_, Unread> {
        // Nothing that is done under the lock can leave it half done.
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unread {
    fn has_room(&self) -> bool {
        self.events.is_empty() || (self.events.len() < MOST_EVENTS && self.bytes < MOST_BYTES)
    }

    fn push(&mut self, from: usize, event: SourceEvent) {
        self.bytes += size(&event);
        self.events.push_back((from, event));
    }

    fn pop(&mut self) -> Option<(usize, SourceEvent)> {
        let (from, event) = self.events.pop_front()?;
        self.bytes -= size(&event);
        Some((from, event))
    }

    /// Drops the stats of a source that wait, which newer ones make worthless. There is at most one.
    fn drop_stats(&mut self, from: usize) {
        let old = self.events.iter().position(|(other, event)| *other == from && event.is_stats());
        if let Some((_, event)) = old.and_then(|at| self.events.remove(at)) {
            self.bytes -= size(&event);
        }
    }
}

fn size(event: &SourceEvent) -> usize {
    if let SourceEvent::Frame(text) = event { text.len() } else { 0 }
}

/// The reader's end.
#[derive(Debug)]
pub(crate) struct Inbox {
    shared: Arc<Shared>,
}

impl Inbox {
    pub(crate) fn new(keep: Keep) -> Self {
        let (unread, arrived, room) = Default::default();
        Self { shared: Arc::new(Shared { keep, unread, arrived, room }) }
    }

    /// A writer's end, for the source of that number.
    pub(crate) fn outlet(&self, from: usize) -> Outlet {
        self.shared.unread().outlets += 1;
        Outlet { shared: Arc::clone(&self.shared), from }
    }

    /// Waits until something can be read. False once there is nothing and nobody left to write.
    pub(crate) async fn arrived(&self) -> bool {
        loop {
            {
                let unread = self.shared.unread();
                if !unread.events.is_empty() || unread.outlets == 0 {
                    return !unread.events.is_empty();
                }
            }
            self.shared.arrived.notified().await;
        }
    }

    /// What came first of all that was not read, with the number of its source.
    pub(crate) fn read(&mut self) -> Option<(usize, SourceEvent)> {
        let event = self.shared.unread().pop()?;
        self.shared.room.notify_one();
        Some(event)
    }
}

/// A writer's end.
#[derive(Debug)]
pub(crate) struct Outlet {
    shared: Arc<Shared>,
    from: usize,
}

impl Outlet {
    /// Leaves an event to be read, and waits for room where there is none. Newer stats always find room: that of older ones.
    pub(crate) async fn say(&self, event: SourceEvent) {
        let newest = self.shared.keep == Keep::Newest && event.is_stats();
        loop {
            {
                let mut unread = self.shared.unread();
                if newest {
                    unread.drop_stats(self.from);
                }
                if unread.has_room() {
                    unread.push(self.from, event);
                    // Whoever else waits for room was not woken for what is left of it.
                    if unread.has_room() {
                        self.shared.room.notify_one();
                    }
                    break;
                }
            }
            self.shared.room.notified().await;
        }
        self.shared.arrived.notify_one();
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.shared.unread().outlets -= 1;
        self.shared.arrived.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(total: u64) -> SourceEvent {
        SourceEvent::Frame(format!(r#"{{"type":"stats","total":{total}}}"#))
    }

    fn version(name: &str) -> SourceEvent {
        SourceEvent::Frame(format!(r#"{{"type":"version","version":"{name}"}}"#))
    }

    fn rest(inbox: &mut Inbox) -> Vec<(usize, SourceEvent)> {
        std::iter::from_fn(|| inbox.read()).collect()
    }

    #[tokio::test]
    async fn of_unread_stats_each_source_keeps_its_newest_in_its_place_among_the_rest() {
        let mut inbox = Inbox::new(Keep::Newest);
        let (one, other) = (inbox.outlet(0), inbox.outlet(1));
        one.say(stats(1)).await;
        other.say(stats(7)).await;
        one.say(version("b2")).await;
        for total in 2..1_000 {
            one.say(stats(total)).await;
        }
        assert_eq!(rest(&mut inbox), [(1, stats(7)), (0, version("b2")), (0, stats(999))]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_everything_makes_the_source_wait_for_room() {
        let mut inbox = Inbox::new(Keep::Every);
        let outlet = inbox.outlet(0);
        let writer = tokio::spawn(async move {
            for total in 0..200 {
                outlet.say(stats(total)).await;
            }
        });
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(inbox.shared.unread().events.len(), MOST_EVENTS);
        let mut read = Vec::new();
        while inbox.arrived().await {
            read.extend(inbox.read());
        }
        writer.await.unwrap();
        assert_eq!(read, (0..200).map(|total| (0, stats(total))).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn large_messages_wait_for_each_other() {
        let mut inbox = Inbox::new(Keep::Newest);
        let outlet = inbox.outlet(0);
        let large = SourceEvent::Frame("x".repeat(MOST_BYTES + 1));
        outlet.say(large.clone()).await;
        let second = tokio::time::timeout(std::time::Duration::from_secs(1), outlet.say(large.clone())).await;
        assert!(second.is_err(), "one fills the inbox");
        assert_eq!(rest(&mut inbox).len(), 1);
        outlet.say(large).await;
        drop(outlet);
        assert!(inbox.arrived().await && inbox.read().is_some() && !inbox.arrived().await);
    }
}
