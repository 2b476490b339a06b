//! Whom an invalidation will reach, before anybody is reached.

use std::collections::BTreeMap;

use skew_proto::{Connection, MatchKind, RoutePattern, text, wire};

use super::site::Site;

/// An invalidation that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalidation {
    /// Of the users of routes.
    Route {
        /// The pattern, whole.
        pattern: String,
        /// How it is compared with a route.
        kind: MatchKind,
    },
    /// Of one user, by id.
    User(String),
}

impl Invalidation {
    /// Whom it reaches. A pattern was checked before it was confirmed.
    #[must_use]
    pub fn whom(&self) -> Option<Whom> {
        match self {
            Self::Route { pattern, kind } => RoutePattern::new(*kind, pattern).ok().map(Whom::Route),
            Self::User(id) => Some(Whom::User(id.clone())),
        }
    }

    /// What it reaches, in at most so many characters that could harm no terminal.
    #[must_use]
    pub fn cut(&self, chars: usize) -> String {
        match self {
            Self::Route { pattern, kind } => format!("{kind} {}", text::cut(pattern, chars)),
            Self::User(id) => format!("user {}", text::cut(id, chars)),
        }
    }
}

/// Whom an invalidation reaches, for comparing.
#[derive(Debug, Clone)]
pub enum Whom {
    /// Whoever is at a route that matches.
    Route(RoutePattern),
    /// One user, by id.
    User(String),
}

impl Whom {
    /// Whether a connection is reached.
    #[must_use]
    pub fn hits(&self, connection: &Connection) -> bool {
        match self {
            Self::Route(pattern) => pattern.matches(&connection.route),
            Self::User(id) => connection.user() == Some(id),
        }
    }

    /// Whether everybody is.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        match self {
            Self::Route(pattern) => pattern.is_everybody(),
            Self::User(_) => false,
        }
    }

    /// The pattern or the id, whole.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Route(pattern) => pattern.text(),
            Self::User(id) => id,
        }
    }

    /// What is asked of a server.
    #[must_use]
    pub fn asked(&self) -> Invalidation {
        match self {
            Self::Route(pattern) => Invalidation::Route { pattern: pattern.text().to_owned(), kind: pattern.kind() },
            Self::User(id) => Invalidation::User(id.clone()),
        }
    }
}

/// Name by which `skew-server` says who it is.
const OUR_SERVER: &str = "skew-server";

/// Whether the server compares by anything but prefixes.
#[must_use]
pub fn knows_every_kind(site: &Site) -> bool {
    site.server.as_ref().is_some_and(|server| server.name == OUR_SERVER)
}

/// Whom an invalidation reaches by what is known now.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Whom.
    pub whom: Whom,
    /// Who is reached; unknown without stats.
    pub reach: Option<Reach>,
}

/// The connections that an invalidation reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Visitors' connections.
    pub people: u64,
    /// All visitors' connections, reached or not.
    pub of: u64,
    /// `skew-tui`s, which have no page to refresh.
    pub watchers: u64,
    /// The visitors by route, most first.
    pub routes: Vec<(String, u64)>,
}

impl Preview {
    /// Looks at a site's newest stats.
    #[must_use]
    pub fn of(whom: Whom, site: &Site) -> Self {
        let reach = Reach::of(&whom, site);
        Self { whom, reach }
    }
}

impl Reach {
    fn of(whom: &Whom, site: &Site) -> Option<Self> {
        let stats = site.stats.as_ref()?;
        if matches!(whom, Whom::User(_)) && !site.tells_users() {
            return None;
        }
        let mut reach = Self::default();
        let mut routes: BTreeMap<&str, u64> = BTreeMap::new();
        let mut count = |route, number, watcher, matches| {
            match (watcher, matches) {
                (true, true) => reach.watchers += number,
                (true, false) => {}
                (false, true) => *routes.entry(route).or_default() += number,
                (false, false) => {}
            }
            if !watcher {
                reach.of += number;
            }
        };
        // The list knows watchers best; where it holds a part only, the table of routes knows everybody.
        if stats.connections.len() as u64 == stats.total {
            for connection in &stats.connections {
                count(connection.route.as_str(), 1, site.is_watcher(connection), whom.hits(connection));
            }
        } else {
            let Whom::Route(pattern) = whom else { return None };
            for (route, number) in &stats.routes {
                count(route.as_str(), *number, route == wire::TUI_ROUTE, pattern.matches(route));
            }
        }
        reach.people = routes.values().sum();
        reach.routes = routes.into_iter().map(|(route, number)| (route.to_owned(), number)).collect();
        reach.routes.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        Some(reach)
    }
}

/// Why an invalidation is not within the limit that the operator has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OverLimit {
    /// It reaches too many.
    #[error("this reaches {reach} connections and --max-affected allows {max}; narrow the pattern, or allow more")]
    Above {
        /// Visitors' connections that it reaches.
        reach: u64,
        /// How many it may reach.
        max: u64,
    },
    /// Nobody knows how many it reaches.
    #[error(
        "whom this reaches is not known and --max-affected allows {max}; see that the site shows its stats, or leave \
         --max-affected away"
    )]
    Unknown {
        /// How many it may reach.
        max: u64,
    },
}

