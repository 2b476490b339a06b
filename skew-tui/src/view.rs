//! The dashboard's picture: pure functions of the state and a theme into a buffer. Each region has a file of its own.
//!
//! Views decide nothing: rows come in order from the state, and only those that are on screen are built.

mod ascii;
mod bar;
mod breadcrumb;
mod connections;
mod dialog;
mod footer;
mod header;
mod help;
mod history;
mod instances;
mod layout;
mod log;
mod notice;
mod page;
mod pane;
mod place;
mod playback;
mod progress;
mod rollout;
mod routes;
mod spark;
mod stragglers;
mod targets;
pub(crate) mod text;
mod users;
mod versions;

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

pub use layout::heights;
pub use place::place;

use crate::action::{Action, Context};
use crate::state::State;
use crate::theme::{Glyphs, Theme};

/// Draws the whole screen. [`State::prepare`] must have been called with the [`heights`] of the same area.
pub fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    paint(state, theme, area, buf);
    if theme.glyphs == Glyphs::Ascii {
        ascii::reduce(buf);
    }
}

fn paint(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, theme.text);
    if layout::is_too_small(area) {
        return too_small(state, theme, area, buf);
    }
    let regions = layout::regions(area, state);
    header::draw(state, theme, regions.header, buf);
    notice::draw(state, theme, regions.notice, buf);
    if state.shown().stats.is_some() {
        rollout::draw(state, theme, regions.rollout, buf);
        breadcrumb::draw(state, theme, regions.breadcrumb, buf);
        targets::draw(state, theme, regions.targets, buf);
        versions::draw(state, theme, regions.versions, buf);
        routes::draw(state, theme, regions.routes, buf);
        connections::draw(state, theme, regions.connections, buf);
        users::draw(state, theme, regions.users, buf);
        instances::draw(state, theme, regions.instances, buf);
        history::draw(state, theme, regions.history, buf);
        stragglers::draw(state, theme, regions.stragglers, buf);
    }
    log::draw(state, theme, regions.log, buf);
    playback::draw(state, theme, regions.playback, buf);
    footer::draw(state, theme, regions.footer, buf);
    dialog::draw(state, theme, area, buf);
}

fn too_small(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (width, height) = layout::SMALLEST;
    let lines = vec![
        Line::from(Span::styled("This terminal is too small.", theme.strong)),
        Line::from(format!("It has {} × {}; skew-tui needs {width} × {height}.", area.width, area.height)),
        Line::from(format!("Make it larger, or press {} to quit.", state.keymap().name(Action::Quit, Context::Panes))),
    ];
    let height = u16::try_from(lines.len()).unwrap_or(0).min(area.height);
    let middle = Rect { y: area.y + (area.height - height) / 2, height, ..area };
    Paragraph::new(lines).alignment(Alignment::Center).render(middle, buf);
}
