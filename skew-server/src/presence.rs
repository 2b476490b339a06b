//! One server in several processes: what each tells the others of itself, and what it takes from them.

#[cfg(feature = "redis")]
mod backoff;
#[cfg(feature = "redis")]
mod clock;
pub(crate) mod exchange;
#[cfg(feature = "redis")]
mod fleet;
#[cfg(feature = "redis")]
mod knowledge;
#[cfg(feature = "redis")]
mod log;
#[cfg(all(test, feature = "redis"))]
mod model;
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis nobody makes one"))]
pub(crate) mod others;
#[cfg(feature = "redis")]
pub(crate) mod record;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(feature = "redis")]
mod seal;
#[cfg(feature = "redis")]
mod task;
#[cfg(feature = "redis")]
mod writer;

use crate::handle::Handle;

/// Has a server be one with the others, where it is told where to meet them.
#[cfg(feature = "redis")]
pub(crate) fn start(handle: Handle) -> Handle {
    let settings = handle.live.settings();
    let Some(redis) = &settings.config.redis else { return handle };
    let (others, calls) = others::Others::new();
    let handle = handle.with_others(others);
    task::start(&handle, calls, redis, settings.config.users.hash_key.as_ref());
    handle
}

/// Without the means to meet others it is alone.
#[cfg(not(feature = "redis"))]
pub(crate) fn start(handle: Handle) -> Handle {
    handle
}
