//! Snapshots.

use ratatui::style::{Color, Modifier};
use skew_proto::InvalidateAnswer;
use skew_tui::action::{Access, Action};
use skew_tui::state::invalidation::Invalidation;
use skew_tui::state::{Event, State};
use skew_tui::theme::Colors;
use skew_tui::{SourceEvent, Transport};

use crate::drill;
use crate::scenario::{self, at, live, live_on_ours, tell};
use crate::screen::{draw, picture, press, type_text};
use crate::story::rolling;

macro_rules! snapshots {
    ($($name:ident: $state:expr, $width:literal x $height:literal;)+) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), picture(&mut $state, $width, $height));
        })+
    };
}

snapshots! {
    live_80x24: live(), 80 x 24;
    live_120x40: live(), 120 x 40;
    live_200x50: live(), 200 x 50;
    rolling_80x24: rolling(), 80 x 24;
    rolling_120x40: rolling(), 120 x 40;
    rolling_200x50: rolling(), 200 x 50;
    stragglers_80x24: after(rolling(), &[Action::NextView]), 80 x 24;
    stragglers_120x40: after(rolling(), &[Action::NextView]), 120 x 40;
    stragglers_200x50: after(rolling(), &[Action::NextView]), 200 x 50;
    history_80x24: after(rolling(), &[Action::NextView, Action::NextView]), 80 x 24;
    history_120x40: after(rolling(), &[Action::NextView, Action::NextView, Action::NextSpan]), 120 x 40;
    connecting_80x24: scenario::connecting(), 80 x 24;
    unreachable_80x24: scenario::unreachable(), 80 x 24;
    reconnecting_80x24: scenario::reconnecting(), 80 x 24;
    reconnecting_120x40: scenario::reconnecting(), 120 x 40;
    refused_80x24: scenario::refused(), 80 x 24;
    refused_120x40: scenario::refused(), 120 x 40;
    refused_by_status_80x24: scenario::refused_by_status(), 80 x 24;
    silent_80x24: scenario::silent(), 80 x 24;
    silent_again_80x24: silent_again(), 80 x 24;
    nobody_80x24: scenario::nobody(), 80 x 24;
    everybody_at_the_root_80x24: scenario::everybody_at_the_root(), 80 x 24;
    everybody_at_the_root_120x40: scenario::everybody_at_the_root(), 120 x 40;
    everybody_at_the_root_with_watchers_80x24: after(scenario::everybody_at_the_root(), &[Action::ToggleWatchers]), 80 x 24;
    hostile_80x24: scenario::hostile(), 80 x 24;
    hostile_120x40: scenario::hostile(), 120 x 40;
    polled_80x24: scenario::polled(), 80 x 24;
    polled_120x40: scenario::polled(), 120 x 40;
    too_small_79x24: live(), 79 x 24;
    too_small_80x10: live(), 80 x 10;
    help_80x24: after(live(), &[Action::Help]), 80 x 24;
    help_120x40: after(live(), &[Action::Help]), 120 x 40;
    help_read_only_80x24: after(read_only(), &[Action::Help]), 80 x 24;
    read_only_80x24: read_only(), 80 x 24;
    frozen_120x40: frozen(), 120 x 40;
    filter_80x24: filtering(), 80 x 24;
    sorted_120x40: after(live(), &[Action::ConnectionsPane, Action::Sort, Action::ReverseSort, Action::Last]), 120 x 40;
    watchers_counted_80x24: after(live(), &[Action::ToggleWatchers]), 80 x 24;
    confirm_80x24: confirming(), 80 x 24;
    confirm_120x40: confirming(), 120 x 40;
    confirm_everybody_80x24: confirming_everybody(), 80 x 24;
    pattern_stock_80x24: after(typed_pattern(live()), &[Action::NextMatch]), 80 x 24;
    pattern_ours_80x24: after(typed_pattern(live_on_ours()), &[Action::NextMatch, Action::NextMatch]), 80 x 24;
    in_a_build_80x24: on_the_old_build(), 80 x 24;
    in_a_build_120x40: on_the_old_build(), 120 x 40;
    in_a_build_at_a_route_80x24: drill::on_the_old_build_at_products(), 80 x 24;
    in_a_build_at_a_route_200x50: drill::on_the_old_build_at_products(), 200 x 50;
    connection_80x24: drill::at_a_connection(), 80 x 24;
    connection_120x40: drill::at_a_connection(), 120 x 40;
    connection_200x50: drill::at_a_connection(), 200 x 50;
    copied_80x24: after(live(), &[Action::Down, Action::Copy]), 80 x 24;
    addresses_80x24: after(live(), &[Action::ShowAddresses]), 80 x 24;
    wrong_filter_80x24: wrong_filter(), 80 x 24;
    outcome_80x24: answered(Ok(answer())), 80 x 24;
    outcome_of_a_stock_app_80x24: answered(Ok(stock_answer())), 80 x 24;
    outcome_failed_80x24: answered(Err("401: the secret is wrong; check SKEW_ADMIN_SECRET".to_owned())), 80 x 24;
}

