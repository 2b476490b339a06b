//! How often something may happen.

use std::time::Duration;

use crate::config::Rate;

/// Holds as many tokens as the burst of a [`Rate`] and is filled at its pace. All that has to be known is when it will be full again, and
/// one that is full is as good as none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// In nanoseconds of the caller's clock.
    full_at: u64,
}

impl Bucket {
    /// Takes a token at `now`, in nanoseconds of a clock that never goes back.
    ///
    /// # Errors
    ///
    /// When there is none: how long it takes until there is. Nothing was taken then.
    pub(crate) fn take(&mut self, rate: &Rate, now: u64) -> Result<(), Duration> {
        let (cost, capacity) = nanos(rate);
        // A rate that was changed must keep nobody out for longer than an empty bucket of the new one would.
        let full_at = self.full_at.clamp(now, now.saturating_add(capacity)).saturating_add(cost);
        match (full_at - now).checked_sub(capacity).filter(|wait| *wait > 0) {
            Some(wait) => Err(Duration::from_nanos(wait)),
            None => {
                self.full_at = full_at;
                Ok(())
            }
        }
    }

    /// Puts a token back that was taken for nothing.
    pub(crate) fn give_back(&mut self, rate: &Rate) {
        self.full_at = self.full_at.saturating_sub(nanos(rate).0);
    }

    pub(crate) fn is_full(&self, now: u64) -> bool {
        self.full_at <= now
    }
}

/// The time one token takes to come, rounded up so that none comes too soon, and the time a whole bucket takes.
fn nanos(rate: &Rate) -> (u64, u64) {
    // The cast saturates.
    let cost = (1e9 / rate.per_second).ceil() as u64;
    (cost, cost.saturating_mul(rate.burst.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn after_the_burst_tokens_come_at_the_rate() {
        let rate = Rate { per_second: 2.0, burst: 3 };
        let mut bucket = Bucket::default();
        assert!((0..3).all(|_| bucket.take(&rate, SECOND).is_ok()));
        assert_eq!(bucket.take(&rate, SECOND), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(&rate, SECOND + SECOND / 2), Ok(()));
        assert_eq!(bucket.take(&rate, SECOND + SECOND / 2), Err(Duration::from_millis(500)));
        assert!(!bucket.is_full(2 * SECOND) && bucket.is_full(3 * SECOND));
    }

    #[test]
    fn a_token_put_back_can_be_taken_again() {
        let rate = Rate { per_second: 1.0, burst: 1 };
        let mut bucket = Bucket::default();
        assert!((0..5).all(|_| {
            let taken = bucket.take(&rate, SECOND).is_ok();
            bucket.give_back(&rate);
            taken
        }));
        assert!(bucket.take(&rate, SECOND).is_ok() && bucket.take(&rate, SECOND).is_err());
    }

    #[test]
    fn a_new_rate_keeps_nobody_out_for_longer_than_its_own_bucket_would() {
        let mut bucket = Bucket::default();
        assert!(bucket.take(&Rate { per_second: 1e-6, burst: 1 }, 0).is_ok());
        assert_eq!(bucket.take(&Rate { per_second: 10.0, burst: 5 }, 0), Err(Duration::from_millis(100)));
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_the_time_brings(
            per_second in 0.001..1e6_f64, burst in 1u32..1000, steps in prop::collection::vec((0u64..2 * SECOND, 1u32..300), 1..20)
        ) {
            let rate = Rate { per_second, burst };
            let (mut bucket, mut now, mut taken) = (Bucket::default(), 7, 0u32);
            for (wait, tries) in steps {
                now += wait;
                let got = (0..tries).filter(|_| bucket.take(&rate, now).is_ok()).count();
                taken += u32::try_from(got).unwrap();
                let brought = per_second * ((now - 7) as f64 / 1e9);
                prop_assert!(f64::from(taken) <= f64::from(burst) + brought + 1e-6, "{taken}");
            }
        }

        #[test]
        fn who_waits_as_long_as_told_is_let_in(per_second in 0.01..1e5_f64, burst in 1u32..100, now in 0u64..SECOND) {
            let rate = Rate { per_second, burst };
            let mut bucket = Bucket::default();
            let wait = loop {
                if let Err(wait) = bucket.take(&rate, now) {
                    break wait;
                }
            };
            prop_assert_eq!(bucket.take(&rate, now + u64::try_from(wait.as_nanos()).unwrap()), Ok(()));
        }
    }
}
