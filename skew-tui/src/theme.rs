//! Colours by role. Every meaning also has a word or a sign, so that nothing is lost without colours.

use ratatui::style::{Color, Modifier, Style};

/// Whether the dashboard is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colors {
    /// The terminal's own sixteen colours, which its owner has made legible.
    #[default]
    Ansi,
    /// None: `NO_COLOR`, or `--color never`.
    None,
}

/// A style in bold.
#[must_use]
pub(crate) fn bold(style: Style) -> Style {
    style.add_modifier(Modifier::BOLD)
}

/// Styles by role.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// What is beside the point: units, labels, borders of panes without focus.
    pub faint: Style,
    /// Headings, and numbers that matter.
    pub strong: Style,
    /// The focused pane, keys, one's own connection.
    pub accent: Style,
    /// The current build, and what went well.
    pub good: Style,
    /// Older builds, and what to look at.
    pub warn: Style,
    /// What failed.
    pub bad: Style,
    /// The selected row of the focused pane.
    pub selected: Style,
    /// The program's name.
    pub badge: Style,
}

impl Theme {
    /// The theme for a terminal.
    #[must_use]
    pub fn new(colors: Colors) -> Self {
        // Reset, not nothing: what is drawn over something else must not keep its colour.
        let plain = Style::new().fg(Color::Reset);
        match colors {
            Colors::Ansi => Self {
                text: plain,
                faint: plain.fg(Color::DarkGray),
                strong: plain.add_modifier(Modifier::BOLD),
                accent: plain.fg(Color::Cyan),
                good: plain.fg(Color::Green),
                warn: plain.fg(Color::Yellow),
                bad: plain.fg(Color::Red),
                selected: plain.fg(Color::White).bg(Color::Blue).add_modifier(Modifier::BOLD),
                badge: plain.fg(Color::Black).bg(Color::Cyan).add_modifier(Modifier::BOLD),
            },
            Colors::None => Self {
                text: plain,
                faint: plain.add_modifier(Modifier::DIM),
                strong: plain.add_modifier(Modifier::BOLD),
                accent: plain.add_modifier(Modifier::BOLD),
                good: plain,
                warn: plain,
                bad: plain.add_modifier(Modifier::BOLD),
                selected: plain.add_modifier(Modifier::REVERSED),
                badge: plain.add_modifier(Modifier::REVERSED),
            },
        }
    }
}
