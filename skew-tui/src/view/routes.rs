//! Routes: how many are at each, and how many of them on other builds.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use skew_proto::percent_label;

use super::pane::{self, Cell, Columns, Selection};
use super::{bar, text};
use crate::state::{Pane, State};
use crate::theme::Theme;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let panes = state.panes();
    let site = state.shown();
    let note = match panes.routes.len() {
        0 => String::new(),
        rows => text::number(rows as u64),
    };
    let inside = pane::frame(Pane::Routes, &note, state, theme, area, buf);
    if panes.routes.is_empty() {
        return pane::say(empty(state), theme, inside, buf);
    }
    let columns = Columns::new(
        inside,
        &[
            Constraint::Fill(5),
            Constraint::Length(6),
            Constraint::Length(6),
            Constraint::Fill(3),
            Constraint::Length(9),
        ],
    );
    let window = panes.route_cursor.window();
    let total = site.figures.total;
    for (at, row) in panes.routes.get(window.clone()).unwrap_or_default().iter().enumerate() {
        let old = if row.old > 0 { format!("old {}", text::number(row.old)) } else { String::new() };
        let cells = vec![
            Cell::left(row.route.clone(), theme.text),
            Cell::right(text::number(row.count), theme.strong),
            Cell::right(percent_label(row.count, total), theme.text),
            Cell::left(bar::bar(row.count, total, columns.width(3), ' '), theme.accent),
            Cell::right(old, theme.warn),
        ];
        columns.draw(at, cells, buf);
    }
    let selection = Selection { row: panes.route_cursor.index() - window.start, focused: panes.focus == Pane::Routes };
    selection.draw(inside, theme, buf);
    if site.route_tracking_seems_off() {
        let used = u16::try_from(window.len() + 1).unwrap_or(u16::MAX).min(inside.height);
        let below = Rect { y: inside.y + used, height: inside.height - used, ..inside };
        let words = "everybody is at /: route tracking seems to be off (skewProtection.routeTracking, or --route-tracking of skew-server)";
        pane::say(words, theme, below, buf);
    }
}

fn empty(state: &State) -> &'static str {
    if state.panes().filter(Pane::Routes).is_empty() { "nobody is connected" } else { "no route matches the filter" }
}
