//! The four lists of the dashboard: what rows they have, in which order, and where a person is in them.

use skew_proto::Connection;

use super::cursor::{Cursor, Hold, Motion};
use super::drill::{Drill, Scope};
use super::filter::Filter;
use super::page::{Name, Page};
use super::rows::{self, Column, ConnectionColumn, Order, RouteColumn, RouteRow, VersionColumn, VersionRow};
use super::site::{Figures, Site};
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
    /// Rows of the stragglers.
    pub stragglers: usize,
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
    /// Data, order, filter or scope changed since.
    Old,
}

/// The figures that the rows are made of.
#[derive(Debug, Clone)]
enum Narrowed {
    /// Those of the site.
    Not,
    /// Those within the scopes.
    To(Figures),
    /// The server did not list everybody: nobody knows those within the scopes.
    Unknown,
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
    /// What the rows are narrowed to.
    pub drill: Drill,
    /// The page of the connection that is looked at, which stands in the place of the connections then.
    pub page: Option<Page>,
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
    /// Cursor on the page, by name of the field.
    pub field_cursor: Cursor<Name>,
    filters: [Filter; 4],
    narrowed: Narrowed,
    figures: Rows,
    rows: [Rows; 4],
}

impl Default for Panes {
    fn default() -> Self {
        Self {
            focus: Pane::Routes,
            versions: Vec::new(),
            routes: Vec::new(),
            connections: Vec::new(),
            log: Vec::new(),
            drill: Drill::default(),
            page: None,
            busiest_route: 0,
            addresses: Addresses::Unknown,
            version_order: Order::default(),
            route_order: Order::default(),
            connection_order: Order::default(),
            version_cursor: Cursor::new(Hold::First),
            route_cursor: Cursor::new(Hold::First),
            connection_cursor: Cursor::new(Hold::First),
            log_cursor: Cursor::new(Hold::Last),
            field_cursor: Cursor::new(Hold::First),
            filters: Default::default(),
            narrowed: Narrowed::Not,
            figures: Rows::Old,
            rows: [Rows::Old; 4],
        }
    }
}

impl Panes {
    /// A pane's filter.
    #[must_use]
    pub fn filter(&self, pane: Pane) -> &Filter {
        &self.filters[pane as usize]
    }

    /// Whether keys go to a connection's page.
    #[must_use]
    pub fn page_has_focus(&self) -> bool {
        self.page.is_some() && self.focus == Pane::Connections
    }

    /// Whether a filter narrows what is seen in a pane. A page has none.
    #[must_use]
    pub fn is_filtered(&self, pane: Pane) -> bool {
        let on_page = pane == Pane::Connections && self.page.is_some();
        !on_page && !self.filter(pane).is_empty()
    }

    pub(super) fn set_filter(&mut self, pane: Pane, filter: Filter) {
        self.filters[pane as usize] = filter;
        self.rows[pane as usize] = Rows::Old;
    }

    /// The figures that the rows are made of; nothing where those within the scopes are not known.
    #[must_use]
    pub fn figures<'a>(&'a self, site: &'a Site) -> Option<&'a Figures> {
        match &self.narrowed {
            Narrowed::Not => Some(&site.figures),
            Narrowed::To(figures) => Some(figures),
            Narrowed::Unknown => None,
        }
    }

    /// The rows no longer fit what they are made of.
    pub(super) fn invalidate(&mut self) {
        self.figures = Rows::Old;
        self.rows = [Rows::Old; 4];
    }

    pub(super) fn prepare(&mut self, site: &Site, heights: Heights) {
        self.version_cursor.set_height(heights.versions);
        self.route_cursor.set_height(heights.routes);
        self.connection_cursor.set_height(heights.connections);
        self.field_cursor.set_height(heights.connections);
        self.log_cursor.set_height(heights.log);
        self.settle(site);
    }

    /// Makes rows anew where they are old: those of one pane only, where that alone changed.
    fn make_rows(&mut self, site: &Site) {
        if std::mem::replace(&mut self.figures, Rows::Fresh) == Rows::Old {
            self.narrowed = match self.drill.figures(site) {
                _ if self.drill.is_empty() => Narrowed::Not,
                Some(figures) => Narrowed::To(figures),
                None => Narrowed::Unknown,
            };
            let told = site.connections().iter().any(|connection| connection.ip.is_some());
            self.addresses = if told { Addresses::Told } else { Addresses::Unknown };
            let figures = self.figures(site);
            self.busiest_route = figures.and_then(|figures| figures.routes.values().copied().max()).unwrap_or(0);
        }
        let old = std::mem::replace(&mut self.rows, [Rows::Fresh; 4]);
        for pane in Pane::ALL.into_iter().filter(|pane| old[*pane as usize] == Rows::Old) {
            let (figures, filter) = (self.figures(site), self.filter(pane));
            match pane {
                Pane::Versions => {
                    let rows = figures.map(|figures| rows::versions(site, figures, filter, self.version_order));
                    self.versions = rows.unwrap_or_default();
                }
                Pane::Routes => {
                    let rows = figures.map(|figures| rows::routes(figures, filter, self.route_order));
                    self.routes = rows.unwrap_or_default();
                }
                Pane::Connections => match self.drill.connection() {
                    Some(id) => self.page = Some(Page::of(id, site, self.page.take())),
                    None => self.connections = rows::connections(site, &self.drill, filter, self.connection_order),
                },
                Pane::Log => self.log = rows::log(site, filter),
            }
        }
    }

