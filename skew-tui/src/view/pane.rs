//! What all panes have in common: the frame with its title, and rows of cells.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Widget};

use super::text;
use crate::action::{Action, Context};
use crate::state::rows::Direction;
use crate::state::{Pane, State};
use crate::theme::{Theme, bold};

/// A frame with a title.
pub(super) fn block<'a>(title: Line<'a>, border: Style) -> Block<'a> {
    Block::bordered().border_type(BorderType::Rounded).border_style(border).padding(Padding::horizontal(1)).title(title)
}

/// What is inside of a pane's frame.
pub(super) fn inside(area: Rect) -> Rect {
    block(Line::default(), Style::default()).inner(area)
}

/// Draws a pane's frame and gives back what is inside.
pub(super) fn frame(pane: Pane, note: &str, state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) -> Rect {
    let focused = state.panes().focus == pane;
    let (border, name) = if focused { (theme.accent, bold(theme.accent)) } else { (theme.border, theme.strong) };
    let mut title = vec![
        Span::raw(" "),
        Span::styled(pane.number().to_string(), theme.accent),
        Span::styled(format!(" {} ", pane.title()), name),
    ];
    if !note.is_empty() {
        title.push(Span::styled(format!("· {note} "), theme.faint));
    }
    let mut block = block(Line::from(title), border);
    let mut right = Vec::new();
    if state.panes().is_filtered(pane) {
        let typed = text::fit(state.panes().filter(pane).text(), usize::from(area.width) / 3);
        right.push(Span::styled(format!(" /{typed} "), theme.warn));
    }
    let ordered = focused && !(pane == Pane::Connections && state.panes().page.is_some());
    if let Some((column, direction)) = state.panes().order_label(pane).filter(|_| ordered) {
        let arrow = arrow(direction);
        right.push(Span::styled(format!(" by {column} {arrow} "), theme.faint));
    }
    if !right.is_empty() {
        block = block.title(Line::from(right).alignment(Alignment::Right));
    }
    let inside = block.inner(area);
    block.render(area, buf);
    inside
}

/// The note of a pane that tells users beside connections: how many rows there are, and which number is which, where the frame has room
/// for that beside its other words.
pub(super) fn note_of_users(rows: usize, pane: Pane, state: &State, width: u16) -> String {
    const ROOMY: u16 = 44;
    let rows = text::number(rows as u64);
    let busy = state.panes().focus == pane || state.panes().is_filtered(pane);
    match busy && width < ROOMY {
        true => rows,
        false => format!("{rows} · tabs/users"),
    }
}

/// The sign of an order.
pub(super) fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Natural => "▾",
        Direction::Reversed => "▴",
    }
}

/// A cell of a row.
pub(super) struct Cell {
    text: String,
    style: Style,
    alignment: Alignment,
}

impl Cell {
    /// A text from the left.
    pub(super) fn left(text: String, style: Style) -> Self {
        Self { text, style, alignment: Alignment::Left }
    }

    /// A number from the right.
    pub(super) fn right(text: String, style: Style) -> Self {
        Self { text, style, alignment: Alignment::Right }
    }
}

/// Columns of a pane: a width for each, one column between two. The first holds the sign of the selected row.
pub(super) struct Columns {
    areas: std::rc::Rc<[Rect]>,
}

impl Columns {
    pub(super) fn new(inside: Rect, widths: &[Constraint]) -> Self {
        let mut constraints = vec![Constraint::Length(1)];
        constraints.extend_from_slice(widths);
        Self { areas: Layout::horizontal(constraints).spacing(1).split(Rect { height: 1, ..inside }) }
    }

    /// Width of a column, the first after the sign being 0.
    pub(super) fn width(&self, column: usize) -> usize {
        self.areas.get(column + 1).map_or(0, |area| usize::from(area.width))
    }

    /// The column that is at a point, whatever its row.
    pub(super) fn at(&self, point: Position) -> Option<usize> {
        self.areas.iter().skip(1).position(|area| area.contains(Position { y: area.y, ..point }))
    }

    /// Draws cells as the `row`th row. Every text goes through [`text::fit`] here, whatever it is.
    pub(super) fn draw(&self, row: usize, cells: Vec<Cell>, buf: &mut Buffer) {
        let down = u16::try_from(row).unwrap_or(u16::MAX);
        for (area, cell) in self.areas.iter().skip(1).zip(cells) {
            let area = Rect { y: area.y.saturating_add(down), ..*area };
            let shown = text::fit(&cell.text, usize::from(area.width));
            Line::from(Span::styled(shown, cell.style)).alignment(cell.alignment).render(area, buf);
        }
    }
}

/// Marks the selected row, where it is on screen, by a sign, and in the focused pane by a stripe. Rows are counted from the
/// top of `rows`.
pub(super) fn select(row: Option<usize>, pane: Pane, state: &State, theme: &Theme, rows: Rect, buf: &mut Buffer) {
    let Some(row) = row.and_then(|row| rows.rows().nth(row)) else { return };
    let focused = state.panes().focus == pane;
    buf.set_string(row.x, row.y, "▸", if focused { theme.accent } else { theme.faint });
    if focused {
        buf.set_style(row, theme.selected);
    }
}

/// Why a pane has no rows; `entry` is what a row of it is called.
pub(super) fn empty(pane: Pane, entry: &str, state: &State) -> String {
    let site = state.shown();
    if state.panes().is_filtered(pane) {
        format!("no {entry} matches the filter")
    } else if site.figures.total > 0 && site.connections().is_empty() && pane == Pane::Connections {
        "this server sends no list of connections".to_owned()
    } else if state.figures().is_none() {
        let [listed, all] = [site.connections().len() as u64, site.figures.total].map(text::number);
        format!("the server lists {listed} of {all} connections: how many are here is not known")
    } else if !state.panes().drill.is_empty() {
        format!("nobody is here any more; {} goes back", state.keymap().name(Action::Back, Context::Panes))
    } else {
        "nobody is connected".to_owned()
    }
}

/// Says in a pane without rows why it has none.
pub(super) fn say(words: &str, theme: &Theme, inside: Rect, buf: &mut Buffer) {
    let lines = text::wrap(words, usize::from(inside.width));
    for (line, row) in lines.into_iter().zip(inside.rows()) {
        Line::from(Span::styled(line, theme.faint)).render(row, buf);
    }
}
