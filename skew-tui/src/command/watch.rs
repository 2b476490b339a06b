//! A source and the state it becomes, for commands without a dashboard.

use std::sync::Arc;

use crate::clock::Clock;
use crate::output::{Voice, refusal};
use crate::source::Source;
use crate::state::site::{Authorization, Link, Refusal, Site, Watchers};
use crate::target::Target;
use crate::{Now, SourceEvent};

use super::stop::Stop;

/// A site that is watched.
pub(super) struct Watch {
    source: Source,
    clock: Clock,
    voice: Option<Voice>,
    /// What is known.
    pub(super) site: Site,
}

impl Watch {
    /// Begins to watch. With a voice it says what happens to the connection; a command that asks once says only how that
    /// ended.
    pub(super) fn start(target: Arc<Target>, watchers: Watchers, voice: Option<Voice>) -> Result<Self, Stop> {
        let source = Source::start(target)?;
        Ok(Self { source, clock: Clock::start(), voice, site: Site::new(watchers) })
    }

    /// This moment.
    pub(super) fn now(&self) -> Now {
        self.clock.now()
    }

    /// Takes in the next event, and says what a person should know of it. Answers the message, where it was one.
    pub(super) async fn next(&mut self) -> Result<Option<String>, Stop> {
        let event = self.source.next().await.ok_or_else(|| Stop::Failed("the source has ended".to_owned()))?;
        let message = match &event {
            SourceEvent::Frame(message) => Some(message.clone()),
            _ => None,
        };
        self.take(event);
        Ok(message)
    }

    /// Waits for the site's release list and takes in nothing else, so that all other things stay as they were.
    pub(super) async fn until_releases(&mut self) {
        while let Some(event) = self.source.next().await {
            if matches!(event, SourceEvent::Releases(_)) {
                return self.take(event);
            }
        }
    }

    /// Takes in what has come and was not waited for.
    pub(super) fn catch_up(&mut self) {
        while let Some(event) = self.source.ready() {
            self.take(event);
        }
    }

    fn take(&mut self, event: SourceEvent) {
        self.site.observe(event, self.clock.now());
        // Nobody scrolls back here: what has been said is done with.
        for entry in self.site.log.drain(..) {
            if let Some(voice) = self.voice {
                voice.happened(&entry);
            }
        }
    }

    /// Why there will be no stats, where that is certain.
    pub(super) fn hopeless(&self) -> Option<Stop> {
        if let Link::Failed(reason) = &self.site.link {
            return Some(Stop::Failed(reason.clone()));
        }
        let reason = refusal(&self.site)?;
        Some(match &self.site.authorization {
            Authorization::Refused(Refusal::ByStatus(status, _)) if !matches!(status, 401 | 403) => {
                Stop::Failed(reason)
            }
            _ => Stop::Unauthorized(reason),
        })
    }
}
