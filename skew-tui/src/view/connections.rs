//! Every connection: its id, build, route and address.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use skew_proto::Connection;

use super::pane::{self, Cell, Columns};
use super::{page, text};
use crate::state::rows::{Column, ConnectionColumn, SHORT_ID};
use crate::state::site::Site;
use crate::state::{Addresses, Pane, State};
use crate::theme::{Theme, bold};

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let panes = state.panes();
    if let Some(page) = &panes.page {
        return page::draw(page, state, theme, area, buf);
    }
    let list = state.shown().connections();
    let note = match panes.connections.len() {
        0 => String::new(),
        rows if rows < list.len() => format!("{} of {}", text::number(rows as u64), text::number(list.len() as u64)),
        rows => text::number(rows as u64),
    };
    let inside = pane::frame(Pane::Connections, &note, state, theme, area, buf);
    if panes.connections.is_empty() {
        return pane::say(&pane::empty(Pane::Connections, "connection", state), theme, inside, buf);
    }
    let columns = columns(state, inside);
    let shown = shown(state, inside);
    let headings = shown.iter().map(|&column| {
        let hidden = column == ConnectionColumn::Address && panes.addresses == Addresses::Unknown;
        let words = match column.label() {
            _ if hidden => String::new(),
            label if column == panes.connection_order.column => {
                format!("{label} {}", pane::arrow(panes.connection_order.direction))
            }
            label => label.to_owned(),
        };
        Cell::left(words, theme.faint)
    });
    columns.draw(0, headings.collect(), buf);

    let window = panes.connection_cursor.window();
    let visible = panes.connections.get(window).unwrap_or_default();
    for (at, connection) in visible.iter().filter_map(|position| list.get(*position)).enumerate() {
        columns.draw(at + 1, cells(connection, &shown, state, theme), buf);
    }
    let [_, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inside);
    pane::select(panes.connection_cursor.row_on_screen(), Pane::Connections, state, theme, below, buf);
}

/// Width inside from which there is room for people, instances and addresses at once.
const ROOMY: u16 = 100;

/// What there is to tell and to be sorted by, in the order of the columns. Where there is little room addresses give way to people.
fn shown(state: &State, inside: Rect) -> Vec<ConnectionColumn> {
    let told = &state.panes().told;
    let addresses = inside.width >= ROOMY || !told.users && !told.instances;
    let mut columns = vec![ConnectionColumn::Id, ConnectionColumn::Version, ConnectionColumn::Route];
    columns.extend(told.users.then_some(ConnectionColumn::User));
    columns.extend(told.instances.then_some(ConnectionColumn::Instance));
    columns.extend(addresses.then_some(ConnectionColumn::Address));
    columns
}

fn columns(state: &State, inside: Rect) -> Columns {
    let address = if state.panes().addresses == Addresses::Told { 15 } else { 0 };
    let width = |column| match column {
        ConnectionColumn::Id => Constraint::Length(SHORT_ID as u16),
        ConnectionColumn::Version | ConnectionColumn::Opened => Constraint::Fill(2),
        ConnectionColumn::Route => Constraint::Fill(4),
        ConnectionColumn::User => Constraint::Fill(3),
        ConnectionColumn::Instance => Constraint::Fill(2),
        ConnectionColumn::Address => Constraint::Length(address),
    };
    let mut widths: Vec<Constraint> = shown(state, inside).into_iter().map(width).collect();
    widths.push(Constraint::Length(10));
    Columns::new(inside, &widths)
}

/// The column whose heading is at a point.
pub(super) fn column_at(state: &State, inside: Rect, point: Position) -> Option<ConnectionColumn> {
    if state.panes().page.is_some() {
        return None;
    }
    shown(state, inside).get(columns(state, inside).at(point)?).copied()
}

fn cells(connection: &Connection, shown: &[ConnectionColumn], state: &State, theme: &Theme) -> Vec<Cell> {
    let site = state.shown();
    let watcher = site.is_watcher(connection);
    let (mark, mark_style) = mark(connection, site, theme);
    let text = if watcher { theme.accent } else { theme.text };
    let build = build_style(connection, site, theme);
    let cell = |column: &ConnectionColumn| match column {
        ConnectionColumn::Id => Cell::left(text::short_id(&connection.id), theme.faint),
        ConnectionColumn::Version | ConnectionColumn::Opened => Cell::left(connection.version.clone(), build),
        ConnectionColumn::Route => Cell::left(connection.route.clone(), text),
        ConnectionColumn::User => Cell::left(connection.user().unwrap_or("—").to_owned(), theme.text),
        ConnectionColumn::Instance => Cell::left(connection.instance().unwrap_or_default().to_owned(), theme.faint),
        ConnectionColumn::Address => {
            Cell::left(connection.ip.as_deref().map(|ip| state.address(ip)).unwrap_or_default(), theme.faint)
        }
    };
    let mut cells: Vec<Cell> = shown.iter().map(cell).collect();
    cells.push(Cell::left(mark.to_owned(), mark_style));
    cells
}

/// The sign and word for what is special about a connection.
pub(super) fn mark(connection: &Connection, site: &Site, theme: &Theme) -> (&'static str, Style) {
    match (site.is_own(connection), site.is_watcher(connection), connection.damaged) {
        (true, ..) => ("★ you", bold(theme.accent)),
        (_, true, _) => ("◇ watching", theme.accent),
        (.., true) => ("⚠ damaged", theme.warn),
        _ => ("", theme.text),
    }
}

/// How a connection's build is drawn.
pub(super) fn build_style(connection: &Connection, site: &Site, theme: &Theme) -> Style {
    if site.is_watcher(connection) {
        theme.accent
    } else if site.current.as_ref() == Some(&connection.version) {
        theme.good
    } else {
        theme.warn
    }
}
