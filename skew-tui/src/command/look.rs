//! How the dashboard looks, by the options and by what the terminal says of itself.

use std::io::IsTerminal;

use crate::cli::{ColorChoice, Options, ThemeChoice};
use crate::theme::{Colors, Glyphs, Theme};

/// Whether there is a terminal to draw on, and nobody has asked for lines instead. Keys are another matter.
pub(super) fn can_draw(options: &Options) -> bool {
    draws(options.plain, std::io::stdout().is_terminal(), std::env::var("TERM").ok().as_deref())
}

fn draws(plain: bool, is_terminal: bool, kind: Option<&str>) -> bool {
    !plain && is_terminal && kind != Some("dumb")
}

/// The theme that the options ask for, on the terminal that standard output is.
pub(super) fn theme(options: &Options) -> Theme {
    let variable = |name: &str| std::env::var(name).ok();
    let colors = colors(options.color, options.theme, std::io::stdout().is_terminal(), &variable);
    let glyphs = if options.ascii { Glyphs::Ascii } else { Glyphs::Unicode };
    Theme::new(colors).tinted(colors, options.tint).of(glyphs)
}

fn colors(
    choice: ColorChoice,
    theme: ThemeChoice,
    is_terminal: bool,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Colors {
    // By no-color.org an empty NO_COLOR means nothing.
    let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colored = match choice {
        ColorChoice::Always => true,
        ColorChoice::Auto => !unwanted && is_terminal,
        ColorChoice::Never => false,
    };
    match theme {
        _ if !colored => Colors::None,
        ThemeChoice::None => Colors::None,
        ThemeChoice::Ansi => Colors::Ansi,
        ThemeChoice::Dark => Colors::Dark,
        ThemeChoice::Light => Colors::Light,
        ThemeChoice::HighContrast => Colors::HighContrast,
        ThemeChoice::Auto if variable("COLORFGBG").is_some_and(|value| is_light(&value)) => Colors::Light,
        ThemeChoice::Auto => Colors::Ansi,
    }
}

/// Whether the ground is light, by `COLORFGBG`: the numbers of ink and ground among the sixteen, such as `0;15`, which some
/// terminals set.
fn is_light(value: &str) -> bool {
    matches!(value.rsplit(';').next(), Some("7" | "15"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(choice: ColorChoice, theme: ThemeChoice, variables: &[(&str, &str)]) -> Colors {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        colors(choice, theme, true, &variable)
    }

    #[test]
    fn no_color_wins_over_a_theme_and_always_over_no_color() {
        let unwanted = [("NO_COLOR", "1")];
        assert_eq!(with(ColorChoice::Auto, ThemeChoice::Dark, &unwanted), Colors::None);
        assert_eq!(with(ColorChoice::Always, ThemeChoice::Dark, &unwanted), Colors::Dark);
        assert_eq!(with(ColorChoice::Auto, ThemeChoice::Dark, &[("NO_COLOR", "")]), Colors::Dark);
        assert_eq!(with(ColorChoice::Never, ThemeChoice::Light, &[]), Colors::None);
        assert_eq!(with(ColorChoice::Always, ThemeChoice::None, &[]), Colors::None);
        assert_eq!(colors(ColorChoice::Auto, ThemeChoice::Dark, false, &|_| None), Colors::None, "no terminal");
    }

    #[test]
    fn lines_take_the_place_of_drawings_where_these_are_unwanted_or_impossible() {
        assert!(draws(false, true, Some("xterm")) && draws(false, true, None));
        assert!(!draws(true, true, Some("xterm")), "asked for");
        assert!(!draws(false, false, Some("xterm")), "a pipe");
        assert!(!draws(false, true, Some("dumb")));
    }

    #[test]
    fn the_ground_is_what_the_terminal_says_unless_a_theme_is_chosen() {
        for (value, found) in [
            ("0;15", Colors::Light),
            ("0;default;7", Colors::Light),
            ("15;0", Colors::Ansi),
            ("7;8", Colors::Ansi),
            ("default;default", Colors::Ansi),
            ("", Colors::Ansi),
        ] {
            assert_eq!(with(ColorChoice::Auto, ThemeChoice::Auto, &[("COLORFGBG", value)]), found, "{value}");
        }
        assert_eq!(with(ColorChoice::Auto, ThemeChoice::Ansi, &[("COLORFGBG", "0;15")]), Colors::Ansi);
    }
}
