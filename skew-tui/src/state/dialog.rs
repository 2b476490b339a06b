//! What can be open above the panes: one thing at a time.

use skew_proto::{InvalidateAnswer, MatchKind};
use tui_input::{Input, InputRequest};

use super::Pane;
use super::filter::Filter;
use super::invalidation::{Invalidation, Preview};

/// Longest text that can be typed, in characters: no route is longer.
const TYPED_CHARS: usize = skew_proto::wire::MAX_ROUTE_BYTES;

/// A dialog.
#[derive(Debug, Clone)]
pub enum Dialog {
    /// The keys.
    Help,
    /// A pane's filter is typed. It works while it is typed.
    Filter {
        /// The pane.
        pane: Pane,
        /// What is typed.
        input: Input,
        /// The filter as it was, for who cancels.
        before: Filter,
        /// Why what is typed is no filter. The last one that was holds on.
        refusal: Option<String>,
    },
    /// A pattern is typed.
    Pattern {
        /// What is typed.
        input: Input,
        /// How it will be compared.
        kind: MatchKind,
        /// Why it was not taken.
        refusal: Option<String>,
    },
    /// Whom an invalidation will reach, and whether to go on.
    Confirm {
        /// Whom it will reach, kept up to date.
        preview: Preview,
        /// The pattern once more, where it has to be typed.
        retyped: Option<Input>,
    },
    /// An invalidation is under way.
    Sending(Invalidation),
    /// What became of an invalidation.
    Outcome {
        /// What was asked.
        asked: Invalidation,
        /// The server's answer, or what went wrong.
        result: Result<InvalidateAnswer, String>,
    },
    /// Another context is chosen.
    Contexts {
        /// What its name or its site holds.
        input: Input,
        /// The one that is chosen, of those that match.
        at: usize,
    },
    /// Something can't be done, and why.
    Refusal(String),
}

impl Dialog {
    /// The text that is typed, where one is.
    pub fn input(&mut self) -> Option<&mut Input> {
        match self {
            Self::Filter { input, .. } | Self::Pattern { input, .. } | Self::Contexts { input, .. } => Some(input),
            Self::Confirm { retyped, .. } => retyped.as_mut(),
            Self::Help | Self::Sending(_) | Self::Outcome { .. } | Self::Refusal(_) => None,
        }
    }

    /// Whether a text is typed.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        match self {
            Self::Filter { .. } | Self::Pattern { .. } | Self::Contexts { .. } => true,
            Self::Confirm { retyped, .. } => retyped.is_some(),
            Self::Help | Self::Sending(_) | Self::Outcome { .. } | Self::Refusal(_) => false,
        }
    }
}

/// Carries out an edit, within the longest text that can be typed.
pub(super) fn edit(input: &mut Input, request: InputRequest) {
    let grows = matches!(request, InputRequest::InsertChar(_) | InputRequest::Yank);
    if !grows || input.value().chars().count() < TYPED_CHARS {
        input.handle(request);
    }
}

/// Types a pasted text, without the end of line that copying took along.
pub(super) fn paste(input: &mut Input, text: &str) {
    for c in text.trim_end_matches(['\r', '\n']).chars().take(TYPED_CHARS) {
        edit(input, InputRequest::InsertChar(c));
    }
}
