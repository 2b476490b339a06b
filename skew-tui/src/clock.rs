//! The one place that asks what time it is.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::Now;

/// Takes moments, from when it was made on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts at 0.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// This moment.
    pub(crate) fn now(self) -> Now {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { monotonic_ms: ms(self.started.elapsed()), unix_ms: ms(since_1970) }
    }
}

fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
