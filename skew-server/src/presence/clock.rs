//! The time of day that does not jump: clocks are set, and nobody's life may end by that.

use tokio::time::Instant;

use crate::clock::now_ms;

/// The time of day as it was at the start, and what has passed since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    day: u64,
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { day: now_ms(), start: Instant::now() }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.day.saturating_add(passed)
    }
}
