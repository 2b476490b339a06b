//! Colours by role. Every meaning also has a word or a sign, so that nothing is lost without colours.

mod palette;

use ratatui::style::{Color, Modifier, Style};

use palette::Palette;

/// How the dashboard is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colors {
    /// The terminal's own sixteen colours, which its owner has made legible.
    #[default]
    Ansi,
    /// For a dark terminal, whatever its sixteen colours are.
    Dark,
    /// For a light terminal.
    Light,
    /// Bright on black, with a background of its own.
    HighContrast,
    /// None: `NO_COLOR`, or `--color never`.
    None,
}

impl Colors {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ansi, Self::Dark, Self::Light, Self::HighContrast, Self::None];
}

/// Which characters the terminal has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// All of them.
    #[default]
    Unicode,
    /// Those of ASCII: frames and bars are made of `+ - | #`, and what came from outside is `?` where it is not ASCII.
    Ascii,
}

/// A colour that tells a site from others, production from staging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tint {
    /// As for production.
    Red,
    /// Yellow.
    Yellow,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// Magenta.
    Magenta,
    /// Cyan.
    Cyan,
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
    /// What is beside the point: units, labels.
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
    /// The site's name.
    pub site: Style,
    /// Borders of panes without focus.
    pub border: Style,
    /// Which characters there are.
    pub glyphs: Glyphs,
}

impl Theme {
    /// The theme for a terminal.
    #[must_use]
    pub fn new(colors: Colors) -> Self {
        match Palette::of(colors) {
            Some(palette) => Self::colored(&palette),
            None => Self::plain(),
        }
    }

    /// The same of other characters.
    #[must_use]
    pub fn of(self, glyphs: Glyphs) -> Self {
        Self { glyphs, ..self }
    }

    /// The same with a site's own colour, on its name and on the borders. Without colours its name is marked.
    #[must_use]
    pub fn tinted(self, colors: Colors, tint: Option<Tint>) -> Self {
        match (tint, Palette::of(colors)) {
            (None, _) => self,
            (Some(tint), Some(palette)) => {
                let ink = palette.tint(tint);
                let site = palette.plain().fg(palette.on_ink).bg(ink).add_modifier(Modifier::BOLD);
                Self { badge: site, site, border: palette.plain().fg(ink), ..self }
            }
            (Some(_), None) => Self { site: self.selected, ..self },
        }
    }

    fn colored(palette: &Palette) -> Self {
        let plain = palette.plain();
        let (white, ground) = palette.selected;
        Self {
            text: plain,
            faint: plain.fg(palette.faint),
            strong: plain.add_modifier(Modifier::BOLD),
            accent: plain.fg(palette.accent),
            good: plain.fg(palette.good),
            warn: plain.fg(palette.warn),
            bad: plain.fg(palette.bad),
            selected: plain.fg(white).bg(ground).add_modifier(Modifier::BOLD),
            badge: plain.fg(palette.on_ink).bg(palette.accent).add_modifier(Modifier::BOLD),
            site: plain.add_modifier(Modifier::BOLD),
            border: plain.fg(palette.faint),
            glyphs: Glyphs::Unicode,
        }
    }

    fn plain() -> Self {
        // Reset, not nothing: what is drawn over something else must not keep its colour.
        let plain = Style::new().fg(Color::Reset);
        let faint = plain.add_modifier(Modifier::DIM);
        let strong = plain.add_modifier(Modifier::BOLD);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        Self {
            text: plain,
            faint,
            strong,
            accent: strong,
            good: plain,
            warn: plain,
            bad: strong,
            selected: reversed,
            badge: reversed,
            site: strong,
            border: faint,
            glyphs: Glyphs::Unicode,
        }
    }
}
