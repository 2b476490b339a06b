//! The `stats` message: who is connected, on which build and which page.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::lenient::{Array, Count, Extra, Object, Text};

/// Connections by version or by route.
pub type Counts = BTreeMap<String, u64>;

/// A snapshot of all connections.
///
/// Visitors choose their cookie and their route, and a stock server counts them in a plain JavaScript object, so a visitor can put
/// a string where a count belongs, or an array where a route belongs. Decoding therefore takes every entry by itself: a
/// count that is damaged, or a table whose sum contradicts the list, is counted anew from `connections`, and
/// [`Stats::damage`] says so.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Number of connections, the subscriber's own among them.
    pub total: u64,
    /// Connections by build.
    pub versions: Counts,
    /// Connections by route.
    pub routes: Counts,
    /// Every connection, in the order of opening.
    pub connections: Vec<Connection>,
    /// The public id of the connection that this message was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub your_id: Option<String>,
    /// Everything else the message holds.
    #[serde(flatten)]
    pub extra: Extra,
    /// What was damaged and repaired while decoding. Not on the wire.
    #[serde(skip)]
    pub damage: Damage,
}

/// One connection of a [`Stats`] message.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Connection {
    /// The connection's public id.
    pub id: String,
    /// The build it had when it connected.
    pub version: String,
    /// The page it shows. Where the sender put no string here, the JSON text of what it did put.
    pub route: String,
    /// The client's address, where the server tracks addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Everything else the entry holds.
    #[serde(flatten)]
    pub extra: Extra,
    /// Whether a field was missing or no string. Not on the wire.
    #[serde(skip)]
    pub damaged: bool,
}

/// A part of [`Stats`] that can be damaged as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// `total`
    Total,
    /// `versions`
    Versions,
    /// `routes`
    Routes,
    /// `connections`
    Connections,
}

/// What was damaged in a [`Stats`] message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Parts that did not hold what they must, and were repaired from the list of connections as far as it goes.
    pub fields: BTreeSet<Field>,
    /// Number of entries of `connections` that were damaged.
    pub connections: u64,
}

impl Damage {
    /// Whether nothing was damaged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.connections == 0
    }
}

impl<'de> Deserialize<'de> for Connection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Entry {
            #[serde(default)]
            id: Option<Text>,
            #[serde(default)]
            version: Option<Text>,
            #[serde(default)]
            route: Option<Text>,
            #[serde(default)]
            ip: Option<Text>,
            #[serde(flatten)]
            extra: Extra,
        }
        let Object::Whole(entry) = Object::<Entry>::deserialize(deserializer)? else {
            return Ok(Self { damaged: true, ..Self::default() });
        };
        let required = [&entry.id, &entry.version, &entry.route];
        let damaged = required.iter().any(|field| field.as_ref().is_none_or(Text::is_damaged))
            || entry.ip.as_ref().is_some_and(Text::is_damaged);
        let text = |field: Option<Text>| field.map(Text::into_string).unwrap_or_default();
        Ok(Self {
            id: text(entry.id),
            version: text(entry.version),
            route: text(entry.route),
            ip: entry.ip.map(Text::into_string),
            extra: entry.extra,
            damaged,
        })
    }
}

