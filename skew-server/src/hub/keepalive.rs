//! When each connection is sent a sign of life: every connection once a round, a slice of them at a time, so that there is neither a
//! timer for each nor a burst for all.

use std::ops::Range;
use std::time::Duration;

use skew_proto::wire::KEEPALIVE_MS;
use tokio::time::Instant;

/// Slices of a round.
const SLICES: u32 = 60;

const SLICE: Duration = Duration::from_millis(KEEPALIVE_MS / SLICES as u64);

/// Where the round is. It goes by places, of which every connection has one for life; there may come more of them, never fewer, so
/// nobody is passed over.
#[derive(Debug, Default)]
pub(super) struct Keepalive {
    /// When the next slice is due. Nothing while nobody is connected.
    pub(super) due: Option<Instant>,
    slice: u32,
    reached: usize,
}

impl Keepalive {
    /// Somebody is connected.
    pub(super) fn start(&mut self, now: Instant) {
        self.due.get_or_insert(now + SLICE);
    }

    /// Nobody is connected any more.
    pub(super) fn stop(&mut self) {
        self.due = None;
    }

    /// The next slice of so many places.
    pub(super) fn next(&mut self, now: Instant, places: usize) -> Range<usize> {
        // What is late makes up for it, but not in a burst.
        self.due = Some((self.due.unwrap_or(now) + SLICE).max(now));
        self.slice += 1;
        let end = (places as u64 * u64::from(self.slice) / u64::from(SLICES)) as usize;
        let slice = self.reached..end.max(self.reached);
        self.reached = slice.end;
        if self.slice == SLICES {
            (self.slice, self.reached) = (0, 0);
        }
        slice
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_place_waits_longer_than_a_round_however_many_come(
            first in 0..300_usize,
            growth in prop::collection::vec(0..40_usize, 240),
        ) {
            let (mut keepalive, now) = (Keepalive::default(), Instant::now());
            let (mut places, mut heard) = (first, vec![0_usize; first]);
            for (nth, more) in growth.into_iter().enumerate() {
                let slice = keepalive.next(now, places);
                prop_assert!(slice.len() <= places.div_ceil(SLICES as usize) + 40, "no burst");
                for place in slice {
                    heard[place] = nth;
                }
                prop_assert!(heard.iter().all(|heard| nth - heard <= SLICES as usize));
                places += more;
                heard.resize(places, nth);
            }
        }
    }
}
