//! Waiting for a rollout: when a share is reached, and when it only seems so.
//!
//! A [`Wait`] looks at a site after everything that happens and at every deadline, and says where it stands. It never says that a
//! share was met unless the server itself has spoken both when it was reached and after it had held for long enough: time
//! that passes in silence proves nothing.

mod builds;
mod phase;
mod settle;
mod share;
mod terms;

use crate::Now;
use crate::output::refusal;
use crate::state::site::{Authorization, Coverage, Link, Refusal, Site, unheard};

use builds::{Build, Builds};
use settle::Settle;
use share::is_sound;

pub use phase::{Phase, Standing, Unknown, Verdict};
pub use settle::Settling;
pub use share::{Share, Unusable};
pub use terms::{NoPercent, Patience, Percent, Terms, Wanted};

/// How long an answer may take where it is asked for once, in milliseconds.
const ANSWER_MS: u64 = 10_000;

/// Time between two tries where the source makes none by itself, in milliseconds.
const RETRY_MS: u64 = 15_000;

/// What follows from a look at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where the wait stands.
    pub standing: Standing,
    /// When to look again if nothing happens, on [`Now::monotonic_ms`]. None once it is over.
    pub deadline_ms: Option<u64>,
    /// What to do now.
    pub errand: Option<Errand>,
}

/// What a wait wants to have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Connect anew to whoever does not answer: a source may have given up, a subscription stay unanswered.
    Reconnect,
    /// Ask for the figures once more: the share has held, and a quiet server has not spoken since.
    Ask,
}

/// A wait for a share.
#[derive(Debug, Clone)]
pub struct Wait {
    terms: Terms,
    builds: Builds,
    settle: Settle,
    started_ms: Option<u64>,
    hold: Option<Hold>,
    /// The last gap that was seen, by [`Site::era`].
    era: u64,
    granted: bool,
    /// Since when stats are refused after they had been granted, on [`Now::monotonic_ms`].
    refused_since_ms: Option<u64>,
    retry_at_ms: Option<u64>,
    over: Option<Standing>,
}

/// A share that is reached.
#[derive(Debug, Clone)]
struct Hold {
    version: String,
    since_ms: u64,
    /// When to ask whether it has held.
    ask_at_ms: u64,
}

/// What a look at the site finds, before the clock has a say.
struct Found {
    phase: Phase,
    share: Option<Share>,
    /// When it could be another without anything happening.
    until_ms: Option<u64>,
}

impl Found {
    fn new(phase: Phase) -> Self {
        Self { phase, share: None, until_ms: None }
    }

    fn unknown(unknown: Unknown) -> Self {
        Self::new(Phase::Unknown(unknown))
    }

    fn over(verdict: Verdict) -> Self {
        Self::new(Phase::Over(verdict))
    }
}

