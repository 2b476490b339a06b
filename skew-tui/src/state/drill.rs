//! How deep a person has looked: from everybody into a build, a route, a connection.

use std::collections::HashMap;

use skew_proto::{Connection, Counts};

use super::Pane;
use super::rows::Who;
use super::site::{Figures, Host, Site, Users, Watchers};

/// What the rows of all panes are narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Connections on a build.
    Version(String),
    /// Connections at a route.
    Route(String),
    /// One connection, by its public id.
    Connection(String),
    /// Connections of a user, or of nobody known.
    User(Who),
    /// Connections on an instance.
    Instance(Host),
}

impl Scope {
    /// What it is narrowed to: the build, the route, the id; whole.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Version(text) | Self::Route(text) | Self::Connection(text) => text,
            Self::User(who) => who.text(),
            Self::Instance(host) => &host.name,
        }
    }

    /// The pane that lists such things.
    #[must_use]
    pub fn pane(&self) -> Pane {
        match self {
            Self::Version(_) => Pane::Versions,
            Self::Route(_) => Pane::Routes,
            Self::Connection(_) => Pane::Connections,
            Self::User(_) => Pane::Users,
            Self::Instance(_) => Pane::Instances,
        }
    }

    fn holds(&self, connection: &Connection) -> bool {
        match self {
            Self::Version(version) => connection.version == *version,
            Self::Route(route) => connection.route == *route,
            Self::Connection(id) => connection.id == *id,
            Self::User(who) => who.has(connection),
            Self::Instance(host) => host.holds(connection),
        }
    }
}

/// The scopes that were opened, each within the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drill {
    path: Vec<Scope>,
}

impl Drill {
    /// The scopes, the widest first.
    #[must_use]
    pub fn path(&self) -> &[Scope] {
        &self.path
    }

