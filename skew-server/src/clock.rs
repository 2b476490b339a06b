//! The time of day, and the time that only passes.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Nanoseconds since the first look at a clock that only goes forward: the runtime's, which a test can stop.
pub(crate) fn nanos() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let passed = Instant::now().saturating_duration_since(*START);
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}
