//! Telling apart why a site shows no figures, or figures that are not what they seem.
//!
//! ```text
//! probe (HTTP, SSE, WebSocket; each with a time-out) → Evidence → diagnose (pure) → Findings
//! ```

mod diagnose;
mod evidence;
mod failure;
mod finding;
mod page;
mod probe;

use std::sync::Arc;
use std::time::Duration;

use crate::target::Target;

pub use diagnose::diagnose;
pub use evidence::{
    Asked, Base, Evidence, Figures, Greeting, Health, Invalidation, Opening, Origin, ReleaseList, Subscription,
};
pub use failure::{Failure, TlsFault};
pub use finding::{Finding, Id, Severity};
pub use page::{CookieSetting, ModuleSettings, Page};

/// Looks at a site without changing anything on it, with at most `patience` for each answer.
pub async fn examine(target: Arc<Target>, patience: Duration) -> Vec<Finding> {
    diagnose(&probe::look(target, patience).await)
}
