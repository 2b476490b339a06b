//! What keys do: stories of a person at the dashboard.

use skew_proto::{InvalidateAnswer, MatchKind};
use skew_tui::SourceEvent;
use skew_tui::action::{Access, Action, Context};
use skew_tui::keymap::Keymap;
use skew_tui::state::dialog::Dialog;
use skew_tui::state::invalidation::Invalidation;
use skew_tui::state::{Effect, Event, Pane, State};

use crate::scenario::{self, at, live, live_on_ours, stats, tell};
use crate::screen::{picture, press, type_text};

fn selected_route(state: &mut State) -> String {
    picture(state, 120, 40);
    state.panes().route_cursor.key().cloned().unwrap_or_default()
}

fn invalidation(pattern: &str, kind: MatchKind) -> Invalidation {
    Invalidation::Route { pattern: pattern.to_owned(), kind }
}

#[test]
fn every_action_of_the_panes_stands_in_the_help() {
    let help = picture(
        &mut {
            let mut state = live();
            press(&mut state, Action::Help);
            state
        },
        80,
        24,
    );
    for binding in Keymap::default().bindings(Context::Panes, Access::Full) {
        let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
        let line = help.lines().find(|line| line.contains(binding.action.description()));
        let line = line.unwrap_or_else(|| panic!("{:?} is not in the help:\n{help}", binding.action));
        assert!(keys.iter().all(|key| line.contains(key.as_str())), "{keys:?}: {line}");
    }
}

#[test]
fn panes_are_focused_by_tab_and_by_number() {
    let mut state = live();
    let mut focus_after = |action| {
        press(&mut state, action);
        state.panes().focus
    };
    assert_eq!(focus_after(Action::NextPane), Pane::Connections);
    assert_eq!(focus_after(Action::NextPane), Pane::Log);
    assert_eq!(focus_after(Action::NextPane), Pane::Versions);
    assert_eq!(focus_after(Action::PreviousPane), Pane::Log);
    assert_eq!(focus_after(Action::RoutesPane), Pane::Routes);
}

#[test]
fn the_selection_stays_on_its_route_while_others_overtake_it() {
    let mut state = live();
    press(&mut state, Action::Down);
    assert_eq!(selected_route(&mut state), "/products");
    tell(&mut state, 100, [stats(&[("/cart", "8f3a2c1d", 900), ("/", "8f3a2c1d", 800), ("/products", "8f3a2c1d", 1)])]);
    assert_eq!(selected_route(&mut state), "/products");
    press(&mut state, Action::Up);
    assert_eq!(selected_route(&mut state), "/");
}

#[test]
fn what_is_invalidated_is_what_was_seen_under_the_cursor() {
    let mut state = live();
    press(&mut state, Action::Down);
    // New figures arrive after the picture was drawn, and before the key.
    picture(&mut state, 120, 40);
    tell(&mut state, 100, [stats(&[("/cart", "8f3a2c1d", 900), ("/products", "8f3a2c1d", 1)])]);
    let now = state.now();
    state.update(Event::Action(Action::InvalidateSelected), now);
    let Some(Dialog::Confirm { preview, .. }) = state.dialog() else { panic!("{:?}", state.dialog()) };
    assert_eq!(preview.whom.text(), "/products");
}

#[test]
fn a_filter_works_while_it_is_typed_and_escape_takes_it_back() {
    let mut state = live();
    press(&mut state, Action::Filter);
    type_text(&mut state, "check");
    picture(&mut state, 120, 40);
    assert_eq!(state.panes().routes.len(), 3);
    press(&mut state, Action::Confirm);
    assert_eq!((state.context(), state.panes().filter(Pane::Routes).text()), (Context::Panes, "check"));
    press(&mut state, Action::Filter);
    type_text(&mut state, "zzz");
    press(&mut state, Action::Back);
    assert_eq!(state.panes().filter(Pane::Routes).text(), "check", "who cancels has what was before");
    press(&mut state, Action::Back);
    assert!(state.panes().filter(Pane::Routes).is_empty());
}

#[test]
fn a_frozen_display_stays_while_data_goes_on() {
    let mut state = live();
    press(&mut state, Action::Freeze);
    let before = picture(&mut state, 120, 40);
    tell(&mut state, 100, [stats(&[("/new", "8f3a2c1d", 7)])]);
    let after = picture(&mut state, 120, 40);
    assert_eq!(before.lines().skip(1).collect::<Vec<_>>(), after.lines().skip(1).collect::<Vec<_>>());
    assert_eq!(state.site().figures.total, 7);
    press(&mut state, Action::Freeze);
    assert!(picture(&mut state, 120, 40).contains("/new"));
}

