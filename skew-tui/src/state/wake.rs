//! When what is shown changes though nothing happens.

use super::State;
use super::clock;
use super::notify::Notify;
use super::site::{Authorization, Link};

impl State {
    /// Milliseconds from the last event until a word on screen changes by time alone; nothing where none does. The program
    /// sleeps until then.
    #[must_use]
    pub fn next_wake(&self) -> Option<u64> {
        let countdown = match self.site().link {
            Link::Reconnecting { retry_at_ms, .. } => {
                clock::seconds_left_changes_in(retry_at_ms.saturating_sub(self.now.monotonic_ms))
            }
            _ => None,
        };
        let silence = self.silence_begins_in().filter(|ms| *ms > 0);
        let frozen = self.frozen_for().map(clock::age_changes_in);
        let figures = self.figures_age().map(clock::age_changes_in);
        let current = self.current_release_age().map(clock::release_age_changes_in);
        let versions = self.panes.versions.get(self.panes.version_cursor.window()).unwrap_or_default().iter();
        let released = versions
            .filter_map(|row| Some(clock::release_age_changes_in(self.now.unix_ms.saturating_sub(row.released_at?))));
        let notify = self.notify.as_ref().and_then(Notify::deadline_ms);
        let notify = notify.map(|at| at.saturating_sub(self.now.monotonic_ms));
        [countdown, silence, frozen, figures, current, self.said_for(), notify]
            .into_iter()
            .flatten()
            .chain(released)
            .min()
    }

    /// How old the figures are, in milliseconds, where they may be old: while stats arrive they are new.
    #[must_use]
    pub fn figures_age(&self) -> Option<u64> {
        if self.site().link == Link::Live && self.site().authorization == Authorization::Granted {
            return None;
        }
        Some(self.now.since(self.site().stats_at?))
    }

    /// How long ago the current build was released, in milliseconds, where the site tells.
    #[must_use]
    pub fn current_release_age(&self) -> Option<u64> {
        let site = self.shown();
        let released_at = site.released_at(site.current.as_deref()?)?;
        Some(self.now.unix_ms.saturating_sub(released_at))
    }
}
