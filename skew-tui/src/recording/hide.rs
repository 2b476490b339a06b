//! What of a message does not go into a file: one's own connection id, addresses where they are masked, and ids of users where
//! they are hidden.
//!
//! A message is taken apart only as far as something is hidden. All else stays as it came, to the digit.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use skew_proto::text;

use super::{Addresses, Users};

/// What is hidden.
#[derive(Debug, Clone, Default)]
pub(super) struct Veil {
    addresses: Addresses,
    users: Users,
    /// Nobody knows it: without it no id can be told by its other text, not even one that is guessed.
    key: RandomState,
}

impl Veil {
    pub(super) fn new(addresses: Addresses, users: Users) -> Self {
        Self { addresses, users, key: RandomState::new() }
    }

    fn is_open(&self) -> bool {
        self.addresses == Addresses::Kept && self.users == Users::Kept
    }

    /// The text that stands in the place of a user's id. What is no text is damage, and is no id of anybody.
    fn user(&self, id: &RawValue) -> Box<RawValue> {
        match serde_json::from_str::<String>(id.get()) {
            Ok(id) => raw(&format!("user-{:016x}", self.key.hash_one(id))),
            Err(_) => RawValue::NULL.to_owned(),
        }
    }
}

/// A message without what is hidden.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hidden<'a> {
    /// Harmless JSON on one line.
    Json(Cow<'a, str>),
    /// The message is no JSON.
    Text,
}

/// Fields of a connection that are no address, whatever they look like: a build can be called 1.2.3.4.
const KEPT: [&str; 4] = ["id", "version", "route", USER];

/// The field that tells whose a connection is.
const USER: &str = "user";

pub(super) fn message<'a>(message: &'a str, veil: &Veil) -> Hidden<'a> {
    let Some(fields) = fields(message) else {
        return match serde_json::from_str::<IgnoredAny>(message) {
            Ok(_) => Hidden::Json(text::harmless_json(message)),
            Err(_) => Hidden::Text,
        };
    };
    match without(fields, veil) {
        Some(rest) => Hidden::Json(text::harmless_json(&rest).into_owned().into()),
        None => Hidden::Json(text::harmless_json(message)),
    }
}

/// The message anew, where something of it is to be hidden.
fn without(mut fields: Object, veil: &Veil) -> Option<String> {
    let mut changed = false;
    // A message of the application's own may have such a field, too.
    let of_events = fields.0.iter().any(|(name, value)| name == "type" && value.get() == r#""events""#);
    for (name, value) in &mut fields.0 {
        *value = match name.as_str() {
            // It gives power over the connection. Where it is no text, the message is none of the protocol and stays so.
            "connectionId" if value.get().starts_with('"') => raw(&""),
            "connectionId" => raw(&()),
            "events" if !of_events => continue,
            "connections" | "events" if !veil.is_open() => match masked_list(value, veil) {
                Some(list) => list,
                None => continue,
            },
            _ => continue,
        };
        changed = true;
    }
    changed.then(|| raw(&fields).get().to_owned())
}

/// The list anew, where something of it is to be hidden.
fn masked_list(list: &RawValue, veil: &Veil) -> Option<Box<RawValue>> {
    let Ok(entries) = serde_json::from_str::<Vec<Box<RawValue>>>(list.get()) else {
        // No list is damage, whatever it is.
        return Some(raw(&serde_json::Map::new()));
    };
    let mut changed = veil.addresses == Addresses::Masked;
    let entries: Vec<_> = entries.iter().map(|entry| masked_entry(entry, veil, &mut changed)).collect();
    changed.then(|| raw(&entries))
}

/// Nothing where the entry is none: no field of it is ever used.
fn masked_entry(entry: &RawValue, veil: &Veil, changed: &mut bool) -> Option<Object> {
    let Some(mut fields) = fields(entry.get()) else {
        *changed = true;
        return None;
    };
    if veil.users == Users::Hidden {
        for (_, value) in fields.0.iter_mut().filter(|(name, _)| name == USER) {
            *value = veil.user(value);
            *changed = true;
        }
    }
    if veil.addresses == Addresses::Kept {
        return Some(fields);
    }
    for (name, value) in fields.0.iter_mut().filter(|(name, _)| !KEPT.contains(&name.as_str())) {
        // What is nested too deep to be looked at is hidden whole.
        let shown = serde_json::from_str(value.get()).map_or(Value::Null, |shown| masked(shown, name == "ip"));
        *value = raw(&shown);
    }
    Some(fields)
}

/// The value without addresses, all of it being one or any text in it that looks like one.
fn masked(value: Value, is_address: bool) -> Value {
    match value {
        Value::String(text) if is_address => text::mask_address(&text).into(),
        Value::String(text) if text.split(',').any(|part| text::is_address(part.trim())) => {
            let parts: Vec<_> = text.split(',').map(|part| text::mask_address(part.trim())).collect();
            parts.join(", ").into()
        }
        Value::Null => Value::Null,
        // No text is damage, whatever it is.
        _ if is_address => Value::Array(Vec::new()),
        Value::Array(list) => list.into_iter().map(|one| masked(one, false)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, one)| (name, masked(one, false))).collect(),
        other => other,
    }
}

/// The value as JSON. Nothing of what is handed in can be refused; if it were, nothing would be shown of it.
fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The fields of a JSON object in their order, twice where they stand twice.
struct Object(Vec<(String, Box<RawValue>)>);

