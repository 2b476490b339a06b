//! When to draw: at once for a person, and for messages no more often than an eye can follow.

use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two frames that messages cause: more than ten a second nobody reads.
const INTERVAL: Duration = Duration::from_millis(100);

/// When the next frame is due.
#[derive(Debug)]
pub(super) struct Pace {
    due: Option<Instant>,
    drawn: Option<Instant>,
}

impl Pace {
    /// The first frame is due at once.
    pub(super) fn new(now: Instant) -> Self {
        Self { due: Some(now), drawn: None }
    }

    /// Something changed that nobody waits for.
    pub(super) fn soon(&mut self, now: Instant) {
        let earliest = self.drawn.map_or(now, |drawn| now.max(drawn + INTERVAL));
        self.due = Some(self.due.map_or(earliest, |due| due.min(earliest)));
    }

    /// Something changed that a person waits for.
    pub(super) fn now(&mut self, now: Instant) {
        self.due = Some(now);
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.due = None;
        self.drawn = Some(now);
    }

    /// When the next frame is due; nothing while nothing changed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a frame is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_while_nothing_changes() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!(pace.is_due(start));
        pace.drawn(start);
        assert_eq!(pace.due(), None);
    }

    #[test]
    fn a_flood_is_drawn_at_intervals_and_a_key_at_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.drawn(start);
        for ms in 0..10 {
            pace.soon(start + Duration::from_millis(ms));
        }
        assert_eq!(pace.due(), Some(start + INTERVAL));
        let key = start + Duration::from_millis(11);
        pace.now(key);
        assert!(pace.is_due(key));
    }

    #[test]
    fn a_message_after_a_pause_is_drawn_at_once() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.drawn(start);
        let later = start + INTERVAL * 5;
        pace.soon(later);
        assert!(pace.is_due(later));
    }
}
