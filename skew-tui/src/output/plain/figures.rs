//! The share and the total, in sentences.

use skew_proto::percent_label;

use crate::Now;
use crate::output::connections;
use crate::state::clock::age;
use crate::state::site::{Link, Site};
use crate::state::trend::{Eta, Trend};

/// Shortest time between two sentences about figures, in milliseconds.
const STEP_MS: u64 = 5_000;

/// Time after which any change is told, in milliseconds.
const ANY_MS: u64 = 60_000;

/// Percentage points by which a share must have moved to be told soon.
const STEP_PERCENT: f64 = 1.0;

/// Share of the total by which it must have changed to be told soon, as a divisor.
const TOTAL_PART: u64 = 10;

/// The share that is told as soon as it is reached, besides 100.
const MILESTONE: f64 = 95.0;

/// What was said of figures.
#[derive(Debug, Default)]
pub(super) struct Figures {
    said: Option<(Share, u64)>,
    /// Something happened that makes new figures worth saying at once.
    expected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Share {
    /// On the current build and on others. None where that is not known.
    rollout: Option<(u64, u64)>,
    total: u64,
    percent: Option<f64>,
}

impl Share {
    fn of(site: &Site) -> Self {
        let rollout = site.rollout().filter(|_| !contradict(site));
        Self {
            percent: rollout.as_ref().and_then(|rollout| rollout.percent),
            rollout: rollout.map(|rollout| (rollout.current, rollout.outdated)),
            total: site.figures.total,
        }
    }

    /// Whether so much has changed that it is told soon.
    fn is_far_from(self, before: Self) -> bool {
        let moved = match (self.percent, before.percent) {
            (Some(now), Some(before)) => (now - before).abs() >= STEP_PERCENT,
            (now, before) => now.is_some() != before.is_some(),
        };
        moved || self.total.abs_diff(before.total) > before.total / TOTAL_PART
    }

    fn reaches(self, percent: f64, before: Self) -> bool {
        self.percent.is_some_and(|now| now >= percent) && before.percent.is_some_and(|before| before < percent)
    }
}

/// Whether the figures are of now.
pub(super) fn are_fresh(site: &Site) -> bool {
    site.link == Link::Live && site.authorized() == Some(true) && site.stats.is_some()
}

/// Whether builds are connected that don't add up to the total.
pub(super) fn contradict(site: &Site) -> bool {
    let all = site.figures.versions.values().fold(0u64, |sum, count| sum.saturating_add(*count));
    site.stats.is_some() && all != site.figures.total
}

impl Figures {
    /// The next figures are worth saying, however little they have changed.
    pub(super) fn expect(&mut self) {
        self.expected = true;
    }

    /// What is worth saying.
    pub(super) fn tell(&mut self, site: &Site, trend: &Trend, now: Now) -> Option<String> {
        if !are_fresh(site) {
            return None;
        }
        let share = Share::of(site);
        let mut milestone = "";
        if let Some((before, at_ms)) = self.said {
            let waited_ms = now.monotonic_ms.saturating_sub(at_ms);
            if share.reaches(MILESTONE, before) && share.percent < Some(100.0) {
                milestone = "95 % is reached. ";
            }
            let due = !milestone.is_empty()
                || share.reaches(100.0, before)
                || self.expected
                || (waited_ms >= STEP_MS && share.is_far_from(before))
                || (waited_ms >= ANY_MS && share != before);
            if !due {
                return None;
            }
        }
        self.expected = false;
        self.said = Some((share, now.monotonic_ms));
        Some(format!("{milestone}{}", sentence(share, site, trend, now)))
    }
}

fn sentence(share: Share, site: &Site, trend: &Trend, now: Now) -> String {
    let Some((current, outdated)) = share.rollout else {
        return format!("{}. How many are on the current build is not known.", connections(share.total));
    };
    let all = current.saturating_add(outdated);
    match (current, outdated) {
        (0, 0) => return "Nobody is connected.".to_owned(),
        (_, 0) => return format!("All is on the current build: {}.", connections(all)),
        _ => {}
    }
    let label = percent_label(current, all);
    let mut sentence =
        format!("{label} on the current build: {current} of {}, {outdated} on older builds.", connections(all));
    let ways = [MILESTONE, 100.0].into_iter().filter_map(|percent| match trend.eta(site, percent, now) {
        Eta::In(ms) => Some(format!("{percent} % in about {}", age(ms))),
        Eta::Reached | Eta::Stalled { .. } | Eta::Unknown => None,
    });
    let ways: Vec<String> = ways.collect();
    if !ways.is_empty() {
        sentence.push_str(&format!(" At this pace {}.", ways.join(", ")));
    }
    sentence
}
