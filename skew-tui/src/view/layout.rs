//! Where each region is, by the size of the screen.

use ratatui::layout::{Constraint, Layout, Rect};

use super::{breadcrumb, footer, header, notice, playback, stragglers, targets};
use crate::state::aside::Lower;
use crate::state::notice::Notice;
use crate::state::{Heights, Pane, State};

/// Smallest screen that everything has room on.
pub(super) const SMALLEST: (u16, u16) = (80, 24);

/// Width from which the log stands beside the other panes.
const WIDE: u16 = 160;

/// Width from which the history stands beside the gauge.
const BESIDE: u16 = 112;

/// Height of the gauge, and of the gauge with more to tell on a screen that has the room.
const ROLLOUT: u16 = 4;
const ROOMY_ROLLOUT: u16 = 6;
const ROOMY: u16 = 32;

/// Height of the history above the log.
const HISTORY: u16 = 13;

/// Height of a list that has one row.
const ONE_ROW: u16 = 3;

/// Smallest height of a list that is of use.
const LIST: u16 = 5;

/// The regions of the screen. A region without room is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    /// Site, connection, current build, total.
    pub(super) header: Rect,
    /// What an operator should know or do.
    pub(super) notice: Rect,
    /// Share of the current build.
    pub(super) rollout: Rect,
    /// Each of several targets.
    pub(super) targets: Rect,
    /// Where one is.
    pub(super) breadcrumb: Rect,
    /// Builds.
    pub(super) versions: Rect,
    /// Routes.
    pub(super) routes: Rect,
    /// Connections.
    pub(super) connections: Rect,
    /// Who they belong to.
    pub(super) users: Rect,
    /// The server's processes.
    pub(super) instances: Rect,
    /// Shares over time.
    pub(super) history: Rect,
    /// Who is on an old build.
    pub(super) stragglers: Rect,
    /// What happened.
    pub(super) log: Rect,
    /// How a recording is played.
    pub(super) playback: Rect,
    /// Keys.
    pub(super) footer: Rect,
}

/// Whether the screen is too small for the dashboard.
#[must_use]
pub(super) fn is_too_small(area: Rect) -> bool {
    area.width < SMALLEST.0 || area.height < SMALLEST.1
}

/// Shares the screen out.
#[must_use]
pub(super) fn regions(area: Rect, state: &State) -> Regions {
    let [header, body, playback, footer] = Layout::vertical([
        Constraint::Length(header::height(area.width)),
        Constraint::Fill(1),
        Constraint::Length(playback::height(state)),
        Constraint::Length(footer::HEIGHT),
    ])
    .areas(area);
    let regions = Regions { header, playback, footer, ..Regions::default() };
    if state.shown().stats.is_none() {
        let [notice, log] = Layout::vertical([Constraint::Fill(1), Constraint::Max(area.height / 3)]).areas(body);
        return Regions { notice, log, ..regions };
    }
    let wide = area.width >= WIDE;
    let (main, side) = if wide {
        let [main, side] = Layout::horizontal([Constraint::Fill(2), Constraint::Fill(1)]).areas(body);
        (main, side)
    } else {
        let [main, log] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(log_height(area.height))]).areas(body);
        (main, log)
    };
    let rollout_height = if area.height >= ROOMY { ROOMY_ROLLOUT } else { ROLLOUT };
    let said = matches!(state.notice(), Some(Notice::Instances(_))) && header::tells_missing(area.width);
    let notice_height = if said { 0 } else { notice::height(state, main.width) };
    // Where a notice leaves no room for three lists, the longest one gives way: the figures are old then anyway.
    let breadcrumb_height = breadcrumb::height(state);
    let targets_height = targets::height(state);
    let left = main.height.saturating_sub(rollout_height + targets_height + notice_height + breadcrumb_height);
    let lower = if left < 2 * LIST { Constraint::Length(0) } else { Constraint::Fill(6) };
    // A connection has one build and one route: its page gets their room.
    let upper =
        if state.panes().drill.connection().is_some() { Constraint::Length(ONE_ROW) } else { Constraint::Fill(5) };
    let [top, targets, notice, breadcrumb, upper, lower] = Layout::vertical([
        Constraint::Length(rollout_height),
        Constraint::Length(targets_height),
        Constraint::Length(notice_height),
        Constraint::Length(breadcrumb_height),
        upper,
        lower,
    ])
    .areas(main);
    let [versions, routes] = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(4)]).areas(upper);
    let mut regions = Regions { notice, rollout: top, targets, breadcrumb, versions, routes, log: side, ..regions };
    if wide {
        let rows = [Constraint::Length(HISTORY), Constraint::Fill(1), Constraint::Fill(1)];
        [regions.history, regions.stragglers, regions.log] = Layout::vertical(rows).areas(side);
    } else if area.width >= BESIDE && state.aside().lower != Lower::History {
        [regions.rollout, regions.history] = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(top);
    }
    match state.aside().lower {
        Lower::Connections => regions.connections = lower,
        Lower::Users => regions.users = lower,
        Lower::Instances => regions.instances = lower,
        Lower::Stragglers => regions.stragglers = lower,
        Lower::History => regions.history = lower,
    }
    regions
}

fn log_height(height: u16) -> u16 {
    match height {
        ..30 => 4,
        30..45 => 7,
        _ => 10,
    }
}

/// Lines in a pane above its rows.
pub(super) fn heading(pane: Pane) -> u16 {
    u16::from(matches!(pane, Pane::Connections | Pane::Users | Pane::Instances))
}

/// Number of rows that each pane has room for.
#[must_use]
pub fn heights(area: Rect, state: &State) -> Heights {
    if is_too_small(area) {
        return Heights::default();
    }
    let regions = regions(area, state);
    let inside = |pane: Pane, region: Rect| usize::from(region.height.saturating_sub(2 + heading(pane)));
    Heights {
        versions: inside(Pane::Versions, regions.versions),
        routes: inside(Pane::Routes, regions.routes),
        connections: inside(Pane::Connections, regions.connections),
        log: inside(Pane::Log, regions.log),
        users: inside(Pane::Users, regions.users),
        instances: inside(Pane::Instances, regions.instances),
        stragglers: usize::from(regions.stragglers.height.saturating_sub(2 + stragglers::HEADING)),
    }
}