#[test]
fn watchers_are_put_into_the_figures_and_taken_out_again() {
    let mut state = live();
    assert_eq!(state.shown().figures.total, 1_318);
    press(&mut state, Action::ToggleWatchers);
    assert_eq!(state.shown().figures.total, 1_320);
    press(&mut state, Action::ToggleWatchers);
    assert_eq!(state.shown().figures.total, 1_318);
}

#[test]
fn quit_suspend_redraw_and_reconnect_are_done_outside() {
    for (action, effect) in [
        (Action::Quit, Effect::Quit),
        (Action::Suspend, Effect::Suspend),
        (Action::Redraw, Effect::Redraw),
        (Action::Reconnect, Effect::Reconnect),
    ] {
        assert_eq!(press(&mut live(), action), [effect]);
    }
    let mut state = live();
    press(&mut state, Action::InvalidatePattern);
    assert_eq!(press(&mut state, Action::Quit), [Effect::Quit], "also while something is open");
}

#[test]
fn nothing_is_sent_before_it_was_shown_and_confirmed() {
    let mut state = live();
    assert_eq!(press(&mut state, Action::InvalidatePattern), []);
    type_text(&mut state, "/checkout");
    assert_eq!(press(&mut state, Action::Confirm), []);
    let shown = picture(&mut state, 120, 40);
    for words in ["272 of 1,318", "134  /checkout", "97  /checkout/pay", "41  /checkout-help"] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    let asked = invalidation("/checkout", MatchKind::Prefix);
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(asked.clone())]);
    assert_eq!(press(&mut state, Action::Confirm), [], "a second Enter sends nothing again");
    let answer: InvalidateAnswer = serde_json::from_str(r#"{"ok":true,"route":"/checkout","matched":3}"#).unwrap();
    state.update(Event::Invalidated(asked, Ok(answer)), at(100));
    assert!(state.site().log.back().is_some_and(|entry| entry.text.contains("3 reached")));
}

#[test]
fn whoever_cancels_sends_nothing() {
    let mut state = live();
    press(&mut state, Action::Down);
    press(&mut state, Action::InvalidateSelected);
    assert_eq!(press(&mut state, Action::Back), []);
    assert!(state.dialog().is_none());
}

#[test]
fn everybody_has_to_be_typed() {
    let mut state = live();
    press(&mut state, Action::InvalidateSelected);
    assert_eq!(state.context(), Context::Text);
    assert_eq!(press(&mut state, Action::Confirm), []);
    type_text(&mut state, "/x");
    assert_eq!(press(&mut state, Action::Confirm), []);
    let now = state.now();
    state.update(Event::Edit(tui_input::InputRequest::DeletePrevChar), now);
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(invalidation("/", MatchKind::Prefix))]);
}

#[test]
fn an_empty_pattern_is_refused_with_the_reason() {
    let mut state = live();
    press(&mut state, Action::InvalidatePattern);
    assert_eq!(press(&mut state, Action::Confirm), []);
    assert!(picture(&mut state, 120, 40).contains("the pattern is empty"));
}

#[test]
fn a_stock_app_takes_prefixes_only_and_says_so() {
    let mut state = live();
    press(&mut state, Action::InvalidatePattern);
    press(&mut state, Action::NextMatch);
    assert!(matches!(state.dialog(), Some(Dialog::Pattern { kind: MatchKind::Prefix, refusal: Some(_), .. })));
    let mut state = live_on_ours();
    press(&mut state, Action::InvalidatePattern);
    type_text(&mut state, "/checkout");
    press(&mut state, Action::NextMatch);
    press(&mut state, Action::NextMatch);
    press(&mut state, Action::Confirm);
    assert!(picture(&mut state, 120, 40).contains("231 of 1,318"), "/checkout-help is not among them");
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(invalidation("/checkout", MatchKind::Segment))]);
}

#[test]
fn the_preview_follows_who_comes_and_goes() {
    let mut state = live();
    press(&mut state, Action::InvalidatePattern);
    type_text(&mut state, "/cart");
    press(&mut state, Action::Confirm);
    tell(&mut state, 100, [stats(&[("/cart", "8f3a2c1d", 7), ("/", "8f3a2c1d", 2)])]);
    assert!(picture(&mut state, 120, 40).contains("7 of 9 connections"));
}

