//! A screen without a terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use skew_tui::action::Action;
use skew_tui::state::{Effect, Event, State};
use skew_tui::theme::{Colors, Theme};
use skew_tui::view;
use tui_input::InputRequest;

/// Draws a state as the dashboard would.
pub(crate) fn draw(state: &mut State, width: u16, height: u16, colors: Colors) -> Buffer {
    draw_in(&Theme::new(colors), state, width, height)
}

/// Draws a state in a theme.
pub(crate) fn draw_in(theme: &Theme, state: &mut State, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    state.prepare(view::heights(area, state));
    view::draw(state, theme, area, &mut buf);
    buf
}

/// The picture as text, a line for each row.
pub(crate) fn text(buf: &Buffer) -> String {
    let mut lines = String::new();
    for y in 0..buf.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buf.area.width {
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap_or(1).max(1);
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// The picture of a state as text.
pub(crate) fn picture(state: &mut State, width: u16, height: u16) -> String {
    text(&draw(state, width, height, Colors::Ansi))
}

/// A person asks for something, looking at 120 × 40.
pub(crate) fn press(state: &mut State, action: Action) -> Vec<Effect> {
    let area = Rect::new(0, 0, 120, 40);
    state.prepare(view::heights(area, state));
    let now = state.now();
    state.update(Event::Action(action), now)
}

/// A person types.
pub(crate) fn type_text(state: &mut State, text: &str) {
    for c in text.chars() {
        let now = state.now();
        state.update(Event::Edit(InputRequest::InsertChar(c)), now);
    }
}
