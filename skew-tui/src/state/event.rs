//! What goes into the state and what comes out of it, as data.

use skew_proto::InvalidateAnswer;
use tui_input::InputRequest;

use super::follow::Followed;
use super::invalidation::Invalidation;
use super::pointer::{Gesture, Place};
use super::tape::Tape;
use crate::action::Action;
use crate::feed::Happening;
use crate::playback::{Control, Playback};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something happened at the targets: all that was unread, in its order.
    Happened(Vec<Happening>),
    /// A person wants something.
    Action(Action),
    /// A person edits the text that is typed.
    Edit(InputRequest),
    /// A person pastes a text.
    Paste(String),
    /// The server answered an invalidation, or what went wrong.
    Invalidated(Invalidation, Result<InvalidateAnswer, String>),
    /// What was asked for can't be done, and why.
    Refused(String),
    /// The recording that a key began goes on, or has ended.
    Tape(Tape),
    /// A recording is played in another way, or has come to its end.
    Playback(Playback),
    /// A person points somewhere.
    Pointer(Place, Gesture),
    /// What was done can't be written to the audit log, and why.
    Unwritten(String),
    /// Time went by.
    Tick,
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// End the program.
    Quit,
    /// Give the terminal back and stop.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Connect anew at once.
    Reconnect,
    /// Ask the target of that number for whole stats.
    Ask(usize),
    /// Steer the recording that is played.
    Play(Control),
    /// Begin to record what is told, or end it. Addresses are masked where they are on the screen.
    Record(Masking),
    /// Ask the server to refresh users.
    Invalidate(Invalidation),
    /// Go to the site of another context.
    OpenContext(String),
    /// Write down what became of those whom an invalidation hit.
    Followed(Invalidation, Followed),
    /// Put a text into the clipboard of who looks at the terminal.
    Copy(String),
    /// Call whoever looks elsewhere. The text is cleaned.
    Notify(String),
}

/// Whether addresses are hidden, but for their network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Masking {
    /// They are: a screen is seen by more than its owner.
    #[default]
    On,
    /// They are shown whole.
    Off,
}
