//! Time as an argument.

/// A moment, taken once at the edge and handed inwards, so that everything inside can be tested without waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Milliseconds since the program started. Never goes back.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970, by this machine's clock.
    pub unix_ms: u64,
}

impl Now {
    /// Milliseconds from `earlier` to this moment.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.monotonic_ms.saturating_sub(earlier.monotonic_ms)
    }
}
