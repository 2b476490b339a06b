//! The colours of each theme.

use ratatui::style::{Color, Style};

use super::{Colors, Tint};

/// The colours of a theme. Those by index are of the cube and the grays (16 to 255), which terminals draw as they are,
/// while the first sixteen are what their owner has made of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    /// Ink of ordinary text, and what it stands on.
    text: (Color, Option<Color>),
    pub(super) faint: Color,
    pub(super) accent: Color,
    pub(super) good: Color,
    pub(super) warn: Color,
    pub(super) bad: Color,
    /// Ink and ground of the selected row.
    pub(super) selected: (Color, Color),
    /// Ink of what stands on the accent's or a tint's colour.
    pub(super) on_ink: Color,
    blue: Color,
    magenta: Color,
}

const ANSI: Palette = Palette {
    text: (Color::Reset, None),
    faint: Color::DarkGray,
    accent: Color::Cyan,
    good: Color::Green,
    warn: Color::Yellow,
    bad: Color::Red,
    selected: (Color::White, Color::Blue),
    on_ink: Color::Black,
    blue: Color::Blue,
    magenta: Color::Magenta,
};

const DARK: Palette = Palette {
    text: (Color::Reset, None),
    faint: Color::Indexed(247),
    accent: Color::Indexed(80),
    good: Color::Indexed(114),
    warn: Color::Indexed(221),
    bad: Color::Indexed(210),
    selected: (Color::Indexed(231), Color::Indexed(25)),
    on_ink: Color::Indexed(16),
    blue: Color::Indexed(75),
    magenta: Color::Indexed(213),
};

const LIGHT: Palette = Palette {
    text: (Color::Reset, None),
    faint: Color::Indexed(241),
    accent: Color::Indexed(25),
    good: Color::Indexed(22),
    warn: Color::Indexed(94),
    bad: Color::Indexed(124),
    selected: (Color::Indexed(231), Color::Indexed(25)),
    on_ink: Color::Indexed(231),
    blue: Color::Indexed(19),
    magenta: Color::Indexed(90),
};

const HIGH_CONTRAST: Palette = Palette {
    text: (Color::Indexed(231), Some(Color::Indexed(16))),
    faint: Color::Indexed(252),
    accent: Color::Indexed(51),
    good: Color::Indexed(46),
    warn: Color::Indexed(226),
    bad: Color::Indexed(217),
    selected: (Color::Indexed(16), Color::Indexed(226)),
    on_ink: Color::Indexed(16),
    blue: Color::Indexed(117),
    magenta: Color::Indexed(213),
};

impl Palette {
    /// The colours, where there are any.
    pub(super) fn of(colors: Colors) -> Option<Self> {
        match colors {
            Colors::Ansi => Some(ANSI),
            Colors::Dark => Some(DARK),
            Colors::Light => Some(LIGHT),
            Colors::HighContrast => Some(HIGH_CONTRAST),
            Colors::None => None,
        }
    }

    /// Ordinary text. Reset, not nothing: what is drawn over something else must not keep its colour.
    pub(super) fn plain(&self) -> Style {
        let (ink, ground) = self.text;
        let style = Style::new().fg(ink);
        ground.map_or(style, |ground| style.bg(ground))
    }

    /// A tint's ink.
    pub(super) fn tint(&self, tint: Tint) -> Color {
        match tint {
            Tint::Red => self.bad,
            Tint::Yellow => self.warn,
            Tint::Green => self.good,
            Tint::Blue => self.blue,
            Tint::Magenta => self.magenta,
            Tint::Cyan => self.accent,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::theme::Theme;

    /// The grounds that a theme is for: black and an off-black, white and an off-white.
    fn grounds(colors: Colors) -> &'static [[u8; 3]] {
        match colors {
            Colors::Light => &[[255, 255, 255], [253, 246, 227]],
            _ => &[[0, 0, 0], [40, 40, 40]],
        }
    }

    /// A colour of the cube or the grays, as every terminal draws it.
    fn rgb(color: Color) -> [u8; 3] {
        let Color::Indexed(index @ 16..) = color else { panic!("{color:?} is not the same on every terminal") };
        if index >= 232 {
            return [8 + (index - 232) * 10; 3];
        }
        let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
        let n = index - 16;
        [n / 36, n / 6 % 6, n % 6].map(level)
    }

    /// By WCAG 2: from 1 (the same) to 21 (black on white).
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let luminance = |color: [u8; 3]| {
            let linear = |part: u8| match f64::from(part) / 255.0 {
                part @ ..=0.040_45 => part / 12.92,
                part => ((part + 0.055) / 1.055).powf(2.4),
            };
            let [red, green, blue] = color.map(linear);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn least_contrast(colors: Colors, style: Style) -> f64 {
        let own = style.bg.map(rgb);
        let grounds = own.as_ref().map_or(grounds(colors), std::slice::from_ref);
        match style.fg {
            // The terminal's own ink on its own ground.
            Some(Color::Reset) if own.is_none() => 21.0,
            ink => grounds.iter().map(|ground| contrast(rgb(ink.unwrap()), *ground)).fold(21.0, f64::min),
        }
    }

    #[test]
    fn every_role_of_every_theme_is_legible_on_the_grounds_it_is_for() {
        for (colors, least) in [(Colors::Dark, 4.5), (Colors::Light, 4.5), (Colors::HighContrast, 7.0)] {
            let tints = Tint::value_variants().iter().copied().map(Some);
            for tint in tints.chain([None]) {
                let theme = Theme::new(colors).tinted(colors, tint);
                let Theme { text, faint, strong, accent, good, warn, bad, selected, badge, site, border, glyphs: _ } =
                    theme;
                let roles = [text, faint, strong, accent, good, warn, bad, selected, badge, site, border];
                for (at, style) in roles.into_iter().enumerate() {
                    let found = least_contrast(colors, style);
                    assert!(found >= least, "{colors:?} with {tint:?}, role {at}: {found:.1}");
                }
            }
        }
    }

    #[test]
    fn contrast_is_as_the_standard_says() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
    }
}