/// Holds the number of visitors' connections that are reached to a limit, where there is one.
///
/// # Errors
///
/// When they are more, or nobody knows how many they are.
pub fn within(reach: Option<u64>, limit: Option<u64>) -> Result<(), OverLimit> {
    match (limit, reach) {
        (Some(max), None) => Err(OverLimit::Unknown { max }),
        (Some(max), Some(reach)) if reach > max => Err(OverLimit::Above { reach, max }),
        _ => Ok(()),
    }
}

/// Whether a route may become a pattern: somebody is at it who sent it as a text. What a visitor sent in another shape is
/// only a rendering of it, and the server compares with something else.
#[must_use]
pub fn is_usable(route: &str, site: &Site) -> bool {
    let list = site.stats.as_ref().map(|stats| stats.connections.as_slice()).unwrap_or_default();
    let mut here = list.iter().filter(|connection| connection.route == route).peekable();
    match here.peek() {
        Some(_) => here.any(|connection| !connection.damaged),
        // A list of a part can't tell.
        None => site.stats.as_ref().is_some_and(|stats| (list.len() as u64) < stats.total),
    }
}

#[cfg(test)]
mod tests {
    use super::super::site::Watchers;
    use super::*;
    use crate::{Now, SourceEvent};

    fn site(stats: &str) -> Site {
        let mut site = Site::new(Watchers::LeftOut);
        site.observe(SourceEvent::Frame(stats.to_owned()), Now::default());
        site
    }

    fn reach(site: &Site, kind: MatchKind, pattern: &str) -> Reach {
        Preview::of(Whom::Route(RoutePattern::new(kind, pattern).unwrap()), site).reach.unwrap()
    }

    const STATS: &str = r#"{"type":"stats","total":5,"versions":{"b2":5},"yourId":"me",
        "routes":{"/__skew/tui":1,"/checkout":2,"/checkout-help":1,"/":1},"connections":[
        {"id":"a","version":"b2","route":"/checkout"},{"id":"b","version":"b2","route":"/checkout-help"},
        {"id":"me","version":"b2","route":"/__skew/tui"},{"id":"c","version":"b2","route":"/checkout"},
        {"id":"d","version":"b2","route":"/"}]}"#;

    #[test]
    fn a_prefix_shows_the_neighbours_that_it_takes_along() {
        let reach = reach(&site(STATS), MatchKind::Prefix, "/checkout");
        assert_eq!((reach.people, reach.of, reach.watchers), (3, 4, 0));
        assert_eq!(reach.routes, [("/checkout".into(), 2), ("/checkout-help".into(), 1)]);
    }

    #[test]
    fn watchers_are_reached_and_are_no_visitors() {
        let reach = reach(&site(STATS), MatchKind::Prefix, "/");
        assert_eq!((reach.people, reach.of, reach.watchers), (4, 4, 1));
        assert_eq!(reach.routes.len(), 3);
    }

    #[test]
    fn a_list_of_a_part_leaves_the_table_of_routes() {
        let stats = r#"{"type":"stats","total":50,"versions":{"b2":50},"routes":{"/a":49,"/__skew/tui":1},
            "connections":[{"id":"a","version":"b2","route":"/a"}]}"#;
        let reach = reach(&site(stats), MatchKind::Prefix, "/");
        assert_eq!((reach.people, reach.watchers), (49, 1));
    }

    #[test]
    fn nothing_is_said_of_a_reach_that_is_not_known() {
        let pattern = RoutePattern::new(MatchKind::Prefix, "/").unwrap();
        assert_eq!(Preview::of(Whom::Route(pattern), &Site::new(Watchers::LeftOut)).reach, None);
    }

    #[test]
    fn a_user_is_reached_on_every_page_where_the_list_tells_whose_tabs_there_are() {
        let stats = r#"{"type":"stats","total":3,"users":1,"anonymous":1,"versions":{"b":3},"routes":{"/":2,"/a":1},"connections":[
            {"id":"a","version":"b","route":"/","user":"ann"},{"id":"b","version":"b","route":"/a","user":"ann"},
            {"id":"c","version":"b","route":"/"}]}"#;
        let reach = |stats: &str| Preview::of(Whom::User("ann".into()), &site(stats)).reach;
        let told = reach(stats).unwrap();
        assert_eq!((told.people, told.of, told.routes.len()), (2, 3, 2));
        assert_eq!(reach(&stats.replace(r#""total":3"#, r#""total":9"#)), None, "a part of the list can't tell");
        assert_eq!(reach(STATS), None, "a stock server does not say whose they are");
    }

    #[test]
    fn a_limit_holds_what_is_above_it_and_what_is_not_known() {
        assert_eq!(within(Some(5), Some(5)), Ok(()));
        assert_eq!(within(Some(6), Some(5)), Err(OverLimit::Above { reach: 6, max: 5 }));
        assert_eq!(within(None, Some(5)), Err(OverLimit::Unknown { max: 5 }));
        assert_eq!(within(None, None), Ok(()));
    }

    #[test]
    fn a_damaged_visitor_spoils_a_route_only_for_himself() {
        let stats = r#"{"type":"stats","total":3,"versions":{"b2":2},"routes":{},"connections":[
            {"id":"a","version":"b2","route":"/shop"},{"id":"b","version":[1],"route":"/shop"},
            {"id":"c","version":"b2","route":["/a","/b"]}]}"#;
        let site = site(stats);
        assert!(is_usable("/shop", &site));
        assert!(!is_usable(r#"["/a","/b"]"#, &site));
        assert!(!is_usable("/a,/b", &site), "nobody is at the text that a stock server made of an array");
    }
}
