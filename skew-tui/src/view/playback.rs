//! The line of a recording: whether it goes on, how fast, and where one is in it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{bar, text};
use crate::playback::{Motion, Playback};
use crate::state::State;
use crate::theme::{Theme, bold};

/// Fewest columns in which a bar says something.
const BAR: usize = 8;

/// Lines that it needs: none, where no recording is played.
pub(super) fn height(state: &State) -> u16 {
    u16::from(state.playback().is_some())
}

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(playback) = state.playback() else { return };
    let position_ms = state.now().monotonic_ms;
    let (words, style) = match (playback.motion, &playback.error) {
        (Motion::Over, Some(_)) => ("✗ broken off", theme.bad),
        (Motion::Over, None) => ("■ at its end", theme.faint),
        (Motion::Paused, _) => ("‖ paused", theme.warn),
        (Motion::Seeking, _) => ("» on the way", theme.warn),
        (Motion::Playing, _) => ("▶ recording", theme.good),
    };
    let moment = text::time_of_day(state.now().unix_ms, state.utc_offset_s());
    let mut spans = vec![
        Span::raw(" "),
        Span::styled(words, bold(style)),
        Span::styled(format!(" · {}× · {moment} · ", playback.speed), theme.faint),
        Span::styled(position(position_ms, playback), theme.text),
        Span::raw("  "),
    ];
    let taken: usize = spans.iter().map(Span::width).sum();
    let left = usize::from(area.width).saturating_sub(taken + 1);
    match (&playback.error, playback.total_ms) {
        (Some(error), _) => spans.push(Span::styled(text::fit(error, left), theme.bad)),
        (None, Some(total)) if left >= BAR => {
            spans.push(Span::styled(bar::bar(position_ms, total, left, '░'), theme.accent));
        }
        (None, _) => {}
    }
    Line::from(spans).render(area, buf);
}

/// `12:34 of 1:00:00`.
fn position(position_ms: u64, playback: &Playback) -> String {
    match playback.total_ms {
        Some(total) => format!("{} of {}", length(position_ms), length(total)),
        None => length(position_ms),
    }
}

/// Minutes and seconds, and hours where there are some.
fn length(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
