//! The driver of the dashboard: the only part of it that waits, draws on a terminal and does what the state asks for.

mod actor;
mod keys;
mod pace;
mod signals;
mod tape;

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as Input, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use tokio::time::{Instant, sleep_until};

use crate::action::Access;
use crate::audit::Audit;
use crate::feed::Feed;
use crate::keymap::Keymap;
use crate::playback::Motion;
use crate::state::contexts::Contexts;
use crate::state::pointer::Gesture;
use crate::state::site::{Link, Watchers};
use crate::state::{Effect, Event, Limits, Setup, State};
use crate::target::Targets;
use crate::terminal::{Mouse, Terminal};
use crate::theme::Theme;
use crate::view;
use crate::wait::Percent;
use actor::{Actor, Answered};
use keys::Keys;
use pace::Pace;
use signals::{Signal, Signals};
use tape::Recording;

/// How the dashboard is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the whole is called.
    pub label: String,
    /// What each target is called.
    pub targets: Vec<String>,
    /// Whether it may act on users.
    pub access: Access,
    /// Whether `skew-tui`s count in the figures.
    pub watchers: Watchers,
    /// How it is coloured and drawn.
    pub theme: Theme,
    /// Which key does what.
    pub keymap: Keymap,
    /// What holds for whatever acts on users.
    pub limits: Limits,
    /// Where that is written down.
    pub audit: Audit,
    /// The contexts that one can go to.
    pub contexts: Contexts,
    /// How one goes there.
    pub open: Open,
    /// Whether a mouse does anything.
    pub mouse: Mouse,
    /// The share of the current build at which somebody is called, where anybody is.
    pub notify_at: Option<Percent>,
}

/// A dashboard that is about to be: how it is to be, and what it watches.
#[derive(Debug)]
pub struct Opened {
    /// How it is to be.
    pub options: Options,
    /// What happens at its targets.
    pub feed: Feed,
    /// Where what reaches users is sent; nothing for a recording.
    pub live: Option<Targets>,
}

/// Opens a context by its name, or says in cleaned words why it can't be.
pub type Opener = dyn Fn(&str) -> Result<Opened, String> + Send + Sync;

/// What opens contexts.
#[derive(Clone)]
pub struct Open(pub Arc<Opener>);

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

/// How the dashboard ended.
#[derive(Debug)]
pub enum Exit {
    /// By a key.
    Quit,
    /// By going to another context.
    Switched(Box<Opened>),
    /// By a signal.
    Interrupted,
}

/// Why the dashboard can't go on.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is nothing to draw on.
    #[error("the dashboard needs a terminal; use --json to read states from a pipe")]
    NoTerminal,
    /// The terminal failed.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] io::Error),
    /// The site can't be watched at all; the reason is cleaned.
    #[error("{0}")]
    Source(String),
}

/// Runs the dashboard until it ends. The terminal is given back before this returns.
///
/// # Errors
///
/// When there is no terminal, or it fails, or the source gives up before it was ever connected.
pub async fn run(options: Options, feed: Feed, live: Option<Targets>) -> Result<Exit, AppError> {
    if !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
        return Err(AppError::NoTerminal);
    }
    let signals = Signals::new()?;
    Driver::new(options, feed, live)?.run(signals).await
}

/// Events of sites that are taken in at once: all that an inbox holds, so that changes that follow each other cost no more than one.
const AT_ONCE: usize = 1_024;

struct Driver {
    state: State,
    theme: Theme,
    terminal: Terminal,
    pace: Pace,
    feed: Feed,
    actor: Actor,
    open: Open,
    recording: Recording,
}

