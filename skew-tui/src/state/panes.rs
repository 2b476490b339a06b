//! The four lists of the dashboard: what rows they have, in which order, and where a person is in them.

use super::cursor::{Cursor, Hold, Motion};
use super::filter::Filter;
use super::rows::{self, Column, ConnectionColumn, Order, RouteColumn, RouteRow, VersionColumn, VersionRow};
use super::site::Site;
use crate::action::Action;

/// One of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// Builds and how many are on them.
    Versions,
    /// Routes and how many are at them.
    Routes,
    /// Every connection.
    Connections,
    /// What happened.
    Log,
}

impl Pane {
    /// All panes, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Versions, Self::Routes, Self::Connections, Self::Log];

    /// The number that focuses the pane.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// The pane's name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Versions => "Versions",
            Self::Routes => "Routes",
            Self::Connections => "Connections",
            Self::Log => "Log",
        }
    }

    fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// Number of rows that each pane has room for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heights {
    /// Rows of the versions.
    pub versions: usize,
    /// Rows of the routes.
    pub routes: usize,
    /// Rows of the connections.
    pub connections: usize,
    /// Rows of the log.
    pub log: usize,
}

/// Whether the server tells addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Of some connections at least.
    Told,
    /// Of none.
    Unknown,
}

/// Whether rows fit the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// They do.
    Fresh,
    /// Data, order or filter changed since.
    Old,
}

/// The four lists.
#[derive(Debug, Clone)]
pub struct Panes {
    /// Where keys go to.
    pub focus: Pane,
    /// Rows of the versions.
    pub versions: Vec<VersionRow>,
    /// Rows of the routes.
    pub routes: Vec<RouteRow>,
    /// Rows of the connections, as positions in the server's list.
    pub connections: Vec<usize>,
    /// Rows of the log, as positions in it.
    pub log: Vec<usize>,
    /// Connections at the route that has most, filtered or not: what the bars are compared with.
    pub busiest_route: u64,
    /// Whether any connection has an address.
    pub addresses: Addresses,
    /// Order of the versions.
    pub version_order: Order<VersionColumn>,
    /// Order of the routes.
    pub route_order: Order<RouteColumn>,
    /// Order of the connections.
    pub connection_order: Order<ConnectionColumn>,
    /// Cursor on the versions, by build.
    pub version_cursor: Cursor<String>,
    /// Cursor on the routes, by route.
    pub route_cursor: Cursor<String>,
    /// Cursor on the connections, by public id.
    pub connection_cursor: Cursor<String>,
    /// Cursor on the log, by number of the entry.
    pub log_cursor: Cursor<u64>,
    filters: [Filter; 4],
    rows: Rows,
}

impl Default for Panes {
    fn default() -> Self {
        Self {
            focus: Pane::Routes,
            versions: Vec::new(),
            routes: Vec::new(),
            connections: Vec::new(),
            log: Vec::new(),
            busiest_route: 0,
            addresses: Addresses::Unknown,
            version_order: Order::default(),
            route_order: Order::default(),
            connection_order: Order::default(),
            version_cursor: Cursor::new(Hold::First),
            route_cursor: Cursor::new(Hold::First),
            connection_cursor: Cursor::new(Hold::First),
            log_cursor: Cursor::new(Hold::Last),
            filters: Default::default(),
            rows: Rows::Old,
        }
    }
}

impl Panes {
    /// A pane's filter.
    #[must_use]
    pub fn filter(&self, pane: Pane) -> &Filter {
        &self.filters[pane as usize]
    }

    pub(super) fn set_filter(&mut self, pane: Pane, filter: Filter) {
        self.filters[pane as usize] = filter;
        self.invalidate();
    }

    /// The rows no longer fit what they are made of.
    pub(super) fn invalidate(&mut self) {
        self.rows = Rows::Old;
    }

    pub(super) fn prepare(&mut self, site: &Site, heights: Heights) {
        self.version_cursor.set_height(heights.versions);
        self.route_cursor.set_height(heights.routes);
        self.connection_cursor.set_height(heights.connections);
        self.log_cursor.set_height(heights.log);
        self.settle(site);
    }

