//! A connection's page: everything that is known of it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::pane::{self, Cell, Columns};
use super::{connections, text};
use crate::state::page::{Field, Name, Page, Standing};
use crate::state::{Pane, State, clock};
use crate::theme::Theme;

/// Columns of a field's name. The server chooses some of them.
const NAME: u16 = 16;

pub(super) fn draw(page: &Page, state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let id = text::fit(&text::short_id(&page.connection.id), usize::from(NAME));
    let inside = pane::frame(Pane::Connections, &id, state, theme, area, buf);
    let [heading, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inside);
    Line::from(standing(page, state, theme)).render(heading, buf);
    let columns = Columns::new(below, &[Constraint::Length(NAME), Constraint::Fill(1)]);
    let cursor = &state.panes().field_cursor;
    for (at, field) in page.fields.get(cursor.window()).unwrap_or_default().iter().enumerate() {
        columns.draw(at, cells(field, page, state, theme), buf);
    }
    pane::select(cursor.row_on_screen(), Pane::Connections, state, theme, below, buf);
}

fn standing(page: &Page, state: &State, theme: &Theme) -> Vec<Span<'static>> {
    let words = match page.standing {
        Standing::Connected => Span::styled("connected", theme.good),
        Standing::Gone => Span::styled("not connected any more; this is what was known last", theme.warn),
        Standing::Unknown => Span::styled("not connected", theme.warn),
    };
    let (mark, style) = connections::mark(&page.connection, state.shown(), theme);
    vec![Span::raw("  "), words, Span::raw("   "), Span::styled(mark, style)]
}

fn cells(field: &Field, page: &Page, state: &State, theme: &Theme) -> Vec<Cell> {
    let (shown, style) = match &field.name {
        Name::Build => {
            let style = connections::build_style(&page.connection, state.shown(), theme);
            (field.text.clone() + &build_note(&field.text, state), style)
        }
        Name::Route => (field.text.clone(), theme.strong),
        Name::Address => (state.address(&field.text), theme.text),
        Name::Id | Name::Other(_) => (field.text.clone(), theme.text),
    };
    vec![Cell::left(field.name.words().to_owned(), theme.faint), Cell::left(shown, style)]
}

/// Which build it is, and since when.
fn build_note(version: &str, state: &State) -> String {
    let site = state.shown();
    let which = match &site.current {
        Some(current) if current == version => "current",
        Some(_) => "not current",
        None => return String::new(),
    };
    match site.released_at(version) {
        Some(at) => {
            let age = clock::release_age(state.now().unix_ms.saturating_sub(at));
            format!("  ({which}, released {age} ago)")
        }
        None => format!("  ({which})"),
    }
}
