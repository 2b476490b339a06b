//! A recording that is played: the same facts at the same distances, by a clock of its own.
//!
//! A command reads it as fast as it can and the clock goes along; for the dashboard it goes by the wall, as fast as one likes.

mod marks;
mod pace;
mod player;

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::Now;
use crate::feed::Happening;
use crate::playback::{Control, Motion, Playback};
use crate::recording::{Entry, RecordingError};
use pace::Pace;
use player::Player;

/// Longest time that a jump takes before a person's keys are looked at again.
const ROUND: Duration = Duration::from_millis(50);

/// Shortest time that is waited for a word to change: nobody reads faster.
const SHORTEST: Duration = Duration::from_millis(100);

/// Which clock a recording has.
#[derive(Debug)]
enum Rhythm {
    /// At this moment of the recording, in milliseconds; the next event is there as soon as it is asked for.
    Own(u64),
    /// By the wall.
    Wall(Pace),
}

/// What has come of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// Something can be had.
    News,
    /// The moment that was asked for is there.
    Time,
    /// The recording is over.
    Over,
}

/// A recording that is played.
#[derive(Debug)]
pub(crate) struct Replay {
    player: Player,
    rhythm: Rhythm,
    rewinds: u64,
    /// When the present look at what is ready began, while one is not at its end.
    round: Option<Instant>,
}

impl Replay {
    /// Opens a recording to be read as fast as it can be. Its clock says when things happened.
    pub(crate) fn open(path: &Path) -> Result<Self, RecordingError> {
        let player = Player::open(path)?;
        Ok(Self { player, rhythm: Rhythm::Own(0), rewinds: 0, round: None })
    }

    /// Plays it by the wall, so many times as fast.
    pub(crate) fn paced(self, speed: f64) -> Self {
        Self { rhythm: Rhythm::Wall(Pace::new(speed, Instant::now())), ..self }
    }

    /// What is wrong where it ends, once that is known.
    pub(crate) fn error(&self) -> Option<&str> {
        self.player.ending()?.error.as_deref()
    }

    /// This moment, by the clock of the recording.
    pub(crate) fn now(&self) -> Now {
        self.at(self.position_ms())
    }

    fn at(&self, position_ms: u64) -> Now {
        let started = self.player.header().started_at_ms;
        Now { monotonic_ms: position_ms, unix_ms: started.saturating_add(position_ms) }
    }

    fn position_ms(&self) -> u64 {
        let position = match &self.rhythm {
            Rhythm::Own(position) => *position,
            Rhythm::Wall(pace) => pace.position_ms(Instant::now()),
        };
        self.player.ending().map_or(position, |ending| position.min(ending.at_ms))
    }

    /// Waits until [`Replay::ready`] has something, or until a moment of the recording.
    pub(crate) async fn arrived(&mut self, until_ms: Option<u64>) -> Waited {
        if self.player.is_jumping() {
            return Waited::News;
        }
        let next = self.player.next_ms();
        let end = self.player.ending().map(|ending| ending.at_ms);
        let news = next.filter(|next| until_ms.is_none_or(|until| *next <= until));
        // Behind the end there is no time.
        let time = until_ms.filter(|until| next.is_some() || end.is_none_or(|end| *until <= end));
        let (goal, waited) = match (news, time) {
            (Some(news), _) => (news, Waited::News),
            (None, Some(time)) => (time, Waited::Time),
            (None, None) => (end.unwrap_or_default(), Waited::Over),
        };
        match &mut self.rhythm {
            Rhythm::Own(position) => {
                *position = goal.max(*position);
                // Nothing else here ever waits, and a signal must be heard in the middle of a long recording.
                tokio::task::coop::consume_budget().await;
            }
            Rhythm::Wall(pace) => {
                match pace.reaches(goal).filter(|_| waited != Waited::Over) {
                    Some(moment) => sleep_until(moment).await,
                    // Held, or at its end: only a person moves it.
                    None => std::future::pending().await,
                }
            }
        }
        waited
    }

    /// What has happened up to this moment. On the way to another one, nothing now and then, though there is more.
    pub(crate) fn ready(&mut self) -> Option<Happening> {
        let began = *self.round.get_or_insert_with(Instant::now);
        let entry = self.due(began);
        if entry.is_none() {
            self.round = None;
        }
        let entry = entry?;
        Some(Happening { from: entry.target, event: entry.event, at: self.at(entry.at_ms) })
    }

    fn due(&mut self, began: Instant) -> Option<Entry> {
        loop {
            let jumping = self.player.is_jumping();
            match self.player.next_ms() {
                _ if jumping && began.elapsed() >= ROUND => return None,
                Some(next) if jumping || next <= self.position_ms() => return self.player.take(),
                // What lies on the way is being read.
                None if jumping => self.player.read_on(),
                Some(_) | None => return None,
            }
        }
    }

    /// Lets time go by, at most to the end. A clock by the wall goes by itself.
    pub(crate) fn reach(&mut self, until_ms: u64) {
        if let Rhythm::Own(position) = &mut self.rhythm {
            *position = until_ms.max(*position);
        }
    }

    /// Does what a person wants. A recording that is read as fast as it can be is not to be steered.
    pub(crate) fn control(&mut self, control: Control) {
        let here = self.position_ms();
        let Rhythm::Wall(pace) = &mut self.rhythm else { return };
        let now = Instant::now();
        // Behind the end the clock has not gone on.
        pace.set_position(here, now);
        match control {
            Control::Pause => pace.toggle(now),
            Control::Faster => pace.set_speed(pace.speed() * 2.0, now),
            Control::Slower => pace.set_speed(pace.speed() / 2.0, now),
            Control::Skip(by_ms) => self.go_to(here.saturating_add_signed(by_ms), here),
            Control::Begin => self.go_to(0, here),
            Control::End => self.go_to(u64::MAX, here),
        }
    }

    fn go_to(&mut self, goal_ms: u64, here_ms: u64) {
        let goal_ms = self.player.total_ms().map_or(here_ms, |total| goal_ms.min(total));
        if goal_ms < here_ms {
            self.player.back(goal_ms);
            self.rewinds += 1;
        } else {
            self.player.forward(goal_ms);
        }
        if let Rhythm::Wall(pace) = &mut self.rhythm {
            pace.set_position(goal_ms, Instant::now());
        }
    }

    /// How it is being played.
    pub(crate) fn playback(&self) -> Playback {
        let over = self.player.ending().filter(|ending| ending.at_ms <= self.position_ms());
        let (speed, held) = match &self.rhythm {
            Rhythm::Own(_) => (1.0, false),
            Rhythm::Wall(pace) => (pace.speed(), pace.is_held()),
        };
        Playback {
            total_ms: self.player.total_ms(),
            speed,
            motion: match over {
                _ if self.player.is_jumping() => Motion::Seeking,
                Some(_) => Motion::Over,
                None if held => Motion::Paused,
                None => Motion::Playing,
            },
            error: over.and_then(|ending| ending.error.clone()),
            rewinds: self.rewinds,
        }
    }

    /// How long so much time of the recording takes; for ever while it does not go on.
    pub(crate) fn real_time(&self, recorded: Duration) -> Option<Duration> {
        let over = self.player.ending().is_some_and(|ending| ending.at_ms <= self.position_ms());
        match &self.rhythm {
            Rhythm::Wall(pace) if !pace.is_held() && !over => Some(recorded.div_f64(pace.speed()).max(SHORTEST)),
            Rhythm::Wall(_) | Rhythm::Own(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
