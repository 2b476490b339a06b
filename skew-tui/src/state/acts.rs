//! The invalidations of a dashboard, from the confirmation until those who were hit have been followed to the end.

use super::follow::{Follow, Followed, Hit, NotFollowed};
use super::invalidation::Invalidation;
use super::site::Site;
use crate::Now;

/// Where an invalidation stands.
#[derive(Debug, Clone)]
pub enum Stage {
    /// The server has not answered yet; whom it hits, or why they can't be followed.
    Asked(Result<Hit, NotFollowed>),
    /// Those who were hit are followed, or have been.
    Followed(Box<Follow>),
    /// Nobody can be followed.
    NotFollowed(NotFollowed),
}

/// One invalidation.
#[derive(Debug, Clone)]
struct Act {
    asked: Invalidation,
    stage: Stage,
    told: bool,
}

/// All of them that matter still.
#[derive(Debug, Clone, Default)]
pub struct Acts {
    acts: Vec<Act>,
}

impl Acts {
    /// One is about to be sent.
    pub(super) fn begin(&mut self, asked: Invalidation, hit: Result<Hit, NotFollowed>) {
        self.acts.push(Act { asked, stage: Stage::Asked(hit), told: false });
    }

    /// The server has carried one out: those who were hit are followed from now on.
    pub(super) fn follow(&mut self, asked: &Invalidation, for_ms: u64, site: &Site, now: Now) {
        let Some(act) = self.waiting(asked) else { return };
        let stage = std::mem::replace(&mut act.stage, Stage::NotFollowed(NotFollowed::Blind));
        act.stage = match stage {
            Stage::Asked(Ok(hit)) => Stage::Followed(Box::new(Follow::new(hit, for_ms, site, now))),
            Stage::Asked(Err(reason)) => Stage::NotFollowed(reason),
            other => other,
        };
    }

    /// The server has not carried one out, or it is not to be followed.
    pub(super) fn drop(&mut self, asked: &Invalidation) {
        let waiting = |act: &Act| act.asked == *asked && matches!(act.stage, Stage::Asked(_));
        if let Some(at) = self.acts.iter().position(waiting) {
            self.acts.remove(at);
        }
    }

    /// Looks at the site and the time. Answers those that have come to their end since it was asked the last time.
    pub(super) fn observe(&mut self, site: &Site, now: Now) -> Vec<(Invalidation, Followed)> {
        let mut ended = Vec::new();
        for Act { asked, stage, told } in &mut self.acts {
            let Stage::Followed(follow) = stage else { continue };
            follow.observe(site, now);
            if let Some(end) = follow.end().filter(|_| !std::mem::replace(told, follow.end().is_some())) {
                ended.push((asked.clone(), end));
            }
        }
        ended
    }

    /// Lets go of all that has come to its end.
    pub(super) fn tidy(&mut self) {
        self.acts.retain(|act| match &act.stage {
            Stage::Asked(_) => true,
            Stage::Followed(follow) => follow.end().is_none(),
            Stage::NotFollowed(_) => false,
        });
    }

    /// Where the newest invalidation that asks for this stands.
    #[must_use]
    pub fn stage(&self, asked: &Invalidation) -> Option<&Stage> {
        self.acts.iter().rev().find(|act| act.asked == *asked).map(|act| &act.stage)
    }

    /// Milliseconds until time alone changes something.
    pub(super) fn changes_in(&self, now: Now) -> Option<u64> {
        let follows = self.acts.iter().filter_map(|act| match &act.stage {
            Stage::Followed(follow) => follow.changes_in(now),
            Stage::Asked(_) | Stage::NotFollowed(_) => None,
        });
        follows.min()
    }

    fn waiting(&mut self, asked: &Invalidation) -> Option<&mut Act> {
        self.acts.iter_mut().find(|act| act.asked == *asked && matches!(act.stage, Stage::Asked(_)))
    }
}
