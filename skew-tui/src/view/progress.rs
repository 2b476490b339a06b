//! How fast a rollout goes and when it will be done, in words.

use ratatui::text::{Line, Span};

use super::{stragglers, text};
use crate::state::trend::Eta;
use crate::state::{State, clock};
use crate::theme::{Theme, bold};

/// Shares whose time is told, in percent.
const SHARES: [f64; 2] = [95.0, 100.0];

/// Parts of a line with points between them, as many as there is room for.
struct Parts<'a> {
    line: Line<'a>,
    room: usize,
    theme: &'a Theme,
}

impl<'a> Parts<'a> {
    fn new(theme: &'a Theme, room: usize) -> Self {
        Self { line: Line::default(), room, theme }
    }

    fn push(&mut self, part: Vec<Span<'a>>) {
        let gap = Span::styled(if self.line.spans.is_empty() { "" } else { " · " }, self.theme.faint);
        let width = gap.width() + part.iter().map(Span::width).sum::<usize>();
        if self.line.width() + width <= self.room {
            self.line.push_span(gap);
            self.line.spans.extend(part);
        }
    }
}

/// How many there are, how fast it goes and when it is done, on one line; nothing where nothing is known of how fast.
pub(super) fn short<'a>(state: &State, theme: &'a Theme, room: usize) -> Option<Line<'a>> {
    let rollout = state.shown().rollout()?;
    let known = pace_parts(state, theme);
    if known.is_empty() {
        return None;
    }
    let total = text::number(rollout.current + rollout.outdated);
    let mut parts = Parts::new(theme, room);
    parts.push(vec![
        Span::styled(text::number(rollout.current), bold(theme.good)),
        Span::styled(format!(" of {total} on current"), theme.faint),
    ]);
    known.into_iter().for_each(|part| parts.push(part));
    Some(parts.line)
}

/// How fast it goes, and when it is done.
pub(super) fn pace<'a>(state: &State, theme: &'a Theme, room: usize) -> Line<'a> {
    let known = pace_parts(state, theme);
    let mut parts = Parts::new(theme, room);
    if known.is_empty() {
        let words = match state.shown().rollout() {
            Some(rollout) if rollout.percent.is_none() => "",
            _ if state.figures_age().is_some() => "how fast it goes is not known without a connection",
            Some(rollout) if rollout.outdated == 0 => "everybody is on the current build",
            _ => "too early to tell how fast it goes",
        };
        parts.push(vec![Span::styled(words, theme.faint)]);
    }
    known.into_iter().for_each(|part| parts.push(part));
    parts.line
}

/// Who comes and goes, and who has been on an old build for longest.
pub(super) fn people<'a>(state: &State, theme: &'a Theme, room: usize) -> Line<'a> {
    let mut parts = Parts::new(theme, room);
    let now = state.known_at();
    let rates = state.trend().rates(now).and_then(|rates| rates.people);
    if let Some(rates) = rates.filter(|rates| rates.opened + rates.closed > 0.0) {
        for (rate, word) in [(rates.opened, "opened"), (rates.closed, "closed")] {
            parts.push(vec![
                Span::styled(per_minute(rate), theme.strong),
                Span::styled(format!(" {word}"), theme.faint),
            ]);
        }
    }
    if let Some(longest) = state.trend().longest(now).filter(|longest| longest.ms() >= clock::MINUTE) {
        parts.push(vec![
            Span::styled("longest on an old build ", theme.faint),
            Span::styled(stragglers::old_for(longest), theme.warn),
        ]);
    }
    parts.line
}

fn pace_parts<'a>(state: &State, theme: &'a Theme) -> Vec<Vec<Span<'a>>> {
    let (site, trend, now) = (state.shown(), state.trend(), state.shown_at());
    let mut parts = Vec::new();
    if let Some(rates) = trend.rates(now) {
        let (rate, word) = match rates.people {
            Some(people) => (people.moved, " moved"),
            None => (rates.current, " on current"),
        };
        if rate > 0.0 {
            let sign = if rates.people.is_some() { "" } else { "+" };
            let rate = format!("{sign}{}", per_minute(rate));
            parts.push(vec![Span::styled(rate, theme.strong), Span::styled(word, theme.faint)]);
        }
    }
    for percent in SHARES {
        let style = theme.faint;
        let in_time = match trend.eta(site, percent, now) {
            Eta::Reached | Eta::Unknown => continue,
            Eta::Stalled { for_ms } => {
                parts.push(vec![Span::styled(format!("stalled for {}", clock::age(for_ms)), theme.warn)]);
                break;
            }
            Eta::In(ms) => clock::age(ms),
        };
        parts.push(vec![Span::styled(format!("{percent:.0} % in "), style), Span::styled(in_time, theme.strong)]);
    }
    parts
}

/// A rate such as `42/min`, `0.5/min`.
fn per_minute(rate: f64) -> String {
    let shown = if rate < 9.95 { format!("{rate:.1}") } else { text::number(rate.round() as u64) };
    format!("{}/min", shown.strip_suffix(".0").unwrap_or(&shown))
}
