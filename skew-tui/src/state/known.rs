//! Everything that is known of what is watched. The dashboard and every command read it, so they can't disagree.

use super::fleet::Fleet;
use super::history::History;
use super::site::{Site, Watchers};
use super::trend::Trend;
use crate::feed::Happening;

/// What is known.
#[derive(Debug, Clone)]
pub struct Known {
    /// The targets.
    pub fleet: Fleet,
    /// Where the rollout is going.
    pub trend: Trend,
    /// How it went.
    pub history: History,
}

impl Known {
    /// Nothing yet, of targets that are called so.
    #[must_use]
    pub fn new(labels: &[String], watchers: Watchers) -> Self {
        Self { fleet: Fleet::new(labels, watchers), trend: Trend::default(), history: History::default() }
    }

    /// Takes in what happened, in its order.
    pub fn observe(&mut self, happenings: impl IntoIterator<Item = Happening>) {
        let mut now = None;
        self.fleet.observe(happenings.into_iter().inspect(|happening| now = Some(happening.at)));
        if let Some(now) = now {
            self.trend.observe(self.fleet.site(), now);
            self.history.observe(self.fleet.site(), now);
        }
    }

    /// The site as a whole.
    #[must_use]
    pub fn site(&self) -> &Site {
        self.fleet.site()
    }
}

#[cfg(test)]
mod tests;
