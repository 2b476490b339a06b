//! How far a release has come.

use serde::Serialize;

use crate::stats::Counts;

/// Connections on the current build and on any other.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// The current build.
    pub version: String,
    /// Connections on it.
    pub current: u64,
    /// Connections on any other.
    pub outdated: u64,
    /// Share of `current`, in percent 0–100. Unknown while nobody is connected: neither 0 nor 100 would be true.
    pub percent: Option<f64>,
}

impl Rollout {
    /// Counts `versions` against the current build.
    #[must_use]
    pub fn of(versions: &Counts, current: &str) -> Self {
        let on_current = versions.get(current).copied().unwrap_or(0);
        let total = versions.values().fold(0u64, |sum, count| sum.saturating_add(*count));
        Self {
            version: current.to_owned(),
            current: on_current,
            outdated: total - on_current,
            percent: percent(on_current, total),
        }
    }
}

/// `part` of `total` in percent, unknown where there is no total.
#[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^53")]
fn percent(part: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| part as f64 * 100.0 / total as f64)
}

/// A share for people: `87 %`, `99.9 %`, `—`. It says `100 %` only of all and `0 %` only of none, whatever rounding would say.
#[must_use]
pub fn percent_label(part: u64, total: u64) -> String {
    match percent(part, total) {
        None => "—".to_owned(),
        Some(_) if part == 0 => "0 %".to_owned(),
        Some(share) if share < 0.1 => "<0.1 %".to_owned(),
        Some(share) if share < 1.0 => format!("{:.1} %", floor_tenth(share)),
        Some(share) if part < total && share > 99.0 => format!("{:.1} %", floor_tenth(share)),
        Some(share) => format!("{:.0} %", share.floor()),
    }
}

fn floor_tenth(share: f64) -> f64 {
    (share * 10.0).floor() / 10.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nobody_connected_is_unknown() {
        let rollout = Rollout::of(&Counts::new(), "v1");
        assert_eq!((rollout.current, rollout.outdated, rollout.percent), (0, 0, None));
        assert_eq!(percent_label(0, 0), "—");
    }

    #[test]
    fn the_share_is_of_all_versions() {
        let rollout = Rollout::of(&Counts::from([("v1".into(), 1), ("v2".into(), 3)]), "v2");
        assert_eq!((rollout.current, rollout.outdated, rollout.percent), (3, 1, Some(75.0)));
    }

    #[test]
    fn labels_never_round_up_to_all_or_down_to_none() {
        assert_eq!(percent_label(1_999, 2_000), "99.9 %");
        assert_eq!(percent_label(999_999, 1_000_000), "99.9 %");
        assert_eq!(percent_label(5, 5), "100 %");
        assert_eq!(percent_label(1, 1_000_000), "<0.1 %");
        assert_eq!(percent_label(5, 1_000), "0.5 %");
        assert_eq!(percent_label(2, 3), "66 %");
    }

    proptest! {
        #[test]
        fn hundred_means_all_and_zero_means_none(part in 0u64..1_000_000_000, rest in 0u64..1_000_000_000) {
            let rollout = Rollout::of(&Counts::from([("a".into(), part), ("b".into(), rest)]), "a");
            prop_assert_eq!(rollout.percent == Some(100.0), part > 0 && rest == 0);
            prop_assert_eq!(rollout.percent == Some(0.0), part == 0 && rest > 0);
            prop_assert_eq!(percent_label(part, part + rest) == "100 %", part > 0 && rest == 0);
        }
    }
}
