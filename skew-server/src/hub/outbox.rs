//! What waits for one connection's reader.
//!
//! The hub never waits for a reader. Messages that must not be lost stand in a short queue; a reader that lets it overflow is cut
//! off. Stats stand beside them: a snapshot takes the place of all that was not read, and of changes only a few may wait, since a
//! reader that lets more wait is better served by a new snapshot.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::message::{Message, Snapshot};

/// Changes of stats that may wait for one reader.
pub(crate) const UNREAD_CHANGES: usize = 8;

/// Messages of events that may wait for one reader.
const UNREAD_EVENTS: usize = 8;

/// What a reader takes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parcel {
    Message(Message),
    /// The same for everybody; a WebSocket has a frame of its own for it.
    Keepalive(Message),
    Stats(Snapshot),
}

/// Why a message did not go in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The queue was full, now or before: the connection is cut off.
    Overflow,
    /// The connection is ending or has ended.
    Closed,
}

/// The reader has let too many changes wait. They are dropped, and it needs a snapshot when it has read the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// What waits is still delivered, then the stream ends.
    Ending,
    /// Nothing more is delivered.
    Cut,
}

#[derive(Debug, Default)]
struct Unread {
    /// Never holds stats.
    queue: VecDeque<Parcel>,
    /// A snapshot, changes that follow it, or both.
    stats: VecDeque<Parcel>,
    /// Events; of too many the oldest are dropped, which their numbers tell.
    events: VecDeque<Message>,
    /// Whether changes were dropped since the reader was last up to date.
    behind: bool,
}

#[derive(Debug)]
struct State {
    /// Nothing while the reader is up to date: an idle connection holds no buffer.
    unread: Option<Box<Unread>>,
    phase: Phase,
    reader: Option<Waker>,
    /// Messages that may wait.
    limit: u16,
}

/// The way from hub to one connection. One reader at a time.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
}

impl Outbox {
    /// An outbox in which so many messages may wait: there is room for one at least.
    pub(crate) fn new(limit: usize) -> Self {
        let limit = u16::try_from(limit).unwrap_or(u16::MAX).max(1);
        Self { state: Mutex::new(State { unread: None, phase: Phase::Open, reader: None, limit }) }
    }

    /// Queues what must not be lost. Whoever has cut the connection off by it may be another than the hub, which learns of it here
    /// the next time.
    pub(crate) fn push(&self, parcel: Parcel) -> Result<(), Refused> {
        let mut state = self.lock();
        match state.phase {
            Phase::Open => {}
            Phase::Ending => return Err(Refused::Closed),
            Phase::Cut => return Err(Refused::Overflow),
        }
        let limit = usize::from(state.limit);
        let queue = &mut state.unread.get_or_insert_default().queue;
        if queue.len() >= limit {
            cut(state);
            return Err(Refused::Overflow);
        }
        queue.push_back(parcel);
        wake(state);
        Ok(())
    }

