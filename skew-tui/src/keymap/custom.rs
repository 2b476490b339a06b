//! Keys of one's own in the place of the usual ones.

use std::borrow::Cow;

use super::key::ctrl;
use super::{Key, Keymap, Section};
use crate::action::{Action, Context};

/// Why a key can't do what it is to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// Two actions want it.
    #[error("{key} does {one} and {other}; give one of them other keys")]
    Twice {
        /// The key.
        key: Key,
        /// The action that has it.
        one: String,
        /// The action that wants it too.
        other: String,
    },
    /// An action without keys could not be done, and sentences on the screen name its key.
    #[error("give it one key at least, as in [\"x\"]; to keep the usual ones, leave it out")]
    NoKey,
    /// Ctrl-C quits, whatever else is bound: it is what one presses when nothing else is known.
    #[error("Ctrl-C always quits, and does nothing else; give it another key")]
    CtrlC,
}

impl Keymap {
    /// Gives an action other keys, the one to show in the footer first. They hold wherever the action is; where a text is
    /// typed, or a question is asked, only those that type nothing, and the usual ones where none is left.
    ///
    /// [`Self::conflict`] tells afterwards whether they were free.
    ///
    /// # Errors
    ///
    /// When there is no key, or one that means something else everywhere.
    pub fn bind(&mut self, action: Action, keys: &[Key]) -> Result<(), BindError> {
        const CTRL_C: Key = ctrl('c');
        let mut keys = keys.to_vec();
        match (action, keys.contains(&CTRL_C)) {
            _ if keys.is_empty() => return Err(BindError::NoKey),
            (Action::Quit, false) => keys.push(CTRL_C),
            (Action::Quit, true) | (_, false) => {}
            (_, true) => return Err(BindError::CtrlC),
        }
        let played: Vec<Key> = (self.replay.iter())
            .filter(|binding| binding.action.control().is_some() && binding.action != action)
            .flat_map(|binding| binding.keys.iter().copied())
            .collect();
        for context in Context::ALL {
            for binding in self.table_mut(context).iter_mut().filter(|binding| binding.action == action) {
                let everywhere = matches!(context, Context::Panes | Context::Replay);
                let answers = context != Context::Text && binding.section != Section::Program;
                let usable: Vec<Key> =
                    keys.iter().copied().filter(|key| everywhere || answers || !key.edits()).collect();
                let gives_way = |key: &Key| context == Context::Replay && played.contains(key);
                let usable: Vec<Key> = usable.into_iter().filter(|key| !gives_way(key)).collect();
                if !usable.is_empty() {
                    binding.keys = Cow::Owned(usable);
                }
            }
        }
        Ok(())
    }

    /// A key that does two things at one place, if there is one.
    #[must_use]
    pub fn conflict(&self) -> Option<(Action, Action, BindError)> {
        Context::ALL.into_iter().find_map(|context| {
            let bound: Vec<(Action, Key)> = self
                .table(context)
                .iter()
                .flat_map(|binding| binding.keys.iter().map(|key| (binding.action, *key)))
                .collect();
            bound.iter().enumerate().find_map(|(at, (other, key))| {
                let (one, _) = bound[..at].iter().find(|(_, before)| before == key)?;
                Some((*one, *other, BindError::Twice { key: *key, one: one.name(), other: other.name() }))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Access;

    fn bound(action: Action, keys: &[&str]) -> Result<Keymap, BindError> {
        let keys: Vec<Key> = keys.iter().map(|key| key.parse().unwrap()).collect();
        let mut keymap = Keymap::default();
        keymap.bind(action, &keys)?;
        keymap.conflict().map_or(Ok(keymap), |(.., error)| Err(error))
    }

    fn names(keymap: &Keymap, action: Action, context: Context) -> Vec<String> {
        let bindings = keymap.bindings(context, Access::Full).filter(|binding| binding.action == action);
        bindings.flat_map(|binding| binding.keys.iter().map(ToString::to_string)).collect()
    }

    #[test]
    fn keys_of_ones_own_take_the_place_of_the_usual_ones() {
        let keymap = bound(Action::Reconnect, &["C", "f5"]).unwrap();
        assert_eq!(names(&keymap, Action::Reconnect, Context::Panes), ["C", "F5"]);
        assert_eq!(keymap.name(Action::Reconnect, Context::Panes), "C");
        assert_eq!(names(&keymap, Action::Freeze, Context::Panes), ["f", "Space"], "others stay");
    }

    #[test]
    fn ctrl_c_quits_whatever_is_bound() {
        let keymap = bound(Action::Quit, &["x"]).unwrap();
        assert_eq!(names(&keymap, Action::Quit, Context::Panes), ["x", "Ctrl-C"]);
        for context in Context::ALL {
            assert!(names(&keymap, Action::Quit, context).contains(&"Ctrl-C".to_owned()), "{context:?}");
        }
        assert_eq!(bound(Action::Reconnect, &["ctrl-c"]).unwrap_err(), BindError::CtrlC);
    }

    #[test]
    fn a_letter_is_still_typed_where_a_text_is_typed() {
        let keymap = bound(Action::Back, &["b", "esc"]).unwrap();
        assert_eq!(names(&keymap, Action::Back, Context::Text), ["Esc"]);
        assert_eq!(names(&keymap, Action::Back, Context::Question), ["b", "Esc"]);
        let keymap = bound(Action::Confirm, &["x"]).unwrap();
        assert_eq!(names(&keymap, Action::Confirm, Context::Text), ["Enter"], "none is left: the usual one stays");
    }

    #[test]
    fn a_key_for_two_things_is_refused_and_an_action_without_keys_too() {
        let error = bound(Action::Reconnect, &["q"]).unwrap_err().to_string();
        assert!(error.contains("q does reconnect and quit"), "{error}");
        assert_eq!(bound(Action::Reconnect, &[]).unwrap_err(), BindError::NoKey);
    }
}