impl<'de> Deserialize<'de> for Stats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            #[serde(default)]
            total: Option<Count>,
            #[serde(default)]
            versions: Option<Object<BTreeMap<String, Count>>>,
            #[serde(default)]
            routes: Option<Object<BTreeMap<String, Count>>>,
            #[serde(default)]
            connections: Option<Array<Connection>>,
            #[serde(default)]
            your_id: Option<Text>,
            #[serde(flatten)]
            extra: Extra,
        }
        let fields = Fields::deserialize(deserializer)?;
        let mut damage = Damage::default();

        let list = match fields.connections {
            Some(Array::Whole(list)) => Some(list),
            Some(Array::Damaged) => {
                damage.fields.insert(Field::Connections);
                None
            }
            None => None,
        };
        damage.connections = list.iter().flatten().filter(|connection| connection.damaged).count() as u64;
        let listed = list.as_ref().map(|list| list.len() as u64);

        let total =
            fields.total.and_then(|Count(total)| total).filter(|total| listed.is_none_or(|listed| listed <= *total));
        let total = total.unwrap_or_else(|| {
            damage.fields.insert(Field::Total);
            listed.unwrap_or(0)
        });
        // A list that holds fewer than `total` is a part of it (a top N), and can't be counted for the whole.
        let complete = list.as_deref().filter(|list| list.len() as u64 == total);
        // A server may count a damaged route under another rendering of it than the list shows (`/a,/b` for an array).
        let list_is_clean = damage.connections == 0;
        let mut repair = |field, table, by: fn(&Connection) -> &str| {
            let (counts, whole) = read_table(table);
            if whole && list_is_clean && (complete.is_none() || checked_sum(&counts) == Some(total)) {
                return counts;
            }
            let mended = complete.map(|list| recount(list, by));
            if !whole || mended.as_ref().is_some_and(|mended| *mended != counts) {
                damage.fields.insert(field);
            }
            mended.unwrap_or(counts)
        };
        let versions = repair(Field::Versions, fields.versions, |connection| &connection.version);
        let routes = repair(Field::Routes, fields.routes, |connection| &connection.route);

        Ok(Self {
            total,
            versions,
            routes,
            connections: list.unwrap_or_default(),
            your_id: fields.your_id.and_then(Text::whole),
            extra: fields.extra,
            damage,
        })
    }
}

/// The good entries of a table of counts, and whether all of them were good.
fn read_table(table: Option<Object<BTreeMap<String, Count>>>) -> (Counts, bool) {
    match table {
        Some(Object::Whole(table)) => {
            let entries = table.len();
            let counts: Counts = table.into_iter().filter_map(|(key, Count(count))| Some((key, count?))).collect();
            let whole = counts.len() == entries;
            (counts, whole)
        }
        Some(Object::Damaged) | None => (Counts::new(), false),
    }
}

fn checked_sum(counts: &Counts) -> Option<u64> {
    counts.values().try_fold(0u64, |sum, count| sum.checked_add(*count))
}

