//! What happened, newest last.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};

use super::pane::{self, Cell, Columns};
use super::text;
use crate::state::site::{Level, LogEntry};
use crate::state::{Pane, State};
use crate::theme::Theme;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let panes = state.panes();
    let site = state.shown();
    let inside = pane::frame(Pane::Log, "", state, theme, area, buf);
    if panes.log.is_empty() {
        return pane::say("nothing has happened yet", theme, inside, buf);
    }
    let columns = Columns::new(inside, &[Constraint::Length(8), Constraint::Length(1), Constraint::Fill(1)]);
    let window = panes.log_cursor.window();
    let visible = panes.log.get(window).unwrap_or_default();
    for (at, entry) in visible.iter().filter_map(|position| site.log.get(*position)).enumerate() {
        let (sign, style) = match entry.level {
            Level::Info => ("·", theme.text),
            Level::Warning => ("!", theme.warn),
            Level::Error => ("✗", theme.bad),
        };
        let cells = vec![
            Cell::left(text::time_of_day(entry.at.unix_ms, state.utc_offset_s()), theme.faint),
            Cell::left(sign.to_owned(), style),
            Cell::left(words(entry), style),
        ];
        columns.draw(at, cells, buf);
    }
    if panes.focus == Pane::Log {
        pane::select(panes.log_cursor.row_on_screen(), Pane::Log, state, theme, inside, buf);
    }
}

fn words(entry: &LogEntry) -> String {
    match entry.times {
        1 => entry.text.clone(),
        times => format!("{times} times: {}", entry.text),
    }
}
