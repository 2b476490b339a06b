//! Everything that is known of what is watched. The dashboard and every command read it, so they can't disagree.

use super::fleet::Fleet;
use super::site::{Site, Watchers};
use crate::feed::Happening;

/// What is known.
#[derive(Debug, Clone)]
pub struct Known {
    /// The targets.
    pub fleet: Fleet,
}

impl Known {
    /// Nothing yet, of targets that are called so.
    #[must_use]
    pub fn new(labels: &[String], watchers: Watchers) -> Self {
        Self { fleet: Fleet::new(labels, watchers) }
    }

    /// Takes in what happened, in its order.
    pub fn observe(&mut self, happenings: impl IntoIterator<Item = Happening>) {
        self.fleet.observe(happenings);
    }

    /// The site as a whole.
    #[must_use]
    pub fn site(&self) -> &Site {
        self.fleet.site()
    }
}
