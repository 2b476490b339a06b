//! Ages in words, and when the words change.

const SECOND: u64 = 1_000;
/// Milliseconds of a minute.
pub const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The unit in which an age is told.
fn unit(ms: u64) -> (u64, &'static str) {
    match ms {
        0..MINUTE => (SECOND, "s"),
        MINUTE..HOUR => (MINUTE, "min"),
        HOUR.. if ms < 2 * DAY => (HOUR, "h"),
        _ => (DAY, "d"),
    }
}

/// An age such as `12 s`, `14 min`, `3 h`, `2 d`.
#[must_use]
pub fn age(ms: u64) -> String {
    let (unit, name) = unit(ms);
    format!("{} {name}", ms / unit)
}

/// Milliseconds until [`age`] says something else.
#[must_use]
pub fn age_changes_in(ms: u64) -> u64 {
    let (unit, _) = unit(ms);
    unit - ms % unit
}

/// The age of a release, which nobody needs by the second.
#[must_use]
pub fn release_age(ms: u64) -> String {
    if ms < MINUTE { "<1 min".to_owned() } else { age(ms) }
}

/// Milliseconds until [`release_age`] says something else.
#[must_use]
pub fn release_age_changes_in(ms: u64) -> u64 {
    if ms < MINUTE { MINUTE - ms } else { age_changes_in(ms) }
}

/// Whole seconds left, counted so that a countdown ends at 1.
#[must_use]
pub fn seconds_left(ms: u64) -> u64 {
    ms.div_ceil(SECOND)
}

/// Milliseconds until [`seconds_left`] says something else; nothing once no time is left.
#[must_use]
pub fn seconds_left_changes_in(ms: u64) -> Option<u64> {
    (ms > 0).then(|| (ms - 1) % SECOND + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ages_are_told_in_the_unit_that_matters() {
        let ages = [0, 59_999, 60_000, HOUR, 47 * HOUR, 2 * DAY].map(age);
        assert_eq!(ages, ["0 s", "59 s", "1 min", "1 h", "47 h", "2 d"]);
        assert_eq!((release_age(59_999), release_age(60_000)), ("<1 min".into(), "1 min".into()));
    }

    #[test]
    fn a_countdown_ends_at_one() {
        assert_eq!([3_000, 2_999, 1, 0].map(seconds_left), [3, 3, 1, 0]);
        assert_eq!([3_000, 2_999, 1, 0].map(seconds_left_changes_in), [Some(1_000), Some(999), Some(1), None]);
    }

    proptest! {
        #[test]
        fn words_change_exactly_when_they_are_said_to(ms in 0u64..10 * DAY) {
            let next = ms + age_changes_in(ms);
            prop_assert_eq!(age(next - 1), age(ms));
            prop_assert_ne!(age(next), age(ms));
            let next = ms + release_age_changes_in(ms);
            prop_assert_eq!(release_age(next - 1), release_age(ms));
            prop_assert_ne!(release_age(next), release_age(ms));
            if let Some(after) = seconds_left_changes_in(ms) {
                prop_assert_eq!(seconds_left(ms - after + 1), seconds_left(ms));
                prop_assert_ne!(seconds_left(ms - after), seconds_left(ms));
            }
        }
    }
}
