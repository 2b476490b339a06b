//! The top of the screen: which site, how the connection is, which build is current, how many are connected.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::text;
use crate::state::site::{Coverage, Link, Watchers, unheard};
use crate::state::{State, clock};
use crate::theme::{Theme, bold};

/// Width from which everything stands on one line.
const ONE_LINE: u16 = 112;

/// Columns that a build's name may take here.
const VERSION: usize = 24;

/// Lines that the header needs.
pub(super) fn height(width: u16) -> u16 {
    if width < ONE_LINE { 2 } else { 1 }
}

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let [first, second] = [0, 1].map(|row| Rect { y: area.y + row, height: 1, ..area });
    let totals = Line::from(totals(state, theme));
    let link = Line::from(link(state, theme, area.width));
    let badge = [Span::raw(" "), Span::styled(" skew ", theme.badge), Span::raw("  ")];
    let indent = badge.iter().map(Span::width).sum::<usize>();
    if area.height > 1 {
        let label = fit_label(state, area.width, indent + link.width() + 4);
        left(badge, label, link, theme).render(first, buf);
        let under_label =
            Rect { x: second.x + columns(indent), width: second.width.saturating_sub(columns(indent)), ..second };
        let mut current = Line::from(current(state, theme));
        if current.width() + totals.width() >= usize::from(under_label.width) {
            current.spans.truncate(2);
        }
        current.render(under_label, buf);
        totals.alignment(Alignment::Right).render(second, buf);
        return;
    }
    let whole = text::fit(state.label(), usize::from(area.width));
    let taken = indent + text::width(&whole) + link.width() + totals.width() + GAP * 3;
    let mut current = Line::from(current(state, theme));
    if taken + current.width() > usize::from(area.width) {
        // The age of the release gives way before the name of the site does.
        current.spans.truncate(2);
    }
    let label = fit_label(state, area.width, indent + link.width() + current.width() + totals.width() + GAP * 3);
    let left = left(badge, label, link, theme);
    let begin = columns(left.width() + GAP);
    let room = area.width.saturating_sub(begin).saturating_sub(columns(totals.width() + GAP));
    left.render(first, buf);
    current
        .alignment(Alignment::Center)
        .render(Rect { x: first.x + begin.min(first.width), width: room, ..first }, buf);
    totals.alignment(Alignment::Right).render(first, buf);
}

/// Columns between two parts.
const GAP: usize = 3;

fn left<'a>(badge: [Span<'a>; 3], label: String, link: Line<'a>, theme: &Theme) -> Line<'a> {
    let mut spans = Vec::from(badge);
    spans.push(Span::styled(label, theme.site));
    spans.push(Span::raw(" ".repeat(GAP)));
    spans.extend(link.spans);
    Line::from(spans)
}

fn fit_label(state: &State, width: u16, taken: usize) -> String {
    text::fit(state.label(), usize::from(width).saturating_sub(taken))
}

fn columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// Whether the header says who is not heard from: it has the room where it has two lines, and where it has one a notice says it.
pub(super) fn tells_missing(width: u16) -> bool {
    width < ONE_LINE
}

/// Columns of the names of instances.
const MISSING: usize = 20;

fn link<'a>(state: &State, theme: &Theme, width: u16) -> Vec<Span<'a>> {
    let site = state.site();
    let (words, style) = match &site.link {
        Link::Connecting => ("◌ connecting".to_owned(), theme.warn),
        Link::Live => ("● live".to_owned(), theme.good),
        Link::Behind | Link::Stale => ("◐ stale".to_owned(), theme.warn),
        Link::Reconnecting { retry_at_ms, .. } => {
            let left = clock::seconds_left(retry_at_ms.saturating_sub(state.now().monotonic_ms));
            (format!("↻ reconnecting in {left} s"), theme.warn)
        }
        Link::Failed(_) => ("✗ given up".to_owned(), theme.bad),
    };
    let mut spans = vec![Span::styled(words, style)];
    if let Some(transport) = site.transport {
        spans.push(Span::styled(format!(" · {transport}"), theme.faint));
    }
    if let Coverage::Partial { answering, of } = site.coverage {
        spans.push(Span::styled(format!("  partial {answering}/{of}"), bold(theme.warn)));
    }
    if let (Coverage::Instances, Some(missing)) = (site.coverage, &site.missing) {
        let words = match tells_missing(width) {
            true => {
                let age = clock::age(state.now().unix_ms.saturating_sub(missing.since));
                format!("  partial: {} silent for {age}", text::fit(&unheard(missing), MISSING))
            }
            false => "  partial".to_owned(),
        };
        spans.push(Span::styled(words, bold(theme.warn)));
    }
    if let Some(size) = state.taped() {
        spans.push(Span::styled(format!("  ● REC {}", skew_proto::text::bytes(size)), bold(theme.bad)));
    }
    if let Some(age) = state.frozen_for() {
        spans.push(Span::raw("  "));
        spans.push(Span::styled(format!(" FROZEN {} ", clock::age(age)), theme.selected));
    }
    spans
}

fn current<'a>(state: &State, theme: &Theme) -> Vec<Span<'a>> {
    let Some(version) = &state.shown().current else { return Vec::new() };
    let mut spans =
        vec![Span::styled("current ", theme.faint), Span::styled(text::fit(version, VERSION), bold(theme.good))];
    if let Some(age) = state.current_release_age() {
        spans.push(Span::styled(format!(" · released {} ago", clock::release_age(age)), theme.faint));
    }
    spans
}

fn totals<'a>(state: &State, theme: &Theme) -> Vec<Span<'a>> {
    let site = state.shown();
    if site.stats.is_none() {
        return Vec::new();
    }
    let mut spans = Vec::new();
    if let Some(users) = site.figures.users.as_ref().filter(|users| users.any()) {
        let noun = if users.total == 1 { "user" } else { "users" };
        spans.push(Span::styled(text::number(users.total), theme.strong));
        spans.push(Span::styled(format!(" {noun}  "), theme.faint));
    }
    let connections = if site.figures.total == 1 { "connection" } else { "connections" };
    spans.push(Span::styled(text::number(site.figures.total), theme.strong));
    spans.push(Span::styled(format!(" {connections}"), theme.faint));
    if site.figures.watching > 0 {
        let counted = match site.watchers() {
            Watchers::LeftOut => "watching",
            Watchers::Counted => "watching, counted",
        };
        spans.push(Span::styled(format!(" · {} {counted}", text::number(site.figures.watching)), theme.faint));
    }
    spans.push(Span::raw(" "));
    spans
}
