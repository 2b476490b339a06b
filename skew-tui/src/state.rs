//! Everything that is known, and how it changes. Pure: no clock, no I/O, no drawing.
//!
//! [`State::update`] takes what happened and gives back what is to be done as data. [`State::prepare`] puts the rows of
//! each pane in order before they are drawn, and only when data or their order changed.

mod acting;
pub mod acts;
pub mod aside;
pub mod clock;
pub mod contexts;
mod copying;
pub mod cursor;
pub mod dialog;
mod doing;
pub mod drill;
mod event;
pub mod filter;
pub mod fleet;
pub mod follow;
pub mod history;
pub mod invalidation;
pub mod known;
pub mod notice;
pub mod notify;
pub mod page;
mod pane;
mod panes;
pub mod pointer;
pub mod rows;
pub mod said;
pub mod site;
pub mod tape;
pub mod trend;
mod wake;

use crate::Now;
use crate::action::{Access, Context};
use crate::feed::Happening;
use crate::keymap::Keymap;
use crate::playback::Playback;
use crate::wait::Percent;
pub use acting::Limits;
use acts::Acts;
use aside::Aside;
use contexts::Contexts;
use dialog::Dialog;
pub use event::{Effect, Event, Masking};
use fleet::Fleet;
use history::History;
use invalidation::Preview;
use known::Known;
use notify::Notify;
pub use pane::{Heights, Pane};
pub use panes::{Addresses, Panes};
use said::Said;
use site::{Figures, Level, Site, Watchers};
use trend::Trend;

/// A display that is held.
#[derive(Debug, Clone)]
struct Frozen {
    known: Known,
    at: Now,
}

/// What a dashboard is told at its start.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// What the site is called.
    pub label: String,
    /// What each target is called.
    pub targets: Vec<String>,
    /// What the dashboard may do.
    pub access: Access,
    /// Whether `skew-tui`s count in the figures.
    pub watchers: Watchers,
    /// Seconds that this place is ahead of UTC, for times of day.
    pub utc_offset_s: i32,
    /// The keys, which the views call by their names.
    pub keymap: Keymap,
    /// The sites that one can go to.
    pub contexts: Contexts,
    /// The share of the current build at which somebody is called, where anybody is.
    pub notify_at: Option<Percent>,
    /// What holds for whatever acts on users.
    pub limits: Limits,
}

/// Everything that is known and shown.
#[derive(Debug, Clone)]
pub struct State {
    setup: Setup,
    known: Known,
    frozen: Option<Box<Frozen>>,
    panes: Panes,
    aside: Aside,
    dialog: Option<Dialog>,
    notify: Option<Notify>,
    masking: Masking,
    said: Option<Said>,
    playback: Option<Playback>,
    taped: Option<u64>,
    acts: Acts,
    now: Now,
}

impl State {
    /// Nothing known yet.
    #[must_use]
    pub fn new(setup: Setup, now: Now) -> Self {
        Self {
            notify: setup.notify_at.map(Notify::new),
            known: Known::new(&setup.targets, setup.watchers),
            setup,
            frozen: None,
            panes: Panes::default(),
            aside: Aside::default(),
            dialog: None,
            masking: Masking::default(),
            said: None,
            playback: None,
            taped: None,
            acts: Acts::default(),
            now,
        }
    }

