//! The last minutes or hours: the share of each build, stacked, and the total.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use skew_proto::percent_label;

use super::{pane, spark, text};
use crate::action::{Action, Context};
use crate::state::State;
use crate::state::history::{Layer, Shares};
use crate::theme::Theme;

/// Columns of a build's name in the legend, of its share, and of the sign before them.
const NAME: u16 = 9;
const SHARE: u16 = 6;
const SIGN: u16 = 2;

/// Columns between the chart and its legend.
const GAP: u16 = 1;

/// Height inside from which there is a line that tells the times.
const WITH_TIMES: u16 = 7;

/// What fills the layers: the current build, then the others, then the rest. They differ without any colour.
const CURRENT: char = '█';
const OTHERS: [char; 2] = ['▓', '▒'];
const REST: char = '░';

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let key = state.keymap().name(Action::NextSpan, Context::Panes);
    let title = Line::from(Span::styled(format!(" Last {} ", state.aside().span.label()), theme.strong));
    let mut block = pane::block(title, theme.border);
    if !key.is_empty() {
        block = block.title(Line::from(Span::styled(format!(" {key} longer "), theme.faint)).right_aligned());
    }
    let inside = block.inner(area);
    block.render(area, buf);
    let width = inside.width.saturating_sub(GAP + SIGN + NAME + SHARE);
    let times = u16::from(inside.height >= WITH_TIMES);
    let height = inside.height.saturating_sub(1 + times);
    let chart = Rect { width, height, ..inside };
    let columns = usize::from(width);
    let (history, now) = (state.history(), state.shown_at());

    let shares = history.shares(state.shown(), state.aside().span, columns, now);
    stack(&shares, theme, chart, buf);
    let legend = Rect { x: chart.right() + GAP, width: inside.right().saturating_sub(chart.right() + GAP), ..chart };
    name_layers(&shares, state, theme, legend, buf);

    let totals = history.total(state.aside().span, columns, now);
    let line = Rect { y: chart.bottom(), height: 1, ..inside };
    Line::from(Span::styled(spark::spark(&totals), theme.accent)).render(Rect { width, ..line }, buf);
    let total = text::short_number(state.shown().figures.total, usize::from(NAME));
    let words = Line::from(vec![Span::styled("total ", theme.faint), Span::styled(total, theme.strong)]);
    words.render(Rect { x: legend.x, width: legend.width, ..line }, buf);
    if times > 0 {
        let line = Rect { y: line.y + 1, width, ..line };
        Line::from(Span::styled(format!("{} ago", state.aside().span.label()), theme.faint)).render(line, buf);
        Line::from(Span::styled("now", theme.faint)).alignment(Alignment::Right).render(line, buf);
    }
}

/// What a layer is drawn with; `place` counts the others from the newest.
fn look(layer: Layer<'_>, place: usize, theme: &Theme) -> (char, Style) {
    match layer {
        Layer::Current(_) => (CURRENT, theme.good),
        Layer::Other(_) => (OTHERS[place.saturating_sub(1).min(OTHERS.len() - 1)], theme.warn),
        Layer::Rest => (REST, theme.faint),
    }
}

/// The layers' signs. Without anybody on the current build the others still begin with the sign of the first of them.
fn looks(shares: &Shares<'_>, theme: &Theme) -> Vec<(char, Style)> {
    let others = usize::from(!matches!(shares.layers.first(), Some(Layer::Current(_))));
    shares.layers.iter().enumerate().map(|(place, layer)| look(*layer, place + others, theme)).collect()
}

/// Each column from the bottom: the current build in eighths of a cell, on it the others in whole cells.
fn stack(shares: &Shares<'_>, theme: &Theme, chart: Rect, buf: &mut Buffer) {
    let looks = looks(shares, theme);
    let first_is_current = matches!(shares.layers.first(), Some(Layer::Current(_)));
    for (x, column) in (chart.x..chart.right()).zip(&shares.columns) {
        let Some(counts) = column else { continue };
        let total: u64 = counts.iter().sum();
        if total == 0 {
            continue;
        }
        for row in 0..chart.height {
            let from_bottom = u64::from(chart.height - 1 - row);
            let current = if first_is_current { counts.first().copied().unwrap_or(0) } else { 0 };
            let filled = current_eighths(current, total, chart.height);
            let begun = usize::try_from(from_bottom).unwrap_or(0) * 8;
            let (sign, style) = match filled.saturating_sub(begun) {
                0 => layer_at(counts, total, 2 * from_bottom + 1, 2 * u64::from(chart.height), first_is_current)
                    .map_or((' ', theme.text), |layer| looks[layer]),
                8.. => (CURRENT, theme.good),
                part => (spark::eighths(part), theme.good),
            };
            buf[(x, chart.y + row)].set_char(sign).set_style(style);
        }
    }
}

/// Eighths of cells that the current build fills: never none where somebody is on it, never all where somebody is not.
fn current_eighths(current: u64, total: u64, height: u16) -> usize {
    let all = usize::from(height) * 8;
    let filled = spark::level(current, total, all);
    match current {
        0 => 0,
        _ if current < total => filled.clamp(1, all.saturating_sub(1).max(1)),
        _ => filled,
    }
}

/// The layer that is at `part` of `whole` of the height, above the current build.
fn layer_at(counts: &[u64], total: u64, part: u64, whole: u64, skip_first: bool) -> Option<usize> {
    let mut below = 0u128;
    let at = u128::from(part) * u128::from(total);
    let skipped = usize::from(skip_first);
    let mut last = None;
    for (layer, count) in counts.iter().enumerate() {
        below += u128::from(*count) * u128::from(whole);
        if layer >= skipped && *count > 0 {
            last = Some(layer);
            if at < below {
                return last;
            }
        }
    }
    last
}

/// The layers' names and what they have now, from the top as they are stacked.
fn name_layers(shares: &Shares<'_>, state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let now = shares.columns.last().and_then(Option::as_ref);
    let total: u64 = now.iter().copied().flatten().sum();
    let named = shares.layers.iter().zip(looks(shares, theme)).enumerate();
    for ((at, (layer, (sign, style))), row) in named.zip(area.rows()) {
        let name = match layer {
            Layer::Current(version) | Layer::Other(version) => version,
            Layer::Rest => "others",
        };
        let share = match now {
            Some(counts) => percent_label(counts[at], total),
            None => "—".to_owned(),
        };
        let name_style = if matches!(layer, Layer::Current(_)) { theme.good } else { theme.text };
        Line::from(vec![
            Span::styled(format!("{sign} "), style),
            Span::styled(text::fit(name, usize::from(NAME)), name_style),
        ])
        .render(row, buf);
        Line::from(Span::styled(share, theme.text)).alignment(Alignment::Right).render(row, buf);
    }
    if shares.layers.is_empty() {
        let words = if state.shown().figures.total == 0 { "nobody yet" } else { "no figures yet" };
        Line::from(Span::styled(words, theme.faint)).render(area, buf);
    }
}
