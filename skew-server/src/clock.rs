//! The time of day, and the time that only passes.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time that only passes: the runtime's, which a test can stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
