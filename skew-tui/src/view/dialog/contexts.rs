//! The menu of contexts.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tui_input::Input;

use super::{Page, WIDTH, page, sentences, typed};
use crate::action::{Access, Action, Context};
use crate::state::State;
use crate::state::contexts::Choice;
use crate::theme::{Theme, bold};
use crate::view::text;

/// Contexts that are listed at once.
const ROWS: usize = 10;

/// Columns of a name.
const NAME: usize = 16;

/// Columns of a site.
const SITE: usize = 30;

pub(super) fn contexts(input: &Input, at: usize, state: &State, theme: &Theme) -> Page {
    let contexts = state.contexts();
    if contexts.choices.is_empty() {
        let words = format!(
            "The configuration names no contexts. `skew-tui config init` writes an example of one to {}.",
            contexts.file
        );
        return page("Contexts", theme.accent, sentences(&words, theme.text));
    }
    let mut field = vec![Span::styled("find  ", theme.faint)];
    field.extend(typed(input, WIDTH - 10, theme));
    let mut lines = vec![Line::from(field), Line::default()];
    let matching: Vec<&Choice> = contexts.matching(input.value()).collect();
    if matching.is_empty() {
        lines.push(Line::from(Span::styled("no context matches", theme.faint)));
    }
    let first = (at + 1).saturating_sub(ROWS);
    for (row, choice) in matching.iter().enumerate().skip(first).take(ROWS) {
        let is_open = contexts.open.as_ref() == Some(&choice.name);
        lines.push(line(choice, is_open, row == at, theme));
    }
    if matching.len() > first + ROWS {
        let more = matching.len() - first - ROWS;
        lines.push(Line::from(Span::styled(format!("  and {} more", text::number(more as u64)), theme.faint)));
    }
    let key = |action| state.keymap().name(action, Context::Text);
    let words = format!(
        "{} opens it in the place of this site, {} and {} choose.",
        key(Action::Confirm),
        key(Action::Up),
        key(Action::Down)
    );
    lines.extend([Line::default(), Line::from(Span::styled(words, theme.faint))]);
    page("Contexts", theme.accent, lines)
}

fn line(choice: &Choice, is_open: bool, is_selected: bool, theme: &Theme) -> Line<'static> {
    let column = |words: &str, columns: usize, style: Style| {
        let shown = text::fit(words, columns);
        let gap = " ".repeat(columns + 1 - text::width(&shown));
        Span::styled(shown + &gap, style)
    };
    let access = if choice.access == Access::ReadOnly { "read-only" } else { "" };
    let about = [choice.tint.as_deref().unwrap_or_default(), access].join(" ");
    let mut line = Line::from(vec![
        Span::styled(if is_selected { "▸" } else { " " }, theme.accent),
        Span::styled(if is_open { "● " } else { "  " }, theme.good),
        column(&choice.name, NAME, bold(theme.accent)),
        column(&choice.site, SITE, theme.text),
        Span::styled(about.trim().to_owned(), theme.faint),
    ]);
    if is_selected {
        for span in &mut line.spans {
            span.style = span.style.patch(theme.selected);
        }
    }
    line
}
