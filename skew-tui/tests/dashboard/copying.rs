//! Copying, and addresses that are hidden.

use skew_tui::action::Action;
use skew_tui::state::{Effect, Event, State};

use crate::drill;
use crate::scenario::{self, at, live, stats, tell};
use crate::screen::{picture, press};

fn copied(state: &mut State) -> Option<String> {
    match press(state, Action::Copy).pop() {
        Some(Effect::Copy(text)) => Some(text),
        _ => None,
    }
}

#[test]
fn what_is_selected_is_copied_whole_and_said() {
    let mut state = live();
    press(&mut state, Action::Down);
    assert_eq!(copied(&mut state).as_deref(), Some("/products"));
    assert!(picture(&mut state, 80, 24).contains("copied the route /products"));
    press(&mut state, Action::VersionsPane);
    assert_eq!(copied(&mut state).as_deref(), Some("8f3a2c1d"));
    press(&mut state, Action::ConnectionsPane);
    press(&mut state, Action::Down);
    let id = copied(&mut state).unwrap();
    assert!(id.len() > 30 && id.starts_with("538453d7"), "{id}");
    press(&mut state, Action::LogPane);
    assert_eq!(copied(&mut state).as_deref(), Some("stats granted"));
}

#[test]
fn what_was_said_goes_by_itself() {
    let mut state = live();
    press(&mut state, Action::Copy);
    picture(&mut state, 120, 40);
    assert_eq!(state.next_wake(), Some(4_000));
    let later = at(state.now().monotonic_ms + 4_000);
    state.update(Event::Tick, later);
    assert!(state.said().is_none() && !picture(&mut state, 120, 40).contains("copied"));
}

#[test]
fn a_harmful_text_is_copied_as_it_is_and_shown_cleaned() {
    let hostile = "/\u{1b}]52;c;AAAA\u{7}\u{202e}";
    let mut state = scenario::begin();
    scenario::connected(&mut state);
    tell(&mut state, 60, [stats(&[(hostile, "8f3a2c1d", 1)])]);
    assert_eq!(copied(&mut state).as_deref(), Some(hostile));
    let shown = picture(&mut state, 120, 40);
    assert!(shown.contains("with characters that are not shown") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn what_no_clipboard_takes_is_not_copied() {
    let mut state = scenario::begin();
    scenario::connected(&mut state);
    let long = format!("/{}", "x".repeat(80_000));
    tell(&mut state, 60, [stats(&[(&long, "8f3a2c1d", 1)])]);
    assert_eq!(copied(&mut state), None);
    assert!(picture(&mut state, 80, 24).contains("too long"));
}

#[test]
fn addresses_are_hidden_until_they_are_asked_for() {
    let mut state = live();
    let hidden = picture(&mut state, 120, 40);
    assert!(hidden.contains("203.0.•.•") && !hidden.contains("203.0.113."), "{hidden}");
    press(&mut state, Action::ShowAddresses);
    assert!(picture(&mut state, 120, 40).contains("203.0.113.50"));
    press(&mut state, Action::ShowAddresses);
    assert_eq!(picture(&mut state, 120, 40), hidden);
}

#[test]
fn a_hidden_address_is_neither_shown_on_a_page_nor_copied_from_it() {
    let mut state = drill::at_a_connection();
    press(&mut state, Action::Last);
    assert!(picture(&mut state, 120, 40).contains("203.0.•.•"));
    assert_eq!(copied(&mut state), None);
    assert!(picture(&mut state, 120, 40).contains("addresses are hidden: p shows them"));
    press(&mut state, Action::ShowAddresses);
    assert_eq!(copied(&mut state).as_deref(), Some("203.0.113.223"));
}

#[test]
fn a_server_that_tells_no_addresses_is_named_as_the_reason() {
    let mut state = scenario::polled();
    press(&mut state, Action::ShowAddresses);
    assert!(picture(&mut state, 120, 40).contains("this server tells no addresses"));
}
