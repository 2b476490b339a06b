//! What happens at the targets and what it becomes, for commands without a dashboard.

use crate::Now;
use crate::SourceEvent;
use crate::feed::{Feed, Happening, Next, by_changes};
use crate::output::{Voice, refusal};
use crate::source::Keep;
use crate::state::known::Known;
use crate::state::site::{Authorization, Link, Refusal, Site, Watchers};

use super::origin::Origin;
use super::stop::Stop;

/// Events that are taken in at once: all that an inbox holds, so that changes that follow each other cost no more than one.
const AT_ONCE: usize = 1_024;

/// The same of a recording, of which there may be more than memory holds.
const AT_ONCE_RECORDED: usize = 16;

/// A site that is watched.
pub(super) struct Watch {
    feed: Feed,
    voice: Option<Voice>,
    /// What is known.
    pub(super) known: Known,
}

/// What a watch has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// By something that happened.
    ByNews,
    /// By the moment that was asked for.
    ByTime,
}

impl Watch {
    /// Begins to watch. With a voice it says what happens to the connection; a command that asks once says only how that
    /// ended.
    pub(super) fn start(origin: &Origin, watchers: Watchers, voice: Option<Voice>) -> Result<Self, Stop> {
        Ok(Self::over(origin.feed(Keep::Newest, by_changes())?, &origin.labels(), watchers, voice))
    }

    /// Watches a feed of targets that are called so.
    pub(super) fn over(feed: Feed, labels: &[String], watchers: Watchers, voice: Option<Voice>) -> Self {
        Self { feed, voice, known: Known::new(labels, watchers) }
    }

    /// This moment.
    pub(super) fn now(&self) -> Now {
        self.feed.now()
    }

    /// The site as a whole.
    pub(super) fn site(&self) -> &Site {
        self.known.site()
    }

    /// Takes in the next event, and says what a person should know of it.
    pub(super) async fn next(&mut self) -> Result<(), Stop> {
        self.next_until(None).await.map(drop)
    }

    /// The same, and answers the message, where it was one.
    pub(super) async fn next_message(&mut self) -> Result<Option<String>, Stop> {
        let Next::Happened(happening) = self.feed.next(None).await else { return Err(self.ended()) };
        let message = match &happening.event {
            SourceEvent::Frame(message) => Some(message.clone()),
            _ => None,
        };
        self.take([happening]);
        Ok(message)
    }

    /// The same as [`Self::next`], but waits no longer than until a moment on [`Now::monotonic_ms`].
    pub(super) async fn next_until(&mut self, until_ms: Option<u64>) -> Result<Woken, Stop> {
        match self.feed.next(until_ms).await {
            Next::Happened(happening) => {
                self.take([happening]);
                Ok(Woken::ByNews)
            }
            Next::Deadline(_) => Ok(Woken::ByTime),
            Next::Ended => Err(self.ended()),
        }
    }

    /// Waits for the site's release list and takes in nothing else, so that all other things stay as they were.
    pub(super) async fn until_releases(&mut self) {
        while let Next::Happened(happening) = self.feed.next(None).await {
            if matches!(happening.event, SourceEvent::Releases(_)) {
                return self.take([happening]);
            }
        }
    }

    /// Waits until [`Self::catch_up`] has something to take in.
    pub(super) async fn arrived(&mut self) -> Result<(), Stop> {
        if self.feed.arrived().await { Ok(()) } else { Err(self.ended()) }
    }

    /// Waits until a moment on [`Now::monotonic_ms`]. What happens until then waits unread.
    pub(super) async fn reach(&mut self, until_ms: u64) {
        self.feed.reach(until_ms).await;
    }

    /// Takes in all that has happened.
    pub(super) fn catch_up(&mut self) {
        let at_once = if self.feed.playback().is_some() { AT_ONCE_RECORDED } else { AT_ONCE };
        loop {
            let happenings: Vec<_> = std::iter::from_fn(|| self.feed.ready()).take(at_once).collect();
            let taken = happenings.len();
            self.take(happenings);
            // What has come meanwhile is for the next look.
            if taken < at_once {
                return;
            }
        }
    }

    /// Takes in what happened, and says what a person should know of it.
    pub(super) fn take(&mut self, happenings: impl IntoIterator<Item = Happening>) {
        self.known.observe(happenings);
        self.known.fleet.to_ask().into_iter().for_each(|target| self.feed.ask_one(target));
        // Nobody scrolls back here: what has been said is done with.
        for entry in self.known.fleet.drain_log() {
            if let Some(voice) = self.voice {
                voice.happened(&entry);
            }
        }
    }

    /// Asks for the figures once more.
    pub(super) fn ask(&self) {
        self.feed.ask();
    }

    /// Connects anew, at once, to every target that does not answer.
    pub(super) fn retry(&self) {
        for (number, member) in self.known.fleet.members().iter().enumerate() {
            if !member.site.answers() {
                self.feed.reconnect_to(number);
            }
        }
    }

    /// Waits for what comes next and leaves it to the caller, at most until a moment on [`Now::monotonic_ms`].
    pub(super) async fn untaken(&mut self, until_ms: Option<u64>) -> Next {
        self.feed.next(until_ms).await
    }

    /// Why nothing will happen any more.
    pub(super) fn ended(&self) -> Stop {
        self.feed.damage().map_or(Stop::Over, |damage| Stop::Failed(damage.to_owned()))
    }

    /// Why there will be no stats, where that is certain.
    pub(super) fn hopeless(&self) -> Option<Stop> {
        hopeless(self.site())
    }
}

/// Why there will be no stats of a site, where that is certain.
pub(super) fn hopeless(site: &Site) -> Option<Stop> {
    if let Link::Failed(reason) = &site.link {
        return Some(Stop::Failed(reason.clone()));
    }
    let reason = refusal(site)?;
    Some(match &site.authorization {
        Authorization::Refused(Refusal::ByStatus(status, _)) if !matches!(status, 401 | 403) => Stop::Failed(reason),
        _ => Stop::Unauthorized(reason),
    })
}
