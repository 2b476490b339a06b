//! Where a person is in a list whose rows move.

use std::ops::Range;

/// What a cursor holds on to while rows come, go and move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The first row, whichever that is.
    First,
    /// The last row, whichever that is.
    Last,
    /// The entry it is on, wherever that goes.
    Entry,
}

/// A way to move a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// One page down.
    PageDown,
    /// One page up.
    PageUp,
    /// To a row, counted from the first one on screen, where there is one.
    OnScreen(usize),
}

/// The selected entry of a list, by its identity `K`, and the rows that are on screen.
#[derive(Debug, Clone)]
pub struct Cursor<K> {
    hold: Hold,
    key: Option<K>,
    index: usize,
    offset: usize,
    height: usize,
    rows: usize,
}

impl<K> Cursor<K> {
    /// A cursor on an empty list.
    #[must_use]
    pub fn new(hold: Hold) -> Self {
        Self { hold, key: None, index: 0, offset: 0, height: 0, rows: 0 }
    }

    /// The selected entry; nothing in an empty list.
    #[must_use]
    pub fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// The selected row, counted from the first one on screen.
    #[must_use]
    pub fn row_on_screen(&self) -> Option<usize> {
        self.window().contains(&self.index).then(|| self.index - self.offset)
    }

    /// The rows that are on screen.
    #[must_use]
    pub fn window(&self) -> Range<usize> {
        self.offset..self.rows.min(self.offset + self.height)
    }

    /// Number of rows that fit on screen.
    pub fn set_height(&mut self, height: usize) {
        self.height = height;
    }

    /// Moves; [`Self::settle`] must follow before anything else is read.
    pub fn go(&mut self, motion: Motion) {
        let page = self.height.max(1);
        self.hold = match motion {
            Motion::First => Hold::First,
            Motion::Last => Hold::Last,
            _ => Hold::Entry,
        };
        self.index = match motion {
            Motion::First => 0,
            Motion::Last => self.rows.saturating_sub(1),
            Motion::Down => self.index + 1,
            Motion::Up => self.index.saturating_sub(1),
            Motion::PageDown => self.index + page,
            Motion::PageUp => self.index.saturating_sub(page),
            Motion::OnScreen(row) if row < self.window().len() => self.offset + row,
            Motion::OnScreen(_) => self.index,
        };
        self.key = None;
    }

    /// Goes to an entry; [`Self::settle`] must follow before anything else is read.
    pub fn select(&mut self, key: K) {
        self.hold = Hold::Entry;
        self.key = Some(key);
    }

    /// Begins at the first row again, as in a new list; [`Self::settle`] must follow before anything else is read.
    pub fn restart(&mut self) {
        *self = Self { height: self.height, ..Self::new(Hold::First) };
    }

    /// Finds the cursor's place among `rows` rows, where `is` tells whether a row holds an entry and `key_at` names the
    /// entry of a row. An entry that is gone leaves the cursor at its row.
    pub fn settle(&mut self, rows: usize, is: impl Fn(usize, &K) -> bool, key_at: impl Fn(usize) -> Option<K>) {
        let last = rows.saturating_sub(1);
        let found = match (self.hold, &self.key) {
            (Hold::First, _) => 0,
            (Hold::Last, _) => last,
            (Hold::Entry, Some(key)) if self.index < rows && is(self.index, key) => self.index,
            (Hold::Entry, Some(key)) => (0..rows).find(|row| is(*row, key)).unwrap_or(self.index),
            (Hold::Entry, None) => self.index,
        };
        self.rows = rows;
        self.index = found.min(last);
        if !self.key.as_ref().is_some_and(|key| self.index < rows && is(self.index, key)) {
            self.key = if rows == 0 { None } else { key_at(self.index) };
        }
        self.offset = self.offset.min(self.index).max((self.index + 1).saturating_sub(self.height));
        self.offset = self.offset.min(rows.saturating_sub(self.height));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settle(cursor: &mut Cursor<char>, rows: &str) {
        let rows: Vec<char> = rows.chars().collect();
        cursor.settle(rows.len(), |row, key| rows[row] == *key, |row| rows.get(row).copied());
    }

    #[test]
    fn the_selection_goes_with_its_entry() {
        let mut cursor = Cursor::new(Hold::First);
        cursor.set_height(2);
        settle(&mut cursor, "abcd");
        cursor.go(Motion::Down);
        settle(&mut cursor, "abcd");
        assert_eq!(cursor.key(), Some(&'b'));
        settle(&mut cursor, "xyabcd");
        assert_eq!((cursor.key(), cursor.row_on_screen(), cursor.window()), (Some(&'b'), Some(1), 2..4));
        settle(&mut cursor, "xyacd");
        assert_eq!(
            (cursor.key(), cursor.row_on_screen()),
            (Some(&'c'), Some(1)),
            "its entry is gone: it stays at its row"
        );
        settle(&mut cursor, "");
        assert_eq!((cursor.key(), cursor.row_on_screen(), cursor.window()), (None, None, 0..0));
    }

    #[test]
    fn who_has_not_moved_stays_at_the_top_and_who_is_at_the_end_follows_it() {
        let mut cursor = Cursor::new(Hold::First);
        cursor.set_height(2);
        settle(&mut cursor, "abc");
        settle(&mut cursor, "zabc");
        assert_eq!(cursor.key(), Some(&'z'));
        cursor.go(Motion::Last);
        settle(&mut cursor, "zabc");
        settle(&mut cursor, "zabcd");
        assert_eq!((cursor.key(), cursor.window()), (Some(&'d'), 3..5));
    }

    fn motion() -> impl Strategy<Value = Motion> {
        prop::sample::select(vec![
            Motion::Down,
            Motion::Up,
            Motion::First,
            Motion::Last,
            Motion::PageDown,
            Motion::PageUp,
        ])
    }

    proptest! {
        #[test]
        fn the_selected_row_is_always_on_screen(
            steps in prop::collection::vec((motion(), "[a-z]{0,12}", 0usize..6), 1..20),
        ) {
            let mut cursor = Cursor::new(Hold::First);
            for (motion, rows, height) in steps {
                cursor.set_height(height);
                cursor.go(motion);
                settle(&mut cursor, &rows);
                if rows.is_empty() {
                    prop_assert_eq!(cursor.key(), None);
                } else {
                    let row = cursor.row_on_screen().map(|row| cursor.window().start + row);
                    prop_assert!(height == 0 || row.is_some());
                    prop_assert!(row.is_none() || cursor.key().copied() == row.and_then(|row| rows.chars().nth(row)));
                    prop_assert_eq!(cursor.window().len(), height.min(rows.len()));
                }
            }
        }
    }
}
