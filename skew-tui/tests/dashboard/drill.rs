//! Looking deeper: into a build, a route, a connection, and back.

use skew_tui::action::Action;
use skew_tui::state::invalidation::Invalidation;
use skew_tui::state::{Effect, Event, Pane, State};

use crate::scenario::{self, at, live, stats, tell};
use crate::screen::{picture, press, type_text};

fn keys(state: &mut State, actions: &[Action]) {
    for action in actions {
        press(state, *action);
    }
}

/// In the old build, at `/products`.
pub(crate) fn on_the_old_build_at_products() -> State {
    let mut state = live();
    keys(&mut state, &[Action::VersionsPane, Action::Down, Action::Open, Action::Open]);
    state
}

/// The same, and there on a connection's page.
pub(crate) fn at_a_connection() -> State {
    let mut state = on_the_old_build_at_products();
    keys(&mut state, &[Action::Down, Action::Down, Action::Open]);
    state
}

#[test]
fn a_build_shows_its_routes_and_a_route_therein_its_connections() {
    let mut state = live();
    keys(&mut state, &[Action::VersionsPane, Action::Down, Action::Open]);
    let shown = picture(&mut state, 120, 40);
    assert!(shown.contains(" all ▸ 5b90aa01") && shown.contains("145 connections here"), "{shown}");
    assert_eq!(state.panes().focus, Pane::Routes);
    let rows: Vec<_> = state.panes().routes.iter().map(|row| (row.route.as_str(), row.count, row.old)).collect();
    assert_eq!(rows[..2], [("/products", 51, 51), ("/", 38, 38)]);
    assert_eq!((state.panes().versions.len(), state.panes().connections.len()), (1, 145));
    press(&mut state, Action::Open);
    let shown = picture(&mut state, 120, 40);
    assert!(shown.contains(" all ▸ 5b90aa01 ▸ /products"), "{shown}");
    assert_eq!((state.panes().focus, state.panes().connections.len()), (Pane::Connections, 51));
    assert_eq!(state.site().figures.total, 1_318, "the gauge goes on telling of everybody");
}

#[test]
fn a_route_shows_its_builds() {
    let mut state = live();
    keys(&mut state, &[Action::Down, Action::Down, Action::Open]);
    picture(&mut state, 120, 40);
    let rows: Vec<_> = state.panes().versions.iter().map(|row| (row.version.as_str(), row.count)).collect();
    assert_eq!(rows, [("8f3a2c1d", 160), ("5b90aa01", 22), ("c41d77e9", 6)]);
    assert_eq!(state.panes().focus, Pane::Versions);
}

#[test]
fn back_goes_up_one_by_one_to_the_entries_one_came_from() {
    let mut state = at_a_connection();
    let looked_at = state.panes().drill.connection().map(str::to_owned);
    press(&mut state, Action::Back);
    picture(&mut state, 120, 40);
    assert_eq!(state.panes().connection_cursor.key(), looked_at.as_ref());
    press(&mut state, Action::Back);
    picture(&mut state, 120, 40);
    assert_eq!(state.panes().focus, Pane::Routes);
    assert_eq!(state.panes().route_cursor.key().map(String::as_str), Some("/products"));
    press(&mut state, Action::Back);
    picture(&mut state, 120, 40);
    assert_eq!(state.panes().focus, Pane::Versions);
    assert_eq!(state.panes().version_cursor.key().map(String::as_str), Some("5b90aa01"));
    assert!(state.panes().drill.is_empty());
    assert_eq!(press(&mut state, Action::Back), [], "and then nowhere");
}

#[test]
fn escape_closes_then_clears_the_filter_then_goes_back() {
    let mut state = live();
    keys(&mut state, &[Action::VersionsPane, Action::Down, Action::Open, Action::Filter]);
    type_text(&mut state, "prod");
    keys(&mut state, &[Action::Confirm, Action::Help, Action::Back]);
    assert!(state.dialog().is_none() && !state.panes().filter(Pane::Routes).is_empty());
    press(&mut state, Action::Back);
    assert!(state.panes().filter(Pane::Routes).is_empty() && !state.panes().drill.is_empty());
    press(&mut state, Action::Back);
    assert!(state.panes().drill.is_empty());
}

#[test]
fn a_connections_page_stays_when_it_is_gone_and_says_so() {
    let mut state = at_a_connection();
    let before = picture(&mut state, 120, 40);
    assert!(before.contains("connected") && before.contains("not current, released 2 d ago"), "{before}");
    tell(&mut state, 100, [stats(&[("/", "8f3a2c1d", 1)])]);
    let after = picture(&mut state, 120, 40);
    assert!(after.contains("not connected any more") && after.contains("/products"), "{after}");
    assert!(after.contains("nobody is here any more; Esc goes back"), "{after}");
}

#[test]
fn a_page_invalidates_its_connections_route() {
    let mut state = at_a_connection();
    press(&mut state, Action::InvalidateSelected);
    let asked = Invalidation::Route { pattern: "/products".to_owned(), kind: skew_proto::MatchKind::Prefix };
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(asked)]);
}

#[test]
fn a_scope_without_anybody_stays_and_fills_again() {
    let mut state = on_the_old_build_at_products();
    tell(&mut state, 100, [stats(&[("/", "8f3a2c1d", 5)])]);
    assert!(picture(&mut state, 120, 40).contains("nobody is here any more"));
    tell(&mut state, 200, [stats(&[("/products", "5b90aa01", 5)])]);
    assert!(picture(&mut state, 120, 40).contains("5 connections here"));
}

#[test]
fn of_a_list_of_a_part_nothing_is_counted() {
    let mut state = scenario::begin();
    scenario::connected(&mut state);
    let part = serde_json::json!({"type": "stats", "total": 9, "versions": {"8f3a2c1d": 9}, "routes": {"/": 9},
        "connections": [{"id": "a", "version": "8f3a2c1d", "route": "/"}]});
    tell(&mut state, 60, [scenario::frame(&part)]);
    press(&mut state, Action::Open);
    let shown = picture(&mut state, 120, 40);
    assert!(shown.contains("the server lists 1 of 9 connections") && !shown.contains("connections here"), "{shown}");
    assert_eq!(state.panes().connections.len(), 1, "who is listed is shown");
}

#[test]
fn a_wrong_expression_says_so_and_the_last_good_filter_holds_on() {
    let mut state = live();
    press(&mut state, Action::Filter);
    type_text(&mut state, "!re:^/check");
    picture(&mut state, 120, 40);
    assert_eq!(state.panes().routes.len(), 6);
    type_text(&mut state, "(");
    let shown = picture(&mut state, 120, 40);
    assert!(shown.contains("no regular expression: unclosed group"), "{shown}");
    assert_eq!(state.panes().routes.len(), 6);
    press(&mut state, Action::Confirm);
    assert!(state.dialog().is_some(), "it stays open until it is one");
    type_text(&mut state, "out)");
    press(&mut state, Action::Confirm);
    assert!(state.dialog().is_none());
}

#[test]
fn a_frozen_display_is_looked_into_as_it_was() {
    let mut state = live();
    press(&mut state, Action::Freeze);
    tell(&mut state, 100, [stats(&[("/", "8f3a2c1d", 1)])]);
    keys(&mut state, &[Action::VersionsPane, Action::Down, Action::Open]);
    assert!(picture(&mut state, 120, 40).contains("145 connections here"));
    let now = at(200);
    state.update(Event::Action(Action::Freeze), now);
    assert!(picture(&mut state, 120, 40).contains("nobody is here any more"));
}
