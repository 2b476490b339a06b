//! The rows of each pane, filtered and in order, so that views only have to draw them.

use std::cmp::Ordering;

use skew_proto::Connection;

use super::drill::Drill;
use super::filter::{Filter, Held};
use super::site::{Figures, Site};

pub use people::{InstanceColumn, InstanceKey, InstanceRow, UserColumn, UserRow, Who, instances, state_word, users};

/// Characters of a connection's id that are shown. They tell connections apart for an eye.
pub const SHORT_ID: usize = 8;

/// A column that rows can be sorted by.
pub trait Column: Copy + PartialEq + 'static {
    /// All columns of the pane, its own order first.
    const ALL: &'static [Self];

    /// The column's name.
    fn label(self) -> &'static str;
}

/// A pane's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order<C> {
    /// The column that is sorted by.
    pub column: C,
    /// Which way round.
    pub direction: Direction,
}

/// Which way round rows are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// As it is most useful: numbers from the largest, texts from A.
    Natural,
    /// The other way round.
    Reversed,
}

impl<C: Column> Default for Order<C> {
    fn default() -> Self {
        Self { column: C::ALL[0], direction: Direction::Natural }
    }
}

impl<C: Column> Order<C> {
    /// By the next column.
    pub fn cycle(&mut self) {
        let at = C::ALL.iter().position(|column| *column == self.column).unwrap_or(0);
        *self = Self { column: C::ALL[(at + 1) % C::ALL.len()], direction: Direction::Natural };
    }

    /// The other way round.
    pub fn reverse(&mut self) {
        self.direction = match self.direction {
            Direction::Natural => Direction::Reversed,
            Direction::Reversed => Direction::Natural,
        };
    }

    fn turn(self, natural: Ordering) -> Ordering {
        match self.direction {
            Direction::Natural => natural,
            Direction::Reversed => natural.reverse(),
        }
    }
}

macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $label:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl Column for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }
    };
}

mod people;

columns! {
    /// Columns of the versions.
    VersionColumn {
        /// Number of connections.
        Count = "count",
        /// Time of release, newest first.
        Release = "release",
        /// The build's name.
        Version = "build",
    }
}

columns! {
    /// Columns of the routes.
    RouteColumn {
        /// Number of connections.
        Count = "count",
        /// Number of connections on older builds.
        Old = "old",
        /// The route.
        Route = "route",
    }
}

columns! {
    /// Columns of the connections.
    ConnectionColumn {
        /// The order in which the server lists them: of their opening.
        Opened = "opened",
        /// The build.
        Version = "build",
        /// The route.
        Route = "route",
        /// The address.
        Address = "address",
        /// The public id.
        Id = "id",
        /// Whose it is.
        User = "user",
        /// The instance that it is on.
        Instance = "instance",
    }
}

/// A row of the versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// The build.
    pub version: String,
    /// Connections on it.
    pub count: u64,
    /// Users on it, where that is known.
    pub users: Option<u64>,
    /// When it was released, in milliseconds since 1970, where the site tells.
    pub released_at: Option<u64>,
}

/// A row of the routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRow {
    /// The route, whole.
    pub route: String,
    /// Connections at it.
    pub count: u64,
    /// Users at it, where that is known.
    pub users: Option<u64>,
    /// Those of them on other builds than the current one.
    pub old: u64,
}

/// Builds that pass, in order.
#[must_use]
pub fn versions(site: &Site, figures: &Figures, filter: &Filter, order: Order<VersionColumn>) -> Vec<VersionRow> {
    let users = figures.users.as_ref().filter(|users| users.any()).and_then(|users| users.versions.as_ref());
    let mut rows: Vec<VersionRow> = (figures.versions.iter())
        .filter(|(version, _)| filter.passes([Held::Text(version)]))
        .map(|(version, count)| VersionRow {
            version: version.clone(),
            count: *count,
            users: users.map(|users| users.get(version).copied().unwrap_or(0)),
            released_at: site.released_at(version),
        })
        .collect();
    // The table comes sorted by name and the sort is stable: equal rows stay in that order.
    rows.sort_by(|a, b| {
        order.turn(match order.column {
            VersionColumn::Count => b.count.cmp(&a.count),
            VersionColumn::Release => b.released_at.cmp(&a.released_at),
            VersionColumn::Version => a.version.cmp(&b.version),
        })
    });
    rows
}

/// Routes that pass, in order.
#[must_use]
pub fn routes(figures: &Figures, filter: &Filter, order: Order<RouteColumn>) -> Vec<RouteRow> {
    let users = figures.users.as_ref().filter(|users| users.any()).and_then(|users| users.routes.as_ref());
    let mut rows: Vec<RouteRow> = (figures.routes.iter())
        .filter(|(route, _)| filter.passes([Held::Text(route)]))
        .map(|(route, count)| RouteRow {
            route: route.clone(),
            count: *count,
            users: users.map(|users| users.get(route).copied().unwrap_or(0)),
            old: figures.outdated_routes.get(route).copied().unwrap_or(0),
        })
        .collect();
    rows.sort_by(|a, b| {
        order.turn(match order.column {
            RouteColumn::Count => b.count.cmp(&a.count),
            RouteColumn::Old => b.old.cmp(&a.old),
            RouteColumn::Route => a.route.cmp(&b.route),
        })
    });
    rows
}

