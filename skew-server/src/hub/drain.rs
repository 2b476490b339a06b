//! Ending all connections over a time, in an order that nothing decides: their clients come back one by one.

use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::time::Instant;

use super::registry::Key;

/// How often some are ended.
const STEP: Duration = Duration::from_millis(50);

/// The connections that are still to be ended.
#[derive(Debug)]
pub(super) struct Drain {
    keys: Vec<Key>,
    count: usize,
    begun: Instant,
    over: Duration,
    /// When the next ones are to be ended.
    pub(super) next: Instant,
}

impl Drain {
    pub(super) fn new(mut keys: Vec<Key>, over: Duration, now: Instant) -> Self {
        keys.shuffle(&mut rand::rng());
        Self { count: keys.len(), keys, begun: now, over, next: now }
    }

    /// Those to be ended by now: as much of all as of the time is gone.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Key> {
        self.next = now + STEP;
        let left = self.over.saturating_sub(now - self.begun).as_millis();
        let stay = if left == 0 { 0 } else { (self.count as u128 * left).div_ceil(self.over.as_millis()) };
        let stay = usize::try_from(stay).unwrap_or(usize::MAX);
        self.keys.split_off(stay.min(self.keys.len()))
    }

    pub(super) fn is_over(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry::{Entry, Registry};
    use super::*;
    use crate::id::{ConnectionId, PublicId};

    fn keys(count: usize) -> Vec<Key> {
        let mut registry = Registry::new();
        let entry = || Entry {
            connection_id: Some(ConnectionId::random(7)),
            id: PublicId::random(),
            version: "v".into(),
            route: "/".into(),
            ip: None,
            user: None,
            peer: (),
        };
        (0..count).map(|_| registry.open(entry()).0).collect()
    }

    #[test]
    fn connections_end_evenly_over_the_time_and_each_once() {
        let now = Instant::now();
        let keys = keys(1_000);
        let mut drain = Drain::new(keys.clone(), Duration::from_secs(10), now);
        let mut ended = Vec::new();
        for second in 0..=10 {
            ended.extend(drain.due(now + Duration::from_secs(second)));
            assert_eq!(ended.len() as u64, second * 100);
        }
        assert!(drain.is_over());
        assert!(!ended.is_sorted(), "those who came together do not go together");
        ended.sort_unstable();
        assert_eq!(ended, keys);
    }

    #[test]
    fn no_time_ends_all_at_once() {
        let now = Instant::now();
        let mut drain = Drain::new(keys(3), Duration::ZERO, now);
        assert_eq!(drain.due(now).len(), 3);
        assert!(drain.is_over());
    }
}
