//! When to try again.

use std::time::Duration;

/// Times between tries: doubled each time up to a cap, and each a random part shorter, so that many clients of one
/// restarted server don't come back at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    /// The longest time between two tries.
    pub(super) const CAP: Duration = Duration::from_secs(30);
    /// How long a connection must have held to count as a success. A server that accepts and closes is none.
    pub(super) const STABLE: Duration = Duration::from_secs(10);

    pub(super) fn new() -> Self {
        Self { failures: 0 }
    }

    /// Starts over, after something that worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The time to wait after one more failure. `chance` is between 0 and 1: how much of the random half is waited.
    pub(super) fn next(&mut self, chance: f64) -> Duration {
        let full = Self::FIRST.saturating_mul(2u32.saturating_pow(self.failures)).min(Self::CAP);
        self.failures = self.failures.saturating_add(1);
        let wait = full / 2 + (full / 2).mul_f64(chance.clamp(0.0, 1.0));
        // What is announced in milliseconds is what is waited.
        Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_never_vanish() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..100).map(|_| backoff.next(0.0)).collect();
        assert_eq!(waits[..3], [250, 500, 1000].map(Duration::from_millis));
        assert!(waits.is_sorted() && waits[99] == Backoff::CAP / 2);
        assert_eq!(backoff.next(1.0), Backoff::CAP);
        backoff.reset();
        assert_eq!(backoff.next(1.0), Backoff::FIRST);
    }
}