    /// Makes rows anew where they are old, and finds every cursor's place in them.
    fn settle(&mut self, site: &Site) {
        if self.rows == Rows::Old {
            self.versions = rows::versions(site, self.filter(Pane::Versions), self.version_order);
            self.routes = rows::routes(site, self.filter(Pane::Routes), self.route_order);
            self.connections = rows::connections(site, self.filter(Pane::Connections), self.connection_order);
            self.log = rows::log(site, self.filter(Pane::Log));
            self.busiest_route = site.figures.routes.values().copied().max().unwrap_or(0);
            let told = site.stats.iter().flat_map(|stats| &stats.connections).any(|connection| connection.ip.is_some());
            self.addresses = if told { Addresses::Told } else { Addresses::Unknown };
            self.rows = Rows::Fresh;
        }
        let Self { versions, routes, connections, log, .. } = self;
        self.version_cursor.settle(
            versions.len(),
            |row, key| versions[row].version == *key,
            |row| Some(versions[row].version.clone()),
        );
        self.route_cursor.settle(
            routes.len(),
            |row, key| routes[row].route == *key,
            |row| Some(routes[row].route.clone()),
        );
        let list = site.stats.as_ref().map(|stats| stats.connections.as_slice()).unwrap_or_default();
        let id = |row: usize| connections.get(row).and_then(|at| list.get(*at)).map(|connection| &connection.id);
        self.connection_cursor.settle(connections.len(), |row, key| id(row) == Some(key), |row| id(row).cloned());
        let number = |row: usize| site.log_number(log[row]);
        self.log_cursor.settle(log.len(), |row, key| number(row) == *key, |row| Some(number(row)));
    }

    /// Carries out what only changes what is seen.
    pub(super) fn act(&mut self, action: Action, site: &Site) {
        let motion = match action {
            Action::NextPane => return self.focus = self.focus.step(1),
            Action::PreviousPane => return self.focus = self.focus.step(Pane::ALL.len() - 1),
            Action::VersionsPane => return self.focus = Pane::Versions,
            Action::RoutesPane => return self.focus = Pane::Routes,
            Action::ConnectionsPane => return self.focus = Pane::Connections,
            Action::LogPane => return self.focus = Pane::Log,
            Action::Sort => return self.reorder(Order::cycle, Order::cycle, Order::cycle),
            Action::ReverseSort => return self.reorder(Order::reverse, Order::reverse, Order::reverse),
            Action::Down => Motion::Down,
            Action::Up => Motion::Up,
            Action::First => Motion::First,
            Action::Last => Motion::Last,
            Action::PageDown => Motion::PageDown,
            Action::PageUp => Motion::PageUp,
            _ => return,
        };
        // A motion starts at the entry under the cursor, so that must be at its place in the newest rows first.
        self.settle(site);
        match self.focus {
            Pane::Versions => self.version_cursor.go(motion),
            Pane::Routes => self.route_cursor.go(motion),
            Pane::Connections => self.connection_cursor.go(motion),
            Pane::Log => self.log_cursor.go(motion),
        }
        self.settle(site);
    }

    fn reorder(
        &mut self,
        versions: fn(&mut Order<VersionColumn>),
        routes: fn(&mut Order<RouteColumn>),
        connections: fn(&mut Order<ConnectionColumn>),
    ) {
        match self.focus {
            Pane::Versions => versions(&mut self.version_order),
            Pane::Routes => routes(&mut self.route_order),
            Pane::Connections => connections(&mut self.connection_order),
            // What happened has one order.
            Pane::Log => return,
        }
        self.invalidate();
    }

    /// Name of the focused pane's order, where it has one.
    #[must_use]
    pub fn order_label(&self, pane: Pane) -> Option<(&'static str, rows::Direction)> {
        match pane {
            Pane::Versions => Some((self.version_order.column.label(), self.version_order.direction)),
            Pane::Routes => Some((self.route_order.column.label(), self.route_order.direction)),
            Pane::Connections => Some((self.connection_order.column.label(), self.connection_order.direction)),
            Pane::Log => None,
        }
    }

    /// The route that is selected, whole: of the routes, or of the selected connection.
    pub(super) fn selected_route(&self, site: &Site) -> Option<String> {
        match self.focus {
            Pane::Routes => self.route_cursor.key().cloned(),
            Pane::Connections => {
                let id = self.connection_cursor.key()?;
                let list = &site.stats.as_ref()?.connections;
                list.iter().find(|connection| connection.id == *id).map(|connection| connection.route.clone())
            }
            Pane::Versions | Pane::Log => None,
        }
    }
}
