//! Which key does what. The dashboard, its footer and its help screen read the same table, so they can't disagree.

mod custom;
mod key;

use std::borrow::Cow;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::InputRequest;

pub use custom::BindError;
pub use key::{Key, KeyError};
use key::{char, ctrl, key};

use crate::action::{Access, Action, Context};
use crate::state::Event;

/// The part of the help screen that a binding stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Going from pane to pane.
    Panes,
    /// Going from row to row.
    Rows,
    /// What is shown and how.
    Show,
    /// Going through a recording.
    Replay,
    /// What acts on the site or the connection.
    Act,
    /// The program itself.
    Program,
}

impl Section {
    /// All sections, in the order of the help screen.
    pub const ALL: [Self; 6] = [Self::Panes, Self::Rows, Self::Show, Self::Replay, Self::Act, Self::Program];

    /// The section's heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Panes => "Panes",
            Self::Rows => "Rows",
            Self::Show => "Show",
            Self::Replay => "Recording",
            Self::Act => "Act",
            Self::Program => "Program",
        }
    }
}

/// An action and its keys.
#[derive(Debug, Clone)]
pub struct Binding {
    /// What is done.
    pub action: Action,
    /// The keys that do it, the one to show in the footer first.
    pub keys: Cow<'static, [Key]>,
    /// Where the help screen tells of it.
    pub section: Section,
    /// The word in the footer, where it has room for the action.
    pub hint: Option<&'static str>,
}

const fn bind(action: Action, keys: &'static [Key], section: Section, hint: Option<&'static str>) -> Binding {
    Binding { action, keys: Cow::Borrowed(keys), section, hint }
}

/// Keys of the panes, in the order of the footer and the help screen.
const PANES: &[Binding] = &[
    bind(Action::Help, &[char('?')], Section::Program, Some("help")),
    bind(Action::Filter, &[char('/')], Section::Show, Some("filter")),
    bind(Action::Sort, &[char('s')], Section::Show, Some("sort")),
    bind(Action::ReverseSort, &[char('S')], Section::Show, None),
    bind(Action::Open, &[key(KeyCode::Enter)], Section::Show, Some("open")),
    bind(Action::InvalidateSelected, &[char('i')], Section::Act, Some("invalidate")),
    bind(Action::InvalidatePattern, &[char('I')], Section::Act, None),
    bind(Action::Freeze, &[char('f'), char(' ')], Section::Show, Some("freeze")),
    bind(Action::Copy, &[char('c')], Section::Show, None),
    bind(Action::ShowAddresses, &[char('p')], Section::Show, None),
    bind(Action::NextView, &[char('o')], Section::Show, Some("old ones")),
    bind(Action::NextSpan, &[char('t')], Section::Show, None),
    bind(Action::ToggleWatchers, &[char('w')], Section::Show, None),
    bind(Action::Contexts, &[char(':')], Section::Show, None),
    bind(Action::Reconnect, &[char('r')], Section::Act, None),
    bind(Action::Record, &[char('R')], Section::Act, None),
    bind(Action::NextPane, &[key(KeyCode::Tab)], Section::Panes, Some("pane")),
    bind(Action::PreviousPane, &[key(KeyCode::BackTab)], Section::Panes, None),
    bind(Action::VersionsPane, &[char('1')], Section::Panes, None),
    bind(Action::RoutesPane, &[char('2')], Section::Panes, None),
    bind(Action::ConnectionsPane, &[char('3')], Section::Panes, None),
    bind(Action::LogPane, &[char('4')], Section::Panes, None),
    bind(Action::UsersPane, &[char('5')], Section::Panes, None),
    bind(Action::InstancesPane, &[char('6')], Section::Panes, None),
    bind(Action::Down, &[char('j'), key(KeyCode::Down)], Section::Rows, None),
    bind(Action::Up, &[char('k'), key(KeyCode::Up)], Section::Rows, None),
    bind(Action::First, &[char('g'), key(KeyCode::Home)], Section::Rows, None),
    bind(Action::Last, &[char('G'), key(KeyCode::End)], Section::Rows, None),
    bind(Action::PageDown, &[key(KeyCode::PageDown), ctrl('f')], Section::Rows, None),
    bind(Action::PageUp, &[key(KeyCode::PageUp), ctrl('b')], Section::Rows, None),
    bind(Action::Back, &[key(KeyCode::Esc), key(KeyCode::Backspace)], Section::Show, None),
    bind(Action::Quit, &[char('q'), ctrl('c')], Section::Program, Some("quit")),
    bind(Action::Suspend, &[ctrl('z')], Section::Program, None),
    bind(Action::Redraw, &[ctrl('l')], Section::Program, None),
];

