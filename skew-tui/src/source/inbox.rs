//! What sources have said and nobody has read yet.
//!
//! Of the stats that wait only the newest snapshot is worth reading, and the changes after it: however fast a server sends them,
//! they cost a bounded memory and, where they are whole, one decoding for each look. Where so many changes wait that a fresh
//! snapshot is worth more, that is asked for in their place. All else is kept in order, and when it is too much to keep, the
//! streams themselves wait.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::SourceEvent;
use crate::event::Telling;

/// Events that may wait to be read, changes of stats apart. Past that a source waits.
const MOST_EVENTS: usize = 64;

/// Bytes of messages that may wait to be read, changes of stats apart, past which only an empty inbox takes another one.
const MOST_BYTES: usize = 16 << 20;

/// Changes of one source that may wait to be read, and their bytes. That is about a snapshot of 10,000 connections.
const MOST_CHANGES: Pile = Pile { events: 1_000, bytes: 1 << 20 };

/// Which of the stats that wait are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest snapshot of each source, and the changes after it.
    Newest,
    /// Every one, for who records or prints messages.
    Every,
}

/// How whoever reads an inbox keeps up with what a source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// All that matters is kept.
    Follows,
    /// More changes of stats wait than are worth reading. Until the next snapshot no others are kept, and it is to be asked for.
    FellBehind,
}

#[derive(Debug)]
struct Shared {
    keep: Keep,
    unread: Mutex<Unread>,
    arrived: Notify,
    room: Notify,
}

#[derive(Debug)]
struct Entry {
    from: usize,
    event: SourceEvent,
    telling: Option<Telling>,
}

impl Entry {
    fn bytes(&self) -> usize {
        if let SourceEvent::Frame(text) = &self.event { text.len() } else { 0 }
    }
}

/// How many events, and how large they are.
#[derive(Debug, Clone, Copy, Default)]
struct Pile {
    events: usize,
    bytes: usize,
}

impl Pile {
    fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        entries.fold(Self::default(), |pile, entry| Self { events: pile.events + 1, bytes: pile.bytes + entry.bytes() })
    }

    fn fits(self, most: Self) -> bool {
        self.events < most.events && self.bytes < most.bytes
    }
}

#[derive(Debug, Default)]
struct Unread {
    entries: VecDeque<Entry>,
    /// Sources of which no changes are kept until their next snapshot.
    behind: BTreeSet<usize>,
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
        let all_else = Pile::of(self.entries.iter().filter(|entry| entry.telling != Some(Telling::Changes)));
        all_else.events == 0 || all_else.fits(Pile { events: MOST_EVENTS, bytes: MOST_BYTES })
    }

    /// Drops the stats of a source that wait, which a newer snapshot makes worthless.
    fn drop_stats(&mut self, from: usize) {
        self.behind.remove(&from);
        self.entries.retain(|entry| entry.from != from || entry.telling.is_none());
    }

    /// Keeps changes behind the stats that they change, while that is worth it.
    fn push_changes(&mut self, entry: Entry) -> Reader {
        let from = entry.from;
        if self.behind.contains(&from) {
            return Reader::Follows;
        }
        let waiting = |other: &&Entry| other.from == from && other.telling == Some(Telling::Changes);
        if Pile::of(self.entries.iter().filter(waiting)).fits(MOST_CHANGES) {
            self.entries.push_back(entry);
            return Reader::Follows;
        }
        self.behind.insert(from);
        Reader::FellBehind
    }
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
                if !unread.entries.is_empty() || unread.outlets == 0 {
                    return !unread.entries.is_empty();
                }
            }
            self.shared.arrived.notified().await;
        }
    }

    /// What came first of all that was not read, with the number of its source.
    pub(crate) fn read(&mut self) -> Option<(usize, SourceEvent)> {
        let entry = self.shared.unread().entries.pop_front()?;
        self.shared.room.notify_one();
        Some((entry.from, entry.event))
    }
}

/// A writer's end.
#[derive(Debug)]
pub(crate) struct Outlet {
    shared: Arc<Shared>,
    from: usize,
}

impl Outlet {
    /// Leaves an event to be read, and waits for room where there is none. A newer snapshot always finds room: that of older
    /// stats. For changes nobody waits.
    pub(crate) async fn say(&self, event: SourceEvent) -> Reader {
        let telling = event.telling();
        let entry = Entry { from: self.from, event, telling };
        if self.shared.keep == Keep::Newest && telling == Some(Telling::Changes) {
            let reader = self.shared.unread().push_changes(entry);
            self.shared.arrived.notify_one();
            return reader;
        }
        let newest = self.shared.keep == Keep::Newest && telling == Some(Telling::Snapshot);
        loop {
            {
                let mut unread = self.shared.unread();
                if newest {
                    unread.drop_stats(self.from);
                }
                if unread.has_room() {
                    unread.entries.push_back(entry);
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
        Reader::Follows
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

    fn changes(seq: u64) -> SourceEvent {
        SourceEvent::Frame(format!(r#"{{"type":"stats-changes","since":{},"seq":{seq},"total":1}}"#, seq - 1))
    }

    #[tokio::test]
    async fn changes_stay_in_order_behind_their_snapshot_until_a_newer_one() {
        let mut inbox = Inbox::new(Keep::Newest);
        let (one, other) = (inbox.outlet(0), inbox.outlet(1));
        one.say(stats(1)).await;
        one.say(changes(2)).await;
        other.say(stats(5)).await;
        other.say(changes(6)).await;
        one.say(version("b2")).await;
        one.say(changes(3)).await;
        assert_eq!(inbox.read(), Some((0, stats(1))));
        other.say(stats(9)).await;
        let left = [(0, changes(2)), (0, version("b2")), (0, changes(3)), (1, stats(9))];
        assert_eq!(rest(&mut inbox), left);
    }

    #[tokio::test]
    async fn too_many_changes_are_worth_a_snapshot_which_is_asked_for_once() {
        let mut inbox = Inbox::new(Keep::Newest);
        let outlet = inbox.outlet(0);
        outlet.say(stats(1)).await;
        let mut fell_behind = Vec::new();
        for seq in 2..10_000 {
            if outlet.say(changes(seq)).await == Reader::FellBehind {
                fell_behind.push(seq);
            }
        }
        assert_eq!(fell_behind, [MOST_CHANGES.events as u64 + 2]);
        outlet.say(version("b2")).await;
        assert_eq!(inbox.shared.unread().entries.len(), MOST_CHANGES.events + 2, "other things have room");
        outlet.say(stats(2)).await;
        assert_eq!(outlet.say(changes(10_001)).await, Reader::Follows);
        assert_eq!(rest(&mut inbox), [(0, version("b2")), (0, stats(2)), (0, changes(10_001))]);
    }

    #[tokio::test]
    async fn large_changes_are_worth_a_snapshot_too() {
        let mut inbox = Inbox::new(Keep::Newest);
        let outlet = inbox.outlet(0);
        let large = || {
            let filler = "x".repeat(MOST_CHANGES.bytes / 2);
            SourceEvent::Frame(format!(r#"{{"type":"stats-changes","x":"{filler}"}}"#))
        };
        for expected in [Reader::Follows, Reader::Follows, Reader::FellBehind, Reader::Follows] {
            assert_eq!(outlet.say(large()).await, expected);
        }
        assert_eq!(rest(&mut inbox).len(), 2);
        assert_eq!(outlet.say(large()).await, Reader::Follows);
        assert_eq!(rest(&mut inbox), [], "until a snapshot comes");
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
        assert_eq!(inbox.shared.unread().entries.len(), MOST_EVENTS);
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
