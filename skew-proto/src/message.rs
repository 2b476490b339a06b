//! What a server says to a connection.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::changes::StatsChanges;
use crate::event::Events;
use crate::lenient::{Extra, Text};
use crate::stats::Stats;
use crate::text;

/// Why a text is no message at all. Anything that is a JSON object decodes to a [`ServerMessage`].
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The text is not JSON, or is nested too deep to be read safely.
    #[error("the message is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The text is JSON, but not an object.
    #[error("the message is not a JSON object")]
    NotAnObject,
}

/// A message from server to client, by its `type`.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// `connected`: the first message on every connection.
    Connected(Connected),
    /// `version`: the server has a new build, or asks this connection to take the current one.
    Version(VersionMessage),
    /// `stats`: who is connected. Only for authorized subscribers.
    Stats(Box<Stats>),
    /// `stats-changes`: what has changed since. Only for who has asked for it; a stock server has none.
    StatsChanges(Box<StatsChanges>),
    /// `events`: who came, left and moved. Only for who has asked for it; a stock server has none.
    Events(Events),
    /// `stats-unauthorized`: the subscription was refused.
    StatsUnauthorized,
    /// `keepalive`: SSE only, every 30 s.
    Keepalive(Keepalive),
    /// `pong`: WebSocket only, the answer to a ping.
    Pong,
    /// An application's own message, or one whose fields are not what its type promises.
    Other(Other),
}

/// Body of a `connected` message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connected {
    /// The server's current build.
    pub version: String,
    /// The connection's own id. It gives power over the connection, so it is never shown to anybody else.
    pub connection_id: String,
    /// The server's clock, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// Who the server is. A stock server does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerInfo>,
    /// Everything else the message holds.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How `skew-server` names itself in [`Connected`], so that a client knows what it may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// The program's name.
    pub name: String,
    /// The program's version.
    #[serde(default)]
    pub version: String,
}

/// Body of a `version` message. Applications add fields of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionMessage {
    /// The build to compare one's own with.
    pub version: String,
    /// Asks for a reload now. The stock client does not act on it by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// The server's clock in milliseconds since 1970. The stock client drops a message that equals the one before it, so
    /// this also tells two equal invalidations apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// Everything else the message holds.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Body of a `keepalive` message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keepalive {
    /// The server's clock, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// Everything else the message holds.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A message of a type that this crate does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// The `type`, empty where there is none.
    pub kind: String,
    /// The whole message, `type` included.
    pub fields: Extra,
}

/// How a server begins its stats.
const STATS_FIRST: &str = r#"{"type":"stats","#;

/// The type alone; the rest of the text is skipped over.
#[derive(Deserialize)]
struct Peek {
    #[serde(default, rename = "type")]
    kind: Option<Text>,
}

impl ServerMessage {
    /// The types that the protocol has. An application's own messages have others.
    pub const TYPES: [&'static str; 8] =
        ["connected", "version", "stats", "stats-changes", "events", "stats-unauthorized", "keepalive", "pong"];

    /// Reads one message: the `data` of an SSE event or a WebSocket text.
    ///
    /// # Errors
    ///
    /// Only when the text is no JSON object. Unknown types, and known ones with unexpected fields, are
    /// [`ServerMessage::Other`].
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        Self::decode_unicode(text).or_else(|error| match text::mend_surrogates(text) {
            // Only where it is damaged is a long message read twice.
            Cow::Owned(mended) => Self::decode_unicode(&mended),
            Cow::Borrowed(_) => Err(error),
        })
    }

    fn decode_unicode(text: &str) -> Result<Self, DecodeError> {
        if !text.trim_start().starts_with('{') {
            serde_json::from_str::<serde::de::IgnoredAny>(text)?;
            return Err(DecodeError::NotAnObject);
        }
        // Servers put the type first. Of the longest message the rest need not be read twice.
        let kind = if text.starts_with(STATS_FIRST) {
            "stats".to_owned()
        } else {
            serde_json::from_str::<Peek>(text)?.kind.and_then(Text::whole).unwrap_or_default()
        };
        let known = match kind.as_str() {
            "connected" => body(text).map(|mut connected: Connected| {
                connected.extra.remove("type");
                Self::Connected(connected)
            }),
            "version" => body(text).map(|mut version: VersionMessage| {
                version.extra.remove("type");
                Self::Version(version)
            }),
            "stats" => body(text).map(|mut stats: Stats| {
                stats.extra.remove("type");
                Self::Stats(Box::new(stats))
            }),
            "stats-changes" => body(text).map(|mut changes: StatsChanges| {
                changes.extra.remove("type");
                Self::StatsChanges(Box::new(changes))
            }),
            "events" => body(text).map(|mut events: Events| {
                events.extra.remove("type");
                Self::Events(events)
            }),
            "keepalive" => body(text).map(|mut keepalive: Keepalive| {
                keepalive.extra.remove("type");
                Self::Keepalive(keepalive)
            }),
            "stats-unauthorized" => Some(Self::StatsUnauthorized),
            "pong" => Some(Self::Pong),
            _ => None,
        };
        match known {
            Some(message) => Ok(message),
            None => Ok(Self::Other(Other { kind, fields: serde_json::from_str(text)? })),
        }
    }

