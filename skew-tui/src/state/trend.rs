//! Where a rollout is going: who comes, who goes, who moved to the current build, when it will be done, and who stays behind.
//! All of it is told by the differences between one state and the next.
//!
//! A server sends states, not changes. Two lists are compared by the connections' ids, and only where the second follows the
//! first without a gap: after a lost connection, or once a server has restarted, every tab has another id, and taking that for
//! thousands who left and thousands who came would be a lie. The first list after a gap is a new beginning.

mod people;
mod window;

use crate::Now;

use super::site::{Site, Watchers};
use people::{Difference, People, Sight};
pub use people::{OldFor, Straggler, Stragglers};
use window::Window;

/// Shortest time that a rate is told of, in milliseconds.
const LEAST_MS: u64 = 15_000;

/// Time without progress from which a rollout is stalled, in milliseconds.
const STALLED_MS: u64 = window::LENGTH_MS;

/// Longest time that a site is given to come back after a gap before those who are back are all there are, in milliseconds.
const SETTLE_MS: u64 = 60_000;

/// Percent of those connected before a gap that must be back before differences count again.
const SETTLED_PERCENT: u64 = 90;

/// What happens per minute, by the last two minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Change of the number on the current build. The server's tables tell it, also where they list nobody.
    pub current: f64,
    /// Change of the number on all other builds: negative while a rollout goes on.
    pub outdated: f64,
    /// What only a complete list of connections tells.
    pub people: Option<PeopleRates>,
}

/// What happens to connections per minute. `skew-tui`s are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeopleRates {
    /// Connections that were not there before.
    pub opened: f64,
    /// Connections that are gone.
    pub closed: f64,
    /// Moved to the current build. A tab that updates closes its connection and opens another with a new id, and nothing ties
    /// the two. So an opening on the current build that comes within seconds of an end on another build counts as one
    /// move: never more than ended on old builds, and never more than opened on the current one.
    pub moved: f64,
}

/// When a share will be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eta {
    /// It is reached now.
    Reached,
    /// In so many milliseconds, if those on old builds go on to become fewer as in the last two minutes.
    In(u64),
    /// Never, as things are: those on old builds don't become fewer.
    Stalled {
        /// For how long they have not, as far as it was watched, in milliseconds.
        for_ms: u64,
    },
    /// Nobody is connected, or it was not watched for long enough.
    Unknown,
}

/// What was compared so far. Its memory is bounded by the connections that are there.
#[derive(Debug, Clone, Default)]
pub struct Trend {
    era: u64,
    taken: u64,
    basis: Option<Basis>,
    settling: Option<Settling>,
    /// Since when differences count, on [`Now::monotonic_ms`].
    since_ms: Option<u64>,
    last: Figures,
    progress: Option<Progress>,
    window: Window,
    people: People,
}

/// What two states must have in common to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Basis {
    current: String,
    watchers: Watchers,
    listing: Listing,
}

/// How many of the connections a server lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    All,
    /// A part, or none.
    Part,
}

/// After a gap tabs come back over a while, and are no newcomers.
#[derive(Debug, Clone, Copy)]
struct Settling {
    /// Number of connections before the gap.
    before: u64,
    /// When it ends at the latest, once figures have come again.
    until_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    current: u64,
    outdated: u64,
}

impl Figures {
    fn total(self) -> u64 {
        self.current.saturating_add(self.outdated)
    }
}

/// The fewest on old builds that there have been, and since when.
#[derive(Debug, Clone, Copy)]
struct Progress {
    fewest: u64,
    at_ms: u64,
}

impl Trend {
    /// Takes in what the site has become. To be called after every event: without new figures it costs nothing.
    pub fn observe(&mut self, site: &Site, now: Now) {
        if self.era != site.era {
            self.era = site.era;
            self.begin_anew();
        }
        if self.taken == site.taken {
            return;
        }
        self.taken = site.taken;
        let (Some(stats), Some(rollout)) = (&site.stats, site.rollout()) else { return };
        let figures = Figures { current: rollout.current, outdated: rollout.outdated };
        let listing = if stats.connections.len() as u64 == stats.total { Listing::All } else { Listing::Part };
        let basis = Basis { current: rollout.version, watchers: site.watchers(), listing };

        self.settle(figures.total(), now);
        let sight = if self.since_ms.is_some() { Sight::Witnessed } else { Sight::Found };
        let difference = match listing {
            Listing::All => self.people.compare(site, &basis.current, sight, now),
            Listing::Part => self.people.forget(),
        };
        if difference.is_a_restart() {
            self.begin_anew();
            self.settle(figures.total(), now);
        }
        if self.settling.is_none() {
            if self.since_ms.is_some() && self.basis.as_ref() == Some(&basis) {
                self.count(difference, figures, now);
            } else {
                self.begin(figures, now);
            }
        }
        self.basis = Some(basis);
        self.last = figures;
    }