    /// Whether everything is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.path.is_empty()
    }

    /// The connection that is looked at, where it has come to that.
    #[must_use]
    pub fn connection(&self) -> Option<&str> {
        self.path.last().filter(|scope| scope.pane() == Pane::Connections).map(Scope::text)
    }

    /// Opens a scope, and tells which pane has the most to say of it. Each kind of scope is opened once, and nothing lies
    /// within a connection.
    pub(super) fn open(&mut self, scope: Scope) -> Pane {
        if self.connection().is_none() && !self.narrows(scope.pane()) {
            self.path.push(scope);
        }
        // Somebody has few tabs: the list tells most of them.
        if self.path.last().is_some_and(|scope| scope.pane() == Pane::Users) {
            return Pane::Connections;
        }
        let open = |pane: &Pane| !self.narrows(*pane);
        [Pane::Routes, Pane::Versions].into_iter().find(open).unwrap_or(Pane::Connections)
    }

    /// Goes back by one scope, and tells which it was.
    pub(super) fn back(&mut self) -> Option<Scope> {
        self.path.pop()
    }

    /// Whether there is one thing left of what a pane lists.
    fn narrows(&self, pane: Pane) -> bool {
        self.path.iter().any(|scope| scope.pane() == pane) || self.connection().is_some()
    }

    /// Whether a connection is within all scopes.
    #[must_use]
    pub fn holds(&self, connection: &Connection) -> bool {
        self.path.iter().all(|scope| scope.holds(connection))
    }

    /// The figures within the scopes, counted from the list. Nothing where the server did not list everybody.
    #[must_use]
    pub fn figures(&self, site: &Site) -> Option<Figures> {
        let list = site.connections();
        if site.stats.as_ref()?.total != list.len() as u64 {
            return None;
        }
        let counted = |connection: &&Connection| {
            self.holds(connection) && (site.watchers() == Watchers::Counted || !site.is_watcher(connection))
        };
        let mut figures = Figures::default();
        let mut versions: HashMap<&str, u64> = HashMap::new();
        let mut routes: HashMap<&str, (u64, u64)> = HashMap::new();
        for connection in list.iter().filter(counted) {
            figures.total += 1;
            *versions.entry(&connection.version).or_default() += 1;
            let (all, outdated) = routes.entry(&connection.route).or_default();
            *all += 1;
            *outdated += u64::from(site.current.as_ref().is_some_and(|current| *current != connection.version));
        }
        let owned = |(name, count): (&str, u64)| (name.to_owned(), count);
        figures.versions = versions.into_iter().map(owned).collect::<Counts>();
        figures.outdated_routes =
            routes.iter().filter(|(_, (_, old))| *old > 0).map(|(name, (_, old))| owned((name, *old))).collect();
        figures.routes = routes.into_iter().map(|(name, (all, _))| owned((name, all))).collect();
        figures.users = site.tells_users().then(|| Users::of(list.iter().filter(counted)));
        Some(figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Now, SourceEvent};

    fn site(stats: &str) -> Site {
        let mut site = Site::new(Watchers::LeftOut);
        site.observe(SourceEvent::Frame(stats.to_owned()), Now::default());
        site
    }

    const STATS: &str = r#"{"type":"stats","total":5,"versions":{"b1":2,"b2":3},"current":"b2","yourId":"me",
        "routes":{"/":2,"/shop":2,"/__skew/tui":1},"connections":[
        {"id":"v","version":"b1","route":"/"},{"id":"w","version":"b1","route":"/shop"},
        {"id":"x","version":"b2","route":"/"},{"id":"y","version":"b2","route":"/shop"},
        {"id":"me","version":"b2","route":"/__skew/tui"}]}"#;

    fn counts<const N: usize>(counts: [(&str, u64); N]) -> Counts {
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }

    #[test]
    fn scopes_narrow_the_figures_one_within_the_other() {
        let mut site = site(STATS);
        let mut drill = Drill::default();
        assert_eq!(drill.open(Scope::Version("b1".into())), Pane::Routes);
        let figures = drill.figures(&site).unwrap();
        assert_eq!((figures.total, figures.versions), (2, counts([("b1", 2)])));
        assert_eq!(
            (figures.routes, figures.outdated_routes),
            (counts([("/", 1), ("/shop", 1)]), counts([("/", 1), ("/shop", 1)]))
        );
        assert_eq!(drill.open(Scope::Route("/shop".into())), Pane::Connections);
        let figures = drill.figures(&site).unwrap();
        assert_eq!((figures.total, figures.routes), (1, counts([("/shop", 1)])));
        assert_eq!(drill.back(), Some(Scope::Route("/shop".into())));
        assert_eq!(drill.back(), Some(Scope::Version("b1".into())));
        assert_eq!((drill.back(), drill.open(Scope::Route("/__skew/tui".into()))), (None, Pane::Versions));
        assert_eq!(drill.figures(&site).unwrap().total, 0, "watchers are no visitors");
        site.set_watchers(Watchers::Counted);
        assert_eq!(drill.figures(&site).unwrap().total, 1);
    }

    #[test]
    fn the_same_kind_is_not_opened_twice_and_nothing_within_a_connection() {
        let mut drill = Drill::default();
        drill.open(Scope::Version("b1".into()));
        drill.open(Scope::Version("b2".into()));
        assert_eq!((drill.path().len(), drill.connection()), (1, None));
        assert_eq!(drill.open(Scope::Connection("v".into())), Pane::Connections);
        drill.open(Scope::Route("/".into()));
        assert_eq!((drill.path().len(), drill.connection()), (2, Some("v")));
    }

    #[test]
    fn of_a_list_of_a_part_no_figures_are_made() {
        let mut drill = Drill::default();
        drill.open(Scope::Route("/".into()));
        let part = r#"{"type":"stats","total":9,"versions":{"b1":9},"routes":{"/":9},
            "connections":[{"id":"v","version":"b1","route":"/"}]}"#;
        assert_eq!(drill.figures(&site(part)), None);
        assert_eq!(drill.figures(&Site::new(Watchers::LeftOut)), None);
    }

    #[test]
    fn a_scope_whose_thing_is_gone_stays_with_nothing_in_it() {
        let mut drill = Drill::default();
        drill.open(Scope::Route("/gone".into()));
        assert_eq!(drill.figures(&site(STATS)), Some(Figures::default()));
    }
}
