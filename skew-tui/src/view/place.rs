//! What is drawn at a point of the screen, for a mouse.

use ratatui::layout::{Position, Rect};

use super::{connections, layout, pane};
use crate::state::pointer::{Part, Place};
use crate::state::{Pane, State};

/// What is drawn at a column and row of the screen, where that is a pane.
#[must_use]
pub fn place(area: Rect, state: &State, column: u16, row: u16) -> Option<Place> {
    if layout::is_too_small(area) {
        return None;
    }
    let regions = layout::regions(area, state);
    let point = Position::new(column, row);
    let panes = [
        (Pane::Versions, regions.versions),
        (Pane::Routes, regions.routes),
        (Pane::Connections, regions.connections),
        (Pane::Log, regions.log),
        (Pane::Users, regions.users),
        (Pane::Instances, regions.instances),
    ];
    let (pane, region) = panes.into_iter().find(|(_, region)| region.contains(point))?;
    let inside = pane::inside(region);
    let heading = layout::heading(pane);
    let part = match point.y.checked_sub(inside.y) {
        Some(line) if line >= inside.height => Part::Frame,
        Some(line) if line >= heading => Part::Row(usize::from(line - heading)),
        Some(_) if pane != Pane::Connections => Part::Frame,
        Some(_) => connections::column_at(state, inside, point).map_or(Part::Frame, Part::Heading),
        None => Part::Frame,
    };
    Some(Place { pane, part })
}
