//! Rows of the users and of the instances.

use std::collections::HashMap;

use skew_proto::{Connection, InstanceState};

use super::{Column, Order};
use crate::state::drill::Drill;
use crate::state::filter::{Filter, Held};
use crate::state::site::{Host, Hosted, Site, Watchers};

columns! {
    /// Columns of the users.
    UserColumn {
        /// Number of tabs.
        Tabs = "tabs",
        /// Who is connected for longest.
        Since = "since",
        /// Number of builds.
        Builds = "builds",
        /// The id.
        User = "user",
    }
}

columns! {
    /// Columns of the instances.
    InstanceColumn {
        /// Number of connections.
        Share = "share",
        /// The name.
        Name = "name",
        /// Who was started last.
        Age = "age",
        /// The build.
        Build = "build",
    }
}

/// Who connections belong to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// A user, by id.
    User(String),
    /// Nobody known: everybody without an id.
    Anonymous,
}

impl Who {
    /// Whether a connection is theirs.
    #[must_use]
    pub fn has(&self, connection: &Connection) -> bool {
        match self {
            Self::User(id) => connection.user() == Some(id),
            Self::Anonymous => connection.user().is_none(),
        }
    }

    /// The id, or the word for those without.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::User(id) => id,
            Self::Anonymous => "anonymous",
        }
    }
}

/// A row of the users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Who.
    pub who: Who,
    /// Number of their connections.
    pub tabs: u64,
    /// Number of different builds that they are on.
    pub builds: u64,
    /// Number of different instances that they are on; 0 where the server tells of none.
    pub instances: u64,
    /// Position of the first of their connections in the server's list, which is the one that is open for longest.
    pub first: usize,
}

/// A row of the instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRow {
    /// What is told of it.
    pub hosted: Hosted,
}

/// Which row of the instances: what one is called, and when it was started.
pub type InstanceKey = (Host, u64);

impl InstanceRow {
    /// Which it is.
    #[must_use]
    pub fn key(&self) -> InstanceKey {
        (self.hosted.host(), self.hosted.instance.epoch)
    }
}

/// What is known of one user.
struct Found<'a> {
    tabs: u64,
    builds: Vec<&'a str>,
    instances: Vec<&'a str>,
    first: usize,
}

impl<'a> Found<'a> {
    fn take(&mut self, connection: &'a Connection) {
        self.tabs += 1;
        add(&mut self.builds, &connection.version);
        if let Some(instance) = connection.instance() {
            add(&mut self.instances, instance);
        }
    }
}

/// Nobody is on many builds at once.
fn add<'a>(names: &mut Vec<&'a str>, name: &'a str) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// Users within the scopes that pass, in order, and behind them all who have no id. None where the list tells of no user.
#[must_use]
pub fn users(site: &Site, drill: &Drill, filter: &Filter, order: Order<UserColumn>) -> Vec<UserRow> {
    let mut found: HashMap<Option<&str>, Found<'_>> = HashMap::new();
    for (first, connection) in site.connections().iter().enumerate() {
        if !drill.holds(connection) || site.watchers() == Watchers::LeftOut && site.is_watcher(connection) {
            continue;
        }
        let new = || Found { tabs: 0, builds: Vec::new(), instances: Vec::new(), first };
        found.entry(connection.user()).or_insert_with(new).take(connection);
    }
    let row = |(user, found): (Option<&str>, Found<'_>)| UserRow {
        who: user.map_or(Who::Anonymous, |user| Who::User(user.to_owned())),
        tabs: found.tabs,
        builds: found.builds.len() as u64,
        instances: found.instances.len() as u64,
        first: found.first,
    };
    let anonymous = found.remove_entry(&None).map(row);
    let passing = |(user, found): &(Option<&str>, Found<'_>)| {
        let held =
            user.iter().map(|user| Held::User(user)).chain(found.instances.iter().map(|name| Held::Instance(name)));
        filter.passes(held.chain(found.builds.iter().map(|build| Held::Text(build))))
    };
    let mut rows: Vec<UserRow> = found.into_iter().filter(passing).map(row).collect();
    // Those of equal rank stay in the order in which they came.
    rows.sort_unstable_by_key(|row| row.first);
    rows.sort_by(|a, b| {
        order.turn(match order.column {
            UserColumn::Tabs => b.tabs.cmp(&a.tabs),
            UserColumn::Since => a.first.cmp(&b.first),
            UserColumn::Builds => b.builds.cmp(&a.builds),
            UserColumn::User => a.who.text().cmp(b.who.text()),
        })
    });
    let named = !rows.is_empty() || !filter.is_empty() || site.tells_users();
    rows.extend(anonymous.filter(|_| named && filter.passes([Held::Text(Who::Anonymous.text())])));
    rows
}