impl Wait {
    /// Begins with the first look.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            builds: Builds::new(terms.wanted.clone(), terms.settle_ms),
            settle: Settle::new(terms.settle_ms),
            terms,
            started_ms: None,
            hold: None,
            era: 0,
            granted: false,
            refused_since_ms: None,
            retry_at_ms: None,
            over: None,
        }
    }

    /// What is waited for.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The server says that it has been up for `up_ms`: right after its start most tabs are still on their way back.
    pub fn server_is_up_for(&mut self, up_ms: u64, now: Now) {
        self.settle.started(up_ms, now);
    }

    /// Looks at the site. To be called after everything that happens to it, and at the deadline.
    pub fn observe(&mut self, site: &Site, now: Now) -> Step {
        let started_ms = *self.started_ms.get_or_insert(now.monotonic_ms);
        if let Some(standing) = self.over.clone() {
            return Step { standing, deadline_ms: None, errand: None };
        }
        if std::mem::replace(&mut self.era, site.era) != site.era {
            self.settle.lost();
            self.hold = None;
        }
        let found = self.look(site, now);
        if !matches!(found.phase, Phase::Holding { .. } | Phase::Over(Verdict::Met)) {
            self.hold = None;
        }
        let found = match self.terms.patience {
            Patience::Once => self.once(found, now.monotonic_ms.saturating_sub(started_ms)),
            Patience::Ms(ms) if now.monotonic_ms.saturating_sub(started_ms) >= ms => match found.phase {
                Phase::Over(_) => found,
                phase => Found { phase: Phase::Over(Verdict::TimedOut(Box::new(phase))), ..found },
            },
            Patience::Ms(_) => found,
        };
        let ends_ms = started_ms.saturating_add(match self.terms.patience {
            Patience::Once => ANSWER_MS,
            Patience::Ms(ms) => ms,
        });
        let standing = Standing { phase: found.phase, share: found.share };
        if matches!(standing.phase, Phase::Over(_)) {
            self.over = Some(standing.clone());
            return Step { standing, deadline_ms: None, errand: None };
        }
        let errand = self.errand(&standing.phase, now);
        let ask_at_ms = self.hold.as_ref().map(|hold| hold.ask_at_ms);
        let deadline_ms = [found.until_ms, self.retry_at_ms, ask_at_ms].into_iter().flatten().fold(ends_ms, u64::min);
        Step { standing, deadline_ms: Some(deadline_ms), errand }
    }

    fn look(&mut self, site: &Site, now: Now) -> Found {
        let build = if site.link == Link::Live { self.builds.observe(site, now) } else { Build::Unknown };
        if let Build::Superseded { by } = build {
            return Found::over(Verdict::Superseded { by });
        }
        if let Err(found) = self.trusted(site, now) {
            self.settle.lost();
            return found;
        }
        let settling = self.settle.observe(site.figures.total, now);
        let (version, until_ms) = match build {
            Build::Current(version) => (version, None),
            Build::Other { current, until_ms } => {
                return Found { until_ms, ..Found::new(Phase::NotCurrent { current }) };
            }
            Build::Disputed(one, other) => return Found::unknown(Unknown::Disputed(one, other)),
            Build::Unknown | Build::Superseded { .. } => return Found::unknown(Unknown::NoBuild),
        };
        let share = match Share::of(site, &version, self.terms.route.as_ref()) {
            Ok(share) => share,
            Err(unusable) => return Found::unknown(Unknown::Unusable(unusable)),
        };
        let until_ms = settling.map(|settling| settling.until_ms).or(until_ms);
        Found { phase: self.judge(site, &share, settling, now), share: Some(share), until_ms }
    }

    /// What trusted figures say.
    fn judge(&mut self, site: &Site, share: &Share, settling: Option<Settling>, now: Now) -> Phase {
        if let Some(settling) = settling {
            return Phase::Unknown(Unknown::Settling(settling));
        }
        let needed = self.terms.min_connections;
        if share.total < needed {
            return Phase::Unknown(Unknown::TooFew { connected: share.total, needed });
        }
        if !self.terms.percent.reached(share.current, share.total) {
            return Phase::Rolling;
        }
        let held = self.hold.take().filter(|hold| hold.version == share.version);
        let hold = self.hold.insert(held.unwrap_or_else(|| Hold {
            version: share.version.clone(),
            since_ms: now.monotonic_ms,
            ask_at_ms: now.monotonic_ms.saturating_add(self.terms.stable_for_ms),
        }));
        let since_ms = hold.since_ms;
        // Not this clock but the server's last word is what proves that nothing has changed.
        let heard_ms = site.heard_at.map_or(0, |heard| heard.monotonic_ms);
        match heard_ms.checked_sub(since_ms) {
            Some(held_ms) if held_ms >= self.terms.stable_for_ms => Phase::Over(Verdict::Met),
            _ => Phase::Holding { since_ms },
        }
    }

    /// Whether the newest figures are fresh and may be seen.
    fn trusted(&mut self, site: &Site, now: Now) -> Result<(), Found> {
        if let Some(found) = self.refused(site, now) {
            return Err(found);
        }
        let unknown = |unknown| Err(Found::unknown(unknown));
        match &site.link {
            Link::Live => {}
            Link::Connecting => return unknown(Unknown::Connecting),
            Link::Behind | Link::Stale => return unknown(Unknown::Stale),
            Link::Reconnecting { reason, .. } => return unknown(Unknown::Disconnected(reason.clone())),
            Link::Failed(reason) => return unknown(Unknown::Missing(reason.clone())),
        }
        if let Coverage::Partial { answering, of } = site.coverage {
            return unknown(Unknown::Partial { answering, of });
        }
        if let Some(missing) = &site.missing {
            return unknown(Unknown::Instances(unheard(missing)));
        }
        match site.authorization {
            Authorization::Granted => {
                self.granted = true;
                self.refused_since_ms = None;
                if is_sound(site) { Ok(()) } else { unknown(Unknown::Unusable(Unusable::Contradictory)) }
            }
            _ => unknown(Unknown::Pending),
        }
    }

    /// What a refusal means. These credentials will not do, unless they already have: then a server may only be starting.
    fn refused(&mut self, site: &Site, now: Now) -> Option<Found> {
        let reason = refusal(site)?;
        let by_credentials = match &site.authorization {
            Authorization::Refused(Refusal::ByStatus(status, _)) => matches!(status, 401 | 403),
            _ => true,
        };
        if !by_credentials {
            return Some(Found::unknown(Unknown::Refused(reason)));
        }
        let grace_ms = if self.granted { self.terms.settle_ms } else { 0 };
        let until_ms = self.refused_since_ms.get_or_insert(now.monotonic_ms).saturating_add(grace_ms);
        Some(if now.monotonic_ms >= until_ms {
            Found::over(Verdict::Unauthorized(reason))
        } else {
            Found { until_ms: Some(until_ms), ..Found::unknown(Unknown::Refused(reason)) }
        })
    }

    /// Where the answer is asked for once, everything that is no success ends it too.
    fn once(&self, found: Found, waited_ms: u64) -> Found {
        let patient = waited_ms < ANSWER_MS;
        let silence = "no answer in time; check the URL, or give more time with --timeout";
        let verdict = match &found.phase {
            Phase::Over(_) => return found,
            Phase::Unknown(
                Unknown::Connecting
                | Unknown::Pending
                | Unknown::NoBuild
                | Unknown::Partial { .. }
                | Unknown::Instances(_),
            ) if patient => return found,
            Phase::Unknown(Unknown::Connecting | Unknown::Pending | Unknown::Stale) => {
                Verdict::Failed(silence.to_owned())
            }
            Phase::Unknown(Unknown::Disconnected(reason) | Unknown::Missing(reason) | Unknown::Refused(reason)) => {
                Verdict::Failed(reason.clone())
            }
            Phase::Holding { .. } => Verdict::Met,
            Phase::Unknown(_) | Phase::NotCurrent { .. } | Phase::Rolling => {
                Verdict::NotMet(Box::new(found.phase.clone()))
            }
        };
        Found { phase: Phase::Over(verdict), ..found }
    }

    /// What to do where nothing else would bring an answer.
    fn errand(&mut self, phase: &Phase, now: Now) -> Option<Errand> {
        let next_ms = now.monotonic_ms.saturating_add(RETRY_MS);
        if let Some(hold) = self.hold.as_mut().filter(|hold| now.monotonic_ms >= hold.ask_at_ms) {
            hold.ask_at_ms = next_ms;
            return Some(Errand::Ask);
        }
        use Unknown::{Missing, Partial, Pending, Refused};
        if !matches!(phase, Phase::Unknown(Missing(_) | Refused(_) | Pending | Partial { .. })) {
            self.retry_at_ms = None;
            return None;
        }
        if now.monotonic_ms < *self.retry_at_ms.get_or_insert(next_ms) {
            return None;
        }
        self.retry_at_ms = Some(next_ms);
        Some(Errand::Reconnect)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth;
