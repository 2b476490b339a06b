//! When a request that has failed is sent again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait after so many failures in a row. `chance` is from 0 to 1: by it receivers that are back are not met by all senders at
/// once. What the receiver asks for counts where it is longer, up to the longest of ours.
pub(super) fn wait(failures: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(6)).min(LONGEST);
    let ours = doubled.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0).max(FIRST);
    asked.map_or(ours, |asked| asked.min(LONGEST).max(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_second_to_a_minute() {
        let seconds = |failures, chance| wait(failures, None, chance).as_secs_f64();
        assert_eq!([1, 2, 3, 6, 7, 1000].map(|n| seconds(n, 1.0)), [1.0, 2.0, 4.0, 32.0, 60.0, 60.0]);
        assert_eq!([1, 2, 3, 1000].map(|n| seconds(n, 0.0)), [1.0, 1.0, 2.0, 30.0]);
    }

    #[test]
    fn what_the_receiver_asks_for_counts_within_reason() {
        let wait = |asked| wait(3, Some(Duration::from_secs(asked)), 1.0).as_secs();
        assert_eq!([0, 3, 20, 86_400].map(wait), [4, 4, 20, 60]);
    }
}