/// Keys that a recording adds to those of the panes, which give way.
const REPLAY: &[Binding] = &[
    bind(Action::Pause, &[char(' ')], Section::Replay, Some("pause")),
    bind(Action::SkipBack, &[key(KeyCode::Left)], Section::Replay, Some("back")),
    bind(Action::SkipOn, &[key(KeyCode::Right)], Section::Replay, Some("on")),
    bind(Action::LeapBack, &[char('[')], Section::Replay, None),
    bind(Action::LeapOn, &[char(']')], Section::Replay, None),
    bind(Action::Begin, &[key(KeyCode::Home)], Section::Replay, None),
    bind(Action::End, &[key(KeyCode::End)], Section::Replay, None),
    bind(Action::Faster, &[char('+'), char('=')], Section::Replay, Some("faster")),
    bind(Action::Slower, &[char('-')], Section::Replay, None),
];

const TEXT: &[Binding] = &[
    bind(Action::Confirm, &[key(KeyCode::Enter)], Section::Act, Some("go on")),
    bind(Action::Back, &[key(KeyCode::Esc)], Section::Show, Some("cancel")),
    bind(Action::NextMatch, &[key(KeyCode::Tab)], Section::Act, None),
    bind(Action::Down, &[key(KeyCode::Down), ctrl('n')], Section::Rows, None),
    bind(Action::Up, &[key(KeyCode::Up), ctrl('p')], Section::Rows, None),
    bind(Action::Quit, &[ctrl('c')], Section::Program, None),
    bind(Action::Suspend, &[ctrl('z')], Section::Program, None),
    bind(Action::Redraw, &[ctrl('l')], Section::Program, None),
];

const QUESTION: &[Binding] = &[
    bind(Action::Confirm, &[char('y'), key(KeyCode::Enter)], Section::Act, Some("go on")),
    bind(Action::Back, &[key(KeyCode::Esc), char('n'), char('q')], Section::Show, Some("cancel")),
    bind(Action::Quit, &[ctrl('c')], Section::Program, None),
    bind(Action::Suspend, &[ctrl('z')], Section::Program, None),
    bind(Action::Redraw, &[ctrl('l')], Section::Program, None),
];

const MESSAGE: &[Binding] = &[
    bind(Action::Back, &[key(KeyCode::Esc), key(KeyCode::Enter), char('q'), char('?')], Section::Show, Some("close")),
    bind(Action::Quit, &[ctrl('c')], Section::Program, None),
    bind(Action::Suspend, &[ctrl('z')], Section::Program, None),
    bind(Action::Redraw, &[ctrl('l')], Section::Program, None),
];

/// All bindings, by what is open.
#[derive(Debug, Clone)]
pub struct Keymap {
    panes: Vec<Binding>,
    replay: Vec<Binding>,
    text: Vec<Binding>,
    question: Vec<Binding>,
    message: Vec<Binding>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self {
            panes: PANES.to_vec(),
            replay: replay(),
            text: TEXT.to_vec(),
            question: QUESTION.to_vec(),
            message: MESSAGE.to_vec(),
        }
    }
}

impl Keymap {
    /// The bindings that hold where `context` is open, without those that `access` forbids.
    pub fn bindings(&self, context: Context, access: Access) -> impl Iterator<Item = &Binding> {
        self.table(context).iter().filter(move |binding| access.allows(binding.action))
    }

    /// The key that does something where `context` is open, as it is called in sentences.
    #[must_use]
    pub fn name(&self, action: Action, context: Context) -> String {
        let bound = self.table(context).iter().find(|binding| binding.action == action);
        bound.and_then(|binding| binding.keys.first()).map(Key::to_string).unwrap_or_default()
    }

    /// What a key means where `context` is open.
    #[must_use]
    pub fn event(&self, pressed: KeyEvent, context: Context, access: Access) -> Option<Event> {
        if pressed.kind == KeyEventKind::Release {
            return None;
        }
        let pressed = Key { code: pressed.code, modifiers: pressed.modifiers - KeyModifiers::SHIFT };
        let bound = self.bindings(context, access).find(|binding| binding.keys.contains(&pressed));
        match bound {
            Some(binding) => Some(Event::Action(binding.action)),
            None if context == Context::Text => edit(pressed).map(Event::Edit),
            None => None,
        }
    }

    /// Every action that has keys, once.
    pub(crate) fn actions(&self) -> impl Iterator<Item = Action> {
        let bindings: Vec<Action> =
            Context::ALL.into_iter().flat_map(|context| self.table(context)).map(|binding| binding.action).collect();
        let mut seen = std::collections::HashSet::new();
        bindings.into_iter().filter(move |action| seen.insert(*action))
    }

    fn table(&self, context: Context) -> &Vec<Binding> {
        match context {
            Context::Panes => &self.panes,
            Context::Replay => &self.replay,
            Context::Text => &self.text,
            Context::Question => &self.question,
            Context::Message => &self.message,
        }
    }

