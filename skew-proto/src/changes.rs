//! Stats as changes: what a subscriber asks for, what it is granted, and the message between two snapshots.
//!
//! An extension of ours; the contract is `docs/protocol.md`. A stock server ignores the question and sends whole snapshots.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::Extra;
use crate::stats::{Connection, Counts, Stats};

/// The kind of stats that a subscriber asks for by extra fields of `subscribe-stats`, and that it was granted (`granted` in [`Stats`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscription {
    /// Whether changes are sent between snapshots.
    pub mode: StatsMode,
    /// How much of the list of connections is sent.
    pub list: List,
    /// Shortest time between two messages, in milliseconds; nothing leaves it to the server.
    pub interval_ms: Option<u64>,
    /// Whether the list says whose each connection is.
    pub users: UserIds,
    /// Which events are sent besides.
    pub events: EventsAsked,
}

/// Whether the list of connections says whose each is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserIds {
    /// It does not.
    #[default]
    Hidden,
    /// It does, where that is known.
    Shown,
}

/// Which events a subscriber is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventsAsked {
    /// None.
    #[default]
    None,
    /// Users who come and go.
    Users,
    /// These, and connections that open, close and move.
    All,
}

/// How stats follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatsMode {
    /// Each message is a whole snapshot, as a stock server's.
    #[default]
    Snapshots,
    /// A snapshot, then what has changed since.
    Changes,
}

/// How much of the list of connections a subscriber gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Every connection.
    #[default]
    All,
    /// The first of them, in the order of opening: those that are connected longest.
    Top(u64),
    /// None: totals only.
    None,
}

impl Subscription {
    /// What the extra fields of a request ask for. What is no such thing asks for nothing.
    #[must_use]
    pub fn read(fields: &Extra) -> Self {
        let list = match fields.get("list") {
            Some(Value::String(text)) if text == "none" => List::None,
            Some(Value::Number(count)) => match count.as_u64() {
                Some(0) => List::None,
                Some(count) => List::Top(count),
                None => List::All,
            },
            _ => List::All,
        };
        let mode =
            if fields.get("changes") == Some(&Value::Bool(true)) { StatsMode::Changes } else { StatsMode::Snapshots };
        let users = if fields.get("users") == Some(&Value::Bool(true)) { UserIds::Shown } else { UserIds::Hidden };
        let events = match fields.get("events").and_then(Value::as_str) {
            Some("users") => EventsAsked::Users,
            Some("all") => EventsAsked::All,
            _ => EventsAsked::None,
        };
        Self { mode, list, interval_ms: fields.get("interval").and_then(Value::as_u64), users, events }
    }

    /// The fields that ask for it, or tell that it is granted.
    #[must_use]
    pub fn fields(&self) -> Extra {
        let mut fields = Extra::new();
        fields.insert("changes".into(), (self.mode == StatsMode::Changes).into());
        let list = match self.list {
            List::All => Value::from("all"),
            List::None => Value::from("none"),
            List::Top(count) => Value::from(count),
        };
        fields.insert("list".into(), list);
        if let Some(interval_ms) = self.interval_ms {
            fields.insert("interval".into(), interval_ms.into());
        }
        if self.users == UserIds::Shown {
            fields.insert("users".into(), true.into());
        }
        match self.events {
            EventsAsked::None => {}
            EventsAsked::Users => drop(fields.insert("events".into(), "users".into())),
            EventsAsked::All => drop(fields.insert("events".into(), "all".into())),
        }
        fields
    }
}

/// Body of a `stats-changes` message. Whoever has stats of any number from `since` to `seq` has those of `seq` after it: it says
/// what is, not by how much it differs, so that what is known already does no harm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatsChanges {
    /// The oldest number of stats that this can be applied to.
    pub since: u64,
    /// The number of the stats that come of it.
    pub seq: u64,
    /// Number of connections.
    pub total: u64,
    /// Builds whose count has changed, with the new count. 0 is gone.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub versions: Counts,
    /// Routes whose count has changed, with the new count. 0 is gone.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub routes: Counts,
    /// Connections that have opened, in the order of opening. With the whole list only, as the next two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<Connection>,
    /// The new routes of connections that have moved, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub moved: BTreeMap<String, String>,
    /// Ids of connections that have closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<String>,
    /// The first of the list, whole, where that is what was granted and it has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Vec<Connection>>,
    /// Everything else the message holds: fields of the snapshot beside these, whole, where they have changed; null is gone.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Changes that begin after the stats that one has: something between was lost, and a new snapshot is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("changes since {since} can't follow stats {seq}; subscribe again")]
pub struct Gap {
    /// Where the changes begin.
    pub since: u64,
    /// The number of the stats that one has; 0 where they have none.
    pub seq: u64,
}

