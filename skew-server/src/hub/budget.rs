//! How much of a core whole snapshots may take. Their cost grows with everybody who is connected, so that the time between them must.

use std::time::Duration;

use skew_proto::{List, UserIds};
use tokio::time::Instant;

use super::message::Snapshot;
use super::plan::Scene;
use super::snapshot;

/// What it costs to write one byte of a snapshot, once for all of one kind. The benchmark `snapshot` of `benches/hub.rs` measured 1.3 ns
/// at 10,000 connections and 2.8 ns at 100,000, where it leaves the caches (docs/scale.md).
const ENCODE_NS: u64 = 3;

/// What it costs to send one byte to one subscriber: a copy for a WebSocket, and the system's own. Reckoned on the safe side.
const SEND_NS: u64 = 1;

/// Of each stretch of time, one part in so many.
const SHARE: u32 = 10;

/// So much time may be borrowed: as long as snapshots are cheap, nobody waits for another's.
const BURST: Duration = Duration::from_millis(50);

/// What a snapshot of so many bytes costs.
pub(super) fn encoding(bytes: usize) -> Duration {
    Duration::from_nanos(bytes as u64 * ENCODE_NS)
}

/// What it costs to send so many bytes to so many.
pub(super) fn sending(bytes: usize, receivers: usize) -> Duration {
    Duration::from_nanos(bytes as u64 * receivers as u64 * SEND_NS)
}

/// Until when the snapshots so far have used up their share.
#[derive(Debug)]
pub(super) struct Budget {
    used_until: Instant,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self { used_until: now }
    }

    pub(super) fn charge(&mut self, now: Instant, cost: Duration) {
        self.used_until = self.used_until.max(now) + cost * SHARE;
    }

    /// When the next snapshot may be taken: now, if that is past.
    pub(super) fn free_at(&self) -> Instant {
        self.used_until.checked_sub(BURST).unwrap_or(self.used_until)
    }

    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.free_at() <= now
    }
}

/// Whole snapshots, for as many as want one at the same time, as far as the budget goes.
#[derive(Debug)]
pub(super) struct Whole {
    budget: Budget,
    /// The snapshots of now.
    taken: Vec<(List, UserIds, Snapshot)>,
}

impl Whole {
    pub(super) fn new(now: Instant) -> Self {
        Self { budget: Budget::new(now), taken: Vec::new() }
    }

    /// Something has changed.
    pub(super) fn forget(&mut self) {
        self.taken.clear();
    }

    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.budget.is_free(now)
    }

    pub(super) fn free_at(&self) -> Instant {
        self.budget.free_at()
    }

    /// A snapshot of now for so many.
    pub(super) fn take(&mut self, list: List, users: UserIds, receivers: usize, scene: &Scene<'_>) -> Snapshot {
        let known =
            self.taken.iter().find(|(of, ids, _)| (*of, *ids) == (list, users)).map(|(.., taken)| taken.clone());
        let (snapshot, encoding) = match known {
            Some(snapshot) => (snapshot, Duration::ZERO),
            None => {
                let snapshot = snapshot::take(scene.state, list, users);
                self.taken.push((list, users, snapshot.clone()));
                let cost = encoding(snapshot.len());
                (snapshot, cost)
            }
        };
        self.budget.charge(scene.now, encoding + sending(snapshot.len(), receivers));
        let stretched = self.budget.free_at().saturating_duration_since(scene.now).max(scene.interval);
        scene.metrics.interval_ms.set(i64::try_from(stretched.as_millis()).unwrap_or(i64::MAX));
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn small_snapshots_do_not_wait_and_large_ones_take_a_tenth_of_the_time() {
        let begun = Instant::now();
        for (bytes, receivers, at_least) in
            [(150, 1, 1_000_000), (2_000_000, 1, 0), (140_000_000, 1, 0), (2_000_000, 50, 0)]
        {
            let (mut budget, mut now, mut taken) = (Budget::new(begun), begun, 0_u32);
            let cost = encoding(bytes) + sending(bytes, receivers);
            while now < begun + Duration::from_secs(60) {
                budget.charge(now, cost);
                taken += 1;
                now = now.max(budget.free_at());
            }
            let busy = cost * taken;
            assert!(
                busy <= Duration::from_secs(6) + cost + BURST,
                "{bytes} bytes to {receivers}: {busy:?} of a minute"
            );
            assert!(taken >= at_least);
        }
    }
}
