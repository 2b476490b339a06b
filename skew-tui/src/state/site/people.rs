//! Who the connections belong to: one person has several.

use std::collections::{HashMap, HashSet};

use skew_proto::{Connection, Counts, Stats};

use super::{Site, Watchers};

/// Distinct users.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Users {
    /// Number of them.
    pub total: u64,
    /// Number of connections that belong to nobody known, where that is told.
    pub anonymous: Option<u64>,
    /// Users by build. One with tabs on two builds counts on each. Nothing where the list does not tell everybody's.
    pub versions: Option<Counts>,
    /// Users by route, in the same way.
    pub routes: Option<Counts>,
}

impl Users {
    /// Whether anybody is known: a server may count users and have been told of no way to know them.
    #[must_use]
    pub fn any(&self) -> bool {
        self.total > 0
    }

    /// Counts the users of connections, one by one.
    #[must_use]
    pub fn of<'a>(connections: impl Iterator<Item = &'a Connection>) -> Self {
        let (mut users, mut versions, mut routes) = (Numbers::default(), Numbers::default(), Numbers::default());
        let mut anonymous = 0;
        let (mut on_versions, mut on_routes) = (Vec::new(), Vec::new());
        for connection in connections {
            let Some(user) = connection.user() else {
                anonymous += 1;
                continue;
            };
            let user = users.of(user);
            on_versions.push((versions.of(&connection.version), user));
            on_routes.push((routes.of(&connection.route), user));
        }
        Self {
            total: users.0.len() as u64,
            anonymous: Some(anonymous),
            versions: Some(versions.distinct(on_versions)),
            routes: Some(routes.distinct(on_routes)),
        }
    }
}

/// Names as numbers: pairs of these are sorted many times as fast as pairs of names.
#[derive(Default)]
struct Numbers<'a>(HashMap<&'a str, u32>);

impl<'a> Numbers<'a> {
    fn of(&mut self, name: &'a str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(name).or_insert(next)
    }

    /// Distinct users for each name.
    fn distinct(self, mut pairs: Vec<(u32, u32)>) -> Counts {
        pairs.sort_unstable();
        pairs.dedup();
        let mut counts = vec![0u64; self.0.len()];
        for (name, _) in pairs {
            counts[name as usize] += 1;
        }
        self.0.into_iter().map(|(name, number)| (name.to_owned(), counts[number as usize])).collect()
    }
}

/// Whether the list says of everybody who it is.
pub(super) fn tells_everybody(stats: &Stats) -> bool {
    let Some(users) = stats.users() else { return false };
    let whole = stats.connections.len() as u64 == stats.total;
    // A server that counts users, and was not asked for them or does not show them to us, lists none.
    whole && (users == 0 || stats.connections.iter().any(|connection| connection.user().is_some()))
}

impl Site {
    /// The users behind the figures that are shown; nothing where the server does not count them.
    pub(super) fn count_users(&self) -> Option<Users> {
        let stats = self.stats.as_ref()?;
        let (total, anonymous) = (stats.users()?, stats.anonymous());
        let left_out = |connection: &Connection| self.watchers() == Watchers::LeftOut && self.is_watcher(connection);
        let counted = || stats.connections.iter().filter(|connection| !left_out(connection));
        let mut users = if tells_everybody(stats) { Users::of(counted()) } else { Users::default() };
        // Somebody who only watches is a user to the server.
        let mut watching: HashSet<&str> =
            stats.connections.iter().filter(|one| left_out(one)).filter_map(Connection::user).collect();
        if !watching.is_empty() {
            for user in counted().filter_map(Connection::user) {
                watching.remove(user);
            }
        }
        let nobody = stats.connections.iter().filter(|one| left_out(one) && one.user().is_none()).count();
        users.total = total.saturating_sub(watching.len() as u64);
        users.anonymous = anonymous.map(|anonymous| anonymous.saturating_sub(nobody as u64));
        Some(users)
    }