    /// Puts the newest stats in place of those that were not read yet.
    pub(crate) fn put_snapshot(&self, snapshot: Snapshot) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            let unread = state.unread.get_or_insert_default();
            unread.behind = false;
            unread.stats.clear();
            unread.stats.push_back(Parcel::Stats(snapshot));
            wake(state);
        }
    }

    /// Puts changes behind the stats that were not read yet, unless there are too many of them.
    pub(crate) fn put_changes(&self, changes: Message) -> Result<(), Behind> {
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return Ok(());
        }
        let unread = state.unread.get_or_insert_default();
        if unread.behind || unread.stats.len() >= UNREAD_CHANGES {
            unread.behind = true;
            unread.stats = VecDeque::new();
            return Err(Behind);
        }
        unread.stats.push_back(Parcel::Message(changes));
        wake(state);
        Ok(())
    }

    /// Puts events behind those that were not read yet. Of too many the oldest are dropped.
    pub(crate) fn put_events(&self, events: Message) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            let unread = &mut state.unread.get_or_insert_default().events;
            if unread.len() >= UNREAD_EVENTS {
                unread.pop_front();
            }
            unread.push_back(events);
            wake(state);
        }
    }

    /// Takes back the events that were not read yet.
    pub(crate) fn drop_events(&self) {
        if let Some(unread) = &mut self.lock().unread {
            unread.events = VecDeque::new();
        }
    }

    /// Whether changes were dropped and the reader has not read the rest yet.
    pub(crate) fn is_behind(&self) -> bool {
        self.lock().unread.as_ref().is_some_and(|unread| unread.behind)
    }

    /// Takes back the stats that were not read yet.
    pub(crate) fn drop_stats(&self) {
        if let Some(unread) = &mut self.lock().unread {
            unread.stats = VecDeque::new();
            unread.behind = false;
        }
    }

    /// Ends the stream in order, behind what already waits.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Ending;
            wake(state);
        }
    }

    /// The next parcel, or nothing more.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Parcel>> {
        let mut state = self.lock();
        if let Some(unread) = &mut state.unread {
            let events = &mut unread.events;
            let parcel = unread.queue.pop_front().or_else(|| unread.stats.pop_front());
            let parcel = parcel.or_else(|| events.pop_front().map(Parcel::Message));
            let is_empty = unread.queue.is_empty() && unread.stats.is_empty() && unread.events.is_empty();
            if is_empty && (parcel.is_none() || !unread.behind) {
                state.unread = None;
            }
            if parcel.is_some() {
                return Poll::Ready(parcel);
            }
        }
        if state.phase != Phase::Open {
            return Poll::Ready(None);
        }
        wait(&mut state, cx);
        Poll::Pending
    }

    pub(crate) async fn next(&self) -> Option<Parcel> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Whether what waited was thrown away, so that there is no end in order.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.lock().phase == Phase::Cut
    }

    /// Waits until the connection is cut off. It takes the reader's place, so that it must not run beside `next`.
    pub(crate) async fn cut_off(&self) {
        std::future::poll_fn(|cx| self.poll_cut_off(cx)).await;
    }

    /// As [`cut_off`](Self::cut_off).
    pub(crate) fn poll_cut_off(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.phase == Phase::Cut {
            return Poll::Ready(());
        }
        wait(&mut state, cx);
        Poll::Pending
    }

    /// No code that runs under the lock can panic half-way, so a poisoned lock guards a sound state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait(state: &mut State, cx: &Context<'_>) {
    match &mut state.reader {
        Some(waker) => waker.clone_from(cx.waker()),
        slot => *slot = Some(cx.waker().clone()),
    }
}

fn cut(mut state: MutexGuard<'_, State>) {
    state.phase = Phase::Cut;
    state.unread = None;
    wake(state);
}

