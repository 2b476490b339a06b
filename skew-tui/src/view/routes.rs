//! Routes: how many are at each, and how many of them on other builds.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use skew_proto::percent_label;

use super::pane::{self, Cell, Columns};
use super::{bar, spark, text};
use crate::state::{Pane, State};
use crate::theme::Theme;

/// Width inside from which bars have room to be compared.
const ROOMY: u16 = 52;

/// Width inside from which there is room for how a route went, and the columns of that.
const ROOMY_FOR_SPARKS: u16 = 60;
const SPARK: usize = 10;

/// Columns of a count, and of the counts of connections and users where there is little room.
const COUNT: usize = 6;
const NARROW_COUNT: (usize, usize) = (5, 4);

/// What stands before the number of those on other builds.
const OLD: &str = "old ";

/// What is said where everybody is at `/`: the first of these for which there is room.
const TRACKING_OFF: [&str; 3] = [
    "everybody is at /: route tracking seems to be off (skewProtection.routeTracking, or --route-tracking of skew-server)",
    "everybody is at /: route tracking seems to be off (in skewProtection or skew-server)",
    "route tracking seems to be off",
];

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let panes = state.panes();
    let site = state.shown();
    let users = panes.routes.iter().any(|row| row.users.is_some());
    let note = match panes.routes.len() {
        0 => String::new(),
        rows if users => pane::note_of_users(rows, Pane::Routes, state, area.width),
        rows => text::number(rows as u64),
    };
    let inside = pane::frame(Pane::Routes, &note, state, theme, area, buf);
    if panes.routes.is_empty() {
        return pane::say(&pane::empty(Pane::Routes, "route", state), theme, inside, buf);
    }
    let roomy = inside.width >= ROOMY;
    let (bar, old_digits) = if roomy { (Constraint::Fill(3), 5) } else { (Constraint::Length(4), 3) };
    // With users there are two counts in the place of one, which is worth more than a bar of four columns.
    let (count, digits, bar) = match (users, roomy) {
        (false, _) => (COUNT, (COUNT, COUNT), bar),
        (true, true) => (2 * COUNT + 1, (COUNT, COUNT), bar),
        (true, false) => (NARROW_COUNT.0 + 1 + NARROW_COUNT.1, NARROW_COUNT, Constraint::Length(0)),
    };
    // What is kept of the past is of the whole site.
    let sparks = inside.width >= ROOMY_FOR_SPARKS && panes.drill.is_empty();
    let mut widths = vec![Constraint::Fill(5), Constraint::Length(count as u16), Constraint::Length(6), bar];
    widths.extend(sparks.then_some(Constraint::Length(SPARK as u16)));
    widths.push(Constraint::Length((OLD.len() + old_digits) as u16));
    let columns = Columns::new(inside, &widths);
    let window = panes.route_cursor.window();
    let total = state.figures().map_or(0, |figures| figures.total);
    for (at, row) in panes.routes.get(window.clone()).unwrap_or_default().iter().enumerate() {
        let old = if row.old > 0 { format!("{OLD}{}", text::short_number(row.old, old_digits)) } else { String::new() };
        let mut cells = vec![
            Cell::left(row.route.clone(), theme.text),
            Cell::right(text::tabs_and_users(row.count, row.users, digits), theme.strong),
            Cell::right(percent_label(row.count, total), theme.text),
            Cell::left(bar::bar(row.count, panes.busiest_route, columns.width(3), ' '), theme.accent),
        ];
        if sparks {
            let past = state.history().route(&row.route, state.aside().span, SPARK, state.shown_at());
            cells.push(Cell::left(spark::spark(&past.unwrap_or_default()), theme.faint));
        }
        cells.push(Cell::right(old, theme.warn));
        columns.draw(at, cells, buf);
    }
    pane::select(panes.route_cursor.row_on_screen(), Pane::Routes, state, theme, inside, buf);
    if site.route_tracking_seems_off() {
        let used = u16::try_from(window.len() + 1).unwrap_or(u16::MAX).min(inside.height);
        let below = Rect { y: inside.y + used, height: inside.height - used, ..inside };
        let fits = |words: &&str| text::wrap(words, usize::from(below.width)).len() <= usize::from(below.height);
        let words = TRACKING_OFF.into_iter().find(fits).unwrap_or_default();
        pane::say(words, theme, below, buf);
    }
}
