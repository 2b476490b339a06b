//! A recording of what the dashboard is told.

use skew_proto::text;

use super::State;
use super::site::Level;

/// Characters of what is said of a recording, which names its file.
const CHARS: usize = 300;

/// What has become of a recording that a key began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tape {
    /// It goes on, with so many bytes so far.
    Running(u64),
    /// It has ended as asked; with what to say of it.
    Ended(String),
    /// It could not begin, or not go on; with the reason.
    Failed(String),
}

impl State {
    /// Size of the recording that goes on, in bytes.
    #[must_use]
    pub fn taped(&self) -> Option<u64> {
        self.taped
    }

    pub(super) fn tape(&mut self, tape: Tape) {
        let (level, words) = match tape {
            Tape::Running(bytes) => {
                self.taped = Some(bytes);
                return;
            }
            Tape::Ended(words) => (Level::Info, words),
            Tape::Failed(reason) => (Level::Error, reason),
        };
        self.taped = None;
        self.known.fleet.note(self.now, level, text::cut(&words, CHARS));
        self.panes.invalidate();
        self.say(level, &words);
    }
}
