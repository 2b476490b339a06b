//! What every request handler shares.

use std::sync::Arc;
use std::time::Instant;

use crate::auth::Authorizer;
use crate::config::Config;
use crate::handle::Handle;
use crate::origin::Origin;

pub(crate) type Shared = Arc<App>;

pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) allowed_origins: Vec<Origin>,
    pub(crate) hub: Handle,
    pub(crate) authorizer: Authorizer,
    pub(crate) started: Instant,
}
