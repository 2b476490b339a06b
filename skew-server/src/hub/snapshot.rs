//! The state as messages: whole, as `stats`, and what has changed of it, as `stats-changes`.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use skew_proto::{List, Partial, UserIds};

use super::aggregates::Table;
use super::elsewhere::Instances;
use super::message::{Message, Snapshot};
use super::pending::{Listed, Pending};
use super::registry::{Entry, Key};
use super::releases::Connected;
use super::state::State;

/// The fields of [`skew_proto::Stats`], borrowed: a list of ten thousand is encoded without being cloned first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", bound = "")]
struct View<'a, P> {
    total: u64,
    users: u64,
    anonymous: u64,
    versions: &'a Table,
    routes: &'a Table,
    connections: First<'a, P>,
    current: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    released_at: Option<u64>,
    #[serde(skip_serializing_if = "Connected::is_empty")]
    releases: Connected<'a>,
    /// With the next only where there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<Instances<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<&'a Partial>,
}

/// The fields of [`skew_proto::StatsChanges`], borrowed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", bound = "")]
struct ChangesView<'a, P> {
    r#type: &'static str,
    since: u64,
    seq: u64,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymous: Option<u64>,
    #[serde(skip_serializing_if = "Counts::is_empty")]
    versions: Counts<'a>,
    #[serde(skip_serializing_if = "Counts::is_empty")]
    routes: Counts<'a>,
    #[serde(skip_serializing_if = "Rows::is_empty")]
    opened: Rows<'a>,
    #[serde(skip_serializing_if = "Moved::is_empty")]
    moved: Moved<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    closed: Vec<crate::PublicId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<First<'a, P>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<&'a str>,
    /// Null, like the next, where it was known and is not any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    released_at: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    releases: Option<Option<Connected<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<Instances<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<Option<&'a Partial>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: crate::PublicId,
    version: &'a str,
    route: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<std::net::IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of<P>(key: Key, entry: &'a Entry<P>, state: &'a State<P>, users: UserIds) -> Self {
        let Entry { id, version, route, ip, user, .. } = entry;
        let user = user.as_deref().filter(|_| users == UserIds::Shown);
        Self { id: *id, version, route, ip: *ip, user, instance: state.instance_of(key, entry) }
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The first connections of the list.
struct First<'a, P> {
    state: &'a State<P>,
    count: usize,
    users: UserIds,
}

impl<P> Serialize for First<'_, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { state, count, users } = *self;
        serializer.collect_seq(state.registry.iter().take(count).map(|(key, entry)| Row::of(key, entry, state, users)))
    }
}

/// Those counts of a table that have changed.
struct Counts<'a> {
    names: &'a std::collections::BTreeSet<Arc<str>>,
    table: &'a Table,
}

impl Counts<'_> {
    fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().map(|name| (&**name, self.table.of(name))))
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows<'a>(Vec<Row<'a>>);

impl Rows<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

struct Moved<'a>(Vec<(crate::PublicId, &'a str)>);

impl Moved<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Moved<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// How many connections of the list are sent.
fn listed(list: List) -> usize {
    match list {
        List::All => usize::MAX,
        List::None => 0,
        List::Top(count) => usize::try_from(count).unwrap_or(usize::MAX),
    }
}

/// The whole state.
pub(super) fn take<P>(state: &State<P>, list: List, users: UserIds) -> Snapshot {
    let State { aggregates, people, current, release_times, fleet, .. } = state;
    let view = View {
        total: aggregates.total(),
        users: people.users(),
        anonymous: people.anonymous(),
        versions: &aggregates.versions,
        routes: &aggregates.routes,
        connections: First { state, count: listed(list), users },
        current: &current.version,
        released_at: current.released_at,
        releases: release_times.of_connected(&aggregates.versions),
        instances: state.instances(),
        partial: fleet.as_ref().and_then(|fleet| fleet.partial.as_ref()),
    };
    #[expect(
        clippy::expect_used,
        reason = "strings and numbers under string keys: nothing a visitor sends can fail here"
    )]
    Snapshot::new(&view).expect("stats are JSON")
}