impl Stats {
    /// The number of these stats, where the server counts them.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.extra.get("seq").and_then(Value::as_u64)
    }

    /// Makes these stats the next ones. The cost is one pass over the list, however much has changed.
    ///
    /// # Errors
    ///
    /// When something between was lost; then nothing has changed.
    pub fn apply(&mut self, changes: StatsChanges) -> Result<(), Gap> {
        let seq = self.seq().unwrap_or(0);
        if changes.since > seq {
            return Err(Gap { since: changes.since, seq });
        }
        if changes.seq <= seq {
            return Ok(());
        }
        self.total = changes.total;
        merge(&mut self.versions, changes.versions);
        merge(&mut self.routes, changes.routes);
        if let Some(connections) = changes.connections {
            self.connections = connections;
        } else {
            self.relist(changes.opened, &changes.closed, changes.moved);
        }
        for (name, value) in changes.extra {
            if value.is_null() {
                self.extra.remove(&name);
            } else {
                self.extra.insert(name, value);
            }
        }
        self.extra.insert("seq".into(), changes.seq.into());
        Ok(())
    }

    fn relist(&mut self, opened: Vec<Connection>, closed: &[String], mut moved: BTreeMap<String, String>) {
        if !closed.is_empty() || !moved.is_empty() || !opened.is_empty() {
            // Who is said to have opened may be known: then this is news of it, in its old place.
            let mut news: std::collections::HashMap<String, Connection> =
                opened.iter().map(|connection| (connection.id.clone(), connection.clone())).collect();
            let closed: HashSet<&str> = closed.iter().map(String::as_str).collect();
            self.connections.retain_mut(|connection| {
                if let Some(newer) = news.remove(&connection.id) {
                    *connection = newer;
                } else if let Some(route) = moved.remove(&connection.id) {
                    connection.route = route;
                }
                !closed.contains(connection.id.as_str())
            });
            self.connections.extend(opened.into_iter().filter(|connection| news.contains_key(&connection.id)));
        }
    }
}

fn merge(counts: &mut Counts, changed: Counts) {
    for (name, count) in changed {
        if count == 0 {
            counts.remove(&name);
        } else {
            counts.insert(name, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ServerMessage;

    #[test]
    fn what_is_asked_for_is_read_back() {
        for mode in [StatsMode::Snapshots, StatsMode::Changes] {
            for list in [List::All, List::None, List::Top(20)] {
                for (interval_ms, users, events) in [
                    (None, UserIds::Hidden, EventsAsked::None),
                    (Some(500), UserIds::Shown, EventsAsked::Users),
                    (None, UserIds::Hidden, EventsAsked::All),
                ] {
                    let subscription = Subscription { mode, list, interval_ms, users, events };
                    assert_eq!(Subscription::read(&subscription.fields()), subscription);
                }
            }
        }
        let odd = json!({"changes": "yes", "list": -4, "interval": "often"});
        assert_eq!(Subscription::read(odd.as_object().unwrap()), Subscription::default());
    }

    fn stats() -> Stats {
        let text = r#"{"type":"stats","seq":7,"releasedAt":1,"total":2,"versions":{"a":1,"b":1},"routes":{"/":2},"connections":[
            {"id":"1","version":"a","route":"/"},{"id":"2","version":"b","route":"/"}]}"#;
        let Ok(ServerMessage::Stats(stats)) = ServerMessage::decode(text) else { panic!() };
        *stats
    }

    fn changes(text: &str) -> StatsChanges {
        let Ok(ServerMessage::StatsChanges(changes)) = ServerMessage::decode(text) else { panic!() };
        *changes
    }

    const NEXT: &str = r#"{"type":"stats-changes","since":6,"seq":9,"total":2,"versions":{"a":0,"c":1},"routes":{"/":1,"/x":1},
        "opened":[{"id":"3","version":"c","route":"/x"}],"closed":["1","0"],"moved":{"9":"/y"},"current":"c","releasedAt":null}"#;

    #[test]
    fn changes_make_the_next_stats() {
        let mut stats = stats();
        stats.apply(changes(NEXT)).unwrap();
        let ids: Vec<&str> = stats.connections.iter().map(|connection| &*connection.id).collect();
        assert_eq!((ids, stats.total, stats.seq()), (vec!["2", "3"], 2, Some(9)));
        assert_eq!((stats.versions.get("a"), stats.routes["/x"], &stats.extra["current"]), (None, 1, &json!("c")));
        assert_eq!(stats.extra.get("releasedAt"), None);
        let after = stats.clone();
        stats.apply(changes(NEXT)).unwrap();
        assert_eq!(stats, after, "what is known already does no harm");
    }

    #[test]
    fn a_gap_is_told_and_changes_nothing() {
        let mut stats = stats();
        let before = stats.clone();
        let late = StatsChanges { since: 8, seq: 9, ..StatsChanges::default() };
        assert_eq!(stats.apply(late), Err(Gap { since: 8, seq: 7 }));
        assert_eq!(stats, before);
    }

    #[test]
    fn the_message_survives_a_round_trip() {
        let message = ServerMessage::decode(NEXT).unwrap();
        assert_eq!(message.kind(), "stats-changes");
        let back: Value = serde_json::from_str(&message.encode()).unwrap();
        assert_eq!(back, serde_json::from_str::<Value>(NEXT).unwrap());
    }
}
