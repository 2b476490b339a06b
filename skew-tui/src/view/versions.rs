//! Builds: how many are on each, which one is current, how old it is.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use skew_proto::percent_label;

use super::pane::{self, Cell, Columns};
use super::{bar, text};
use crate::state::{Pane, State, clock};
use crate::theme::Theme;

/// Width inside from which the current build is marked by a word beside the sign, and every build has its age.
const ROOMY: u16 = 44;

/// Columns of a count.
const COUNT: usize = 6;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let panes = state.panes();
    let site = state.shown();
    let note = match panes.versions.len() {
        0 => String::new(),
        rows => text::number(rows as u64),
    };
    let inside = pane::frame(Pane::Versions, &note, state, theme, area, buf);
    if panes.versions.is_empty() {
        return pane::say(empty(state), theme, inside, buf);
    }
    let roomy = inside.width >= ROOMY;
    let columns = Columns::new(
        inside,
        &[
            if roomy { Constraint::Fill(3) } else { Constraint::Length(9) },
            Constraint::Length(if roomy { 9 } else { 1 }),
            Constraint::Length(if roomy { 6 } else { 0 }),
            Constraint::Length(COUNT as u16),
            Constraint::Length(6),
            Constraint::Fill(2),
        ],
    );
    let window = panes.version_cursor.window();
    let total = site.figures.total;
    for (at, row) in panes.versions.get(window).unwrap_or_default().iter().enumerate() {
        let current = site.current.as_ref() == Some(&row.version);
        let style = if current { theme.good } else { theme.text };
        let mark = match (current, roomy) {
            (true, true) => "◆ current",
            (true, false) => "◆",
            (false, _) => "",
        };
        let age =
            row.released_at.map(|at| clock::release_age(state.now().unix_ms.saturating_sub(at))).unwrap_or_default();
        let bar_style = if current { theme.good } else { theme.warn };
        let cells = vec![
            Cell::left(row.version.clone(), style),
            Cell::left(mark.to_owned(), theme.good),
            Cell::right(age, theme.faint),
            Cell::right(text::short_number(row.count, COUNT), theme.strong),
            Cell::right(percent_label(row.count, total), theme.text),
            Cell::left(bar::bar(row.count, total, columns.width(5), ' '), bar_style),
        ];
        columns.draw(at, cells, buf);
    }
    pane::select(panes.version_cursor.row_on_screen(), Pane::Versions, state, theme, inside, buf);
}

fn empty(state: &State) -> &'static str {
    if state.panes().filter(Pane::Versions).is_empty() { "nobody is connected" } else { "no build matches the filter" }
}
