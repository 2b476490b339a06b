//! Users: who has how many tabs, on which builds, since when.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use super::pane::{self, Cell, Columns};
use super::{connections, text};
use crate::state::rows::{Column, UserColumn, UserRow, Who};
use crate::state::trend::OldFor;
use crate::state::{Pane, State, clock};
use crate::theme::{Theme, bold};

/// What stands in the heading, in the order of the columns.
const HEADINGS: [(&str, Option<UserColumn>); 5] = [
    ("user", Some(UserColumn::User)),
    ("tabs", Some(UserColumn::Tabs)),
    ("builds", Some(UserColumn::Builds)),
    ("since", Some(UserColumn::Since)),
    ("instances", None),
];

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let panes = state.panes();
    let site = state.shown();
    let named = panes.users.iter().filter(|row| row.who != Who::Anonymous).count() as u64;
    let note = match &site.figures.users {
        None => String::new(),
        Some(users) if named == users.total || named == 0 => text::number(users.total),
        Some(users) => format!("{} of {}", text::number(named), text::number(users.total)),
    };
    let inside = pane::frame(Pane::Users, &note, state, theme, area, buf);
    if panes.users.is_empty() {
        return pane::say(&nobody(state), theme, inside, buf);
    }
    let instances = if site.instances.is_empty() { 0 } else { 9 };
    let widths = [
        Constraint::Fill(5),
        Constraint::Length(6),
        Constraint::Fill(3),
        Constraint::Length(9),
        Constraint::Length(instances),
    ];
    let columns = Columns::new(inside, &widths);
    let headings = HEADINGS.map(|(words, column)| {
        let order = panes.user_order;
        let words = match column {
            Some(column) if column == order.column => format!("{} {}", column.label(), pane::arrow(order.direction)),
            _ => words.to_owned(),
        };
        if words.starts_with("tabs") { Cell::right(words, theme.faint) } else { Cell::left(words, theme.faint) }
    });
    columns.draw(0, headings.into(), buf);
    let window = panes.user_cursor.window();
    for (at, row) in panes.users.get(window).unwrap_or_default().iter().enumerate() {
        columns.draw(at + 1, cells(row, state, theme), buf);
    }
    let [_, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inside);
    pane::select(panes.user_cursor.row_on_screen(), Pane::Users, state, theme, below, buf);
}

/// Why there are no rows.
fn nobody(state: &State) -> String {
    let site = state.shown();
    match &site.figures.users {
        None => "this server does not tell whose connections there are".to_owned(),
        Some(users) if !users.any() => "nobody who is here is known by an id".to_owned(),
        Some(users) if !state.panes().is_filtered(Pane::Users) && users.total > 0 && !site.tells_users() => {
            format!("{} users are here; the list does not tell which", text::number(users.total))
        }
        Some(_) => pane::empty(Pane::Users, "user", state),
    }
}

fn cells(row: &UserRow, state: &State, theme: &Theme) -> Vec<Cell> {
    let site = state.shown();
    let first = site.connections().get(row.first);
    let (builds, build_style) = match (row.builds, first) {
        (1, Some(connection)) => (connection.version.clone(), connections::build_style(connection, site, theme)),
        (builds, _) => (format!("{} builds", text::number(builds)), theme.warn),
    };
    let since = first.and_then(|connection| state.trend().known_for(connection, state.known_at()));
    let since = since.filter(|_| row.who != Who::Anonymous).map_or_else(
        || "—".to_owned(),
        |known| match known {
            OldFor::Exactly(ms) => clock::release_age(ms),
            OldFor::AtLeast(ms) if ms < clock::MINUTE => "≥ 0 min".to_owned(),
            OldFor::AtLeast(ms) => format!("≥ {}", clock::age(ms)),
        },
    );
    let name = if row.who == Who::Anonymous { theme.faint } else { bold(theme.text) };
    let instances = if row.instances > 0 { text::number(row.instances) } else { String::new() };
    vec![
        Cell::left(row.who.text().to_owned(), name),
        Cell::right(text::short_number(row.tabs, 6), theme.strong),
        Cell::left(builds, build_style),
        Cell::left(since, theme.faint),
        Cell::left(instances, theme.faint),
    ]
}
