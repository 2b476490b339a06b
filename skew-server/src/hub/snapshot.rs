//! The registry and its totals as a `stats` message.

use serde::{Serialize, Serializer};

use super::aggregates::{Aggregates, Table};
use super::answer::Current;
use super::message::Snapshot;
use super::registry::{Entry, Registry};
use super::releases::{Connected, ReleaseTimes};

/// The fields of [`skew_proto::Stats`], borrowed: a list of ten thousand is encoded without being cloned first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", bound = "")]
struct View<'a, P> {
    total: u64,
    versions: &'a Table,
    routes: &'a Table,
    connections: List<'a, P>,
    current: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    released_at: Option<u64>,
    #[serde(skip_serializing_if = "Connected::is_empty")]
    releases: Connected<'a>,
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

struct List<'a, P>(&'a Registry<P>);

impl<P> Serialize for List<'_, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            id: crate::PublicId,
            version: &'a str,
            route: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            ip: Option<std::net::IpAddr>,
        }
        serializer.collect_seq(self.0.iter().map(|(_, Entry { id, version, route, ip, .. })| Row {
            id: *id,
            version,
            route,
            ip: *ip,
        }))
    }
}

pub(super) fn take<P>(
    registry: &Registry<P>,
    aggregates: &Aggregates,
    current: &Current,
    times: &ReleaseTimes,
) -> Snapshot {
    let view = View {
        total: aggregates.total,
        versions: &aggregates.versions,
        routes: &aggregates.routes,
        connections: List(registry),
        current: &current.version,
        released_at: current.released_at,
        releases: times.of_connected(&aggregates.versions),
    };
    #[expect(
        clippy::expect_used,
        reason = "strings and numbers under string keys: nothing a visitor sends can fail here"
    )]
    Snapshot::new(&view).expect("stats are JSON")
}

#[cfg(test)]
mod tests {
    use skew_proto::{ServerMessage, Stats};

    use super::*;
    use crate::id::{ConnectionId, PublicId};

    #[test]
    fn the_snapshot_is_the_stats_message_of_the_protocol() {
        let mut registry = Registry::new();
        let mut aggregates = Aggregates::default();
        let mut open = |version: &str, route: &str, ip: Option<&str>| {
            let entry = Entry {
                connection_id: ConnectionId::random(),
                id: PublicId::random(),
                version: version.into(),
                route: route.into(),
                ip: ip.map(|ip| ip.parse().unwrap()),
                peer: (),
            };
            let id = entry.id;
            let (_, change) = registry.open(entry);
            aggregates.apply(&change);
            id.to_string()
        };
        let first = open("v1", "/", None);
        open("__proto__", "/a\u{1b}\"\n", Some("203.0.113.9"));
        let current = Current { version: "v2".into(), released_at: Some(17) };
        let mut times = ReleaseTimes::default();
        for (version, at) in [("v1", 9), ("nobody-is-on-it", 8)] {
            times.learn(&skew_proto::Release { version: version.into(), released_at: Some(at) });
        }
        let text = take(&registry, &aggregates, &current, &times).json(&first);

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