    /// The message's `type` on the wire.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Connected(_) => "connected",
            Self::Version(_) => "version",
            Self::Stats(_) => "stats",
            Self::StatsChanges(_) => "stats-changes",
            Self::Events(_) => "events",
            Self::StatsUnauthorized => "stats-unauthorized",
            Self::Keepalive(_) => "keepalive",
            Self::Pong => "pong",
            Self::Other(other) => &other.kind,
        }
    }

    /// The message as one line of JSON.
    #[must_use]
    pub fn encode(&self) -> String {
        // Every part is a string, a number, or a map with string keys: serde_json has nothing to refuse.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads the fields of a known type, or nothing where they are not what the type promises.
fn body<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

impl Serialize for ServerMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tagged<'a, T> {
            #[serde(rename = "type")]
            kind: &'a str,
            #[serde(flatten)]
            body: &'a T,
        }
        let kind = self.kind();
        match self {
            Self::Connected(body) => Tagged { kind, body }.serialize(serializer),
            Self::Version(body) => Tagged { kind, body }.serialize(serializer),
            Self::Stats(body) => Tagged { kind, body }.serialize(serializer),
            Self::StatsChanges(body) => Tagged { kind, body }.serialize(serializer),
            Self::Events(body) => Tagged { kind, body }.serialize(serializer),
            Self::Keepalive(body) => Tagged { kind, body }.serialize(serializer),
            Self::StatsUnauthorized | Self::Pong => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("type", kind)?;
                map.end()
            }
            Self::Other(other) => other.fields.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_stock_message_survives_a_round_trip() {
        for text in [
            r#"{"type":"connected","version":"v1","connectionId":"c3","timestamp":17}"#,
            r#"{"type":"version","version":"v2","force":true}"#,
            r#"{"type":"version","version":"v2"}"#,
            r#"{"type":"stats-unauthorized"}"#,
            r#"{"type":"keepalive","timestamp":5}"#,
            r#"{"type":"pong"}"#,
            r#"{"type":"welcome","to":["you"],"n":1.5}"#,
        ] {
            let message = ServerMessage::decode(text).unwrap();
            assert_eq!(ServerMessage::TYPES.contains(&message.kind()), !text.contains("welcome"));
            let back: Value = serde_json::from_str(&message.encode()).unwrap();
            assert_eq!(back, serde_json::from_str::<Value>(text).unwrap());
        }
    }

    #[test]
    fn unknown_fields_are_kept() {
        let text = r#"{"type":"version","version":"v2","reason":"hotfix","timestamp":9}"#;
        let ServerMessage::Version(version) = ServerMessage::decode(text).unwrap() else { panic!() };
        assert_eq!(version.extra["reason"], "hotfix");
        assert!(!version.extra.contains_key("type"));
    }

    #[test]
    fn a_known_type_with_wrong_fields_is_kept_as_other() {
        let message = ServerMessage::decode(r#"{"type":"version","version":7}"#).unwrap();
        assert!(
            matches!(message, ServerMessage::Other(other) if other.kind == "version" && other.fields["version"] == 7)
        );
    }

    #[test]
    fn a_type_that_is_no_string_is_no_error() {
        let message = ServerMessage::decode(r#"{"type":{"a":1}}"#).unwrap();
        assert!(matches!(message, ServerMessage::Other(other) if other.kind.is_empty()));
        assert!(matches!(ServerMessage::decode(r#"{"a":1}"#), Ok(ServerMessage::Other(_))));
    }

    #[test]
    fn only_what_is_no_object_is_an_error() {
        assert!(matches!(ServerMessage::decode("[1]"), Err(DecodeError::NotAnObject)));
        assert!(matches!(ServerMessage::decode("{not json"), Err(DecodeError::Json(_))));
        let deep = "[".repeat(100_000);
        assert!(matches!(ServerMessage::decode(&format!("{{\"type\":\"x\",\"a\":{deep}")), Err(DecodeError::Json(_))));
    }
}