    /// Makes old rows anew, and finds every cursor's place in them.
    fn settle(&mut self, site: &Site) {
        self.make_rows(site);
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
        match &self.page {
            Some(Page { fields, .. }) => self.field_cursor.settle(
                fields.len(),
                |row, key| fields[row].name == *key,
                |row| Some(fields[row].name.clone()),
            ),
            None => {
                let list = site.connections();
                let id =
                    |row: usize| connections.get(row).and_then(|at| list.get(*at)).map(|connection| &connection.id);
                self.connection_cursor.settle(
                    connections.len(),
                    |row, key| id(row) == Some(key),
                    |row| id(row).cloned(),
                );
            }
        }
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
        self.go(self.focus, motion, site);
    }

    pub(super) fn go(&mut self, pane: Pane, motion: Motion, site: &Site) {
        // A motion starts at the entry under the cursor, so that must be at its place in the newest rows first.
        self.settle(site);
        match pane {
            Pane::Versions => self.version_cursor.go(motion),
            Pane::Routes => self.route_cursor.go(motion),
            Pane::Connections if self.page.is_some() => self.field_cursor.go(motion),
            Pane::Connections => self.connection_cursor.go(motion),
            Pane::Log => self.log_cursor.go(motion),
        }
        self.settle(site);
    }

    /// The selected row of a pane, counted from the first one on screen.
    pub(super) fn row_on_screen(&self, pane: Pane) -> Option<usize> {
        match pane {
            Pane::Versions => self.version_cursor.row_on_screen(),
            Pane::Routes => self.route_cursor.row_on_screen(),
            Pane::Connections if self.page.is_some() => self.field_cursor.row_on_screen(),
            Pane::Connections => self.connection_cursor.row_on_screen(),
            Pane::Log => self.log_cursor.row_on_screen(),
        }
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
        self.reordered(self.focus);
    }

    pub(super) fn reordered(&mut self, pane: Pane) {
        self.rows[pane as usize] = Rows::Old;
    }

    /// Looks deeper into the selected entry, as it was seen under the cursor.
    pub(super) fn open(&mut self) {
        let scope = match self.focus {
            Pane::Versions => self.version_cursor.key().cloned().map(Scope::Version),
            Pane::Routes => self.route_cursor.key().cloned().map(Scope::Route),
            Pane::Connections => self.connection_cursor.key().cloned().map(Scope::Connection),
            Pane::Log => None,
        };
        let Some(scope) = scope else { return };
        let depth = self.drill.path().len();
        self.focus = self.drill.open(scope);
        if self.drill.path().len() > depth {
            self.route_cursor.restart();
            self.version_cursor.restart();
            match self.drill.connection() {
                Some(_) => self.field_cursor.restart(),
                None => self.connection_cursor.restart(),
            }
            self.invalidate();
        }
    }

    /// Goes back to where the innermost scope was opened.
    pub(super) fn back(&mut self) {
        let Some(scope) = self.drill.back() else { return };
        self.focus = scope.pane();
        self.page = None;
        match scope {
            Scope::Version(version) => self.version_cursor.select(version),
            Scope::Route(route) => self.route_cursor.select(route),
            Scope::Connection(id) => self.connection_cursor.select(id),
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

    /// The connection that is selected: the one whose page is open, or the one under the cursor.
    fn selected_connection<'a>(&'a self, site: &'a Site) -> Option<&'a Connection> {
        if let Some(page) = &self.page {
            return Some(&page.connection);
        }
        let id = self.connection_cursor.key()?;
        site.connections().iter().find(|connection| connection.id == *id)
    }

    /// The route that is selected, whole: of the routes, or of the selected connection.
    pub(super) fn selected_route(&self, site: &Site) -> Option<String> {
        match self.focus {
            Pane::Routes => self.route_cursor.key().cloned(),
            Pane::Connections => self.selected_connection(site).map(|connection| connection.route.clone()),
            Pane::Versions | Pane::Log => None,
        }
    }
}