    /// Whether the list tells whose every connection is.
    #[must_use]
    pub fn tells_users(&self) -> bool {
        self.stats.as_ref().is_some_and(tells_everybody)
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

    fn counts<const N: usize>(counts: [(&str, u64); N]) -> Option<Counts> {
        Some(counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect())
    }

    const STATS: &str = r#"{"type":"stats","total":6,"users":3,"anonymous":1,"versions":{"b1":2,"b2":4},"yourId":"me",
        "routes":{"/":2,"/shop":3,"/__skew/tui":1},"connections":[
        {"id":"a","version":"b1","route":"/","user":"ann"},{"id":"b","version":"b2","route":"/shop","user":"ann"},
        {"id":"c","version":"b2","route":"/shop","user":"ann"},{"id":"d","version":"b1","route":"/","user":"bob"},
        {"id":"e","version":"b2","route":"/shop"},{"id":"me","version":"b2","route":"/__skew/tui","user":"op"}]}"#;

    #[test]
    fn a_person_with_several_tabs_counts_once_and_on_each_build_and_route() {
        let users = site(STATS).figures.users.unwrap();
        assert_eq!((users.total, users.anonymous), (2, Some(1)), "who only watches is no visitor");
        assert_eq!(users.versions, counts([("b1", 2), ("b2", 1)]));
        assert_eq!(users.routes, counts([("/", 2), ("/shop", 1)]));
        let mut counted = site(STATS);
        counted.set_watchers(Watchers::Counted);
        assert_eq!(counted.figures.users.unwrap().total, 3);
    }

    #[test]
    fn a_server_that_does_not_count_them_has_none_and_not_no_users() {
        let stock = STATS.replace(r#""users":3,"anonymous":1,"#, "");
        assert_eq!(site(&stock).figures.users, None);
    }

    #[test]
    fn of_a_part_of_the_list_and_of_one_without_ids_only_the_server_s_own_count_is_known() {
        let part = STATS.replace(r#""total":6"#, r#""total":90"#).replace(r#""users":3"#, r#""users":70"#);
        let users = site(&part).figures.users.unwrap();
        assert_eq!((users.total, &users.versions, &users.routes), (69, &None, &None));
        let hidden =
            STATS.replace(r#","user":"ann""#, "").replace(r#","user":"bob""#, "").replace(r#","user":"op""#, "");
        let users = site(&hidden).figures.users.unwrap();
        assert_eq!((users.total, users.versions), (3, None));
    }

    #[test]
    fn instances_that_are_not_heard_from_make_the_figures_partial_until_they_are() {
        let told = r#"{"type":"stats","seq":1,"total":0,"versions":{},"routes":{},"connections":[],"partial":{"instances":["w2"],"since":5},
            "instances":[{"name":"w1","epoch":1,"build":"b","connections":0,"users":0,"state":"live"}]}"#;
        let mut site = site(told);
        assert_eq!((site.coverage, site.instances.len()), (super::super::Coverage::Instances, 1));
        assert_eq!(super::super::unheard(site.missing.as_ref().unwrap()), "w2");
        let healed = r#"{"type":"stats-changes","since":1,"seq":2,"total":0,"partial":null}"#;
        site.observe(SourceEvent::Frame(healed.to_owned()), Now::default());
        assert_eq!((site.coverage, site.missing), (super::super::Coverage::Whole, None));
    }

    #[test]
    fn a_list_that_comes_behind_its_figures_is_no_gap_where_there_are_several_instances() {
        let told = r#"{"type":"stats","seq":1,"total":1,"versions":{"b":1},"routes":{"/":1},"connections":[{"id":"a","version":"b","route":"/"}],
            "instances":[{"name":"w1","epoch":1,"build":"b","connections":1,"users":0,"state":"live"}]}"#;
        let mut site = site(told);
        let more = r#"{"type":"stats-changes","since":1,"seq":2,"total":2,"versions":{"b":2},"routes":{"/":2}}"#;
        site.observe(SourceEvent::Frame(more.to_owned()), Now::default());
        assert_eq!((site.figures.total, site.wants_stats()), (2, false));
    }
}
