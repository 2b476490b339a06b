//! The gauge: how many are on the current build, and how fast it goes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use skew_proto::percent_label;

use super::{bar, pane, progress, text};
use crate::Transport;
use crate::state::{State, clock};
use crate::theme::{Theme, bold};

/// Columns of the label beside the gauge.
const LABEL: u16 = 8;

/// Height inside from which there is a line each for how many, how fast and who.
const ROOMY: u16 = 4;

/// Columns of the frame's corners.
const CORNERS: usize = 2;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let title = Line::from(vec![
        Span::styled(" Rollout ", theme.strong),
        Span::styled("· builds at last connect ", theme.faint),
    ]);
    let room = usize::from(area.width).saturating_sub(CORNERS + title.width());
    let trust = Line::from(trust(state, theme, room)).alignment(Alignment::Right);
    let block = pane::block(title, theme.border).title(trust);
    let inside = block.inner(area);
    block.render(area, buf);
    let gauge = Rect { height: 1, ..inside };

    let (current, total) = match state.shown().rollout() {
        Some(rollout) => (rollout.current, rollout.current + rollout.outdated),
        None => (0, 0),
    };
    let columns = usize::from(gauge.width.saturating_sub(LABEL));
    let drawn = bar::bar(current, total, columns, '░');
    let rest = drawn.find('░').unwrap_or(drawn.len());
    let rest_style = if total > current { theme.warn } else { theme.faint };
    Line::from(vec![
        Span::styled(drawn[..rest].to_owned(), theme.good),
        Span::styled(drawn[rest..].to_owned(), rest_style),
    ])
    .render(gauge, buf);
    let percent = Span::styled(percent_label(current, total), theme.strong);
    Line::from(percent).alignment(Alignment::Right).render(gauge, buf);
    let room = usize::from(inside.width);
    let lines = match inside.height {
        0..ROOMY => vec![progress::short(state, theme, room).unwrap_or_else(|| sentence(state, theme))],
        _ => vec![sentence(state, theme), progress::pace(state, theme, room), progress::people(state, theme, room)],
    };
    for (line, row) in lines.into_iter().zip(inside.rows().skip(1)) {
        line.render(row, buf);
    }
}

/// How far the figures can be trusted, in so many columns.
fn trust<'a>(state: &State, theme: &Theme, room: usize) -> Vec<Span<'a>> {
    if let Some(age) = state.figures_age() {
        return vec![Span::styled(format!(" figures are {} old ", clock::age(age)), theme.warn)];
    }
    let authorized = Span::styled(" authorized ", theme.good);
    if state.site().transport != Some(Transport::Poll) {
        return vec![authorized];
    }
    let polled = " polled: no connection of our own is in it ·";
    let fits = text::width(polled) + authorized.width() <= room;
    let polled = if fits { polled } else { " polled: we are not in it ·" };
    vec![Span::styled(polled, theme.faint), authorized]
}

fn sentence<'a>(state: &State, theme: &Theme) -> Line<'a> {
    let Some(rollout) = state.shown().rollout() else {
        return Line::from(Span::styled("the server has not named its current build", theme.faint));
    };
    let total = rollout.current + rollout.outdated;
    if total == 0 {
        return Line::from(Span::styled("nobody is connected: the share is unknown", theme.faint));
    }
    let mut spans = vec![
        Span::styled(text::number(rollout.current), bold(theme.good)),
        Span::styled(format!(" of {} on the current build", text::number(total)), theme.faint),
    ];
    if rollout.outdated > 0 {
        spans.push(Span::styled(" · ", theme.faint));
        spans.push(Span::styled(text::number(rollout.outdated), bold(theme.warn)));
        spans.push(Span::styled(" on others", theme.faint));
    }
    Line::from(spans)
}