fn after(mut state: State, actions: &[Action]) -> State {
    for action in actions {
        press(&mut state, *action);
    }
    state
}

fn read_only() -> State {
    let mut state = scenario::with_access(Access::ReadOnly);
    scenario::connected(&mut state);
    tell(&mut state, 60, [scenario::stats(scenario::ROLLOUT), scenario::releases()]);
    state
}

/// After a reconnect the server does not answer any more.
fn silent_again() -> State {
    let mut state = scenario::reconnecting();
    tell(
        &mut state,
        75_000,
        [SourceEvent::Connecting(Transport::Sse), SourceEvent::Open(Transport::Sse), SourceEvent::Subscribed],
    );
    state.update(Event::Tick, at(81_000));
    state
}

fn frozen() -> State {
    let mut state = live();
    state.update(Event::Action(Action::Freeze), at(1_000));
    tell(&mut state, 13_000, [scenario::stats(&[("/", "8f3a2c1d", 5)])]);
    state
}

fn filtering() -> State {
    let mut state = after(live(), &[Action::Filter]);
    type_text(&mut state, "CHECK");
    state
}

fn wrong_filter() -> State {
    let mut state = after(live(), &[Action::Filter]);
    type_text(&mut state, "!re:check(");
    state
}

fn on_the_old_build() -> State {
    after(live(), &[Action::VersionsPane, Action::Down, Action::Open])
}

fn typed_pattern(state: State) -> State {
    let mut state = after(state, &[Action::InvalidatePattern]);
    type_text(&mut state, "/checkout");
    state
}

fn confirming() -> State {
    after(typed_pattern(live()), &[Action::Confirm])
}

fn confirming_everybody() -> State {
    after(live(), &[Action::InvalidateSelected])
}

fn answer() -> InvalidateAnswer {
    serde_json::from_value(serde_json::json!({
        "ok": true, "route": "/checkout", "match": "prefix", "matched": 272,
        "routes": {"/checkout": 134, "/checkout/pay": 97, "/checkout-help": 41},
    }))
    .expect("an answer as a server gives it")
}

fn stock_answer() -> InvalidateAnswer {
    serde_json::from_value(serde_json::json!({"ok": true, "route": "/checkout"}))
        .expect("an answer as a server gives it")
}

fn answered(result: Result<InvalidateAnswer, String>) -> State {
    let mut state = after(confirming(), &[Action::Confirm]);
    let asked = Invalidation::Route { pattern: "/checkout".to_owned(), kind: skew_proto::MatchKind::Prefix };
    state.update(Event::Invalidated(asked, result), at(200));
    state
}

#[test]
fn without_colours_nothing_is_coloured_and_the_words_are_the_same() {
    for state in [live, scenario::refused, scenario::reconnecting, scenario::hostile, confirming, frozen] {
        let plain = draw(&mut state(), 120, 40, Colors::None);
        assert!(plain.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        assert_eq!(crate::screen::text(&plain), picture(&mut state(), 120, 40));
    }
    let plain = draw(&mut live(), 120, 40, Colors::None);
    assert!(plain.content().iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)), "the selected row is seen");
}

#[test]
fn the_picture_in_the_readme_is_todays_dashboard() {
    let committed = include_str!("../../../docs/dashboard.svg");
    let drawn = crate::svg::render(&crate::svg::frame());
    assert!(committed == drawn, "draw it anew: cargo run -p skew-tui --example picture > docs/dashboard.svg");
}
