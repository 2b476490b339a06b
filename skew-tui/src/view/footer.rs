//! The last line: the keys that matter most now, from the keymap, or the text that is typed for a filter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::dialog::typed;
use crate::state::State;
use crate::state::dialog::Dialog;
use crate::theme::{Theme, bold};

/// Lines of the footer.
pub(super) const HEIGHT: u16 = 1;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut spans = vec![Span::raw(" ")];
    if let Some(Dialog::Filter { pane, input, .. }) = state.dialog() {
        spans.push(Span::styled(format!("filter {}  /", pane.title().to_lowercase()), theme.accent));
        spans.extend(typed(input, usize::from(area.width) / 2, theme));
        spans.push(Span::raw("   "));
    }
    for binding in state.keymap().bindings(state.context(), state.access()) {
        let (Some(hint), Some(key)) = (binding.hint, binding.keys.first()) else { continue };
        spans.push(Span::styled(key.to_string(), bold(theme.accent)));
        spans.push(Span::styled(format!(" {hint}  "), theme.faint));
    }
    Line::from(spans).render(area, buf);
}
