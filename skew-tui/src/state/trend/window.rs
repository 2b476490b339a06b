//! The last two minutes, in buckets: what happened in them, of fixed size.

use super::people::Difference;

/// Length of a bucket, in milliseconds.
const BUCKET_MS: u64 = 5_000;

/// Number of buckets.
const BUCKETS: usize = 24;

/// Length of the window, in milliseconds.
pub(super) const LENGTH_MS: u64 = BUCKET_MS * BUCKETS as u64;

/// Buckets within which an end on an old build and an opening on the current one can be one tab that updates: a stock client
/// comes back after about 3 s, and an end may be noticed late.
const MATCHED: u64 = 3;

/// The last two minutes.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    buckets: [Bucket; BUCKETS],
}

/// What happened in a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) opened: u64,
    pub(super) closed: u64,
    pub(super) moved: u64,
    /// Change of the number on the current build.
    pub(super) current: i64,
    /// Change of the number on all others.
    pub(super) outdated: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// Which stretch of time it holds, counted in buckets.
    slot: u64,
    sums: Sums,
    /// Ends on old builds, and openings on the current one, that no move was made of.
    left: u64,
    joined: u64,
}

impl Window {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds what happened just now.
    pub(super) fn add(&mut self, now_ms: u64, difference: Difference, current: i64, outdated: i64) {
        let slot = now_ms / BUCKET_MS;
        let bucket = &mut self.buckets[position(slot)];
        if bucket.slot != slot {
            *bucket = Bucket { slot, ..Bucket::default() };
        }
        bucket.sums.opened += difference.opened;
        bucket.sums.closed += difference.closed;
        bucket.sums.current = bucket.sums.current.saturating_add(current);
        bucket.sums.outdated = bucket.sums.outdated.saturating_add(outdated);
        bucket.left += difference.left;
        bucket.joined += difference.joined;
        let moved = self.pair(slot);
        self.buckets[position(slot)].sums.moved += moved;
    }

    /// Makes moves of ends and openings that are near in time, the oldest first.
    fn pair(&mut self, slot: u64) -> u64 {
        let near: Vec<usize> = (slot.saturating_sub(MATCHED - 1)..=slot)
            .filter(|near| self.buckets[position(*near)].slot == *near)
            .map(position)
            .collect();
        let sum = |of: fn(&Bucket) -> u64| near.iter().map(|at| of(&self.buckets[*at])).sum::<u64>();
        let moved = sum(|bucket| bucket.left).min(sum(|bucket| bucket.joined));
        let (mut left, mut joined) = (moved, moved);
        for at in near {
            let bucket = &mut self.buckets[at];
            take(&mut bucket.left, &mut left);
            take(&mut bucket.joined, &mut joined);
        }
        moved
    }

    /// Time that the window spans of what was watched since `since_ms`.
    pub(super) fn elapsed_ms(&self, since_ms: u64, now_ms: u64) -> u64 {
        let begin = (first_slot(now_ms) * BUCKET_MS).max(since_ms);
        now_ms.saturating_sub(begin)
    }

    /// Milliseconds until a part of it that holds something is too long ago; nothing where none does.
    pub(super) fn changes_in(&self, now_ms: u64) -> Option<u64> {
        let moving = self.sums(now_ms) != Sums::default();
        moving.then(|| BUCKET_MS - now_ms % BUCKET_MS)
    }

    /// What happened in it.
    pub(super) fn sums(&self, now_ms: u64) -> Sums {
        let within = first_slot(now_ms)..=now_ms / BUCKET_MS;
        let mut sums = Sums::default();
        for bucket in self.buckets.iter().filter(|bucket| within.contains(&bucket.slot)) {
            sums.opened += bucket.sums.opened;
            sums.closed += bucket.sums.closed;
            sums.moved += bucket.sums.moved;
            sums.current = sums.current.saturating_add(bucket.sums.current);
            sums.outdated = sums.outdated.saturating_add(bucket.sums.outdated);
        }
        sums
    }
}

/// The oldest stretch of time that the window spans.
fn first_slot(now_ms: u64) -> u64 {
    (now_ms / BUCKET_MS).saturating_sub(BUCKETS as u64 - 1)
}

fn position(slot: u64) -> usize {
    (slot % BUCKETS as u64) as usize
}

fn take(from: &mut u64, wanted: &mut u64) {
    let taken = (*from).min(*wanted);
    *from -= taken;
    *wanted -= taken;
}
