//! The last line: the keys that matter most now, from the keymap, or the text that is typed for a filter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::dialog::typed;
use super::text;
use crate::action::Action;
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
    let hints: Vec<(Action, String, String)> = (state.keymap().bindings(state.context(), state.access()))
        .filter_map(|binding| {
            Some((binding.action, binding.keys.first()?.to_string(), format!(" {}  ", binding.hint?)))
        })
        .collect();
    // The way out is never pushed out.
    let out = hints.iter().find(|(action, ..)| *action == Action::Quit);
    let out = out.map_or(0, |(_, key, hint)| text::width(key) + text::width(hint));
    for (action, key, hint) in hints {
        let taken: usize = spans.iter().map(Span::width).sum();
        let kept = if action == Action::Quit { 0 } else { out };
        // Half a hint says nothing, and the next one may fit.
        if taken + text::width(&key) + text::width(hint.trim_end()) + kept <= usize::from(area.width) {
            spans.push(Span::styled(key, bold(theme.accent)));
            spans.push(Span::styled(hint, theme.faint));
        }
    }
    Line::from(spans).render(area, buf);
}
