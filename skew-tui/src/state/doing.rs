//! What a person's wish does: on the panes, or in what is open above them.

use skew_proto::{MatchKind, RoutePattern};
use tui_input::Input;

use super::aside::Lower;
use super::dialog::Dialog;
use super::filter::Filter;
use super::invalidation::Whom;
use super::pane::Pane;
use super::panes::{Addresses, Panes};
use super::site::{Level, Watchers};
use super::{Effect, Frozen, Masking, State, invalidation};
use crate::action::Action;

impl State {
    /// Does what a person asks for.
    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => return vec![Effect::Quit],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            _ if !self.setup.access.allows(action) => {}
            _ => match self.dialog.take() {
                Some(dialog) => return self.act_in(dialog, action),
                None => return self.act_on_panes(action),
            },
        }
        Vec::new()
    }

    fn act_on_panes(&mut self, action: Action) -> Vec<Effect> {
        let shown = self.frozen.as_ref().map_or(&self.known, |frozen| &frozen.known).site();
        if let Some(control) = action.control() {
            return vec![Effect::Play(control)];
        }
        match action {
            Action::Help => self.dialog = Some(Dialog::Help),
            Action::Filter if self.panes.page_has_focus() => {
                self.refuse("A connection's page has no filter. Go back to the list first.");
            }
            Action::Filter => {
                let pane = self.panes.focus;
                let before = self.panes.filter(pane).clone();
                let input = Input::new(before.text().to_owned());
                self.dialog = Some(Dialog::Filter { pane, input, before, refusal: None });
            }
            Action::Open => self.panes.open(),
            Action::Back if self.panes.is_filtered(self.panes.focus) => {
                self.panes.set_filter(self.panes.focus, Filter::default());
            }
            Action::Back => self.panes.back(),
            Action::Copy => return self.copy(),
            Action::ShowAddresses => self.toggle_masking(),
            Action::Record => return vec![Effect::Record(self.masking)],
            Action::Freeze => self.toggle_freeze(),
            Action::ToggleWatchers => self.toggle_watchers(),
            Action::Contexts => self.dialog = Some(Dialog::Contexts { input: Input::default(), at: 0 }),
            Action::Reconnect => {
                self.known.fleet.note(self.now, Level::Info, "reconnecting, as asked".to_owned());
                self.panes.invalidate();
                return vec![Effect::Reconnect];
            }
            Action::InvalidateSelected => self.ask_for_selected(),
            Action::InvalidatePattern => {
                let kind = MatchKind::default();
                self.dialog = Some(Dialog::Pattern { input: Input::default(), kind, refusal: None });
            }
            Action::UsersPane if !Panes::has(Pane::Users, shown) => {
                self.say(Level::Warning, "this server knows of no user who is here");
            }
            Action::InstancesPane if !Panes::has(Pane::Instances, shown) => {
                self.say(Level::Warning, "this server tells of no instances: it is one, or a stock app");
            }
            Action::NextSpan => self.aside.span = self.aside.span.next(),
            Action::NextView => {
                self.aside.lower = self.aside.lower.next();
                if Lower::of(self.panes.focus).is_some() {
                    self.panes.focus = Pane::Routes;
                }
            }
            other => self.panes.act(other, shown),
        }
        // Nobody moves in a list that is hidden.
        self.aside.lower = Lower::of(self.panes.focus).unwrap_or(self.aside.lower);
        Vec::new()
    }

    fn act_in(&mut self, mut dialog: Dialog, action: Action) -> Vec<Effect> {
        let effects = Vec::new();
        match (&mut dialog, action) {
            (Dialog::Filter { pane, before, .. }, Action::Back) => {
                self.panes.set_filter(*pane, std::mem::take(before));
                return effects;
            }
            // What is no filter stays open until it is one.
            (Dialog::Filter { refusal: Some(_), .. }, Action::Confirm) => {}
            (Dialog::Pattern { input, kind, refusal }, Action::Confirm) => {
                match RoutePattern::new(*kind, input.value()) {
                    Ok(pattern) => return self.ask_to_confirm(Whom::Route(pattern)),
                    Err(error) => *refusal = Some(error.to_string()),
                }
            }
            (Dialog::Pattern { kind, refusal, .. }, Action::NextMatch) => {
                if invalidation::knows_every_kind(self.known.site()) {
                    let at = MatchKind::ALL.iter().position(|one| one == kind).unwrap_or(0);
                    *kind = MatchKind::ALL[(at + 1) % MatchKind::ALL.len()];
                    *refusal = None;
                } else {
                    *refusal =
                        Some("a stock app compares by prefix only; skew-server knows the other kinds".to_owned());
                }
            }
            (Dialog::Confirm { preview, retyped }, Action::Confirm) => {
                let typed = retyped.as_ref().is_none_or(|typed| typed.value() == preview.whom.text());
                if typed && self.over_limit(preview).is_none() {
                    return self.send(&preview.whom);
                }
            }
            (Dialog::Contexts { input, at }, Action::Confirm) => {
                return self.setup.contexts.chosen(input.value(), *at).map(Effect::OpenContext).into_iter().collect();
            }
            (Dialog::Contexts { input, at }, Action::Down) => {
                let last = self.setup.contexts.matching(input.value()).count().saturating_sub(1);
                *at = (*at + 1).min(last);
            }
            (Dialog::Contexts { at, .. }, Action::Up) => *at = at.saturating_sub(1),
            (_, Action::Back | Action::Confirm) => {
                self.acts.tidy();
                return effects;
            }
            _ => {}
        }
        self.dialog = Some(dialog);
        effects
    }

    /// Changes the text that is typed, and what follows from it.
    pub(super) fn type_text(&mut self, change: impl FnOnce(&mut Input)) {
        let Some(dialog) = &mut self.dialog else { return };
        let Some(input) = dialog.input() else { return };
        change(input);
        match dialog {
            Dialog::Filter { pane, input, refusal, .. } => match Filter::parse(input.value()) {
                Ok(filter) => {
                    self.panes.set_filter(*pane, filter);
                    *refusal = None;
                }
                Err(error) => *refusal = Some(error.to_string()),
            },
            Dialog::Pattern { refusal, .. } => *refusal = None,
            Dialog::Contexts { at, .. } => *at = 0,
            _ => {}
        }
    }

    fn toggle_masking(&mut self) {
        self.masking = match self.masking {
            Masking::On => Masking::Off,
            Masking::Off => Masking::On,
        };
        if self.panes.addresses == Addresses::Unknown {
            self.say(Level::Warning, "this server tells no addresses");
        }
    }

    fn toggle_freeze(&mut self) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Box::new(Frozen { known: self.known.clone(), at: self.now })),
        };
        self.panes.invalidate();
    }

    fn toggle_watchers(&mut self) {
        let watchers = match self.site().watchers() {
            Watchers::LeftOut => Watchers::Counted,
            Watchers::Counted => Watchers::LeftOut,
        };
        self.known.fleet.set_watchers(watchers);
        if let Some(frozen) = &mut self.frozen {
            frozen.known.fleet.set_watchers(watchers);
        }
        self.panes.invalidate();
    }
}