/// Wakes the reader after the lock is gone, so that it does not wake into it.
fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;

    const QUEUE_LIMIT: usize = 4;

    fn message(n: usize) -> Parcel {
        Parcel::Message(Message::custom(&json!({ "n": n })).unwrap())
    }

    fn snapshot(total: usize) -> Snapshot {
        Snapshot::new(&json!({ "total": total })).unwrap()
    }

    #[tokio::test]
    async fn messages_keep_their_order_and_only_the_newest_stats_are_kept() {
        let outbox = Outbox::new(QUEUE_LIMIT);
        outbox.put_snapshot(snapshot(1));
        outbox.push(message(1)).unwrap();
        outbox.push(message(2)).unwrap();
        outbox.put_snapshot(snapshot(2));
        assert_eq!(outbox.next().await, Some(message(1)));
        assert_eq!(outbox.next().await, Some(message(2)));
        assert_eq!(outbox.next().await, Some(Parcel::Stats(snapshot(2))));
        assert_eq!(outbox.next().now_or_never(), None);
    }

    #[tokio::test]
    async fn an_idle_outbox_holds_no_buffer() {
        let outbox = Outbox::new(QUEUE_LIMIT);
        outbox.push(message(1)).unwrap();
        outbox.next().await;
        assert!(outbox.lock().unread.is_none());
    }

    #[tokio::test]
    async fn an_overflow_cuts_the_connection_and_frees_what_waited() {
        let outbox = Outbox::new(QUEUE_LIMIT);
        for n in 0..QUEUE_LIMIT {
            outbox.push(message(n)).unwrap();
        }
        assert_eq!(outbox.push(message(0)), Err(Refused::Overflow));
        assert_eq!(outbox.push(message(0)), Err(Refused::Overflow), "the hub learns of it, whoever was told before");
        assert!(outbox.lock().unread.is_none());
        assert!(outbox.is_cut_off());
        outbox.cut_off().await;
        assert_eq!(outbox.next().await, None);
    }

    #[tokio::test]
    async fn an_ending_delivers_what_waits_first() {
        let outbox = Outbox::new(QUEUE_LIMIT);
        outbox.push(message(1)).unwrap();
        outbox.end();
        assert_eq!(outbox.push(message(2)), Err(Refused::Closed));
        assert_eq!(outbox.next().await, Some(message(1)));
        assert_eq!(outbox.next().await, None);
    }

    #[tokio::test]
    async fn changes_follow_their_snapshot_until_too_many_wait() {
        let changes = |n: usize| Message::custom(&json!({ "changes": n })).unwrap();
        let outbox = Outbox::new(QUEUE_LIMIT);
        outbox.put_snapshot(snapshot(1));
        outbox.put_changes(changes(1)).unwrap();
        assert_eq!(outbox.next().await, Some(Parcel::Stats(snapshot(1))));
        assert_eq!(outbox.next().await, Some(Parcel::Message(changes(1))));

        outbox.push(message(1)).unwrap();
        for n in 0..UNREAD_CHANGES {
            outbox.put_changes(changes(n)).unwrap();
        }
        assert_eq!(outbox.put_changes(changes(9)), Err(Behind));
        assert!(outbox.is_behind());
        assert_eq!(outbox.next().await, Some(message(1)));
        assert_eq!(outbox.put_changes(changes(10)), Err(Behind), "it has not read the rest");
        assert_eq!(outbox.next().now_or_never(), None, "what waited is dropped");
        assert!(!outbox.is_behind());
        outbox.put_snapshot(snapshot(2));
        assert_eq!(outbox.next().await, Some(Parcel::Stats(snapshot(2))));
    }

    #[tokio::test]
    async fn of_events_that_nobody_reads_the_newest_are_kept_and_the_connection_stays() {
        let events = |n: usize| Message::custom(&json!({ "events": n })).unwrap();
        let outbox = Outbox::new(QUEUE_LIMIT);
        for n in 0..UNREAD_EVENTS + 3 {
            outbox.put_events(events(n));
        }
        outbox.push(message(1)).unwrap();
        outbox.put_snapshot(snapshot(1));
        assert_eq!(outbox.next().await, Some(message(1)));
        assert_eq!(outbox.next().await, Some(Parcel::Stats(snapshot(1))));
        for n in 3..UNREAD_EVENTS + 3 {
            assert_eq!(outbox.next().await, Some(Parcel::Message(events(n))));
        }
        assert!(outbox.lock().unread.is_none());
        outbox.put_events(events(0));
        outbox.drop_events();
        assert_eq!(outbox.next().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken() {
        let outbox = Arc::new(Outbox::new(QUEUE_LIMIT));
        let reader = tokio::spawn({
            let outbox = outbox.clone();
            async move { outbox.next().await }
        });
        tokio::task::yield_now().await;
        outbox.push(message(7)).unwrap();
        assert_eq!(reader.await.unwrap(), Some(message(7)));
    }
}