/// Instances that pass, in order.
#[must_use]
pub fn instances(site: &Site, filter: &Filter, order: Order<InstanceColumn>) -> Vec<InstanceRow> {
    let passes = |hosted: &&Hosted| {
        let instance = &hosted.instance;
        let texts = [Some(&instance.build), Some(&instance.server), hosted.target.as_ref()];
        let texts = texts.into_iter().flatten().map(|text| Held::Text(text));
        filter.passes(texts.chain([Held::Instance(&instance.name), Held::Text(state_word(instance.state))]))
    };
    let mut rows: Vec<Hosted> = site.instances.iter().filter(passes).cloned().collect();
    rows.sort_by(|a, b| {
        let (one, other) = (&a.instance, &b.instance);
        order.turn(match order.column {
            InstanceColumn::Share => other.connections.cmp(&one.connections),
            InstanceColumn::Name => one.name.cmp(&other.name),
            InstanceColumn::Age => other.epoch.cmp(&one.epoch),
            InstanceColumn::Build => one.build.cmp(&other.build),
        })
    });
    rows.into_iter().map(|hosted| InstanceRow { hosted }).collect()
}

/// Whether an instance's figures are those of now, in a word.
#[must_use]
pub fn state_word(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Live => "live",
        InstanceState::Silent => "silent",
        InstanceState::Unreadable => "unreadable",
        InstanceState::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::drill::Scope;
    use crate::{Now, SourceEvent};

    fn site() -> Site {
        let mut site = Site::new(Watchers::LeftOut);
        let stats = r#"{"type":"stats","total":6,"users":3,"anonymous":1,"versions":{"b1":2,"b2":4},"yourId":"me",
            "routes":{"/":5,"/__skew/tui":1},"instances":[
            {"name":"w1","epoch":5,"build":"b1","connections":2,"users":2,"state":"live"},
            {"name":"w2","epoch":9,"build":"b2","connections":4,"users":2,"state":"silent","since":3}],"connections":[
            {"id":"a","version":"b1","route":"/","user":"zoe","instance":"w1"},
            {"id":"b","version":"b2","route":"/","user":"ann","instance":"w2"},
            {"id":"c","version":"b1","route":"/","user":"ann","instance":"w1"},
            {"id":"d","version":"b2","route":"/","instance":"w2"},
            {"id":"e","version":"b2","route":"/","user":"bob","instance":"w2"},
            {"id":"me","version":"b2","route":"/__skew/tui","user":"op","instance":"w2"}]}"#;
        site.observe(SourceEvent::Frame(stats.to_owned()), Now::default());
        site
    }

    fn names(rows: &[UserRow]) -> Vec<&str> {
        rows.iter().map(|row| row.who.text()).collect()
    }

    fn shown(filter: &str, order: Order<UserColumn>, drill: &Drill) -> Vec<UserRow> {
        users(&site(), drill, &Filter::parse(filter).unwrap(), order)
    }

    #[test]
    fn users_come_by_tabs_and_then_as_they_came_and_the_anonymous_last() {
        let mut order = Order::default();
        let rows = shown("", order, &Drill::default());
        assert_eq!(names(&rows), ["ann", "zoe", "bob", "anonymous"], "who only watches is no visitor");
        assert_eq!((rows[0].tabs, rows[0].builds, rows[0].instances, rows[0].first), (2, 2, 2, 1));
        order.reverse();
        assert_eq!(names(&shown("", order, &Drill::default())), ["zoe", "bob", "ann", "anonymous"]);
        order.cycle();
        assert_eq!(names(&shown("", order, &Drill::default())), ["zoe", "ann", "bob", "anonymous"], "by since");
    }

    #[test]
    fn filters_and_scopes_narrow_the_users() {
        let all = Drill::default();
        assert_eq!(names(&shown("user:o", Order::default(), &all)), ["zoe", "bob"]);
        assert_eq!(names(&shown("instance:w1", Order::default(), &all)), ["ann", "zoe"]);
        assert_eq!(names(&shown("anon", Order::default(), &all)), ["anonymous"]);
        let mut drill = Drill::default();
        drill.open(Scope::Version("b1".into()));
        assert_eq!(names(&shown("", Order::default(), &drill)), ["zoe", "ann"]);
    }

    #[test]
    fn instances_come_by_connections_and_pass_by_name_build_and_state() {
        let names = |filter: &str, column| {
            let order = Order { column, ..Order::default() };
            let rows = instances(&site(), &Filter::parse(filter).unwrap(), order);
            rows.into_iter().map(|row| row.hosted.instance.name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("", InstanceColumn::Share), "w2 w1");
        assert_eq!(names("", InstanceColumn::Name), "w1 w2");
        assert_eq!(
            (names("silent", InstanceColumn::Share), names("!instance:w2", InstanceColumn::Share)),
            ("w2".into(), "w1".into())
        );
    }

    #[test]
    fn a_server_that_counts_no_users_has_no_rows() {
        let mut site = Site::new(Watchers::LeftOut);
        let stats = r#"{"type":"stats","total":1,"versions":{"b":1},"routes":{"/":1},"connections":[{"id":"a","version":"b","route":"/"}]}"#;
        site.observe(SourceEvent::Frame(stats.to_owned()), Now::default());
        assert_eq!(users(&site, &Drill::default(), &Filter::default(), Order::default()), []);
    }
}
