//! Where one is, when looking deeper: `all ▸ 5b90aa01 ▸ /checkout`.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::text;
use crate::action::{Action, Context};
use crate::state::State;
use crate::state::drill::Scope;
use crate::theme::{Theme, bold};

/// Between two steps.
const STEP: &str = " ▸ ";

/// Lines that it needs.
pub(super) fn height(state: &State) -> u16 {
    u16::from(!state.panes().drill.is_empty())
}

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let path = state.panes().drill.path();
    if area.is_empty() || path.is_empty() {
        return;
    }
    let here = Line::from(here(state, theme));
    let begin = " all";
    let taken = text::width(begin) + path.len() * text::width(STEP) + here.width() + 1;
    let room = usize::from(area.width).saturating_sub(taken);
    let mut spans = vec![Span::styled(begin, theme.faint)];
    let mut left = room;
    for (at, scope) in path.iter().enumerate() {
        let last = at + 1 == path.len();
        // Each gets its share of what the ones before it left, so that a long one does not push out where one is.
        let shown = text::fit(&name(scope), left / (path.len() - at));
        left -= text::width(&shown);
        spans.push(Span::styled(STEP, theme.faint));
        spans.push(Span::styled(shown, if last { bold(theme.accent) } else { theme.text }));
    }
    Line::from(spans).render(area, buf);
    here.alignment(Alignment::Right).render(area, buf);
}

fn name(scope: &Scope) -> String {
    match scope {
        Scope::Version(text) | Scope::Route(text) => text.clone(),
        Scope::Connection(id) => text::short_id(id),
        Scope::User(who) => who.text().to_owned(),
        Scope::Instance(host) => host.name.clone(),
    }
}

/// How many are here, and how to leave.
fn here<'a>(state: &State, theme: &Theme) -> Vec<Span<'a>> {
    let mut spans = Vec::new();
    if let Some(figures) = state.figures().filter(|_| state.panes().page.is_none()) {
        let connections = if figures.total == 1 { "connection" } else { "connections" };
        spans.push(Span::styled(text::number(figures.total), theme.strong));
        spans.push(Span::styled(format!(" {connections} here · "), theme.faint));
    }
    spans.push(Span::styled(state.keymap().name(Action::Back, Context::Panes), bold(theme.accent)));
    spans.push(Span::styled(" back ", theme.faint));
    spans
}
