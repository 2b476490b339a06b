//! Going from one context to another.

use skew_tui::action::{Access, Action};
use skew_tui::state::contexts::{Choice, Contexts};
use skew_tui::state::dialog::Dialog;
use skew_tui::state::{Effect, Event, Setup, State};

use crate::scenario::at;
use crate::screen::{picture, press, type_text};

fn contexts() -> Contexts {
    let choice = |name: &str, site: &str, access, tint: Option<&str>| Choice {
        name: name.to_owned(),
        site: site.to_owned(),
        access,
        tint: tint.map(str::to_owned),
    };
    Contexts {
        choices: vec![
            choice("local", "http://127.0.0.1:3000", Access::Full, None),
            choice("prod", "https://shop.example.com", Access::ReadOnly, Some("red")),
            choice("staging", "https://staging.example.com", Access::Full, Some("yellow")),
        ],
        open: Some("staging".to_owned()),
        file: "/home/me/.config/skew/config.toml".to_owned(),
    }
}

fn menu(contexts: Contexts) -> State {
    let mut state = State::new(Setup { contexts, ..Setup::default() }, at(0));
    press(&mut state, Action::Contexts);
    state
}

#[test]
fn the_menu_tells_each_context_and_opens_the_chosen_one() {
    let mut state = menu(contexts());
    let shown = picture(&mut state, 80, 24);
    for words in ["▸  local", "prod", "red read-only", "● staging"] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    press(&mut state, Action::Down);
    assert_eq!(press(&mut state, Action::Confirm), [Effect::OpenContext("prod".to_owned())]);
    assert!(state.dialog().is_none());
}

#[test]
fn typing_finds_a_context_and_the_open_one_is_not_opened_again() {
    let mut state = menu(contexts());
    press(&mut state, Action::Down);
    type_text(&mut state, "EXAMPLE.com");
    let shown = picture(&mut state, 80, 24);
    assert!(!shown.contains("local") && shown.contains("▸  prod"), "{shown}");
    press(&mut state, Action::Down);
    press(&mut state, Action::Down);
    assert_eq!(press(&mut state, Action::Confirm), []);
    assert!(state.dialog().is_none());
    let mut state = menu(contexts());
    type_text(&mut state, "zzz");
    assert!(picture(&mut state, 80, 24).contains("no context matches"));
    assert_eq!(press(&mut state, Action::Confirm), []);
}

#[test]
fn without_a_configuration_it_says_how_to_make_one() {
    let mut state = menu(Contexts { file: contexts().file, ..Contexts::default() });
    let shown = picture(&mut state, 80, 24);
    assert!(shown.contains("skew-tui config init") && shown.contains(".config/skew/config.toml"), "{shown}");
}

#[test]
fn what_could_not_be_opened_is_told() {
    let mut state = menu(contexts());
    press(&mut state, Action::Confirm);
    state.update(Event::Refused("local.token can't be read".to_owned()), at(1));
    assert!(matches!(state.dialog(), Some(Dialog::Refusal(reason)) if reason.contains("local.token")));
}

#[test]
fn a_long_menu_follows_what_is_chosen() {
    let choices = (0..40).map(|n| Choice { name: format!("site-{n:02}"), ..contexts().choices[0].clone() }).collect();
    let mut state = menu(Contexts { choices, ..Contexts::default() });
    assert!(picture(&mut state, 80, 24).contains("and 30 more"));
    for _ in 0..60 {
        press(&mut state, Action::Down);
    }
    let shown = picture(&mut state, 80, 24);
    assert!(shown.contains("site-39") && !shown.contains("site-00"), "{shown}");
}
