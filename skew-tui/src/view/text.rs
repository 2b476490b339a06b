//! Text from outside on its way to the screen: cleaned, cut to columns, put in its place. Nothing else draws such a text.

use skew_proto::text;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::state::rows::SHORT_ID;

/// Characters of a text that are looked at. No screen shows more.
const LONGEST: usize = 512;

/// Marks that may stand on one character. Some scripts need two; heaps of them cover the neighbours.
const MARKS: usize = 2;

/// The harmless form of a text, at most `columns` wide, with an ellipsis where something was cut.
#[must_use]
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let clean = thin(&text::cut(text, LONGEST));
    if clean.width() <= columns {
        return clean;
    }
    let mut shown = String::new();
    let mut used = 0;
    for c in clean.chars() {
        let width = c.width().unwrap_or(0);
        // One column is kept for the ellipsis.
        if used + width + 1 > columns {
            break;
        }
        used += width;
        shown.push(c);
    }
    if columns > 0 {
        shown.push('…');
    }
    shown
}

/// Leaves out marks beyond those that a character may bear.
fn thin(text: &str) -> String {
    let mut marks = 0;
    text.chars()
        .filter(|c| {
            marks = if c.width() == Some(0) { marks + 1 } else { 0 };
            marks <= MARKS
        })
        .collect()
}

/// Columns that show names whole, where `whole` columns are enough for it, or at least tell them apart with up to `most`. Ids that
/// are random differ soon; what is numbered or dated differs at its end.
pub(super) fn telling_width(names: &[&str], least: usize, whole: usize, most: usize) -> usize {
    let longest = names.iter().map(|name| width(&fit(name, whole + 1))).max().unwrap_or(least);
    if longest <= whole {
        return longest.max(least);
    }
    let distinct = |columns: &usize| {
        let shown: std::collections::BTreeSet<String> = names.iter().map(|name| fit(name, *columns)).collect();
        shown.len() == names.len()
    };
    (least..=most).find(distinct).unwrap_or(most)
}

/// Columns that a text takes.
#[must_use]
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// A text broken into lines of at most `columns`, at spaces where there are any.
#[must_use]
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map(|line| (line.width(), line));
        match line {
            Some((0, line)) => line.push_str(&fit(word, columns)),
            Some((used, line)) if used + 1 + word.width() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fit(word, columns)),
        }
    }
    lines
}

/// A number with its thousands apart: `1,318`.
#[must_use]
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number in so many columns: in full where it fits, else rounded down to thousands, millions, billions.
#[must_use]
pub(super) fn short_number(exact: u64, columns: usize) -> String {
    let full = number(exact);
    if full.len() <= columns {
        return full;
    }
    let (unit, name) = match exact {
        0..1_000_000 => (1_000, "k"),
        1_000_000..1_000_000_000 => (1_000_000, "M"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "G"),
        _ => return "≥1T".to_owned(),
    };
    format!("{}{name}", number(exact / unit))
}

/// Connections, and the users behind them where that is known: `1,147/941`, in so many columns each.
#[must_use]
pub(super) fn tabs_and_users(tabs: u64, users: Option<u64>, columns: (usize, usize)) -> String {
    let tabs = short_number(tabs, columns.0);
    users.map_or_else(|| tabs.clone(), |users| format!("{tabs}/{}", short_number(users, columns.1)))
}

/// The first part of an id, which tells connections apart for an eye.
#[must_use]
pub(super) fn short_id(id: &str) -> String {
    id.chars().take(SHORT_ID).collect()
}

/// The time of day in UTC, shifted by the offset of the place.
#[must_use]
pub(super) fn time_of_day(unix_ms: u64, offset_s: i32) -> String {
    const DAY_S: i64 = 86_400;
    let seconds = i64::try_from(unix_ms / 1_000).unwrap_or(0);
    let of_day = (seconds % DAY_S + i64::from(offset_s)).rem_euclid(DAY_S);
    format!("{:02}:{:02}:{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_get_the_room_that_tells_them_apart() {
        let columns = |names: &[&str]| telling_width(names, 8, 12, 20);
        assert_eq!(columns(&["8f3a2c1d", "b1"]), 8);
        assert_eq!(columns(&["build-sse", "build-old"]), 9, "short ones are shown whole");
        assert_eq!(columns(&["0f6c3a52-3b1d-4a57-8f43-2d1f0f1a9b11", "7d2a1c60-91c2-4d6e-9c0a-a4c2c9a2d7e5"]), 8);
        assert_eq!(columns(&["release-2026-11-21", "release-2026-11-22"]), 18);
        assert_eq!(columns(&["the-same-for-twenty-columns-1", "the-same-for-twenty-columns-2"]), 20);
        assert_eq!(columns(&[]), 8);
    }

    #[test]
    fn a_text_is_cut_by_columns_and_not_by_characters() {
        assert_eq!(fit("/checkout", 9), "/checkout");
        assert_eq!(fit("/checkout", 6), "/chec…");
        assert_eq!(fit("東京都庁", 6), "東京…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit("a\u{1b}[2J", 20), "a\u{fffd}[2J");
    }

    #[test]
    fn heaps_of_marks_are_thinned() {
        let heap = format!("e{}", "\u{301}".repeat(500));
        assert_eq!(fit(&heap, 10), "e\u{301}\u{301}");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 5), ["unbr…"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_318, 1_000_000].map(number), ["0", "999", "1,318", "1,000,000"]);
    }

    #[test]
    fn a_number_without_room_is_rounded_down_and_never_cut() {
        assert_eq!(short_number(99_999, 6), "99,999");
        assert_eq!([123_456, 1_999_999, 20_000_000_000].map(|n| short_number(n, 6)), ["123k", "1M", "20G"]);
        assert_eq!(short_number(u64::MAX, 6), "≥1T");
    }

    #[test]
    fn the_time_of_day_goes_round() {
        assert_eq!(time_of_day(86_399_000, 0), "23:59:59");
        assert_eq!(time_of_day(86_399_000, 3_600), "00:59:59");
        assert_eq!(time_of_day(0, -3_600), "23:00:00");
    }

    proptest! {
        #[test]
        fn what_fits_is_harmless_and_no_wider(text in any::<String>(), columns in 0usize..60) {
            let shown = fit(&text, columns);
            prop_assert!(!shown.contains(text::is_harmful));
            prop_assert!(shown.width() <= columns);
        }
    }
}
