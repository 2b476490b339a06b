//! What happens at the sites that are watched, with the time at which it did: all that a command or the dashboard reads.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use skew_proto::{List, StatsMode, Subscription, UserIds};
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::playback::{Control, Playback};
use crate::recording::RecordingError;
use crate::replay::{Replay, Waited};
use crate::source::{Inbox, Keep, Source, SourceError};
use crate::target::Targets;
use crate::{Now, SourceEvent};

/// One fact of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// The target's number, in the order in which they were named.
    pub from: usize,
    /// What happened.
    pub event: SourceEvent,
    /// When, by the feed's clock.
    pub at: Now,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Something happened.
    Happened(Happening),
    /// Nothing did until the moment that was asked for, which is now.
    Deadline(Now),
    /// Nothing will ever happen again.
    Ended,
}

/// The stats to ask for where nobody needs them whole. The whole list all the same: who else watches is known by it alone, and
/// has to be left out of every figure. It says whose each connection is, where the server knows that.
#[must_use]
pub fn by_changes() -> Subscription {
    Subscription { mode: StatsMode::Changes, list: List::All, ..whole() }
}

/// The same, each time whole.
#[must_use]
pub fn whole() -> Subscription {
    Subscription { users: UserIds::Shown, ..Subscription::default() }
}

/// The facts of one or more targets: live, or as they were recorded.
#[derive(Debug)]
pub struct Feed(Origin);

#[derive(Debug)]
enum Origin {
    Live(Live),
    Recorded(Box<Replay>),
}

/// Each source reconnects by itself; dropping this closes all connections.
#[derive(Debug)]
struct Live {
    clock: Clock,
    inbox: Inbox,
    sources: Vec<Source>,
}

impl Feed {
    /// Starts to connect to every target, and will ask for stats of that kind where a server has it. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    ///
    /// When TLS can't be set up with a target's certificates.
    pub fn live(targets: &Targets, keep: Keep, wanted: Subscription) -> Result<Self, SourceError> {
        let inbox = Inbox::new(keep);
        let sources = (targets.iter().enumerate())
            .map(|(from, target)| Source::start(Arc::clone(target), inbox.outlet(from), wanted))
            .collect::<Result<_, _>>()?;
        Ok(Self(Origin::Live(Live { clock: Clock::start(), inbox, sources })))
    }

    /// Reads a recording as fast as it is asked for. The feed's clock is that of the recording.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or is no recording.
    pub fn recorded(path: &Path) -> Result<Self, RecordingError> {
        Ok(Self(Origin::Recorded(Box::new(Replay::open(path)?))))
    }

    /// Plays a recording by the wall, so many times as fast.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or is no recording.
    pub fn played(path: &Path, speed: f64) -> Result<Self, RecordingError> {
        Ok(Self(Origin::Recorded(Box::new(Replay::open(path)?.paced(speed)))))
    }

    /// This moment, by the feed's clock.
    #[must_use]
    pub fn now(&self) -> Now {
        match &self.0 {
            Origin::Live(live) => live.clock.now(),
            Origin::Recorded(replay) => replay.now(),
        }
    }

    /// Waits for what comes next, at most until a moment on [`Now::monotonic_ms`].
    pub async fn next(&mut self, until_ms: Option<u64>) -> Next {
        let waited = match &mut self.0 {
            Origin::Live(live) => live.arrived(until_ms).await,
            Origin::Recorded(replay) => replay.arrived(until_ms).await,
        };
        match waited {
            Waited::News => self.ready().map_or(Next::Ended, Next::Happened),
            Waited::Time => Next::Deadline(self.now()),
            Waited::Over => Next::Ended,
        }
    }

    /// Waits until something can be had by [`Self::ready`]. False where nothing will ever happen again.
    pub async fn arrived(&mut self) -> bool {
        let waited = match &mut self.0 {
            Origin::Live(live) => live.arrived(None).await,
            Origin::Recorded(replay) => replay.arrived(None).await,
        };
        waited == Waited::News
    }

    /// Waits until a moment on [`Now::monotonic_ms`], whatever happens until then.
    pub async fn reach(&mut self, until_ms: u64) {
        match &mut self.0 {
            Origin::Live(live) => sleep(live.left(until_ms)).await,
            Origin::Recorded(replay) => replay.reach(until_ms),
        }
    }

    /// What has happened already, without waiting.
    pub fn ready(&mut self) -> Option<Happening> {
        match &mut self.0 {
            Origin::Live(live) => live.ready(),
            Origin::Recorded(replay) => replay.ready(),
        }
    }

    /// Asks every target for its figures once more, on the connections that there are. Nobody can do that in a recording.
    pub fn ask(&self) {
        if let Origin::Live(live) = &self.0 {
            live.sources.iter().for_each(Source::ask);
        }
    }

    /// Asks one target for its figures once more.
    pub fn ask_one(&self, target: usize) {
        if let Origin::Live(live) = &self.0 {
            live.sources.get(target).into_iter().for_each(Source::ask);
        }
    }

    /// Asks every target for stats of another kind from now on.
    pub fn want(&self, subscription: Subscription) {
        if let Origin::Live(live) = &self.0 {
            live.sources.iter().for_each(|source| source.want(subscription));
        }
    }

    /// Connects to one target anew, at once.
    pub fn reconnect_to(&self, target: usize) {
        if let Origin::Live(live) = &self.0 {
            live.sources.get(target).into_iter().for_each(Source::reconnect);
        }
    }

    /// Connects to every target anew, at once. Nobody can do that in a recording.
    pub fn reconnect(&self) {
        if let Origin::Live(live) = &self.0 {
            live.sources.iter().for_each(Source::reconnect);
        }
    }

    /// What is wrong where a recording ends, once that is known.
    #[must_use]
    pub fn damage(&self) -> Option<&str> {
        match &self.0 {
            Origin::Live(_) => None,
            Origin::Recorded(replay) => replay.error(),
        }
    }

    /// How a recording is being played; nothing where this is none.
    #[must_use]
    pub fn playback(&self) -> Option<Playback> {
        match &self.0 {
            Origin::Live(_) => None,
            Origin::Recorded(replay) => Some(replay.playback()),
        }
    }

    /// Steers a recording that is played.
    pub fn control(&mut self, control: Control) {
        if let Origin::Recorded(replay) = &mut self.0 {
            replay.control(control);
        }
    }

    /// How long so much of the feed's time takes; for ever while a recording does not go on.
    #[must_use]
    pub fn real_time(&self, time: Duration) -> Option<Duration> {
        match &self.0 {
            Origin::Live(_) => Some(time),
            Origin::Recorded(replay) => replay.real_time(time),
        }
    }
}

impl Live {
    fn left(&self, until_ms: u64) -> Duration {
        Duration::from_millis(until_ms.saturating_sub(self.clock.now().monotonic_ms))
    }

    async fn arrived(&mut self, until_ms: Option<u64>) -> Waited {
        let arrived = match until_ms {
            None => self.inbox.arrived().await,
            Some(until_ms) => match timeout(self.left(until_ms), self.inbox.arrived()).await {
                Ok(arrived) => arrived,
                Err(_) => return Waited::Time,
            },
        };
        if arrived { Waited::News } else { Waited::Over }
    }

    fn ready(&mut self) -> Option<Happening> {
        let (from, event) = self.inbox.read()?;
        Some(Happening { from, event, at: self.clock.now() })
    }
}
