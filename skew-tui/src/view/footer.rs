//! The last line: the keys that matter most now, from the keymap, or the text that is typed for a filter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::dialog::typed;
use super::text;
use crate::state::State;
use crate::state::dialog::Dialog;
use crate::state::site::Level;
use crate::theme::{Theme, bold};

/// Lines of the footer.
pub(super) const HEIGHT: u16 = 1;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut spans = vec![Span::raw(" ")];
    if let Some(Dialog::Filter { pane, input, refusal, .. }) = state.dialog() {
        spans.push(Span::styled(format!("filter {}  /", pane.title().to_lowercase()), theme.accent));
        spans.extend(typed(input, usize::from(area.width) / 2, theme));
        spans.push(Span::raw("   "));
        if let Some(reason) = refusal {
            spans.push(Span::styled(text::fit(reason, usize::from(area.width) / 2), theme.bad));
            spans.push(Span::raw("   "));
        }
    }
    if let Some(said) = state.said() {
        let style = if said.level == Level::Info { theme.good } else { theme.warn };
        spans.push(Span::styled(text::fit(&said.text, usize::from(area.width).saturating_sub(2)), style));
        spans.push(Span::raw("   "));
    }
    for binding in state.keymap().bindings(state.context(), state.access()) {
        let (Some(hint), Some(key)) = (binding.hint, binding.keys.first()) else { continue };
        let (key, hint) = (key.to_string(), format!(" {hint}  "));
        let taken: usize = spans.iter().map(Span::width).sum();
        // Half a hint says nothing, and the next one may fit.
        if taken + text::width(&key) + text::width(hint.trim_end()) <= usize::from(area.width) {
            spans.push(Span::styled(key, bold(theme.accent)));
            spans.push(Span::styled(hint, theme.faint));
        }
    }
    Line::from(spans).render(area, buf);
}
