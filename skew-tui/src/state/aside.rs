//! What is shown beside the lists: how far back the chart goes, what stands in the place of the connections, and who is on an
//! old build.

use super::Pane;
use super::history::Span;
use super::site::Site;
use super::trend::{Stragglers, Trend};
use crate::Now;

/// Most pages of stragglers that are named.
const PAGES: usize = 12;

/// What the lower part of the screen shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lower {
    /// Every connection.
    #[default]
    Connections,
    /// Who is on an old build, longest first.
    Stragglers,
    /// The last minutes or hours, large.
    History,
    /// Who the connections belong to.
    Users,
    /// The server's processes.
    Instances,
}

impl Lower {
    /// The lower part that shows a pane, where it is one of these.
    #[must_use]
    pub(super) fn of(pane: Pane) -> Option<Self> {
        match pane {
            Pane::Connections => Some(Self::Connections),
            Pane::Users => Some(Self::Users),
            Pane::Instances => Some(Self::Instances),
            Pane::Versions | Pane::Routes | Pane::Log => None,
        }
    }

    /// The next one.
    #[must_use]
    pub(super) fn next(self) -> Self {
        match self {
            Self::Connections | Self::Users | Self::Instances => Self::Stragglers,
            Self::Stragglers => Self::History,
            Self::History => Self::Connections,
        }
    }
}

/// What is shown beside the lists.
#[derive(Debug, Clone, Default)]
pub struct Aside {
    /// How far back charts go.
    pub span: Span,
    /// What the lower part shows.
    pub lower: Lower,
    /// Who is on an old build, as many as there is room for.
    pub stragglers: Stragglers,
    /// The pages that they are at, whole, and how many at each, those with most first.
    pub pages: Vec<(String, u64)>,
}

impl Aside {
    /// Finds the stragglers for which a screen has room.
    pub(super) fn prepare(&mut self, site: &Site, trend: &Trend, rows: usize, now: Now) {
        if rows == 0 {
            self.stragglers = Stragglers::default();
            self.pages.clear();
            return;
        }
        self.stragglers = trend.stragglers(site, rows, now);
        let mut pages: Vec<(&String, u64)> =
            site.figures.outdated_routes.iter().map(|(route, count)| (route, *count)).collect();
        // The table comes sorted by name and the sort is stable: equal pages stay in that order.
        pages.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        pages.truncate(PAGES);
        self.pages = pages.into_iter().map(|(route, count)| (route.clone(), count)).collect();
    }
}
