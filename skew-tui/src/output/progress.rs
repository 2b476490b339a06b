//! How a wait is told while it goes on: one line redrawn in place, a line for each change, or JSON.

mod json;
mod pace;
mod text;

use skew_proto::Rollout;

use crate::Now;
use crate::state::known::Known;
use crate::state::site::Site;
use crate::state::trend::{Eta, Rates, Stragglers};
use crate::wait::{Phase, Standing, Terms, Unknown, Unusable, Verdict};

pub(crate) use json::{state_line, verdict_line};
pub(crate) use pace::{Grain, Pace, Worth};
pub(crate) use text::{inline, line, verdict};

/// Where a rollout is going.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pulse {
    rates: Option<Rates>,
    eta: Eta,
    stragglers: Stragglers,
}

impl Pulse {
    /// What the recent past says of the share that is waited for. Of one page alone nothing is known.
    pub(crate) fn of(known: &Known, terms: &Terms, standing: &Standing, now: Now) -> Option<Self> {
        (terms.route.is_none() && standing.share.is_some()).then(|| Self {
            rates: known.trend.rates(now),
            eta: known.trend.eta(known.site(), terms.percent.as_f64(), now),
            stragglers: known.trend.stragglers(known.site(), 1, now),
        })
    }

    /// Connections that move to the current build in a minute, or, where nobody is listed, by how many there are more of them.
    fn per_minute(&self) -> Option<f64> {
        let rates = self.rates?;
        Some(rates.people.map_or(rates.current, |people| people.moved))
    }

    /// For how long the longest straggler has been one at least, in milliseconds.
    fn longest_ms(&self) -> Option<u64> {
        Some(self.stragglers.longest.first()?.old_for.ms())
    }
}

/// A moment of a wait, with all that is told of it.
#[derive(Debug, Clone)]
pub(crate) struct Moment<'a> {
    /// The site, as it is called.
    pub(crate) label: &'a str,
    pub(crate) site: &'a Site,
    pub(crate) terms: &'a Terms,
    pub(crate) standing: &'a Standing,
    pub(crate) pulse: Option<Pulse>,
    /// When the wait began.
    pub(crate) since: Now,
    pub(crate) now: Now,
    /// Whether the site's pages set the version cookie. None while that is not known.
    pub(crate) version_cookie: Option<bool>,
}

impl Moment<'_> {
    /// The share as a rollout. None where there are no figures to trust.
    fn rollout(&self) -> Option<Rollout> {
        let share = self.standing.share.as_ref()?;
        let others = share.total.saturating_sub(share.current);
        let counts = [(share.version.clone(), share.current), (String::new(), others)];
        Some(Rollout::of(&counts.into(), &share.version))
    }
}

/// The end of a wait, as it is told and as the exit code has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending<'a> {
    /// By what the site says.
    Verdict(&'a Verdict),
    /// By a signal.
    Interrupted,
}

impl Ending<'_> {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verdict(Verdict::Met) => "met",
            Self::Verdict(Verdict::NotMet(_)) => "notMet",
            Self::Verdict(Verdict::Superseded { .. }) => "superseded",
            Self::Verdict(Verdict::TimedOut(_)) => "timedOut",
            Self::Verdict(Verdict::Unauthorized(_)) => "unauthorized",
            Self::Verdict(Verdict::Failed(_)) => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The name of a phase in JSON.
fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Unknown(_) => "unknown",
        Phase::NotCurrent { .. } => "notCurrent",
        Phase::Rolling => "rolling",
        Phase::Holding { .. } => "holding",
        Phase::Over(_) => "over",
    }
}

/// The name of why nothing is known.
fn unknown_name(phase: &Phase) -> Option<&'static str> {
    let Phase::Unknown(unknown) = phase else { return None };
    Some(match unknown {
        Unknown::Connecting => "connecting",
        Unknown::Disconnected(_) => "disconnected",
        Unknown::Stale => "stale",
        Unknown::Missing(_) => "missing",
        Unknown::Pending => "pending",
        Unknown::Refused(_) => "refused",
        Unknown::NoBuild => "noBuild",
        Unknown::Disputed(..) => "disputed",
        Unknown::Partial { .. } | Unknown::Instances(_) => "partial",
        Unknown::Unusable(Unusable::Contradictory) => "contradictory",
        Unknown::Unusable(Unusable::ListIncomplete) => "listIncomplete",
        Unknown::Unusable(Unusable::RoutesUntracked) => "routesUntracked",
        Unknown::Settling(_) => "settling",
        Unknown::TooFew { connected: 0, .. } => "nobody",
        Unknown::TooFew { .. } => "tooFew",
    })
}
