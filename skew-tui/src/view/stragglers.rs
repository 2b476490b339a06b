//! Who is on an old build: for how long, on which page, from which address.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::pane::{self, Cell, Columns};
use super::text;
use crate::state::rows::SHORT_ID;
use crate::state::trend::{OldFor, Straggler};
use crate::state::{Addresses, State, clock};
use crate::theme::Theme;

/// Lines above the rows: the pages, and what the columns are.
pub(super) const HEADING: u16 = 2;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let stragglers = &state.aside().stragglers;
    let mut title = vec![Span::styled(" Stragglers ", theme.strong)];
    if !stragglers.longest.is_empty() {
        let total = text::number(stragglers.total as u64);
        title.push(Span::styled(format!("· {total} · longest on an old build first "), theme.faint));
    }
    let block = pane::block(Line::from(title), theme.border);
    let inside = block.inner(area);
    block.render(area, buf);
    if stragglers.longest.is_empty() {
        return pane::say(empty(state), theme, inside, buf);
    }
    pages(state, theme, inside, buf);
    let below = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    let addresses = state.panes().addresses == Addresses::Told;
    let columns = Columns::new(
        below,
        &[
            Constraint::Length(8),
            Constraint::Fill(2),
            Constraint::Fill(4),
            Constraint::Length(if addresses { 15 } else { 0 }),
            Constraint::Length(SHORT_ID as u16),
        ],
    );
    let heading = |words: &str| Cell::left(words.to_owned(), theme.faint);
    let address = if addresses { "address" } else { "" };
    let words = vec![
        Cell::right("old for".to_owned(), theme.faint),
        heading("build"),
        heading("route"),
        heading(address),
        heading("id"),
    ];
    columns.draw(0, words, buf);
    for (at, straggler) in stragglers.longest.iter().take(usize::from(below.height.saturating_sub(1))).enumerate() {
        if let Some(cells) = cells(straggler, state, theme) {
            columns.draw(at + 1, cells, buf);
        }
    }
}

/// The pages that those on old builds are at, those with most first.
fn pages(state: &State, theme: &Theme, inside: Rect, buf: &mut Buffer) {
    let mut line = Line::from(Span::styled("on ", theme.faint));
    let room = usize::from(inside.width);
    for (at, (route, count)) in state.aside().pages.iter().enumerate() {
        let page = text::fit(route, room / 3);
        let count = text::number(*count);
        let gap = if at > 0 { " · " } else { "" };
        if line.width() + text::width(gap) + text::width(&page) + 1 + count.len() > room {
            break;
        }
        line.push_span(Span::styled(gap, theme.faint));
        line.push_span(Span::styled(format!("{page} "), theme.text));
        line.push_span(Span::styled(count, theme.warn));
    }
    line.render(inside, buf);
}

fn cells(straggler: &Straggler, state: &State, theme: &Theme) -> Option<Vec<Cell>> {
    let connection = state.shown().connections().get(straggler.position)?;
    Some(vec![
        Cell::right(old_for(straggler.old_for), theme.strong),
        Cell::left(connection.version.clone(), theme.warn),
        Cell::left(connection.route.clone(), theme.text),
        Cell::left(connection.ip.as_deref().map(|ip| state.address(ip)).unwrap_or_default(), theme.faint),
        Cell::left(text::short_id(&connection.id), theme.faint),
    ])
}

/// A time such as `14 min`, or `≥14 min` where it was found so. Nobody needs it by the second.
#[must_use]
pub(super) fn old_for(old_for: OldFor) -> String {
    match old_for {
        OldFor::Exactly(ms) => clock::release_age(ms),
        OldFor::AtLeast(0..clock::MINUTE) => "≥0 min".to_owned(),
        OldFor::AtLeast(ms) => format!("≥{}", clock::age(ms)),
    }
}

fn empty(state: &State) -> &'static str {
    let site = state.shown();
    match site.rollout() {
        None => "the server has not named its current build",
        Some(rollout) if rollout.outdated > 0 => "this server does not list all connections: who they are is not known",
        Some(_) if site.figures.total == 0 => "nobody is connected",
        Some(_) => "everybody is on the current build",
    }
}
