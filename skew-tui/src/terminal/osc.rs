//! What a terminal is told besides pictures, as escape sequences of our own. What they carry is encoded, or cleaned by whoever
//! hands it in.

use std::fmt;

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;

/// Who stands between the program and the terminal that a person looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// Nobody that has to be asked; SSH passes everything on.
    Nobody,
    /// tmux, which takes a sequence for itself or passes it on, as it is set.
    Tmux,
}

impl Between {
    /// What the environment says: tmux sets `TMUX` on its own machine, and across SSH its `TERM` is left.
    pub(super) fn of(tmux: bool, term: &str) -> Self {
        if tmux || term.starts_with("tmux") { Self::Tmux } else { Self::Nobody }
    }

    /// A sequence in the forms in which it arrives. tmux takes the plain one with `set-clipboard on`, and passes the wrapped
    /// one on with `allow-passthrough on`, as it always did before 3.3; it ignores what it is not set for.
    fn send(self, sequence: String) -> String {
        match self {
            Self::Nobody => sequence,
            Self::Tmux => {
                let doubled = sequence.replace('\u{1b}', "\u{1b}\u{1b}");
                format!("{sequence}\u{1b}Ptmux;{doubled}\u{1b}\\")
            }
        }
    }
}

/// Puts a text into the clipboard (OSC 52, in base64, so that nothing in the text is acted on).
pub(super) fn copy(text: &str, between: Between) -> Result<String, fmt::Error> {
    let mut sequence = String::new();
    CopyToClipboard::to_clipboard_from(text).write_ansi(&mut sequence)?;
    Ok(between.send(sequence))
}

/// Rings the bell, which every terminal and tmux know, and notifies (OSC 9, which iTerm2, kitty, WezTerm, ghostty and Windows
/// Terminal know, and others ignore).
pub(super) fn notify(text: &str, between: Between) -> String {
    format!("\u{7}{}", between.send(format!("\u{1b}]9;{text}\u{1b}\\")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_copied_whole_and_encoded() {
        assert_eq!(copy("/a\u{1b}[2J", Between::Nobody).unwrap(), "\u{1b}]52;c;L2EbWzJK\u{1b}\\");
    }

    #[test]
    fn within_tmux_it_is_said_plain_and_wrapped() {
        let said = copy("a", Between::Tmux).unwrap();
        assert_eq!(said, "\u{1b}]52;c;YQ==\u{1b}\\\u{1b}Ptmux;\u{1b}\u{1b}]52;c;YQ==\u{1b}\u{1b}\\\u{1b}\\");
    }

    #[test]
    fn a_notification_begins_with_the_bell() {
        assert_eq!(notify("skew: 95 %", Between::Nobody), "\u{7}\u{1b}]9;skew: 95 %\u{1b}\\");
        assert!(notify("x", Between::Tmux).starts_with("\u{7}\u{1b}]9;x\u{1b}\\\u{1b}Ptmux;"));
    }

    #[test]
    fn tmux_is_known_on_its_machine_and_across_ssh() {
        assert_eq!(Between::of(true, "xterm"), Between::Tmux);
        assert_eq!(Between::of(false, "tmux-256color"), Between::Tmux);
        assert_eq!(Between::of(false, "screen"), Between::Nobody);
    }
}
