//! What is waited for.

use std::fmt;
use std::str::FromStr;

use skew_proto::RoutePattern;

/// A share in percent, kept exactly: a wait must never be met by rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    /// In millionths of a percent.
    millionths: u64,
}

/// Why a text is no share to wait for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write a share such as 95 or 99.5, above 0 and at most 100")]
pub struct NoPercent;

impl Percent {
    const ONE: u64 = 1_000_000;
    /// Everybody.
    pub const ALL: Self = Self { millionths: 100 * Self::ONE };

    /// Whether `part` of `total` is this share or more. Of nobody every share is: the caller says whether nobody will do.
    #[must_use]
    pub fn reached(self, part: u64, total: u64) -> bool {
        u128::from(part) * u128::from(Self::ALL.millionths) >= u128::from(total) * u128::from(self.millionths)
    }

    /// As a number, 0–100.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 10^8")]
    pub fn as_f64(self) -> f64 {
        self.millionths as f64 / Self::ONE as f64
    }
}

impl FromStr for Percent {
    type Err = NoPercent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const DIGITS: usize = 6;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > DIGITS || fraction.len() > DIGITS {
            return Err(NoPercent);
        }
        let whole: u64 = whole.parse().map_err(|_| NoPercent)?;
        let fraction: u64 = format!("{fraction:0<DIGITS$}").parse().map_err(|_| NoPercent)?;
        let share = Self { millionths: whole * Self::ONE + fraction };
        if share.millionths == 0 || share > Self::ALL { Err(NoPercent) } else { Ok(share) }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

/// The build whose share is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Whichever is current: a release on the way starts the wait anew.
    Current,
    /// This one: a later release ends the wait.
    Build(String),
}

impl From<&str> for Wanted {
    fn from(text: &str) -> Self {
        if text == "current" { Self::Current } else { Self::Build(text.to_owned()) }
    }
}

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// The first figures decide.
    Once,
    /// So many milliseconds.
    Ms(u64),
}

/// What is waited for.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The share that is enough.
    pub percent: Percent,
    /// The build that it is the share of.
    pub wanted: Wanted,
    /// Fewer connections than these are no answer.
    pub min_connections: u64,
    /// How long the share must have held, in milliseconds.
    pub stable_for_ms: u64,
    /// How long tabs may take to come back after a restart, in milliseconds.
    pub settle_ms: u64,
    /// When to give up.
    pub patience: Patience,
    /// The pages that are asked about. All of them where there is none.
    pub route: Option<RoutePattern>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_is_read_exactly() {
        assert_eq!("100".parse(), Ok(Percent::ALL));
        assert_eq!("99.5".parse::<Percent>().unwrap().to_string(), "99.5");
        assert_eq!("0.000001".parse(), Ok(Percent { millionths: 1 }));
        for wrong in
            ["", "0", "0.0", "100.000001", "101", "-1", "+5", ".5", "5.", "1e2", "95%", "NaN", "99.9999999", "٩"]
        {
            assert_eq!(wrong.parse::<Percent>(), Err(NoPercent), "{wrong}");
        }
    }

    #[test]
    fn rounding_never_reaches_a_share() {
        assert!(!Percent::ALL.reached(u64::MAX - 1, u64::MAX));
        assert!(Percent::ALL.reached(u64::MAX, u64::MAX));
        let third: Percent = "66.666667".parse().unwrap();
        assert!(!third.reached(2, 3) && "66.666666".parse::<Percent>().unwrap().reached(2, 3));
    }

    proptest! {
        #[test]
        fn a_share_is_reached_by_whole_numbers_alone(part in 0u64..2_000, rest in 0u64..2_000, percent in 1u64..=100) {
            let share: Percent = percent.to_string().parse().unwrap();
            prop_assert_eq!(share.reached(part, part + rest), part * 100 >= (part + rest) * percent);
        }
    }
}
