//! When what is shown changes though nothing happens.

use super::State;
use super::aside::Lower;
use super::clock;
use super::notify::Notify;
use super::site::{Authorization, Link};
use super::trend::Eta;

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
        let moving = self.frozen.is_none().then(|| self.rollout_changes_in()).flatten();
        // The position of a recording is told by the second.
        let position = self.playback.as_ref().map(|_| 1_000 - self.now.monotonic_ms % 1_000);
        let followed = self.acts.changes_in(self.now);
        [position, countdown, silence, frozen, figures, current, moving, self.said_for(), notify, followed]
            .into_iter()
            .flatten()
            .chain(released)
            .chain(self.people_change_in())
            .min()
    }

    /// Milliseconds until an age of a user or an instance is another word, where these are seen.
    fn people_change_in(&self) -> Option<u64> {
        let unix_ms = self.shown_at().unix_ms;
        let until = |at: u64| clock::age_changes_in(unix_ms.saturating_sub(at));
        let missing = self.shown().missing.as_ref().map(|missing| until(missing.since));
        let shown = match self.aside.lower {
            Lower::Instances => {
                let instances = || self.shown().instances.iter().map(|hosted| &hosted.instance);
                let ages = instances().map(|one| clock::release_age_changes_in(unix_ms.saturating_sub(one.epoch)));
                ages.chain(instances().filter_map(|one| one.since.map(until))).min()
            }
            Lower::Users => {
                let rows = self.panes.users.get(self.panes.user_cursor.window()).unwrap_or_default();
                let first = rows.iter().filter_map(|row| self.shown().connections().get(row.first));
                let known = first.filter_map(|connection| self.trend().known_for(connection, self.known_at()));
                known.map(|known| clock::release_age_changes_in(known.ms())).min()
            }
            Lower::Connections | Lower::Stragglers | Lower::History => None,
        };
        // While the display is held, nothing of it changes.
        [missing, shown].into_iter().flatten().min().filter(|_| self.frozen.is_none())
    }

    /// Milliseconds until what is told of the rollout is something else though nothing happens: never more often than a rate
    /// or a minute goes by, and never while the chart is as it was and nobody is left behind.
    fn rollout_changes_in(&self) -> Option<u64> {
        let chart = (!self.history().is_still(self.aside.span, self.now)).then_some(clock::MINUTE);
        if self.figures_age().is_some() {
            return chart;
        }
        let stalled = match self.trend().eta(self.site(), 100.0, self.now) {
            Eta::Stalled { for_ms } => Some(clock::age_changes_in(for_ms)),
            _ => None,
        };
        let rates = self.trend().changes_in(self.now);
        let longest = self.trend().longest(self.now).map(|longest| clock::release_age_changes_in(longest.ms()));
        let listed = self.aside.stragglers.longest.iter().map(|one| clock::release_age_changes_in(one.old_for.ms()));
        [stalled, rates, longest, chart].into_iter().flatten().chain(listed).min()
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
