//! What the dashboard does to users: sent in the background, and written down.

use skew_proto::InvalidateAnswer;
use tokio::task::JoinSet;

use crate::acting::{Aim, Done, Records, invalidate_all};
use crate::audit::{Audit, Command};
use crate::invalidate::ServerKind;
use crate::state::State;
use crate::state::follow::Followed;
use crate::state::invalidation::{Invalidation, Preview};
use crate::target::Targets;

/// An invalidation that was answered, and what could not be written down.
pub(super) struct Answered {
    pub(super) asked: Invalidation,
    pub(super) result: Result<InvalidateAnswer, String>,
    pub(super) unwritten: Option<String>,
}

/// What is under way.
pub(super) struct Actor {
    /// Where what reaches users is sent. A recording has nobody to send it to.
    live: Option<Targets>,
    audit: Audit,
    sent: JoinSet<(Invalidation, Done)>,
    /// What those who were hit are still followed for, the oldest first.
    followed: Vec<(Invalidation, Records)>,
}

impl Actor {
    pub(super) fn new(live: Option<Targets>, audit: Audit) -> Self {
        Self { live, audit, sent: JoinSet::new(), followed: Vec::new() }
    }

    /// Sends an invalidation to every target.
    pub(super) fn invalidate(&mut self, asked: Invalidation, state: &State) {
        let Some(targets) = &self.live else { return };
        let aims: Vec<Aim> = (targets.iter().zip(state.members()))
            .map(|(target, member)| Aim {
                target: std::sync::Arc::clone(target),
                server: ServerKind::of(&member.site),
                expected: asked.whom().and_then(|whom| Preview::of(whom, &member.site).reach).map(|to| to.people),
            })
            .collect();
        let audit = self.audit.clone();
        self.sent.spawn(async move {
            let done = invalidate_all(&aims, &asked, &audit, Command::Dashboard).await;
            (asked, done)
        });
    }

    /// Waits for the next answer; nothing while none is awaited. A task that panicked has told so itself.
    pub(super) async fn answered(&mut self) -> Option<Answered> {
        let (asked, done) = self.sent.join_next().await?.ok()?;
        if done.result.is_ok() {
            self.followed.push((asked.clone(), done.records));
        }
        let unwritten = done.unwritten.map(|error| error.to_string());
        Some(Answered { asked, result: done.result.map_err(|error| error.to_string()), unwritten })
    }

    /// Writes down what became of those who were hit. Answers why that can't be done.
    pub(super) fn followed(&mut self, asked: &Invalidation, followed: Followed) -> Option<String> {
        let at = self.followed.iter().position(|(one, _)| one == asked)?;
        let (_, records) = self.followed.remove(at);
        records.followed(followed).err().map(|error| error.to_string())
    }
}