    /// What the site is called.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.setup.label
    }

    /// What the dashboard may do.
    #[must_use]
    pub fn access(&self) -> Access {
        self.setup.access
    }

    /// Seconds that this place is ahead of UTC.
    #[must_use]
    pub fn utc_offset_s(&self) -> i32 {
        self.setup.utc_offset_s
    }

    /// Which key does what.
    #[must_use]
    pub fn keymap(&self) -> &Keymap {
        &self.setup.keymap
    }

    /// The sites that one can go to.
    #[must_use]
    pub fn contexts(&self) -> &Contexts {
        &self.setup.contexts
    }

    /// The site as it is.
    #[must_use]
    pub fn site(&self) -> &Site {
        self.known.site()
    }

    /// The site as it is shown: as it was, while the display is held.
    #[must_use]
    pub fn shown(&self) -> &Site {
        self.shown_known().site()
    }

    /// All that is shown: as it was, while the display is held.
    #[must_use]
    pub fn shown_known(&self) -> &Known {
        self.frozen.as_ref().map_or(&self.known, |frozen| &frozen.known)
    }

    /// Where the rollout that is shown is going.
    #[must_use]
    pub fn trend(&self) -> &Trend {
        &self.shown_known().trend
    }

    /// How the rollout that is shown went.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.shown_known().history
    }

    /// The moment that is shown: that of the last event, or the one at which the display was held.
    #[must_use]
    pub fn shown_at(&self) -> Now {
        self.frozen.as_ref().map_or(self.now, |frozen| frozen.at)
    }

    /// The moment until which the figures that are shown are known to hold: without a connection, that of their arrival.
    #[must_use]
    pub fn known_at(&self) -> Now {
        match (&self.frozen, self.figures_age()) {
            (None, Some(_)) => self.site().stats_at.unwrap_or(self.now),
            _ => self.shown_at(),
        }
    }

    /// What is shown beside the panes.
    #[must_use]
    pub fn aside(&self) -> &Aside {
        &self.aside
    }

    /// All targets as they are.
    #[must_use]
    pub fn fleet(&self) -> &Fleet {
        &self.known.fleet
    }

    /// For how long the display has been held, in milliseconds.
    #[must_use]
    pub fn frozen_for(&self) -> Option<u64> {
        self.frozen.as_ref().map(|frozen| self.now.since(frozen.at))
    }

    /// The panes and their rows.
    #[must_use]
    pub fn panes(&self) -> &Panes {
        &self.panes
    }

    /// The figures that the panes show: those of the site, or those within the scopes, where they are known.
    #[must_use]
    pub fn figures(&self) -> Option<&Figures> {
        self.panes.figures(self.shown())
    }

    /// An address as it is shown now: masked, unless a person asked for it whole. It is not cleaned.
    #[must_use]
    pub fn address(&self, address: &str) -> String {
        match self.masking {
            Masking::On => skew_proto::text::mask_address(address),
            Masking::Off => address.to_owned(),
        }
    }

    /// What is open above the panes.
    #[must_use]
    pub fn dialog(&self) -> Option<&Dialog> {
        self.dialog.as_ref()
    }

    /// How the recording is played that this shows; nothing where it shows a site.
    #[must_use]
    pub fn playback(&self) -> Option<&Playback> {
        self.playback.as_ref()
    }

    /// The moment of the last event.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// What a key means now.
    #[must_use]
    pub fn context(&self) -> Context {
        match &self.dialog {
            None => self.ground(),
            Some(dialog) if dialog.takes_text() => Context::Text,
            Some(Dialog::Confirm { .. }) => Context::Question,
            Some(_) => Context::Message,
        }
    }

    /// What a key means where nothing is open above the panes.
    #[must_use]
    pub fn ground(&self) -> Context {
        if self.playback.is_some() { Context::Replay } else { Context::Panes }
    }

    /// Takes in what happened at `now`, and says what is to be done.
    pub fn update(&mut self, event: Event, now: Now) -> Vec<Effect> {
        self.now = now;
        let mut effects = Vec::new();
        match event {
            Event::Happened(happenings) => {
                self.observe(happenings);
                effects = self.notify();
                effects.extend(self.known.fleet.to_ask().into_iter().map(Effect::Ask));
            }
            Event::Action(action) => effects = self.act(action),
            Event::Edit(request) => self.type_text(|input| dialog::edit(input, request)),
            Event::Paste(text) => self.type_text(|input| dialog::paste(input, &text)),
            Event::Invalidated(asked, result) => self.conclude(asked, result),
            Event::Refused(reason) => self.refuse(&reason),
            Event::Tape(tape) => self.tape(tape),
            Event::Playback(playback) => self.play(playback),
            Event::Unwritten(reason) => self.note(Level::Error, reason),
            Event::Pointer(place, gesture) if self.dialog.is_none() => {
                let shown = self.frozen.as_ref().map_or(&self.known, |frozen| &frozen.known).site();
                self.panes.point(place, gesture, shown);
            }
            Event::Tick => effects = self.notify(),
            Event::Pointer(..) => {}
        }
        effects.extend(self.follow());
        effects
    }

    /// Puts the rows in order for a screen that shows so many of them.
    pub fn prepare(&mut self, heights: Heights) {
        let shown = self.frozen.as_ref().map_or(&self.known, |frozen| &frozen.known).site();
        self.panes.prepare(shown, heights);
        let (known, now) = (self.frozen.as_ref().map_or(&self.known, |frozen| &frozen.known), self.known_at());
        self.aside.prepare(known.site(), &known.trend, heights.stragglers, now);
    }

    fn observe(&mut self, happenings: Vec<Happening>) {
        self.known.observe(happenings);
        if let Some(Dialog::Confirm { preview, .. }) = &mut self.dialog {
            *preview = Preview::of(preview.whom.clone(), self.known.site());
        }
        if self.frozen.is_none() {
            self.panes.invalidate();
        }
    }

    fn play(&mut self, playback: Playback) {
        let before = self.playback.replace(playback);
        let Some(playback) = &self.playback else { return };
        if before.as_ref().is_some_and(|before| before.rewinds != playback.rewinds) {
            // It is told anew from its begin.
            self.known = Known::new(&self.setup.targets, self.known.site().watchers());
            self.frozen = None;
            self.panes.invalidate();
        }
        let told = before.and_then(|before| before.error);
        if let Some(error) = playback.error.as_ref().filter(|_| told.is_none()) {
            let error = skew_proto::text::cut(error, ERROR_CHARS);
            self.known.fleet.note(self.now, Level::Error, error);
            self.panes.invalidate();
        }
    }

    /// Calls somebody where a share has just been reached.
    fn notify(&mut self) -> Vec<Effect> {
        let reached = self.notify.as_mut().and_then(|notify| notify.observe(self.known.site(), self.now));
        let Some(percent) = reached else { return Vec::new() };
        let words = format!("{percent} % of the connections are on the current build");
        self.known.fleet.note(self.now, Level::Info, words.clone());
        self.panes.invalidate();
        let label = skew_proto::text::cut(&self.setup.label, acting::LOGGED_CHARS);
        vec![Effect::Notify(format!("skew: {label}: {words}"))]
    }

    fn refuse(&mut self, reason: &str) {
        self.dialog = Some(Dialog::Refusal(reason.to_owned()));
    }
}

/// Characters of what is wrong with a recording, which names its file.
const ERROR_CHARS: usize = 400;
