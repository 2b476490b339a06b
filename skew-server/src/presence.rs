//! One server in several processes: what each tells the others of itself, and what it takes from them.

#[cfg(feature = "redis")]
mod backoff;
pub(crate) mod exchange;
#[allow(dead_code, reason = "until somebody speaks with the others")]
pub(crate) mod fleet;
#[allow(dead_code, reason = "until somebody speaks with the others")]
pub(crate) mod knowledge;
#[allow(dead_code, reason = "until there is somebody to speak with")]
pub(crate) mod others;
#[allow(dead_code, reason = "until somebody speaks with the others")]
pub(crate) mod record;
#[cfg(feature = "redis")]
#[allow(dead_code, reason = "until the task that uses it")]
pub(crate) mod redis;
#[cfg(feature = "redis")]
#[allow(dead_code, reason = "until the task that uses it")]
mod seal;
#[allow(dead_code, reason = "until somebody speaks with the others")]
pub(crate) mod writer;
