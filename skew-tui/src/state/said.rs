//! A word on what a key has done, which goes by itself.

use skew_proto::text;

use super::State;
use super::site::Level;
use crate::Now;

/// How long it stands, in milliseconds.
const STANDS_MS: u64 = 4_000;

/// Characters of it: no screen has a line for more.
const CHARS: usize = 200;

/// A word on what a key has done. Its text is cleaned.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// How much it matters.
    pub level: Level,
    /// What is said.
    pub text: String,
    at: Now,
}

impl State {
    /// What was said a moment ago.
    #[must_use]
    pub fn said(&self) -> Option<&Said> {
        self.said.as_ref().filter(|said| self.now.since(said.at) < STANDS_MS)
    }

    /// Milliseconds until it goes.
    pub(super) fn said_for(&self) -> Option<u64> {
        self.said().map(|said| STANDS_MS - self.now.since(said.at))
    }

    pub(super) fn say(&mut self, level: Level, text: &str) {
        self.said = Some(Said { level, text: text::cut(text, CHARS), at: self.now });
    }
}
