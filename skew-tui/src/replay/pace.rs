//! How fast the clock of a recording goes.

use std::time::Duration;

use tokio::time::Instant;

use crate::playback::SPEEDS;

/// A clock by the wall, some times as fast as that one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The position at `since`, in milliseconds.
    position_ms: u64,
    since: Instant,
    speed: f64,
    run: Run,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Going,
    Held,
}

impl Pace {
    /// Starts at 0.
    pub(super) fn new(speed: f64, now: Instant) -> Self {
        Self { position_ms: 0, since: now, speed: speed.clamp(*SPEEDS.start(), *SPEEDS.end()), run: Run::Going }
    }

    pub(super) fn position_ms(&self, now: Instant) -> u64 {
        match self.run {
            Run::Held => self.position_ms,
            Run::Going => {
                let gone = now.saturating_duration_since(self.since).as_secs_f64() * 1_000.0 * self.speed;
                // A float that is no whole number of milliseconds is cut, and one that is too large is the largest.
                self.position_ms.saturating_add(gone as u64)
            }
        }
    }

    /// When a position will be reached; never while it is held.
    pub(super) fn reaches(&self, position_ms: u64) -> Option<Instant> {
        if self.run == Run::Held {
            return None;
        }
        let left = position_ms.saturating_sub(self.position_ms) as f64 / self.speed;
        // Rounded up: what is due then is due when that moment is there.
        Some(self.since + Duration::from_millis(left.ceil().min(MOST_MS) as u64))
    }

    /// Goes to a position.
    pub(super) fn set_position(&mut self, position_ms: u64, now: Instant) {
        self.position_ms = position_ms;
        self.since = now;
    }

    pub(super) fn is_held(&self) -> bool {
        self.run == Run::Held
    }

    /// Holds the clock, or lets it go on.
    pub(super) fn toggle(&mut self, now: Instant) {
        self.set_position(self.position_ms(now), now);
        self.run = match self.run {
            Run::Going => Run::Held,
            Run::Held => Run::Going,
        };
    }

    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// Changes the speed from now on.
    pub(super) fn set_speed(&mut self, speed: f64, now: Instant) {
        self.set_position(self.position_ms(now), now);
        self.speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end());
    }
}

/// Longest time that is waited for something, in milliseconds: a year, for a recording whose times are none.
const MOST_MS: f64 = 365.0 * 24.0 * 3_600_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn time_goes_as_fast_as_asked_and_stands_while_held() {
        let start = Instant::now();
        let mut pace = Pace::new(4.0, start);
        assert_eq!(pace.position_ms(after(start, 250)), 1_000);
        pace.toggle(after(start, 250));
        assert_eq!((pace.position_ms(after(start, 9_000)), pace.reaches(2_000)), (1_000, None));
        pace.toggle(after(start, 9_000));
        assert_eq!(pace.position_ms(after(start, 9_500)), 3_000);
        pace.set_speed(0.5, after(start, 9_500));
        assert_eq!(pace.position_ms(after(start, 10_500)), 3_500);
    }

    #[test]
    fn a_position_is_there_when_it_is_said_to_be() {
        let start = Instant::now();
        for speed in [0.3, 1.0, 7.0, 4_096.0] {
            let mut pace = Pace::new(speed, start);
            pace.set_position(17, start);
            for position in [17, 18, 1_000, 123_457] {
                let then = pace.reaches(position).unwrap();
                assert!(pace.position_ms(then) >= position, "{position} at {speed}");
            }
        }
    }

    #[test]
    fn no_speed_and_no_time_is_too_strange() {
        let start = Instant::now();
        for speed in [0.0, -1.0, f64::INFINITY, f64::MIN_POSITIVE] {
            let pace = Pace::new(speed, start);
            assert!(SPEEDS.contains(&pace.speed()));
            assert!(pace.reaches(u64::MAX).is_some());
            pace.position_ms(after(start, u64::MAX / 1_000_000));
        }
    }
}
