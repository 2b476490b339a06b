//! How often stats go into a recording: each is a whole snapshot, and a busy site sends twenty a second.

/// Holds stats back until they are due, the newest of each site. Nothing else waits, and nothing overtakes.
#[derive(Debug)]
pub(super) struct Thin {
    every_ms: u64,
    due_ms: u64,
    held: Vec<Held>,
}

/// A message that waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) at_ms: u64,
    pub(super) target: usize,
    pub(super) message: String,
}

impl Thin {
    /// Lets stats through at most once each `every_ms` milliseconds; 0 lets every one through.
    pub(super) fn new(every_ms: u64) -> Self {
        Self { every_ms, due_ms: 0, held: Vec::new() }
    }

    /// Holds stats in the place of older ones of the same site, which nobody has seen.
    pub(super) fn hold(&mut self, stats: Held) {
        self.held.retain(|held| held.target != stats.target);
        self.held.push(stats);
    }

    /// When what is held is to be written; nothing while nothing is.
    pub(super) fn due_ms(&self) -> Option<u64> {
        (!self.held.is_empty()).then_some(self.due_ms)
    }

    /// What is to be written now, in its order.
    pub(super) fn release(&mut self, at_ms: u64) -> Vec<Held> {
        if !self.held.is_empty() {
            self.due_ms = at_ms.saturating_add(self.every_ms);
        }
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(at_ms: u64, target: usize) -> Held {
        Held { at_ms, target, message: format!("{target} at {at_ms}") }
    }

    #[test]
    fn the_first_stats_are_due_at_once_and_the_newest_of_each_site_later() {
        let mut thin = Thin::new(1_000);
        thin.hold(held(10, 0));
        assert_eq!(thin.due_ms(), Some(0));
        assert_eq!(thin.release(10), [held(10, 0)]);
        assert_eq!(thin.due_ms(), None);
        for stats in [held(20, 0), held(30, 1), held(40, 0)] {
            thin.hold(stats);
        }
        assert_eq!(thin.due_ms(), Some(1_010));
        assert_eq!(thin.release(1_010), [held(30, 1), held(40, 0)]);
        assert_eq!(thin.release(1_500), []);
    }

    #[test]
    fn without_an_interval_all_are_due_at_once() {
        let mut thin = Thin::new(0);
        for at in 0..3 {
            thin.hold(held(at, 0));
            assert!(thin.due_ms().is_some_and(|due| due <= at));
            assert_eq!(thin.release(at).len(), 1);
        }
    }
}
