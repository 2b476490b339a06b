//! What every request handler shares.

use std::sync::Arc;
use std::time::Instant;

use crate::handle::Handle;
use crate::live::{Live, Settings};

pub(crate) type Shared = Arc<App>;

pub(crate) struct App {
    pub(crate) live: Arc<Live>,
    pub(crate) hub: Handle,
    pub(crate) started: Instant,
}

impl App {
    /// The settings of now: a request that looks at several takes them once.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.live.settings()
    }
}