fn recount(list: &[Connection], by: fn(&Connection) -> &str) -> Counts {
    let mut counts = Counts::new();
    for connection in list {
        match counts.get_mut(by(connection)) {
            Some(count) => *count += 1,
            None => drop(counts.insert(by(connection).to_owned(), 1)),
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ServerMessage;

    fn decode(text: &str) -> Stats {
        match ServerMessage::decode(text).unwrap() {
            ServerMessage::Stats(stats) => *stats,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_clean_message_is_taken_as_it_is() {
        let stats = decode(
            r#"{"type":"stats","total":2,"versions":{"v1":1,"old":1},"routes":{"/":2},"users":1,"yourId":"a",
               "connections":[{"id":"a","version":"v1","route":"/"},{"id":"b","version":"old","route":"/","ip":"::1","instance":"i1"}]}"#,
        );
        assert!(stats.damage.is_empty());
        assert_eq!(stats.extra["users"], 1);
        assert_eq!(stats.connections[1].extra["instance"], "i1");
        assert_eq!(stats.your_id.as_deref(), Some("a"));
    }

    #[test]
    fn a_version_called_constructor_is_counted_from_the_list() {
        let stats = decode(
            r#"{"type":"stats","total":2,"versions":{"v1":1,"constructor":"function Object() { [native code] }1"},
               "routes":{"/":2},"connections":[{"id":"a","version":"v1","route":"/"},{"id":"b","version":"constructor","route":"/"}]}"#,
        );
        assert_eq!(stats.versions, Counts::from([("v1".into(), 1), ("constructor".into(), 1)]));
        assert_eq!(stats.damage.fields, BTreeSet::from([Field::Versions]));
    }

    #[test]
    fn a_version_called_proto_that_vanished_is_counted_from_the_list() {
        let stats = decode(
            r#"{"type":"stats","total":1,"versions":{},"routes":{"/":1},
               "connections":[{"id":"a","version":"__proto__","route":"/"}]}"#,
        );
        assert_eq!(stats.versions, Counts::from([("__proto__".into(), 1)]));
    }

    #[test]
    fn a_route_that_is_an_array_costs_neither_the_message_nor_the_entry() {
        let stats = decode(
            r#"{"type":"stats","total":2,"versions":{"v1":2},"routes":{"/":1,"/a,/b":1},
               "connections":[{"id":"a","version":"v1","route":["/a","/b"]},{"id":"b","version":"v1","route":"/"}]}"#,
        );
        assert_eq!(stats.total, 2);
        assert!(stats.connections[0].damaged && !stats.connections[1].damaged);
        assert_eq!(stats.connections[0].route, r#"["/a","/b"]"#);
        assert_eq!(stats.damage.connections, 1);
        assert_eq!(stats.routes, Counts::from([(r#"["/a","/b"]"#.into(), 1), ("/".into(), 1)]), "as the list shows it");
        assert_eq!(stats.damage.fields, BTreeSet::from([Field::Routes]));
    }

    #[test]
    fn entries_and_tables_of_any_other_shape_are_marked() {
        let stats = decode(
            r#"{"type":"stats","total":-1,"versions":[1],"routes":null,"yourId":7,"connections":[5,null,"x",[],{"id":{"a":1}}]}"#,
        );
        assert_eq!(stats.total, 5);
        assert_eq!(stats.damage.connections, 5);
        assert_eq!(stats.damage.fields, BTreeSet::from([Field::Total, Field::Versions, Field::Routes]));
        assert_eq!(stats.your_id, None);
        let stats =
            decode(r#"{"type":"stats","total":1e300,"versions":{"a":2.0,"b":1.5},"routes":{},"connections":"none"}"#);
        assert_eq!(stats.versions, Counts::from([("a".into(), 2)]));
        assert!(stats.damage.fields.contains(&Field::Total) && stats.damage.fields.contains(&Field::Connections));
    }

    #[test]
    fn half_a_character_in_a_route_costs_nothing_else() {
        let stats = decode(
            r#"{"type":"stats","total":2,"versions":{"v1":2},"routes":{"/\ud800":1,"/":1},
               "connections":[{"id":"a","version":"v1","route":"/\ud800"},{"id":"b","version":"v1","route":"/"}]}"#,
        );
        assert_eq!(stats.routes, Counts::from([("/\u{fffd}".into(), 1), ("/".into(), 1)]));
        assert!(stats.damage.is_empty());
    }

    #[test]
    fn a_route_nested_beyond_measure_costs_only_its_entry() {
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        let stats = decode(&format!(
            r#"{{"type":"stats","total":2,"versions":{{"v1":2}},"routes":{{"":1,"/":1}},
               "connections":[{{"id":"a","version":"v1","route":{deep}}},{{"id":"b","version":"v1","route":{{"x":{deep}}}}},{deep}]}}"#,
        ));
        assert_eq!((stats.connections[0].route.len(), stats.connections[0].damaged), (10_000, true));
        assert_eq!((stats.total, stats.damage.connections), (3, 3));
    }

    #[test]
    fn a_list_of_a_part_is_not_taken_for_the_whole() {
        let stats = decode(
            r#"{"type":"stats","total":100,"versions":{"a":60,"b":40},"routes":{"/":100},
               "connections":[{"id":"x","version":"a","route":"/"}]}"#,
        );
        assert!(stats.damage.is_empty());
        assert_eq!(stats.versions["a"], 60);
    }

    proptest! {
        #[test]
        fn whatever_the_tables_say_the_counts_equal_the_list(
            list in prop::collection::vec(("[a-c]", "/[a-c]?"), 0..20),
            wrong in prop::collection::btree_map("[a-z]", any::<i64>(), 0..4),
        ) {
            let connections: Vec<_> = list.iter().enumerate()
                .map(|(i, (version, route))| serde_json::json!({"id": i.to_string(), "version": version, "route": route}))
                .collect();
            let text = serde_json::json!({
                "type": "stats", "total": list.len(), "versions": wrong, "routes": {"x": "y"}, "connections": connections,
            });
            let stats = decode(&text.to_string());
            prop_assert_eq!(checked_sum(&stats.routes), Some(list.len() as u64));
            prop_assert_eq!(checked_sum(&stats.versions), Some(list.len() as u64));
        }

        #[test]
        fn no_json_object_is_refused(value in any_json()) {
            let text = serde_json::json!({
                "type": "stats", "total": value, "versions": value, "routes": {"/": value},
                "connections": [value, {"id": value, "version": value, "route": value, "ip": value}], "yourId": value,
            });
            prop_assert_eq!(decode(&text.to_string()).connections.len(), 2);
            let list = serde_json::json!({"type": "stats", "connections": value, "routes": value});
            decode(&list.to_string());
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
