//! The same picture in every theme, and in ASCII.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use skew_tui::action::Action;
use skew_tui::glyphs::ascii;
use skew_tui::state::State;
use skew_tui::theme::{Colors, Glyphs, Theme, Tint};

use crate::scenario::{self, live};
use crate::screen::{draw, draw_in, press, text};

/// The screens that there are.
fn screens() -> Vec<State> {
    let mut screens = vec![
        live(),
        scenario::connecting(),
        scenario::unreachable(),
        scenario::reconnecting(),
        scenario::refused(),
        scenario::silent(),
        scenario::nobody(),
        scenario::polled(),
        scenario::everybody_at_the_root(),
    ];
    for action in [Action::Help, Action::Filter, Action::InvalidateSelected, Action::InvalidatePattern, Action::Freeze]
    {
        let mut state = live();
        press(&mut state, action);
        screens.push(state);
    }
    screens
}

#[test]
fn colours_alone_tell_nothing() {
    for mut state in screens() {
        let plain = text(&draw(&mut state, 120, 40, Colors::None));
        for colors in Colors::ALL {
            let theme = Theme::new(colors).tinted(colors, Some(Tint::Red));
            assert_eq!(text(&draw_in(&theme, &mut state, 120, 40)), plain, "{colors:?}");
        }
    }
}

#[test]
fn the_selected_row_is_seen_in_every_theme() {
    for colors in Colors::ALL {
        let theme = Theme::new(colors);
        let picture = draw_in(&theme, &mut live(), 80, 24);
        let row = picture.content().iter().filter(|cell| {
            let (found, selected) = (cell.style(), theme.selected);
            found.bg.unwrap_or_default() == selected.bg.unwrap_or_default()
                && found.add_modifier.contains(selected.add_modifier)
        });
        assert!(row.count() > 20, "{colors:?}");
        assert_ne!(theme.selected, theme.text, "{colors:?}");
    }
}

#[test]
fn a_tint_is_seen_in_every_theme() {
    for colors in Colors::ALL {
        let untinted = Theme::new(colors);
        let tinted = untinted.tinted(colors, Some(Tint::Red));
        let [one, other] = [untinted, tinted].map(|theme| draw_in(&theme, &mut live(), 80, 24));
        assert_ne!(one, other, "{colors:?}");
    }
}

#[test]
fn every_sign_of_ours_has_an_ascii_form() {
    for mut state in screens() {
        for (width, height) in [(80, 24), (120, 40), (200, 50)] {
            let picture = draw(&mut state, width, height, Colors::Ansi);
            let signs = picture.content().iter().flat_map(|cell| cell.symbol().chars());
            for sign in signs.filter(|sign| *sign != '?') {
                assert_ne!(ascii(sign), '?', "{sign} (U+{:04X}) needs one in glyphs.rs", u32::from(sign));
            }
        }
    }
}

#[test]
fn what_is_not_ascii_and_not_ours_is_a_question_of_the_same_width() {
    let ascii = Theme::new(Colors::Ansi).of(Glyphs::Ascii);
    let unicode = text(&draw(&mut scenario::hostile(), 120, 40, Colors::Ansi));
    let reduced = text(&draw_in(&ascii, &mut scenario::hostile(), 120, 40));
    assert!(reduced.is_ascii() && reduced.contains('?') && !unicode.is_ascii());
    assert!(reduced.lines().all(|line| line.len() <= 120));
}

macro_rules! snapshots {
    ($($name:ident: $theme:expr, $state:expr, $width:literal x $height:literal;)+) => {
        $(#[test]
        fn $name() {
            let picture = draw_in(&$theme, &mut $state, $width, $height);
            insta::assert_snapshot!(stringify!($name), styled(&picture));
        })+
    };
}

snapshots! {
    light_80x24: Theme::new(Colors::Light), live(), 80 x 24;
    light_tinted_80x24: Theme::new(Colors::Light).tinted(Colors::Light, Some(Tint::Red)), live(), 80 x 24;
    high_contrast_80x24: Theme::new(Colors::HighContrast), live(), 80 x 24;
    ascii_80x24: Theme::new(Colors::None).of(Glyphs::Ascii), live(), 80 x 24;
    ascii_hostile_80x24: Theme::new(Colors::None).of(Glyphs::Ascii), scenario::hostile(), 80 x 24;
}

/// The picture as text, then a letter for the style of each cell, and what each letter means.
fn styled(picture: &Buffer) -> String {
    let mut styles: Vec<Style> = Vec::new();
    let mut letters = String::new();
    for y in 0..picture.area.height {
        for x in 0..picture.area.width {
            let style = picture[(x, y)].style();
            let at = styles.iter().position(|seen| *seen == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            letters.push(char::from(b'a' + u8::try_from(at).expect("a theme has few styles")));
        }
        letters.push('\n');
    }
    let mut shown = format!("{}\n{letters}\n", text(picture));
    for (letter, style) in ('a'..).zip(styles) {
        let color = |color: Option<ratatui::style::Color>| color.unwrap_or_default().to_string();
        let (ink, ground) = (color(style.fg), color(style.bg));
        let _ = writeln!(shown, "{letter}: {ink} on {ground} {:?}", style.add_modifier);
    }
    shown
}