fn fields(json: &str) -> Option<Object> {
    let object = serde_json::from_str(json);
    // Half a character in a name can't be read as it stands.
    object.or_else(|_| serde_json::from_str(&text::mend_surrogates(json))).ok()
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use skew_proto::ServerMessage;

    use super::*;

    fn hidden(text: &str, addresses: Addresses) -> String {
        behind(text, &Veil::new(addresses, Users::Kept))
    }

    fn behind(text: &str, veil: &Veil) -> String {
        match message(text, veil) {
            Hidden::Json(json) => json.into_owned(),
            Hidden::Text => panic!("{text} is JSON"),
        }
    }

    #[test]
    fn a_user_is_another_text_and_the_same_all_through_one_recording() {
        let entry =
            |user: Value| json!({"id": "a", "version": "b", "route": "/ann", "ip": "203.0.113.9", "user": user});
        let text = json!({"type": "stats", "total": 3, "users": 1, "connections": [entry("ann".into()), entry("ann".into()), entry(json!(["ann"]))]});
        let veil = Veil::new(Addresses::Kept, Users::Hidden);
        let one: Value = serde_json::from_str(&behind(&text.to_string(), &veil)).unwrap();
        let user = one["connections"][0]["user"].as_str().unwrap();
        assert!(user.starts_with("user-") && one["connections"][1]["user"] == user, "{one}");
        assert_eq!(
            (&one["connections"][2]["user"], &one["connections"][0]["ip"]),
            (&Value::Null, &json!("203.0.113.9"))
        );
        let event = json!({"type": "events", "events": [{"event": "user-came", "user": "ann", "instance": "w", "epoch": 1, "seq": 1, "at": 1}]});
        let events: Value = serde_json::from_str(&behind(&event.to_string(), &veil)).unwrap();
        assert_eq!(events["events"][0]["user"], user);
        let next = behind(&text.to_string(), &Veil::new(Addresses::Kept, Users::Hidden));
        assert!(!next.contains(user), "another recording tells of somebody else");
        assert_eq!(hidden(&text.to_string(), Addresses::Kept), text.to_string(), "who wants them has them");
        let nobody = r#"{"type":"stats","total":1,"connections":[{"id":"a", "version":"b","n":1.50}]}"#;
        assert_eq!(behind(nobody, &veil), nobody, "nothing is touched where there is nothing to hide");
    }

    #[test]
    fn ones_own_connection_id_is_left_out_and_the_message_stays_what_it_was() {
        let text = r#"{"type":"connected","version":"b","connectionId":"s3cret","n":1.50}"#;
        let left = hidden(text, Addresses::Kept);
        assert_eq!(left, r#"{"type":"connected","version":"b","connectionId":"","n":1.50}"#);
        assert!(matches!(ServerMessage::decode(&left), Ok(ServerMessage::Connected(_))));
        for text in [
            r#"{"connection\u0049d":"s3cret","type":"welcome"}"#,
            r#"{"connectionId":"a","connectionId":"s3cret","type":"connected"}"#,
            r#"{"connectionId":["s3cret"],"type":"connected","version":"b"}"#,
            r#"{"connectionId":"s3cret","\ud800":1}"#,
        ] {
            assert!(!hidden(text, Addresses::Kept).contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn addresses_are_kept_until_they_are_to_be_masked() {
        let text = json!({"type": "stats", "total": 1, "versions": {"1.2.3.4": 1}, "routes": {"::1": 1}, "yourId": "10.0.0.1",
            "connections": [{"id": "10.0.0.1", "version": "1.2.3.4", "route": "::1", "ip": "203.0.113.9",
                             "forwarded": ["198.51.100.7, 10.0.0.2", {"peer": "[2001:db8::1]:443"}], "ports": [80], "note": "a, b"}]})
        .to_string();
        assert_eq!(hidden(&text, Addresses::Kept), text);
        let masked: Value = serde_json::from_str(&hidden(&text, Addresses::Masked)).unwrap();
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        let connection = &mut expected["connections"][0];
        connection["ip"] = json!("203.0.•.•");
        connection["forwarded"] = json!(["198.51.•.•, 10.0.•.•", {"peer": "2001:db8:•"}]);
        assert_eq!(masked, expected);
    }

    #[test]
    fn damage_stays_damage_without_what_it_holds() {
        let address = "203.0.113.9";
        for (connections, count) in [
            (json!([{"id": "a", "version": "b", "route": "/", "ip": [address]}]), 1),
            (json!([{"id": "a", "version": "b", "route": "/", "ip": {"v4": address}}]), 1),
            (json!([{"id": "a", "version": "b", "route": "/", "ip": null}]), 0),
            (json!([address]), 1),
            (json!({"a": address}), 0),
        ] {
            let text = json!({"type": "stats", "total": 1, "versions": {"b": 1}, "routes": {"/": 1}, "connections": connections}).to_string();
            let masked = hidden(&text, Addresses::Masked);
            assert!(!masked.contains("113"), "{masked}");
            let damage = [&text, &masked].map(|text| match ServerMessage::decode(text) {
                Ok(ServerMessage::Stats(stats)) => stats.damage,
                other => panic!("{other:?}"),
            });
            assert_eq!((&damage[0], damage[0].connections), (&damage[1], count), "{text}");
        }
    }
}
