//! Each of several targets: its share, its connections, its build, or why it does not answer.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use skew_proto::percent_label;

use super::pane::{self, Cell, Columns};
use super::text;
use crate::state::State;
use crate::state::fleet::Member;
use crate::state::site::{Authorization, Link};
use crate::theme::Theme;

/// Most targets that have a row. More are counted.
const ROWS: usize = 4;

/// Height of the pane: none where there is one target.
pub(super) fn height(state: &State) -> u16 {
    match state.shown_known().fleet.members().len() {
        ..2 => 0,
        members => u16::try_from(members.min(ROWS)).unwrap_or(0) + 2,
    }
}

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let members = state.shown_known().fleet.members();
    let title = Line::from(vec![
        Span::styled(" Targets ", theme.strong),
        Span::styled(format!("· {} ", text::number(members.len() as u64)), theme.faint),
    ]);
    let block = pane::block(title, theme.border);
    let inside = block.inner(area);
    block.render(area, buf);
    let columns = Columns::new(
        inside,
        &[Constraint::Fill(3), Constraint::Length(8), Constraint::Length(7), Constraint::Fill(2), Constraint::Fill(3)],
    );
    let fits = if members.len() > ROWS { ROWS - 1 } else { ROWS };
    for (row, member) in members.iter().take(fits).enumerate() {
        columns.draw(row, cells(member, theme), buf);
    }
    if members.len() > fits {
        let more = format!("and {} more", text::number((members.len() - fits) as u64));
        columns.draw(fits, vec![Cell::left(more, theme.faint)], buf);
    }
}

fn cells(member: &Member, theme: &Theme) -> Vec<Cell> {
    let site = &member.site;
    let (state, style) = match (&site.link, &site.authorization) {
        (Link::Live, Authorization::Granted) => ("● live".to_owned(), theme.good),
        (Link::Live, Authorization::Refused(_)) => ("✗ not authorized".to_owned(), theme.bad),
        (Link::Live, Authorization::Pending { .. }) | (Link::Connecting, _) => ("◌ connecting".to_owned(), theme.warn),
        (Link::Behind | Link::Stale, _) => ("◐ stale".to_owned(), theme.warn),
        (Link::Reconnecting { reason, .. }, _) => (format!("↻ reconnecting: {reason}"), theme.warn),
        (Link::Failed(reason), _) => (format!("✗ {reason}"), theme.bad),
    };
    let answers = site.stats.is_some() && site.link == Link::Live;
    let share = site.rollout().filter(|_| answers).map(|rollout| percent_label(rollout.current, site.figures.total));
    let total = answers.then(|| text::short_number(site.figures.total, 8));
    vec![
        Cell::left(member.label.clone(), theme.text),
        Cell::right(total.unwrap_or_else(|| "—".to_owned()), theme.strong),
        Cell::right(share.unwrap_or_else(|| "—".to_owned()), theme.text),
        Cell::left(site.current.clone().unwrap_or_default(), theme.good),
        Cell::left(state, style),
    ]
}
