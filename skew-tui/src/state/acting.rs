//! Acting on users: the question, the limit, and following those who were hit.

use skew_proto::{InvalidateAnswer, MatchKind, RoutePattern, text};
use tui_input::Input;

use super::acts::Stage;
use super::dialog::Dialog;
use super::fleet::Member;
use super::follow::{End, Hit};
use super::invalidation::{self, Invalidation, OverLimit, Preview, Whom, within};
use super::rows::Who;
use super::site::{Coverage, Level};
use super::{Effect, State};

/// Characters of a text from outside in a line of the log.
pub(super) const LOGGED_CHARS: usize = 120;

/// What holds for whatever acts on users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many visitors' connections an invalidation may reach.
    pub max_affected: Option<u64>,
    /// How long those who were hit are followed, in milliseconds; 0 follows nobody.
    pub follow_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_affected: None, follow_ms: 30_000 }
    }
}

impl State {
    /// Where the newest invalidation that asks for this stands, while those who were hit are followed and as long as a dialog
    /// tells of it.
    #[must_use]
    pub fn stage(&self, asked: &Invalidation) -> Option<&Stage> {
        self.acts.stage(asked)
    }

    /// Every target, in the order in which they were named.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        self.known.fleet.members()
    }

    /// Why an invalidation may not be sent. Old figures tell nobody how many it reaches.
    #[must_use]
    pub fn over_limit(&self, preview: &Preview) -> Option<OverLimit> {
        let known = self.figures_age().is_none() && self.site().coverage == Coverage::Whole;
        let reach = preview.reach.as_ref().filter(|_| known).map(|reach| reach.people);
        within(reach, self.setup.limits.max_affected).err()
    }

    /// Asks about the selected route, or the route of the selected connection.
    pub(super) fn ask_for_selected(&mut self) {
        let shown = self.frozen.as_ref().map_or(&self.known, |frozen| &frozen.known).site();
        match self.panes.selected_user() {
            Some(Who::User(id)) => return drop(self.ask_to_confirm(Whom::User(id.clone()))),
            Some(Who::Anonymous) => return self.refuse("These have no id: select a user, or a route."),
            None => {}
        }
        let Some(route) = self.panes.selected_route(shown) else {
            self.refuse("Select a route or a connection first.");
            return;
        };
        if !invalidation::is_usable(&route, self.known.site()) {
            self.refuse(
                "Nobody is at this route any more, or what was sent in its place is no text. Type a pattern instead.",
            );
            return;
        }
        match RoutePattern::new(MatchKind::default(), &route) {
            Ok(pattern) => drop(self.ask_to_confirm(Whom::Route(pattern))),
            Err(error) => self.refuse(&format!("This route can't be a pattern: {error}")),
        }
    }

    pub(super) fn ask_to_confirm(&mut self, whom: Whom) -> Vec<Effect> {
        let retyped = whom.is_everybody().then(Input::default);
        let preview = Preview::of(whom, self.known.site());
        self.dialog = Some(Dialog::Confirm { preview, retyped });
        Vec::new()
    }

    /// Sends them a refresh.
    pub(super) fn send(&mut self, whom: &Whom) -> Vec<Effect> {
        let asked = whom.asked();
        self.acts.tidy();
        if self.setup.limits.follow_ms > 0 {
            self.acts.begin(asked.clone(), Hit::of(whom, self.site()));
        }
        self.dialog = Some(Dialog::Sending(asked.clone()));
        vec![Effect::Invalidate(asked)]
    }

    pub(super) fn conclude(&mut self, asked: Invalidation, result: Result<InvalidateAnswer, String>) {
        let whom = asked.cut(LOGGED_CHARS);
        let (level, said) = match &result {
            Ok(answer) if answer.ok => match answer.matched {
                Some(matched) => (Level::Info, format!("invalidated {whom}: {matched} reached")),
                None => (Level::Info, format!("invalidated {whom}; this server does not say how many")),
            },
            Ok(_) => (Level::Error, format!("the server did not invalidate {whom}")),
            Err(error) => {
                let error = text::cut(error, LOGGED_CHARS);
                (Level::Error, format!("invalidating {whom} failed: {error}"))
            }
        };
        self.note(level, said);
        if matches!(&result, Ok(answer) if answer.ok) {
            self.acts.follow(&asked, self.setup.limits.follow_ms, self.known.site(), self.now);
        } else {
            self.acts.drop(&asked);
        }
        if matches!(&self.dialog, Some(Dialog::Sending(sent)) if *sent == asked) {
            self.dialog = Some(Dialog::Outcome { asked, result });
        }
    }

    /// Looks at those who were hit, and tells of whom has been followed to the end.
    pub(super) fn follow(&mut self) -> Vec<Effect> {
        let ended = self.acts.observe(self.known.site(), self.now);
        for (asked, followed) in &ended {
            let done = followed.end == End::Done && !followed.interrupted;
            let level = if done { Level::Info } else { Level::Warning };
            self.note(level, format!("{}: {followed}", asked.cut(LOGGED_CHARS)));
        }
        ended.into_iter().map(|(asked, followed)| Effect::Followed(asked, followed)).collect()
    }

    pub(super) fn note(&mut self, level: Level, text: String) {
        self.known.fleet.note(self.now, level, text);
        if self.frozen.is_none() {
            self.panes.invalidate();
        }
    }
}
