//! A key: how it is called on the screen, and in a configuration.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyModifiers};

/// A key with its modifiers. Shift is part of the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub(super) code: KeyCode,
    pub(super) modifiers: KeyModifiers,
}

/// A name that is no key's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no key is called {0:?}; write one character (q, Q, ?), or space, tab, shift-tab, enter, esc, up, down, left, \
     right, home, end, pgup, pgdn, insert, delete, backspace, f1 to f12, with ctrl- or alt- before it (ctrl-l)"
)]
pub struct KeyError(String);

/// Keys with names, as they are written and as they are shown.
const NAMED: &[(&str, &str, KeyCode)] = &[
    ("space", "Space", KeyCode::Char(' ')),
    ("tab", "Tab", KeyCode::Tab),
    ("shift-tab", "Shift-Tab", KeyCode::BackTab),
    ("enter", "Enter", KeyCode::Enter),
    ("esc", "Esc", KeyCode::Esc),
    ("up", "↑", KeyCode::Up),
    ("down", "↓", KeyCode::Down),
    ("left", "←", KeyCode::Left),
    ("right", "→", KeyCode::Right),
    ("home", "Home", KeyCode::Home),
    ("end", "End", KeyCode::End),
    ("pgup", "PgUp", KeyCode::PageUp),
    ("pgdn", "PgDn", KeyCode::PageDown),
    ("insert", "Ins", KeyCode::Insert),
    ("delete", "Del", KeyCode::Delete),
    ("backspace", "Backspace", KeyCode::Backspace),
];

pub(super) const fn key(code: KeyCode) -> Key {
    Key { code, modifiers: KeyModifiers::NONE }
}

pub(super) const fn char(c: char) -> Key {
    key(KeyCode::Char(c))
}

pub(super) const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), modifiers: KeyModifiers::CONTROL }
}

impl Key {
    /// Whether it types a character, or edits where a text is typed.
    pub(super) fn edits(self) -> bool {
        super::edit(self).is_some()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let control = self.modifiers.contains(KeyModifiers::CONTROL);
        if control {
            f.write_str("Ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("Alt-")?;
        }
        match (self.code, NAMED.iter().find(|(.., code)| *code == self.code)) {
            (_, Some((_, shown, _))) => f.write_str(shown),
            (KeyCode::Char(c), None) if control => write!(f, "{}", c.to_ascii_uppercase()),
            (KeyCode::Char(c), None) => write!(f, "{c}"),
            (code, None) => write!(f, "{code}"),
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            // Two modifiers at most; "ctrl-" alone is no key.
            rest = match rest.split_at_checked("alt-".len()) {
                Some((before, after)) if before.eq_ignore_ascii_case("alt-") => {
                    modifiers |= KeyModifiers::ALT;
                    after
                }
                _ => match rest.split_at_checked("ctrl-".len()) {
                    Some((before, after)) if before.eq_ignore_ascii_case("ctrl-") => {
                        modifiers |= KeyModifiers::CONTROL;
                        after
                    }
                    _ => break,
                },
            };
        }
        let named = NAMED.iter().find(|(name, ..)| name.eq_ignore_ascii_case(rest));
        let mut characters = rest.chars();
        let code = match (named, characters.next(), characters.next()) {
            (Some((.., code)), ..) => *code,
            // Terminals send Ctrl-L and Ctrl-l as one.
            (None, Some(c), None) if modifiers.contains(KeyModifiers::CONTROL) && is_seen(c) => {
                KeyCode::Char(c.to_ascii_lowercase())
            }
            (None, Some(c), None) if is_seen(c) => KeyCode::Char(c),
            (None, Some('f' | 'F'), Some(_)) => match rest[1..].parse::<u8>() {
                Ok(number @ 1..=12) => KeyCode::F(number),
                _ => return Err(KeyError(text.to_owned())),
            },
            _ => return Err(KeyError(text.to_owned())),
        };
        Ok(Self { code, modifiers })
    }
}

fn is_seen(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && !skew_proto::text::is_harmful(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_read_by_the_names_that_are_written() {
        let read = |text: &str| text.parse::<Key>().map(|key| key.to_string());
        for (written, shown) in [
            ("q", "q"),
            ("Q", "Q"),
            ("-", "-"),
            ("é", "é"),
            ("ctrl-c", "Ctrl-C"),
            ("Ctrl-C", "Ctrl-C"),
            ("ctrl--", "Ctrl--"),
            ("alt-x", "Alt-x"),
            ("ctrl-alt-x", "Ctrl-Alt-X"),
            ("ESC", "Esc"),
            ("shift-tab", "Shift-Tab"),
            ("space", "Space"),
            ("pgdn", "PgDn"),
            ("f5", "F5"),
            ("up", "↑"),
        ] {
            assert_eq!(read(written).as_deref(), Ok(shown), "{written}");
        }
        for wrong in ["", "qq", "ctrl-", "f13", "f0", "hyper-x", "\u{1b}", " ", "\u{202e}"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_refused(text in any::<String>()) {
            if let Ok(key) = text.parse::<Key>() {
                prop_assert!(!key.to_string().is_empty());
            }
        }
    }
}