    /// What happens per minute. Nothing is known without a connection, soon after a gap or a release, and in the first seconds.
    #[must_use]
    pub fn rates(&self, now: Now) -> Option<Rates> {
        let elapsed_ms = self.window.elapsed_ms(self.since_ms?, now.monotonic_ms);
        if elapsed_ms < LEAST_MS {
            return None;
        }
        let sums = self.window.sums(now.monotonic_ms);
        let people = self.basis.as_ref().is_some_and(|basis| basis.listing == Listing::All).then(|| PeopleRates {
            opened: per_minute(sums.opened as f64, elapsed_ms),
            closed: per_minute(sums.closed as f64, elapsed_ms),
            moved: per_minute(sums.moved as f64, elapsed_ms),
        });
        Some(Rates {
            current: per_minute(sums.current as f64, elapsed_ms),
            outdated: per_minute(sums.outdated as f64, elapsed_ms),
            people,
        })
    }

    /// When `percent` (0–100) of the connections that there are now will be on the current build, by the recent decline of
    /// those on other builds.
    #[must_use]
    pub fn eta(&self, site: &Site, percent: f64, now: Now) -> Eta {
        let Some(rollout) = site.rollout().filter(|rollout| rollout.percent.is_some()) else { return Eta::Unknown };
        let total = rollout.current + rollout.outdated;
        let missing = (total as f64 * percent / 100.0 - TOLERANCE).ceil() - rollout.current as f64;
        if missing <= 0.0 {
            return Eta::Reached;
        }
        let (Some(rates), Some(progress)) = (self.rates(now), self.progress) else { return Eta::Unknown };
        if rates.outdated < 0.0 {
            return Eta::In((missing / -rates.outdated * MINUTE_MS) as u64);
        }
        match now.monotonic_ms.saturating_sub(progress.at_ms) {
            for_ms @ STALLED_MS.. => Eta::Stalled { for_ms },
            _ => Eta::Unknown,
        }
    }

    /// For how long a connection is known to be there; nothing where it is not listed, or nobody is.
    #[must_use]
    pub fn known_for(&self, connection: &skew_proto::Connection, now: Now) -> Option<OldFor> {
        self.people.known_for(&connection.id, now)
    }

    /// Who is on an old build, longest first, at most `most` of them. `site` must be the one that was observed last.
    #[must_use]
    pub fn stragglers(&self, site: &Site, most: usize, now: Now) -> Stragglers {
        self.people.stragglers(site, most, now)
    }

    /// For how long whoever is on an old build for longest has been; nothing where nobody is, or nobody is listed.
    #[must_use]
    pub fn longest(&self, now: Now) -> Option<OldFor> {
        self.people.longest(now)
    }

    /// Milliseconds until rates, and what follows from them, are others though nothing happens; nothing once all is still.
    #[must_use]
    pub fn changes_in(&self, now: Now) -> Option<u64> {
        let progress = self.progress?;
        let moving = self.window.changes_in(now.monotonic_ms);
        let stalled = STALLED_MS.checked_sub(now.monotonic_ms.saturating_sub(progress.at_ms)).filter(|ms| *ms > 0);
        [moving, stalled.filter(|_| progress.fewest > 0)].into_iter().flatten().min()
    }

    /// The next figures follow a gap.
    fn begin_anew(&mut self) {
        let before = self.settling.map_or(0, |settling| settling.before).max(self.last.total());
        self.settling = Some(Settling { before, until_ms: None });
        self.since_ms = None;
        self.progress = None;
        self.people.doubt();
    }

    /// Ends the time after a gap once enough are back or it has lasted for too long.
    fn settle(&mut self, total: u64, now: Now) {
        let Some(settling) = &mut self.settling else { return };
        let until_ms = *settling.until_ms.get_or_insert(now.monotonic_ms + SETTLE_MS);
        let back = total.saturating_mul(100) >= settling.before.saturating_mul(SETTLED_PERCENT);
        if back || now.monotonic_ms >= until_ms {
            self.settling = None;
        }
    }

    /// From here on differences count.
    fn begin(&mut self, figures: Figures, now: Now) {
        self.window.clear();
        self.since_ms = Some(now.monotonic_ms);
        self.progress = Some(Progress { fewest: figures.outdated, at_ms: now.monotonic_ms });
    }

    fn count(&mut self, difference: Difference, figures: Figures, now: Now) {
        let change = |before: u64, after: u64| i64::try_from(i128::from(after) - i128::from(before)).unwrap_or(0);
        self.window.add(
            now.monotonic_ms,
            difference,
            change(self.last.current, figures.current),
            change(self.last.outdated, figures.outdated),
        );
        if let Some(progress) = self.progress.as_mut().filter(|progress| figures.outdated < progress.fewest) {
            *progress = Progress { fewest: figures.outdated, at_ms: now.monotonic_ms };
        }
    }
}

/// What a product of floats may be too large by without meaning one connection more.
const TOLERANCE: f64 = 1e-6;

const MINUTE_MS: f64 = 60_000.0;

fn per_minute(count: f64, elapsed_ms: u64) -> f64 {
    count * MINUTE_MS / elapsed_ms as f64
}

#[cfg(test)]
mod tests;
