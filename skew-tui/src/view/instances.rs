//! The server's instances: the share of each, its build, its age, and whether it is heard from.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use skew_proto::{InstanceState, percent_label};

use super::pane::{self, Cell, Columns};
use super::{bar, text};
use crate::state::rows::{Column, InstanceColumn, InstanceRow, state_word};
use crate::state::{Pane, State, clock};
use crate::theme::Theme;

/// Width inside from which there is room for a bar, and for the target of each.
const ROOMY: u16 = 100;

/// What stands in the heading, in the order of the columns.
const HEADINGS: [(&str, Option<InstanceColumn>); 7] = [
    ("name", Some(InstanceColumn::Name)),
    ("tabs", None),
    ("share", Some(InstanceColumn::Share)),
    ("users", None),
    ("build", Some(InstanceColumn::Build)),
    ("age", Some(InstanceColumn::Age)),
    ("state", None),
];

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let panes = state.panes();
    let note = match panes.instances.len() {
        0 => String::new(),
        rows => text::number(rows as u64),
    };
    let inside = pane::frame(Pane::Instances, &note, state, theme, area, buf);
    if panes.instances.is_empty() {
        let words = match panes.is_filtered(Pane::Instances) {
            true => "no instance matches the filter",
            false => "this server does not tell of its instances: it is one, or a stock app",
        };
        return pane::say(words, theme, inside, buf);
    }
    let roomy = inside.width >= ROOMY;
    let mut widths = vec![
        Constraint::Fill(4),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Fill(3),
        Constraint::Length(6),
        Constraint::Fill(4),
    ];
    widths.extend(roomy.then_some(Constraint::Fill(3)));
    let columns = Columns::new(inside, &widths);
    let headings = HEADINGS.map(|(words, column)| {
        let order = panes.instance_order;
        let words = match column {
            Some(column) if column == order.column => format!("{} {}", column.label(), pane::arrow(order.direction)),
            _ => words.to_owned(),
        };
        let number = ["tabs", "share", "users"].iter().any(|number| words.starts_with(number));
        if number { Cell::right(words, theme.faint) } else { Cell::left(words, theme.faint) }
    });
    columns.draw(0, headings.into(), buf);
    let total: u64 = state.shown().instances.iter().map(|hosted| hosted.instance.connections).sum();
    let window = panes.instance_cursor.window();
    for (at, row) in panes.instances.get(window).unwrap_or_default().iter().enumerate() {
        let mut cells = cells(row, total, state, theme);
        if roomy {
            let bar = bar::bar(row.hosted.instance.connections, total, columns.width(7), ' ');
            cells.push(match &row.hosted.target {
                Some(target) => Cell::left(target.clone(), theme.faint),
                None => Cell::left(bar, theme.accent),
            });
        }
        columns.draw(at + 1, cells, buf);
    }
    let [_, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inside);
    pane::select(panes.instance_cursor.row_on_screen(), Pane::Instances, state, theme, below, buf);
}

fn cells(row: &InstanceRow, total: u64, state: &State, theme: &Theme) -> Vec<Cell> {
    let instance = &row.hosted.instance;
    let now = state.shown_at().unix_ms;
    let for_how_long = || {
        let since = instance.since.map(|since| format!(" {}", clock::age(now.saturating_sub(since))));
        since.unwrap_or_default()
    };
    let word = state_word(instance.state);
    let (told, style) = match instance.state {
        InstanceState::Live => (format!("● {word}"), theme.good),
        InstanceState::Silent => (format!("◐ {word}{}", for_how_long()), theme.warn),
        InstanceState::Unreadable => (format!("✗ {word}{}", for_how_long()), theme.bad),
        InstanceState::Unknown => (format!("◌ {word}{}", for_how_long()), theme.warn),
    };
    let build = if state.shown().current.as_ref() == Some(&instance.build) { theme.good } else { theme.warn };
    vec![
        Cell::left(instance.name.clone(), theme.text),
        Cell::right(text::short_number(instance.connections, 7), theme.strong),
        Cell::right(percent_label(instance.connections, total), theme.text),
        Cell::right(text::short_number(instance.users, 7), theme.text),
        Cell::left(instance.build.clone(), build),
        Cell::left(clock::release_age(now.saturating_sub(instance.epoch)), theme.faint),
        Cell::left(told, style),
    ]
}
