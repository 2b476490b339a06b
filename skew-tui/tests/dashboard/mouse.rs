//! What a mouse does, where things are drawn.

use ratatui::layout::Rect;
use skew_tui::action::Action;
use skew_tui::state::pointer::{Gesture, Part};
use skew_tui::state::rows::{ConnectionColumn, Direction};
use skew_tui::state::{Effect, Event, Pane, State};
use skew_tui::view;

use crate::drill;
use crate::scenario::live;
use crate::screen::{picture, press};

const SIZE: (u16, u16) = (120, 40);

/// The column and row at which a text is drawn.
fn find(state: &mut State, text: &str) -> (usize, usize) {
    let shown = picture(state, SIZE.0, SIZE.1);
    for (row, line) in shown.lines().enumerate() {
        if let Some(at) = line.find(text) {
            return (line[..at].chars().count(), row);
        }
    }
    panic!("no {text:?} in\n{shown}");
}

fn point(state: &mut State, (column, row): (usize, usize), gesture: Gesture) -> Vec<Effect> {
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let [column, row] = [column, row].map(|at| u16::try_from(at).unwrap_or(u16::MAX));
    let Some(place) = view::place(area, state, column, row) else { return Vec::new() };
    let now = state.now();
    let effects = state.update(Event::Pointer(place, gesture), now);
    picture(state, SIZE.0, SIZE.1);
    effects
}

fn click(state: &mut State, text: &str) {
    let place = find(state, text);
    point(state, place, Gesture::Click);
}

#[test]
fn a_click_focuses_and_selects_and_a_second_one_opens() {
    let mut state = live();
    click(&mut state, "5b90aa01              2 d");
    assert_eq!(state.panes().focus, Pane::Versions);
    assert_eq!(state.panes().version_cursor.key().map(String::as_str), Some("5b90aa01"));
    assert!(state.panes().drill.is_empty());
    click(&mut state, "5b90aa01              2 d");
    assert_eq!(state.panes().drill.path().len(), 1);
    click(&mut state, "/checkout/pay  ");
    assert_eq!(state.panes().route_cursor.key().map(String::as_str), Some("/checkout/pay"));
}

#[test]
fn a_click_into_another_pane_opens_nothing_by_the_way() {
    let mut state = live();
    click(&mut state, "8f3a2c1d ◆ current");
    assert!(state.panes().drill.is_empty(), "it was selected, but without focus");
    click(&mut state, "8f3a2c1d ◆ current");
    assert!(!state.panes().drill.is_empty());
}

#[test]
fn a_click_where_no_row_is_only_focuses() {
    let mut state = live();
    let (column, row) = find(&mut state, "9 d ");
    point(&mut state, (column, row + 2), Gesture::Click);
    assert_eq!(state.panes().focus, Pane::Versions);
    assert_eq!(state.panes().version_cursor.key().map(String::as_str), Some("8f3a2c1d"));
    for outside in [(0, 0), (119, 39), (60, 2)] {
        point(&mut state, outside, Gesture::Click);
        assert_eq!(state.panes().focus, Pane::Versions);
    }
}

#[test]
fn the_wheel_scrolls_what_is_under_it_without_taking_the_focus() {
    let mut state = live();
    let list = find(&mut state, "538453d7");
    let first = state.panes().connection_cursor.window().start;
    for _ in 0..5 {
        point(&mut state, list, Gesture::WheelDown);
    }
    assert!(state.panes().connection_cursor.window().start > first);
    assert_eq!(state.panes().focus, Pane::Routes);
    for _ in 0..9 {
        point(&mut state, list, Gesture::WheelUp);
    }
    assert_eq!(state.panes().connection_cursor.window().start, 0);
}

#[test]
fn a_heading_sorts_by_its_column_and_then_turns_it_round() {
    let mut state = live();
    click(&mut state, "route    ");
    assert_eq!(state.panes().connection_order.column, ConnectionColumn::Route);
    assert!(picture(&mut state, SIZE.0, SIZE.1).contains("route ▾"));
    click(&mut state, "route ▾      ");
    assert_eq!(state.panes().connection_order.direction, Direction::Reversed);
}

#[test]
fn a_connections_page_is_scrolled_and_its_fields_are_selected() {
    let mut state = drill::at_a_connection();
    click(&mut state, "route            /products");
    assert_eq!(state.panes().field_cursor.row_on_screen(), Some(2));
    let effects = press(&mut state, Action::Copy);
    assert_eq!(effects, [Effect::Copy("/products".to_owned())]);
}

#[test]
fn while_something_is_open_nothing_below_it_is_touched() {
    let mut state = live();
    press(&mut state, Action::Help);
    let before = state.panes().focus;
    point(&mut state, (5, 8), Gesture::Click);
    assert_eq!(state.panes().focus, before);
    assert!(state.dialog().is_some());
}

#[test]
fn every_point_of_every_size_is_some_place_or_none() {
    let mut state = live();
    for (width, height) in [(0, 0), (79, 24), (80, 24), (120, 40), (200, 50)] {
        picture(&mut state, width, height);
        let area = Rect::new(0, 0, width, height);
        let heights = view::heights(area, &state);
        for point in area.positions() {
            let place = view::place(area, &state, point.x, point.y);
            if let Some(Part::Row(row)) = place.map(|place| place.part) {
                let most = heights.versions.max(heights.routes).max(heights.connections).max(heights.log);
                assert!(row < most, "{point:?} is row {row} of {most}");
            }
        }
    }
}
