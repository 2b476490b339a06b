//! One line of the log, and nothing that only looks like one: what a visitor sent can't end it, colour it or turn it around.

use std::borrow::Cow;
use std::fmt::Write;

use skew_proto::text::is_harmful;

/// How the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// One object on each line. Whatever is no ASCII stands in strings.
    Json,
}

/// A line that is safe to be shown, with its line break. Harmful characters are escaped as the form has it.
pub(super) fn harmless(line: &str, form: Form) -> Cow<'_, str> {
    let words = line.strip_suffix('\n').unwrap_or(line);
    if !words.contains(is_harmful) && words.len() < line.len() {
        return Cow::Borrowed(line);
    }
    let mut safe = String::with_capacity(line.len() + 16);
    for c in words.chars() {
        if !is_harmful(c) {
            safe.push(c);
            continue;
        }
        // Writing into a string does not fail.
        let _ = match form {
            Form::Text => write!(safe, "{}", c.escape_unicode()),
            Form::Json => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(safe, "\\u{unit:04x}")),
        };
    }
    safe.push('\n');
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_ends_once() {
        assert_eq!(harmless("a\nERROR b\r\n", Form::Text), "a\\u{a}ERROR b\\u{d}\n");
        assert_eq!(harmless("plain", Form::Text), "plain\n");
        assert!(matches!(harmless("plain\n", Form::Text), Cow::Borrowed("plain\n")));
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({"route": "/\u{202e}\u{9b}2J\u{7f}\u{e0001}é"});
        let line = harmless(&value.to_string(), Form::Json).into_owned();
        assert!(!line.trim_end().contains(is_harmful), "{line:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value);
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text: String) {
            for form in [Form::Text, Form::Json] {
                let line = harmless(&text, form);
                prop_assert!(!line.strip_suffix('\n').unwrap().contains(is_harmful));
            }
        }
    }
}