/// What has changed, as it is now.
pub(super) fn changes<P>(pending: &Pending, state: &State<P>) -> Message {
    let State { registry, aggregates, people, current, release_times, fleet, seq, .. } = state;
    let (mut opened, mut moved, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    for (key, id) in &pending.touched {
        match registry.get(*key) {
            Some(entry) if *key < pending.all_know => moved.push((*id, &*entry.route)),
            Some(entry) => opened.push(Row::of(*key, entry, state, pending.users)),
            None => closed.push(*id),
        }
    }
    let connections = match pending.list {
        Listed::Top { count, changed: true, .. } => Some(First { state, count, users: pending.users }),
        Listed::Top { changed: false, .. } | Listed::All | Listed::None => None,
    };
    let view = ChangesView {
        r#type: "stats-changes",
        since: pending.since,
        seq: *seq,
        total: aggregates.total(),
        users: pending.people.then(|| people.users()),
        anonymous: pending.people.then(|| people.anonymous()),
        versions: Counts { names: &pending.versions, table: &aggregates.versions },
        routes: Counts { names: &pending.routes, table: &aggregates.routes },
        opened: Rows(opened),
        moved: Moved(moved),
        closed,
        connections,
        current: pending.current.then_some(&current.version),
        released_at: pending.current.then_some(current.released_at),
        releases: pending
            .releases
            .then(|| Some(release_times.of_connected(&aggregates.versions)).filter(|releases| !releases.is_empty())),
        instances: if pending.instances { state.instances() } else { None },
        partial: fleet.as_ref().filter(|_| pending.partial).map(|fleet| fleet.partial.as_ref()),
    };
    #[expect(clippy::expect_used, reason = "as above")]
    Message::custom(&view).expect("stats are JSON")
}
#[cfg(test)]
mod tests {
    use skew_proto::{ServerMessage, Stats};

    use super::super::answer::Current;
    use super::*;
    use crate::id::{ConnectionId, PublicId};

    #[test]
    fn the_snapshot_is_the_stats_message_of_the_protocol() {
        let mut state = State::new(Current { version: "v2".into(), released_at: Some(17) });
        let mut open = |version: &str, route: &str, ip: Option<&str>| {
            let entry = Entry {
                connection_id: Some(ConnectionId::random(7)),
                id: PublicId::random(),
                version: version.into(),
                route: route.into(),
                ip: ip.map(|ip| ip.parse().unwrap()),
                user: None,
                peer: (),
            };
            let id = entry.id;
            state.open(entry, 7);
            id.to_string()
        };
        let first = open("v1", "/", None);
        open("__proto__", "/a\u{1b}\"\n", Some("203.0.113.9"));
        for (version, at) in [("v1", 9), ("nobody-is-on-it", 8)] {
            state.release_times.learn(&skew_proto::Release { version: version.into(), released_at: Some(at) });
        }
        let text = take(&state, List::All, UserIds::Shown).json(&first);

        let ServerMessage::Stats(stats) = ServerMessage::decode(std::str::from_utf8(&text).unwrap()).unwrap() else {
            panic!("no stats");
        };
        let Stats { total, versions, routes, connections, your_id, extra, damage } = *stats;
        assert!(damage.is_empty());
        assert_eq!((total, versions["v1"], versions["__proto__"]), (2, 1, 1));
        assert_eq!(routes["/a\u{1b}\"\n"], 1);
        assert_eq!((&connections[0].id, &connections[0].ip), (&first, &None));
        assert_eq!(connections[1].ip.as_deref(), Some("203.0.113.9"));
        assert_eq!(your_id, Some(first));
        assert_eq!((extra["current"].as_str(), extra["releasedAt"].as_u64()), (Some("v2"), Some(17)));
        assert_eq!(extra["releases"], serde_json::json!({"v1": 9}));
    }
}