#[test]
fn a_connection_stands_for_its_route_and_a_long_one_is_used_whole() {
    let long = format!("/products/{}\u{1b}[2J", "x".repeat(300));
    let mut state = scenario::begin();
    scenario::connected(&mut state);
    tell(&mut state, 60, [stats(&[(&long, "8f3a2c1d", 1)])]);
    press(&mut state, Action::ConnectionsPane);
    press(&mut state, Action::Down);
    press(&mut state, Action::InvalidateSelected);
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(invalidation(&long, MatchKind::Prefix))]);
}

#[test]
fn what_a_visitor_damaged_never_becomes_a_pattern() {
    let mut state = scenario::begin();
    scenario::connected(&mut state);
    let damaged = serde_json::json!({
        "type": "stats", "total": 1, "versions": {"8f3a2c1d": 1}, "routes": {"/a,/b": 1},
        "connections": [{"id": "a", "version": "8f3a2c1d", "route": ["/a", "/b"]}],
    });
    tell(&mut state, 60, [scenario::frame(&damaged)]);
    for pane in [Action::RoutesPane, Action::ConnectionsPane] {
        press(&mut state, pane);
        assert_eq!(press(&mut state, Action::InvalidateSelected), []);
        assert!(matches!(state.dialog(), Some(Dialog::Refusal(_))), "{:?}", state.dialog());
        press(&mut state, Action::Back);
    }
}

#[test]
fn a_read_only_dashboard_ignores_what_would_reach_users() {
    let mut state = scenario::with_access(Access::ReadOnly);
    scenario::connected(&mut state);
    tell(&mut state, 60, [stats(scenario::ROLLOUT)]);
    for action in [Action::InvalidateSelected, Action::InvalidatePattern] {
        assert_eq!(press(&mut state, action), []);
        assert!(state.dialog().is_none());
    }
    let shown = picture(&mut state, 120, 40);
    press(&mut state, Action::Help);
    let help = picture(&mut state, 120, 40);
    assert!(!shown.contains("invalidate") && !help.contains("invalidate"));
}

#[test]
fn a_late_answer_is_logged_and_opens_nothing() {
    let mut state = live();
    let asked = invalidation("/cart", MatchKind::Prefix);
    state.update(Event::Invalidated(asked, Err("no route to host".to_owned())), at(100));
    assert!(state.dialog().is_none());
    assert!(state.site().log.back().is_some_and(|entry| entry.text.contains("no route to host")));
}

#[test]
fn pasting_types_without_the_end_of_line() {
    let mut state = live();
    press(&mut state, Action::InvalidatePattern);
    state.update(Event::Paste("/cart\n".to_owned()), at(100));
    press(&mut state, Action::Confirm);
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(invalidation("/cart", MatchKind::Prefix))]);
}

#[test]
fn the_log_is_followed_until_somebody_goes_up() {
    let mut state = live();
    let note = |n: u64| SourceEvent::Lost { reason: format!("number {n}"), retry_ms: 1 };
    tell(&mut state, 100, (0..40).map(note));
    assert!(picture(&mut state, 120, 40).contains("number 39"));
    press(&mut state, Action::LogPane);
    press(&mut state, Action::First);
    press(&mut state, Action::Down);
    let before = state.panes().log_cursor.key().copied();
    tell(&mut state, 200, (40..600).map(note));
    picture(&mut state, 120, 40);
    assert!(state.panes().log_cursor.key() >= before.as_ref(), "its entry fell out of the log");
    press(&mut state, Action::Last);
    tell(&mut state, 300, [note(600)]);
    assert!(picture(&mut state, 120, 40).contains("number 600"));
}

#[test]
fn sorting_goes_round_the_columns_of_the_focused_pane() {
    let mut state = live();
    assert_eq!(selected_route(&mut state), "/");
    press(&mut state, Action::Sort);
    assert!(picture(&mut state, 120, 40).contains("by old ▾"));
    assert_eq!(state.panes().routes[0].route, "/products");
    press(&mut state, Action::ReverseSort);
    assert!(picture(&mut state, 120, 40).contains("by old ▴"));
    assert_eq!(state.panes().routes[0].route, "/checkout-help");
}

#[test]
fn the_program_sleeps_until_a_word_on_screen_changes() {
    let mut state = live();
    picture(&mut state, 120, 40);
    // The current build is 14 minutes, 1 second and 60 milliseconds old.
    assert_eq!(state.next_wake(), Some(58_940));
    let mut state = scenario::begin();
    scenario::connected(&mut state);
    assert_eq!(state.next_wake(), Some(5_000), "then silence begins to mean something");
    assert_eq!(scenario::silent().next_wake(), None);
    assert_eq!(scenario::nobody().next_wake(), None, "without release times nothing moves");
    assert_eq!(scenario::unreachable().next_wake(), Some(600), "2.6 s are left: 3 becomes 2");
}