    fn table_mut(&mut self, context: Context) -> &mut Vec<Binding> {
        match context {
            Context::Panes => &mut self.panes,
            Context::Replay => &mut self.replay,
            Context::Text => &mut self.text,
            Context::Question => &mut self.question,
            Context::Message => &mut self.message,
        }
    }
}

/// Keys of the panes of a recording, in the order of the footer and the help screen.
fn replay() -> Vec<Binding> {
    let taken = |key: &Key| REPLAY.iter().any(|binding| binding.keys.contains(key));
    let left = |binding: &Binding| Binding {
        keys: binding.keys.iter().copied().filter(|key| !taken(key)).collect(),
        ..binding.clone()
    };
    let panes = PANES.iter().filter(|binding| binding.action.suits_recordings()).map(left);
    let (help, rest): (Vec<_>, Vec<_>) = panes.partition(|binding| binding.action == Action::Help);
    help.into_iter().chain(REPLAY.iter().cloned()).chain(rest).collect()
}

/// The usual keys of a line editor.
fn edit(pressed: Key) -> Option<InputRequest> {
    let control = pressed.modifiers == KeyModifiers::CONTROL;
    let alt = pressed.modifiers == KeyModifiers::ALT;
    Some(match pressed.code {
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
        KeyCode::Char('u') if control => InputRequest::DeleteFromStart,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('b') if alt => InputRequest::GoToPrevWord,
        KeyCode::Char('f') if alt => InputRequest::GoToNextWord,
        // AltGr arrives as both on Windows, and types a character.
        KeyCode::Char(c) if !control && !alt => InputRequest::InsertChar(c),
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if control => InputRequest::GoToPrevWord,
        KeyCode::Right if control => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers, context: Context) -> Option<Event> {
        Keymap::default().event(KeyEvent::new(code, modifiers), context, Access::Full)
    }

    #[test]
    fn no_key_means_two_things_in_one_context() {
        assert_eq!(Keymap::default().conflict(), None);
    }

    #[test]
    fn ctrl_c_quits_wherever_one_is() {
        for context in Context::ALL {
            let quit = press(KeyCode::Char('c'), KeyModifiers::CONTROL, context);
            assert_eq!(quit, Some(Event::Action(Action::Quit)));
        }
    }

    #[test]
    fn a_letter_is_typed_where_a_text_is_typed() {
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::NONE, Context::Panes), Some(Event::Action(Action::Quit)));
        let typed = press(KeyCode::Char('q'), KeyModifiers::NONE, Context::Text);
        assert_eq!(typed, Some(Event::Edit(InputRequest::InsertChar('q'))));
        let typed = press(KeyCode::Char('Q'), KeyModifiers::SHIFT, Context::Text);
        assert_eq!(typed, Some(Event::Edit(InputRequest::InsertChar('Q'))));
    }

    #[test]
    fn shift_is_part_of_the_character() {
        let pattern = press(KeyCode::Char('I'), KeyModifiers::SHIFT, Context::Panes);
        assert_eq!(pattern, Some(Event::Action(Action::InvalidatePattern)));
        let back = press(KeyCode::BackTab, KeyModifiers::SHIFT, Context::Panes);
        assert_eq!(back, Some(Event::Action(Action::PreviousPane)));
    }

    #[test]
    fn a_recording_has_keys_of_its_own_and_none_that_reaches_a_site() {
        let keymap = Keymap::default();
        let pressed = |code| keymap.event(KeyEvent::new(code, KeyModifiers::NONE), Context::Replay, Access::ReadOnly);
        assert_eq!(pressed(KeyCode::Char(' ')), Some(Event::Action(Action::Pause)));
        assert_eq!(pressed(KeyCode::Home), Some(Event::Action(Action::Begin)));
        assert_eq!(pressed(KeyCode::Char('f')), Some(Event::Action(Action::Freeze)));
        assert_eq!(pressed(KeyCode::Char('r')), None);
        assert!(keymap.bindings(Context::Replay, Access::Full).all(|binding| !binding.keys.is_empty()));
    }

    #[test]
    fn a_released_key_does_nothing() {
        let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(Keymap::default().event(released, Context::Panes, Access::Full), None);
    }

    #[test]
    fn a_read_only_dashboard_has_no_key_that_reaches_users() {
        let keymap = Keymap::default();
        assert!(keymap.bindings(Context::Panes, Access::ReadOnly).all(|binding| !binding.action.reaches_users()));
        let pressed = KeyEvent::new(KeyCode::Char('i'), KeyModifiers::NONE);
        assert_eq!(keymap.event(pressed, Context::Panes, Access::ReadOnly), None);
    }
}