impl Driver {
    fn new(options: Options, feed: Feed, live: Option<Targets>) -> io::Result<Self> {
        let setup = Setup {
            label: match &options.contexts.open {
                Some(name) => format!("{name} · {}", options.label),
                None => options.label,
            },
            targets: options.targets,
            access: options.access,
            watchers: options.watchers,
            utc_offset_s: jiff::Zoned::now().offset().seconds(),
            keymap: options.keymap,
            contexts: options.contexts,
            notify_at: options.notify_at,
            limits: options.limits,
        };
        Ok(Self {
            open: options.open,
            recording: Recording::default(),
            state: State::new(setup, feed.now()),
            theme: options.theme,
            terminal: Terminal::take(options.mouse)?,
            pace: Pace::new(Instant::now()),
            feed,
            actor: Actor::new(live, options.audit),
        })
    }

    async fn run(mut self, mut signals: Signals) -> Result<Exit, AppError> {
        let mut keys = Keys::new();
        let mut wake = None;
        loop {
            if self.pace.is_due(Instant::now()) {
                self.take_in()?;
                self.draw()?;
                let wake_in = self.state.next_wake().map(Duration::from_millis);
                let flush = self.recording.due_ms().map(|at| at.saturating_sub(self.feed.now().monotonic_ms));
                let wake_in = [wake_in, flush.map(Duration::from_millis)].into_iter().flatten().min();
                wake = wake_in.and_then(|wait| self.feed.real_time(wait)).map(|wait| Instant::now() + wait);
            }
            // Keys come first: no flood of messages may hold them up.
            let exit = tokio::select! {
                biased;
                key = keys.next() => match key {
                    Some(input) => self.input(input?)?,
                    // The terminal is gone.
                    None => Some(Exit::Interrupted),
                },
                signal = signals.next() => self.signal(signal)?,
                Some(Answered { asked, result, unwritten }) = self.actor.answered() => {
                    if let Some(reason) = unwritten {
                        self.update(Event::Unwritten(reason))?;
                    }
                    self.update(Event::Invalidated(asked, result))?
                }
                arrived = self.feed.arrived(), if self.pace.due().is_none() => {
                    if !arrived {
                        return Err(AppError::Source("the connection's task ended".to_owned()));
                    }
                    match self.state.playback().map(|playback| playback.motion) {
                        // A person waits for it.
                        Some(Motion::Seeking) => self.pace.now(Instant::now()),
                        _ => self.pace.soon(Instant::now()),
                    }
                    None
                }
                () = until(earlier(self.pace.due(), wake)) => self.update(Event::Tick)?,
            };
            if let Some(exit) = exit {
                self.recording.finish(self.feed.now());
                return Ok(exit);
            }
        }
    }

    /// Reads all that has happened since the last frame. Until then it waits unread, where the newest stats replace older
    /// ones: nothing is decoded that nobody sees.
    fn take_in(&mut self) -> Result<(), AppError> {
        // Of a recording there may be more than memory holds, and each event counts for what is known of its time.
        let at_once = if self.feed.playback().is_some() { 1 } else { AT_ONCE };
        loop {
            let happenings: Vec<_> = std::iter::from_fn(|| self.feed.ready()).take(at_once).collect();
            if let Some(tape) = self.recording.take(&happenings, self.feed.now()) {
                self.state.update(Event::Tape(tape), self.feed.now());
                self.feed.want(self.recording.wanted());
            }
            let taken = happenings.len();
            if taken > 0 {
                for effect in self.state.update(Event::Happened(happenings), self.feed.now()) {
                    self.act(effect)?;
                }
            }
            // What has come meanwhile is for the next frame: however much comes, one is drawn.
            if taken < at_once {
                break;
            }
        }
        self.tell_playback();
        self.check()
    }

