//! Whether the tabs that were there before are there again.
//!
//! After a restart the first tabs to come back say nothing of the others, so a share of them is no answer.

use crate::Now;

/// The time in which tabs come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// Connections that were there before. Unknown where the server restarted before anything was seen of it.
    pub seen: Option<u64>,
    /// When it is over whoever is back, on [`Now::monotonic_ms`].
    pub until_ms: u64,
}

impl Settling {
    fn is_over(self, total: u64, now: Now) -> bool {
        now.monotonic_ms >= self.until_ms || self.seen.is_some_and(|seen| is_half(total, seen))
    }
}

/// Follows the number of connections.
#[derive(Debug, Clone)]
pub(super) struct Settle {
    settle_ms: u64,
    /// The greatest totals of the time that runs and of the one before, each `settle_ms` long: a site that empties slowly
    /// has not restarted.
    greatest: [u64; 2],
    turned_at_ms: u64,
    /// The figures were lost and have not come back.
    lost: bool,
    settling: Option<Settling>,
}

impl Settle {
    pub(super) fn new(settle_ms: u64) -> Self {
        Self { settle_ms, greatest: [0, 0], turned_at_ms: 0, lost: false, settling: None }
    }

    /// No figures can be trusted any more, until the next [`Settle::observe`].
    pub(super) fn lost(&mut self) {
        self.lost = true;
    }

    /// The server says that it has been up for so long.
    pub(super) fn started(&mut self, up_ms: u64, now: Now) {
        let until_ms = now.monotonic_ms.saturating_add(self.settle_ms.saturating_sub(up_ms));
        if self.settling.is_none() && until_ms > now.monotonic_ms {
            self.settling = Some(Settling { seen: None, until_ms });
        }
    }

    /// Takes in a total that can be trusted. Answers what is still missing, where tabs are on their way back.
    pub(super) fn observe(&mut self, total: u64, now: Now) -> Option<Settling> {
        let returned = std::mem::take(&mut self.lost);
        let awaited = self.settling.and_then(|settling| settling.seen);
        let seen = self.greatest.into_iter().chain(awaited).fold(0, u64::max);
        let fell = !is_half(total, seen);
        if fell && (returned || awaited.is_none()) {
            let until_ms = now.monotonic_ms.saturating_add(self.settle_ms);
            self.settling = Some(Settling { seen: Some(seen), until_ms });
        }
        self.note(total, now);
        let settling = self.settling?;
        if settling.is_over(total, now) {
            // What was seen before is over with it.
            self.settling = None;
            self.greatest = [total, total];
            self.turned_at_ms = now.monotonic_ms;
        }
        self.settling
    }

    fn note(&mut self, total: u64, now: Now) {
        if now.monotonic_ms.saturating_sub(self.turned_at_ms) >= self.settle_ms {
            self.greatest = [0, self.greatest[0]];
            self.turned_at_ms = now.monotonic_ms;
        }
        self.greatest[0] = self.greatest[0].max(total);
    }
}

fn is_half(total: u64, seen: u64) -> bool {
    total >= seen.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Now {
        Now { monotonic_ms: seconds * 1_000, unix_ms: 0 }
    }

    fn missing(settle: &mut Settle, total: u64, seconds: u64) -> Option<(Option<u64>, u64)> {
        settle.observe(total, at(seconds)).map(|settling| (settling.seen, settling.until_ms / 1_000))
    }

    #[test]
    fn a_restart_is_settled_when_half_of_the_tabs_are_back_or_the_time_is_over() {
        let mut settle = Settle::new(60_000);
        assert_eq!(missing(&mut settle, 101, 0), None);
        settle.lost();
        assert_eq!(missing(&mut settle, 1, 600), Some((Some(101), 660)), "however long the outage was");
        assert_eq!(missing(&mut settle, 50, 601), Some((Some(101), 660)));
        assert_eq!(missing(&mut settle, 51, 602), None);
        settle.lost();
        assert_eq!(missing(&mut settle, 3, 603), Some((Some(51), 663)), "what was before the first restart is over");
        assert_eq!(missing(&mut settle, 3, 662), Some((Some(51), 663)));
        assert_eq!(missing(&mut settle, 3, 663), None);
        assert_eq!(missing(&mut settle, 2, 664), None);
    }

    #[test]
    fn a_mass_disconnect_counts_without_any_loss_of_the_own_connection() {
        let mut settle = Settle::new(60_000);
        assert_eq!(missing(&mut settle, 100, 0), None);
        assert_eq!(missing(&mut settle, 60, 10), None);
        assert_eq!(missing(&mut settle, 49, 20), Some((Some(100), 80)));
        assert_eq!(missing(&mut settle, 10, 30), Some((Some(100), 80)), "the time runs from the first of it");
        settle.lost();
        assert_eq!(missing(&mut settle, 10, 40), Some((Some(100), 100)), "and anew after a restart");
    }

    #[test]
    fn a_site_that_empties_slowly_has_not_restarted() {
        let mut settle = Settle::new(60_000);
        for (minute, total) in
            (0..50).map(|minute| (minute, 1_000 * 80u64.pow(minute.min(8)) / 100u64.pow(minute.min(8))))
        {
            assert_eq!(missing(&mut settle, total, u64::from(minute) * 60), None, "{total}");
        }
    }

    #[test]
    fn a_server_that_has_just_started_is_given_its_time() {
        let mut settle = Settle::new(60_000);
        settle.started(20_000, at(5));
        assert_eq!(missing(&mut settle, 30, 6), Some((None, 45)));
        assert_eq!(missing(&mut settle, 10, 7), Some((Some(30), 67)), "tabs that left again meanwhile are missed");
        assert_eq!(missing(&mut settle, 15, 8), None);
        settle.started(61_000, at(9));
        assert_eq!(missing(&mut settle, 15, 10), None);
    }

    proptest! {
        #[test]
        fn it_is_always_over_after_the_time(totals in prop::collection::vec((0u64..50, any::<bool>()), 1..30), last in 0u64..50) {
            let mut settle = Settle::new(60_000);
            for (second, (total, lost)) in (0..).zip(totals) {
                if lost {
                    settle.lost();
                }
                settle.observe(total, at(second));
            }
            settle.observe(last, at(30));
            prop_assert_eq!(settle.observe(last, at(30 + 60)), None);
        }

        #[test]
        fn less_than_half_of_what_was_there_is_never_settled_at_once(before in 1u64..1_000, after in 0u64..1_000) {
            let mut settle = Settle::new(60_000);
            settle.observe(before, at(0));
            settle.lost();
            prop_assert_eq!(settle.observe(after, at(1)).is_some(), after * 2 < before);
        }
    }
}
