//! A frame as an SVG, for the README.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use skew_tui::theme::Colors;
use unicode_width::UnicodeWidthStr;

use crate::screen::draw;
use crate::story;

const CELL_WIDTH: f32 = 8.4;
const CELL_HEIGHT: u16 = 16;
const MARGIN: u16 = 16;
const BACKGROUND: &str = "#11151c";
const FOREGROUND: &str = "#c9d1d9";

/// The frame that the README shows.
pub(crate) fn frame() -> Buffer {
    let mut state = story::rolling();
    draw(&mut state, 120, 36, Colors::Ansi)
}

/// The frame drawn as text on a dark ground. Every run of one style is one element, stretched to the columns it takes, so
/// that columns stay aligned in whatever font there is.
pub(crate) fn render(buf: &Buffer) -> String {
    let area = buf.area;
    let width = f32::from(area.width) * CELL_WIDTH + f32::from(2 * MARGIN);
    let height = area.height * CELL_HEIGHT + 2 * MARGIN;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height}\" viewBox=\"0 0 {width:.0} {height}\" \
         font-family=\"ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <title>skew-tui in the middle of a rollout</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"{BACKGROUND}\"/>"
    );
    for y in 0..area.height {
        for run in runs(buf, y) {
            run.write(y, &mut svg);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Neighbouring cells of one style.
struct Run<'a> {
    x: u16,
    columns: usize,
    text: String,
    style: &'a Cell,
}

fn runs(buf: &Buffer, y: u16) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut x = 0;
    while x < buf.area.width {
        let cell = &buf[(x, y)];
        let columns = cell.symbol().width().max(1);
        match runs.last_mut() {
            Some(run) if run.style.style() == cell.style() => {
                run.text.push_str(cell.symbol());
                run.columns += columns;
            }
            _ => runs.push(Run { x, columns, text: cell.symbol().to_owned(), style: cell }),
        }
        x += u16::try_from(columns).unwrap_or(1);
    }
    runs
}

impl Run<'_> {
    fn write(&self, y: u16, svg: &mut String) {
        let bold = self.style.modifier.contains(Modifier::BOLD);
        let (mut ink, mut ground) = (color(self.style.fg), color(self.style.bg));
        if self.style.modifier.contains(Modifier::REVERSED) {
            (ink, ground) = (Some(ground.unwrap_or(BACKGROUND)), Some(ink.unwrap_or(FOREGROUND)));
        }
        let left = f32::from(MARGIN) + f32::from(self.x) * CELL_WIDTH;
        let top = MARGIN + y * CELL_HEIGHT;
        if let Some(ground) = ground {
            let width = columns_wide(self.columns);
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{ground}\"/>"
            );
        }
        let before = self.text.len() - self.text.trim_start().len();
        let text = self.text.trim();
        if text.is_empty() {
            return;
        }
        let left = left + columns_wide(before);
        let width = columns_wide(text.width());
        let weight = if bold { " font-weight=\"bold\"" } else { "" };
        let baseline = top + CELL_HEIGHT - 4;
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = writeln!(
            svg,
            "<text x=\"{left:.1}\" y=\"{baseline}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
             xml:space=\"preserve\" fill=\"{ink}\"{weight}>{escaped}</text>",
            ink = ink.unwrap_or(FOREGROUND),
        );
    }
}

fn columns_wide(columns: usize) -> f32 {
    f32::from(u16::try_from(columns).unwrap_or(u16::MAX)) * CELL_WIDTH
}

/// A dark terminal's palette.
fn color(color: Color) -> Option<&'static str> {
    match color {
        Color::Black => Some("#11151c"),
        Color::Red => Some("#f47067"),
        Color::Green => Some("#57ab5a"),
        Color::Yellow => Some("#d9a441"),
        Color::Blue => Some("#2f5fa8"),
        Color::Cyan => Some("#56c8d8"),
        Color::White => Some("#ffffff"),
        Color::DarkGray => Some("#6b7685"),
        _ => None,
    }
}
