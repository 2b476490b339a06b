//! Values of arguments.

use std::time::Duration;

use clap::builder::TypedValueParser;
use jiff::SignedDuration;
use skew_proto::MatchKind;

use crate::playback::SPEEDS;
use crate::wait::{NoPercent, Percent, Wanted};

/// A kind of match by its name.
pub(super) fn match_kind() -> impl TypedValueParser<Value = MatchKind> {
    clap::builder::StringValueParser::new().try_map(|word| word.parse::<MatchKind>())
}

/// A share, in percent.
pub(super) fn percent(text: &str) -> Result<Percent, NoPercent> {
    text.parse()
}

/// A build's id, or `current`.
pub(super) fn wanted(text: &str) -> Result<Wanted, String> {
    if text.is_empty() { Err("write a build's id, or current".to_owned()) } else { Ok(Wanted::from(text)) }
}

/// A switch, where its environment variable sets it: `1`, `true`, `yes`, `on` or their opposites.
pub(super) fn switch() -> impl TypedValueParser<Value = bool> {
    clap::builder::BoolishValueParser::new()
}

/// A time such as `250ms`, `2s` or `1m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<SignedDuration>().map_err(|_| "write a time such as 250ms, 2s or 1m")?;
    Duration::try_from(parsed).map_err(|_| "a time can't be negative".to_owned())
}

/// [`duration`], or a bare `0`.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { duration(text) }
}

/// [`duration`], but not so short that it means none.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(10);
    let interval = duration(text)?;
    if interval < SHORTEST { Err("the shortest interval is 10ms".to_owned()) } else { Ok(interval) }
}

/// How many times as fast a recording is played.
pub(super) fn speed(text: &str) -> Result<f64, String> {
    let speed = text.trim_end_matches(['x', '×']).parse().ok().filter(|speed| SPEEDS.contains(speed));
    speed.ok_or_else(|| format!("write a number from {} to {}, such as 4 or 0.5", SPEEDS.start(), SPEEDS.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "5", "soon", "-1s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(interval("1ms").is_err());
        assert_eq!((patience("0"), patience("30m")), (Ok(Duration::ZERO), Ok(Duration::from_secs(1_800))));
    }

    #[test]
    fn a_speed_is_a_number_within_reason() {
        assert_eq!(["4", "0.5", "16x"].map(speed), [Ok(4.0), Ok(0.5), Ok(16.0)]);
        for wrong in ["", "0", "-1", "fast", "inf", "NaN", "1e9"] {
            assert!(speed(wrong).is_err(), "{wrong}");
        }
    }
}
