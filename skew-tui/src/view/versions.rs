//! Builds: how many are on each, which one is current, how old it is.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use skew_proto::percent_label;

use super::pane::{self, Cell, Columns};
use super::{bar, text};
use crate::state::{Pane, Panes, State, clock};
use crate::theme::Theme;

/// Width inside from which the current build is marked by a word beside the sign, and every build has its age.
const ROOMY: u16 = 44;

/// Columns of a build's name, which are more where it takes more to tell builds apart, and then at the bar's cost.
const NAME: usize = 8;

/// Most columns of a name in a narrow pane.
const MOST_NARROW: usize = 11;

/// The same beside the word `current` in a pane that is just roomy, and what the word and the bar can give besides.
const MOST_ROOMY: usize = 12;
const GIVEN: usize = 8;

/// Columns of a count, and of the counts of connections and users where there is little room.
const COUNT: usize = 6;
const NARROW_COUNT: (usize, usize) = (5, 4);

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let panes = state.panes();
    let site = state.shown();
    let note = match panes.versions.len() {
        0 => String::new(),
        rows if rows_have_users(panes) => pane::note_of_users(rows, Pane::Versions, state, area.width),
        rows => text::number(rows as u64),
    };
    let inside = pane::frame(Pane::Versions, &note, state, theme, area, buf);
    if panes.versions.is_empty() {
        return pane::say(&pane::empty(Pane::Versions, "build", state), theme, inside, buf);
    }
    let roomy = inside.width >= ROOMY;
    let users = rows_have_users(panes);
    // With users there are two counts in the place of one.
    let (count, digits) = match (users, roomy) {
        (false, _) => (COUNT, (COUNT, COUNT)),
        (true, true) => (2 * COUNT + 1, (COUNT, COUNT)),
        (true, false) => (NARROW_COUNT.0 + 1 + NARROW_COUNT.1, NARROW_COUNT),
    };
    let spare = usize::from(inside.width).saturating_sub(usize::from(ROOMY) + count - COUNT);
    let window = panes.version_cursor.window();
    let rows = panes.versions.get(window).unwrap_or_default();
    let names: Vec<&str> = rows.iter().map(|row| row.version.as_str()).collect();
    let (whole, most) = match inside.width.checked_sub(ROOMY).map(|more| more.saturating_sub((count - COUNT) as u16)) {
        Some(more) => (MOST_ROOMY + usize::from(more), MOST_ROOMY + usize::from(more) + GIVEN),
        None => (MOST_NARROW, MOST_NARROW),
    };
    let name = text::telling_width(&names, NAME, whole, most);
    let worded = roomy && name <= whole && (!users || spare > 0);
    let (name, mark) = (Constraint::Length(name as u16), if worded { 9 } else { 1 });
    let figures = [Constraint::Length(count as u16), Constraint::Length(6)];
    let age = roomy.then_some(Constraint::Length(6));
    // Where there is little room, users are worth more than a bar.
    let bar = (roomy || !users).then_some(Constraint::Fill(2));
    let widths: Vec<Constraint> =
        [name, Constraint::Length(mark)].into_iter().chain(age).chain(figures).chain(bar).collect();
    let columns = Columns::new(inside, &widths);
    let bar_width = columns.width(widths.len() - 1);
    let total = state.figures().map_or(0, |figures| figures.total);
    for (at, row) in rows.iter().enumerate() {
        let current = site.current.as_ref() == Some(&row.version);
        let style = if current { theme.good } else { theme.text };
        let mark = match (current, worded) {
            (true, true) => "◆ current",
            (true, false) => "◆",
            (false, _) => "",
        };
        let bar_style = if current { theme.good } else { theme.warn };
        let mut cells = vec![Cell::left(row.version.clone(), style), Cell::left(mark.to_owned(), theme.good)];
        if roomy {
            let age = row.released_at.map(|at| clock::release_age(state.now().unix_ms.saturating_sub(at)));
            cells.push(Cell::right(age.unwrap_or_default(), theme.faint));
        }
        cells.extend([
            Cell::right(text::tabs_and_users(row.count, row.users, digits), theme.strong),
            Cell::right(percent_label(row.count, total), theme.text),
        ]);
        cells.extend(bar.map(|_| Cell::left(bar::bar(row.count, total, bar_width, ' '), bar_style)));
        columns.draw(at, cells, buf);
    }
    pane::select(panes.version_cursor.row_on_screen(), Pane::Versions, state, theme, inside, buf);
}

fn rows_have_users(panes: &Panes) -> bool {
    panes.versions.iter().any(|row| row.users.is_some())
}
