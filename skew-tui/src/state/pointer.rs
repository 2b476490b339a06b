//! What a mouse does, by what is under it. Where that is drawn, the views know.

use super::cursor::Motion;
use super::pane::Pane;
use super::panes::Panes;
use super::rows::{ConnectionColumn, Order};
use super::site::Site;

/// Rows that a wheel goes by.
const WHEEL_ROWS: usize = 3;

/// A place on the screen, by what is drawn there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The pane.
    pub pane: Pane,
    /// What of it.
    pub part: Part,
}

/// A part of a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A row, counted from the first one on screen. It need not have an entry.
    Row(usize),
    /// The heading of a column.
    Heading(ConnectionColumn),
    /// Anything else.
    Frame,
}

/// What is done there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// A click.
    Click,
    /// The wheel, upwards.
    WheelUp,
    /// The wheel, downwards.
    WheelDown,
}

impl Panes {
    /// Focuses, selects, opens what is selected already, sorts, or scrolls.
    pub(super) fn point(&mut self, place: Place, gesture: Gesture, site: &Site) {
        let motion = match gesture {
            Gesture::WheelUp => Motion::Up,
            Gesture::WheelDown => Motion::Down,
            Gesture::Click => return self.click(place, site),
        };
        for _ in 0..WHEEL_ROWS {
            self.go(place.pane, motion, site);
        }
    }

    fn click(&mut self, place: Place, site: &Site) {
        let focused = std::mem::replace(&mut self.focus, place.pane) == place.pane;
        match place.part {
            Part::Row(row) if focused && self.row_on_screen(place.pane) == Some(row) => self.open(),
            Part::Row(row) => self.go(place.pane, Motion::OnScreen(row), site),
            Part::Heading(column) if self.connection_order.column == column => {
                self.connection_order.reverse();
                self.reordered(place.pane);
            }
            Part::Heading(column) => {
                self.connection_order = Order { column, ..Order::default() };
                self.reordered(place.pane);
            }
            Part::Frame => {}
        }
    }
}
