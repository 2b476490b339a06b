//! Which of several instances of one server this is.

use std::fmt;
use std::sync::Arc;

use crate::clock::now_ms;

/// One process of the server, for as long as it runs: two of one name are not the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InstanceId {
    pub(crate) name: Arc<str>,
    /// When it was started, in milliseconds since 1970 by its own clock.
    pub(crate) epoch: u64,
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.epoch)
    }
}

/// This process.
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "nobody is told of the build without redis"))]
#[derive(Debug, Clone)]
pub(crate) struct Me {
    pub(crate) id: InstanceId,
    /// Part of every `connectionId` that it gives out, so that the others know whose a connection is.
    pub(crate) tag: u32,
    /// The build that it was started with.
    pub(crate) build: Arc<str>,
}

impl Me {
    pub(crate) fn new(name: &str, build: &str) -> Self {
        Self { id: InstanceId { name: name.into(), epoch: now_ms() }, tag: rand::random(), build: build.into() }
    }
}
