//! The lists of the dashboard: what rows they have, in which order, and where a person is in them.

use super::cursor::{Cursor, Hold};
use super::drill::Drill;
use super::filter::Filter;
use super::page::{Name, Page};
use super::pane::{Heights, Pane};
use super::rows::{
    self, ConnectionColumn, InstanceColumn, InstanceKey, InstanceRow, Order, RouteColumn, RouteRow, UserColumn,
    UserRow, VersionColumn, VersionRow, Who,
};
use super::site::{Figures, Site};

/// Whether the server tells addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Of some connections at least.
    Told,
    /// Of none.
    Unknown,
}

/// What the list of connections tells besides what every server's does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Whose some of them are.
    pub users: bool,
    /// Which of several instances they are on.
    pub instances: bool,
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

/// The lists.
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
    /// Rows of the users. They are made while they are seen: everybody is looked at for them.
    pub users: Vec<UserRow>,
    /// Rows of the instances.
    pub instances: Vec<InstanceRow>,
    /// What the rows are narrowed to.
    pub drill: Drill,
    /// The page of the connection that is looked at, which stands in the place of the connections then.
    pub page: Option<Page>,
    /// Connections at the route that has most, filtered or not: what the bars are compared with.
    pub busiest_route: u64,
    /// Whether any connection has an address.
    pub addresses: Addresses,
    /// What else is told of connections.
    pub told: Told,
    /// Order of the versions.
    pub version_order: Order<VersionColumn>,
    /// Order of the routes.
    pub route_order: Order<RouteColumn>,
    /// Order of the connections.
    pub connection_order: Order<ConnectionColumn>,
    /// Order of the users.
    pub user_order: Order<UserColumn>,
    /// Order of the instances.
    pub instance_order: Order<InstanceColumn>,
    /// Cursor on the versions, by build.
    pub version_cursor: Cursor<String>,
    /// Cursor on the routes, by route.
    pub route_cursor: Cursor<String>,
    /// Cursor on the connections, by public id.
    pub connection_cursor: Cursor<String>,
    /// Cursor on the log, by number of the entry.
    pub log_cursor: Cursor<u64>,
    /// Cursor on the users.
    pub user_cursor: Cursor<Who>,
    /// Cursor on the instances.
    pub instance_cursor: Cursor<InstanceKey>,
    /// Cursor on the page, by name of the field.
    pub field_cursor: Cursor<Name>,
    filters: [Filter; Pane::ALL.len()],
    narrowed: Narrowed,
    figures: Rows,
    rows: [Rows; Pane::ALL.len()],
    /// Whether there is room for users.
    users_are_seen: bool,
}

impl Default for Panes {
    fn default() -> Self {
        Self {
            focus: Pane::Routes,
            versions: Vec::new(),
            routes: Vec::new(),
            connections: Vec::new(),
            log: Vec::new(),
            users: Vec::new(),
            instances: Vec::new(),
            drill: Drill::default(),
            page: None,
            busiest_route: 0,
            addresses: Addresses::Unknown,
            told: Told::default(),
            version_order: Order::default(),
            route_order: Order::default(),
            connection_order: Order::default(),
            user_order: Order::default(),
            instance_order: Order::default(),
            version_cursor: Cursor::new(Hold::First),
            route_cursor: Cursor::new(Hold::First),
            connection_cursor: Cursor::new(Hold::First),
            log_cursor: Cursor::new(Hold::Last),
            user_cursor: Cursor::new(Hold::First),
            instance_cursor: Cursor::new(Hold::First),
            field_cursor: Cursor::new(Hold::First),
            filters: Default::default(),
            narrowed: Narrowed::Not,
            figures: Rows::Old,
            rows: [Rows::Old; Pane::ALL.len()],
            users_are_seen: false,
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
        self.rows = [Rows::Old; Pane::ALL.len()];
    }

    pub(super) fn prepare(&mut self, site: &Site, heights: Heights) {
        self.version_cursor.set_height(heights.versions);
        self.route_cursor.set_height(heights.routes);
        self.connection_cursor.set_height(heights.connections);
        self.field_cursor.set_height(heights.connections);
        self.log_cursor.set_height(heights.log);
        self.user_cursor.set_height(heights.users);
        self.instance_cursor.set_height(heights.instances);
        self.users_are_seen = heights.users > 0;
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
            self.told = Told {
                users: site.connections().iter().any(|connection| connection.user().is_some()),
                instances: !site.instances.is_empty(),
            };
            let figures = self.figures(site);
            self.busiest_route = figures.and_then(|figures| figures.routes.values().copied().max()).unwrap_or(0);
        }
        let old = std::mem::replace(&mut self.rows, [Rows::Fresh; Pane::ALL.len()]);
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
                Pane::Users if !self.users_are_seen => self.rows[Pane::Users as usize] = Rows::Old,
                Pane::Users => self.users = rows::users(site, &self.drill, filter, self.user_order),
                Pane::Instances => self.instances = rows::instances(site, filter, self.instance_order),
            }
        }
    }

    /// Makes old rows anew, and finds every cursor's place in them.
    fn settle(&mut self, site: &Site) {
        self.make_rows(site);
        let Self { versions, routes, connections, log, users, instances, .. } = self;
        self.user_cursor.settle(users.len(), |row, key| users[row].who == *key, |row| Some(users[row].who.clone()));
        self.instance_cursor.settle(
            instances.len(),
            |row, key| instances[row].key() == *key,
            |row| Some(instances[row].key()),
        );
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
}

mod moving;
