//! Which states of a wait are worth a line.

use crate::wait::{Phase, Share};

use super::{Moment, unknown_name};

/// Whether a state is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    /// Now.
    Now,
    /// If it is still so at this time, on [`Now::monotonic_ms`](crate::Now::monotonic_ms).
    At(u64),
    /// It has been said.
    Nothing,
}

/// How finely a share is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grain {
    /// Every connection, for programs.
    Connection,
    /// Every percent, for people.
    Percent,
}

/// Follows what has been said.
#[derive(Debug)]
pub(crate) struct Pace {
    grain: Grain,
    /// Shortest time between two lines of the same phase, in milliseconds.
    every_ms: u64,
    said: Option<Said>,
}

#[derive(Debug, PartialEq, Eq)]
struct Said {
    what: What,
    share: Option<Share>,
    at_ms: u64,
}

/// What a line says besides figures.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Unknown(Option<&'static str>),
    NotCurrent(String),
    Rolling(Option<String>),
    Holding(Option<String>),
    Over,
}

impl Pace {
    pub(crate) fn new(grain: Grain, every_ms: u64) -> Self {
        Self { grain, every_ms, said: None }
    }

    /// Whether a moment is worth a line.
    pub(crate) fn worth(&self, moment: &Moment<'_>) -> Worth {
        let Some(said) = &self.said else { return Worth::Now };
        if said.what != what(moment) {
            return Worth::Now;
        }
        if said.share == self.share(moment) {
            return Worth::Nothing;
        }
        let due_ms = said.at_ms.saturating_add(self.every_ms);
        if moment.now.monotonic_ms >= due_ms { Worth::Now } else { Worth::At(due_ms) }
    }

    /// The moment has been told.
    pub(crate) fn said(&mut self, moment: &Moment<'_>) {
        self.said = Some(Said { what: what(moment), share: self.share(moment), at_ms: moment.now.monotonic_ms });
    }

    fn share(&self, moment: &Moment<'_>) -> Option<Share> {
        let share = moment.standing.share.clone()?;
        Some(match self.grain {
            Grain::Connection => share,
            Grain::Percent => {
                let percent = u128::from(share.current) * 100 / u128::from(share.total.max(1));
                let percent = u64::try_from(percent).unwrap_or(100);
                Share { current: percent, total: u64::from(share.total > 0), ..share }
            }
        })
    }
}

fn what(moment: &Moment<'_>) -> What {
    let version = || moment.standing.share.as_ref().map(|share| share.version.clone());
    match &moment.standing.phase {
        phase @ Phase::Unknown(_) => What::Unknown(unknown_name(phase)),
        Phase::NotCurrent { current } => What::NotCurrent(current.clone()),
        Phase::Rolling => What::Rolling(version()),
        Phase::Holding { .. } => What::Holding(version()),
        Phase::Over(_) => What::Over,
    }
}
