//! Which stats are worth keeping where they come too often: each is a whole snapshot, and of those that lie close together the
//! newest says it all.

/// Holds stats back, the newest of each site. Whoever has it says when they are released, and releases them before anything
/// else goes on: nothing overtakes.
#[derive(Debug)]
pub(crate) struct Thin<T> {
    released_ms: Option<u64>,
    held: Vec<Held<T>>,
}

/// Stats that wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held<T> {
    pub(crate) at_ms: u64,
    pub(crate) target: usize,
    pub(crate) stats: T,
}

impl<T> Thin<T> {
    /// Nothing is held, and nothing was.
    pub(crate) fn new() -> Self {
        Self { released_ms: None, held: Vec::new() }
    }

    /// Holds stats in the place of older ones of the same site.
    pub(crate) fn hold(&mut self, stats: Held<T>) {
        self.held.retain(|held| held.target != stats.target);
        self.held.push(stats);
    }

    /// When what is held is to go on, with so many milliseconds between two times; nothing while nothing is held.
    pub(crate) fn due_ms(&self, every_ms: u64) -> Option<u64> {
        if self.held.is_empty() {
            return None;
        }
        Some(self.released_ms.map_or(0, |released| released.saturating_add(every_ms)))
    }

    /// What was held, in its order.
    pub(crate) fn release(&mut self, at_ms: u64) -> Vec<Held<T>> {
        if !self.held.is_empty() {
            self.released_ms = Some(at_ms);
        }
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(at_ms: u64, target: usize) -> Held<()> {
        Held { at_ms, target, stats: () }
    }

    #[test]
    fn the_first_stats_are_due_at_once_and_the_newest_of_each_site_later() {
        let mut thin = Thin::new();
        thin.hold(held(10, 0));
        assert_eq!(thin.due_ms(1_000), Some(0));
        assert_eq!(thin.release(10), [held(10, 0)]);
        assert_eq!(thin.due_ms(1_000), None);
        for stats in [held(20, 0), held(30, 1), held(40, 0)] {
            thin.hold(stats);
        }
        assert_eq!(thin.due_ms(1_000), Some(1_010));
        assert_eq!(thin.release(1_010), [held(30, 1), held(40, 0)]);
        assert_eq!(thin.release(1_500), []);
    }

    #[test]
    fn without_an_interval_all_are_due_at_once() {
        let mut thin = Thin::new();
        for at in 0..3 {
            thin.hold(held(at, 0));
            assert!(thin.due_ms(0).is_some_and(|due| due <= at));
            assert_eq!(thin.release(at).len(), 1);
        }
    }
}