/// Positions in the server's list of the connections within the scopes that pass, in order. Watchers are among them, marked by
/// the view; one's own comes first whatever the order.
#[must_use]
pub fn connections(site: &Site, drill: &Drill, filter: &Filter, order: Order<ConnectionColumn>) -> Vec<usize> {
    let list = site.connections();
    let passes = |connection: &Connection| {
        let texts = [Some(&connection.version), Some(&connection.route), connection.ip.as_ref()];
        let texts = texts.into_iter().flatten().map(|text| Held::Text(text));
        let people = [connection.user().map(Held::User), connection.instance().map(Held::Instance)];
        let held = texts.chain(people.into_iter().flatten()).chain([Held::Id(&connection.id, SHORT_ID)]);
        drill.holds(connection) && filter.passes(held)
    };
    let mut rows: Vec<usize> = (0..list.len()).filter(|at| passes(&list[*at])).collect();
    let by = |key: fn(&Connection) -> &str| move |a: &usize, b: &usize| key(&list[*a]).cmp(key(&list[*b]));
    match order.column {
        ConnectionColumn::Opened => {}
        ConnectionColumn::Version => rows.sort_by(by(|connection| &connection.version)),
        ConnectionColumn::Route => rows.sort_by(by(|connection| &connection.route)),
        ConnectionColumn::Address => rows.sort_by(by(|connection| connection.ip.as_deref().unwrap_or_default())),
        ConnectionColumn::Id => rows.sort_by(by(|connection| &connection.id)),
        ConnectionColumn::User => rows.sort_by(by(|connection| connection.user().unwrap_or_default())),
        ConnectionColumn::Instance => rows.sort_by(by(|connection| connection.instance().unwrap_or_default())),
    }
    if order.direction == Direction::Reversed {
        rows.reverse();
    }
    if let Some(own) = rows.iter().position(|at| site.is_own(&list[*at])) {
        rows[..=own].rotate_right(1);
    }
    rows
}

/// Positions of the log entries that pass, oldest first.
#[must_use]
pub fn log(site: &Site, filter: &Filter) -> Vec<usize> {
    site.log
        .iter()
        .enumerate()
        .filter(|(_, entry)| filter.passes([Held::Text(&entry.text)]))
        .map(|(at, _)| at)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::site::Watchers;
    use super::*;
    use crate::{Now, SourceEvent};

    fn site() -> Site {
        let mut site = Site::new(Watchers::LeftOut);
        let stats = r#"{"type":"stats","total":4,"versions":{"b1":1,"b2":3},"current":"b2","yourId":"me",
            "routes":{"/__skew/tui":1,"/":1,"/shop":1,"/a\u001b":1},"connections":[
            {"id":"z","version":"b2","route":"/","ip":"::1"},{"id":"y","version":"b1","route":"/shop"},
            {"id":"me","version":"b2","route":"/__skew/tui"},{"id":"x","version":"b2","route":"/a\u001b"}]}"#;
        site.observe(SourceEvent::Frame(stats.into()), Now::default());
        site
    }

    fn ids(site: &Site, filter: &str, order: Order<ConnectionColumn>) -> String {
        let list = &site.stats.as_ref().unwrap().connections;
        let rows = connections(site, &Drill::default(), &Filter::parse(filter).unwrap(), order);
        rows.into_iter().map(|at| list[at].id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ones_own_connection_comes_first_in_every_order() {
        let site = site();
        let mut order = Order::default();
        assert_eq!(ids(&site, "", order), "me z y x");
        order.reverse();
        assert_eq!(ids(&site, "", order), "me x y z");
        order.cycle();
        assert_eq!((order.column, order.direction), (ConnectionColumn::Version, Direction::Natural));
        assert_eq!(ids(&site, "", order), "me y z x");
    }

    #[test]
    fn a_filter_reads_the_whole_texts_of_every_column() {
        let site = site();
        assert_eq!(ids(&site, "SHOP", Order::default()), "y");
        assert_eq!(ids(&site, "::1", Order::default()), "z");
        assert_eq!(ids(&site, "\u{1b}", Order::default()), "x");
        assert_eq!(ids(&site, "Z", Order::default()), "z");
    }

    #[test]
    fn routes_and_versions_come_by_count_and_then_by_name() {
        let site = site();
        let names: Vec<_> =
            routes(&site.figures, &Filter::default(), Order::default()).into_iter().map(|row| row.route).collect();
        assert_eq!(names, ["/", "/a\u{1b}", "/shop"]);
        let by_old = Order { column: RouteColumn::Old, direction: Direction::Natural };
        assert_eq!(routes(&site.figures, &Filter::default(), by_old)[0].old, 1);
        let rows = versions(&site, &site.figures, &Filter::default(), Order::default());
        assert_eq!(
            rows.iter().map(|row| (row.version.as_str(), row.count)).collect::<Vec<_>>(),
            [("b2", 2), ("b1", 1)]
        );
    }

    #[test]
    fn cycling_comes_back_to_the_first_column() {
        let mut order: Order<RouteColumn> = Order::default();
        for _ in RouteColumn::ALL {
            order.cycle();
        }
        assert_eq!(order, Order::default());
    }
}