    /// Says how a recording is played, where that has changed.
    fn tell_playback(&mut self) {
        if let Some(playback) = self.feed.playback()
            && self.state.playback() != Some(&playback)
        {
            self.state.update(Event::Playback(playback), self.feed.now());
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let area = self.terminal.area();
        self.state.prepare(view::heights(area, &self.state));
        let mut frame = Buffer::empty(area);
        view::draw(&self.state, &self.theme, area, &mut frame);
        self.terminal.show(frame)?;
        self.pace.drawn(Instant::now());
        Ok(())
    }

    fn input(&mut self, input: Input) -> io::Result<Option<Exit>> {
        match input {
            Input::Key(key) => match self.state.keymap().event(key, self.state.context(), self.state.access()) {
                Some(event) => self.update(event),
                None => Ok(None),
            },
            Input::Paste(text) => self.update(Event::Paste(text)),
            Input::Resize(width, height) => {
                self.terminal.resize(width, height)?;
                self.update(Event::Tick)
            }
            Input::Mouse(mouse) => match self.pointed(mouse) {
                Some(event) => self.update(event),
                None => Ok(None),
            },
            Input::FocusGained | Input::FocusLost => Ok(None),
        }
    }

    /// What a mouse did, where it did it on something.
    fn pointed(&self, mouse: MouseEvent) -> Option<Event> {
        let gesture = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Gesture::Click,
            MouseEventKind::ScrollUp => Gesture::WheelUp,
            MouseEventKind::ScrollDown => Gesture::WheelDown,
            _ => return None,
        };
        let place = view::place(self.terminal.area(), &self.state, mouse.column, mouse.row)?;
        Some(Event::Pointer(place, gesture))
    }

    /// Takes an event in, draws at once, and does what the state asks for.
    fn update(&mut self, event: Event) -> io::Result<Option<Exit>> {
        self.pace.now(Instant::now());
        for effect in self.state.update(event, self.feed.now()) {
            if let Some(exit) = self.act(effect)? {
                return Ok(Some(exit));
            }
        }
        Ok(None)
    }

    /// Does what the state asks for.
    fn act(&mut self, effect: Effect) -> io::Result<Option<Exit>> {
        match effect {
            Effect::Quit => return Ok(Some(Exit::Quit)),
            Effect::Suspend => self.suspend(signals::stop_group)?,
            Effect::Redraw => self.terminal.enter()?,
            Effect::Reconnect => self.feed.reconnect(),
            Effect::Ask(target) => self.feed.ask_one(target),
            Effect::Record(masking) => {
                let tape = self.recording.toggle(masking, &self.state, self.feed.now());
                self.feed.want(self.recording.wanted());
                return self.update(Event::Tape(tape));
            }
            Effect::Play(control) => {
                self.feed.control(control);
                self.tell_playback();
            }
            Effect::Invalidate(asked) => self.actor.invalidate(asked, &self.state),
            Effect::Followed(asked, followed) => {
                if let Some(reason) = self.actor.followed(&asked, followed) {
                    return self.update(Event::Unwritten(reason));
                }
            }
            Effect::Copy(text) => self.terminal.copy(&text)?,
            Effect::Notify(text) => self.terminal.notify(&text)?,
            Effect::OpenContext(name) => match (self.open.0)(&name) {
                Ok(opened) => return Ok(Some(Exit::Switched(Box::new(opened)))),
                Err(reason) => return self.update(Event::Refused(reason)),
            },
        }
        Ok(None)
    }

    fn signal(&mut self, signal: Signal) -> io::Result<Option<Exit>> {
        match signal {
            Signal::End => Ok(Some(Exit::Interrupted)),
            Signal::Stop => self.suspend(signals::stop_self).map(|()| None),
            Signal::Continue => {
                self.terminal.enter()?;
                self.update(Event::Tick)
            }
        }
    }

    /// Gives the terminal back and stops. [`Signal::Continue`] takes it again.
    fn suspend(&mut self, stop: fn() -> io::Result<()>) -> io::Result<()> {
        self.terminal.leave();
        stop()
    }

    /// A site that could never be watched is an error; one that was lost stays on screen, and so does what was recorded.
    fn check(&self) -> Result<(), AppError> {
        let site = self.state.site();
        match &site.link {
            Link::Failed(reason) if site.transport.is_none() && self.state.playback().is_none() => {
                Err(AppError::Source(reason.clone()))
            }
            _ => Ok(()),
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
