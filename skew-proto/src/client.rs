//! What a client says to the server over a WebSocket.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::{Extra, Text};
use crate::message::DecodeError;

/// A message from client to server.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// `subscribe-stats`: asks for stats on this connection.
    SubscribeStats(SubscribeStats),
    /// `route-update`: the tab shows another page now.
    RouteUpdate(RouteUpdate),
    /// A ping, to be answered by `pong`.
    Ping,
    /// A type this crate does not know, to be ignored.
    Other,
}

/// Body of `subscribe-stats`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SubscribeStats {
    /// Extension fields of the request; a stock server ignores them.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Body of `route-update`.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteUpdate {
    /// The new route: nothing where the field is missing, marked where it is no string.
    pub route: Option<Text>,
}

impl ClientMessage {
    /// Reads one text frame.
    ///
    /// A stock server takes any text that contains `ping` for a ping. Here a JSON object is what its `type` says, so that
    /// a route `/shipping` stays a route, and only a text that is no JSON object is searched for the word.
    ///
    /// # Errors
    ///
    /// When the text is neither a JSON object nor a ping, or an object with a field twice. A stock server ignores the former.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(default, rename = "type")]
            kind: Option<Text>,
            #[serde(default)]
            route: Option<Text>,
            #[serde(flatten)]
            extra: Extra,
        }
        let object = text.trim_start().starts_with('{').then(|| serde_json::from_str::<Fields>(text));
        let fields = match object {
            Some(Ok(fields)) => fields,
            // An object all the same, of which a field is there twice.
            Some(Err(error)) if serde_json::from_str::<IgnoredAny>(text).is_ok() => return Err(error.into()),
            _ if text.contains("ping") => return Ok(Self::Ping),
            Some(Err(error)) => return Err(error.into()),
            None => return Err(DecodeError::NotAnObject),
        };
        Ok(match fields.kind.and_then(Text::whole).as_deref() {
            Some("subscribe-stats") => Self::SubscribeStats(SubscribeStats { extra: fields.extra }),
            Some("route-update") => Self::RouteUpdate(RouteUpdate { route: fields.route }),
            Some("ping") => Self::Ping,
            _ => Self::Other,
        })
    }

    /// `{"type":"subscribe-stats"}` with the extension fields of `request`.
    #[must_use]
    pub fn subscribe_stats(request: &SubscribeStats) -> String {
        let mut fields = request.extra.clone();
        fields.insert("type".into(), "subscribe-stats".into());
        Value::Object(fields).to_string()
    }

    /// `{"type":"route-update","route":…}`.
    #[must_use]
    pub fn route_update(route: &str) -> String {
        serde_json::json!({ "type": "route-update", "route": route }).to_string()
    }

    /// The ping that servers of both kinds answer.
    #[must_use]
    pub fn ping() -> &'static str {
        r#"{"type":"ping"}"#
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_a_stock_client_sends_are_understood() {
        assert_eq!(ClientMessage::decode("ping").unwrap(), ClientMessage::Ping);
        assert_eq!(ClientMessage::decode(ClientMessage::ping()).unwrap(), ClientMessage::Ping);
        assert_eq!(
            ClientMessage::decode(&ClientMessage::subscribe_stats(&SubscribeStats::default())).unwrap(),
            ClientMessage::SubscribeStats(SubscribeStats::default())
        );
        assert_eq!(
            ClientMessage::decode(&ClientMessage::route_update("/x")).unwrap(),
            ClientMessage::RouteUpdate(RouteUpdate { route: Some(Text::Whole("/x".into())) })
        );
    }

    #[test]
    fn a_route_that_contains_ping_is_a_route() {
        let decoded = ClientMessage::decode(&ClientMessage::route_update("/shipping")).unwrap();
        assert!(matches!(decoded, ClientMessage::RouteUpdate(_)));
        let twice = r#"{"type":"route-update","route":"/shipping","route":"/shipping"}"#;
        assert!(ClientMessage::decode(twice).is_err());
    }

    #[test]
    fn bad_json_is_an_error_and_an_unknown_type_is_not() {
        assert!(ClientMessage::decode("{not json").is_err());
        assert!(ClientMessage::decode("[]").is_err());
        assert_eq!(ClientMessage::decode(r#"{"type":"dance"}"#).unwrap(), ClientMessage::Other);
        assert_eq!(ClientMessage::decode(r#"{"type":5}"#).unwrap(), ClientMessage::Other);
    }

    #[test]
    fn a_route_update_without_a_string_is_told_apart() {
        let decode = |text| match ClientMessage::decode(text).unwrap() {
            ClientMessage::RouteUpdate(update) => update.route,
            other => panic!("{other:?}"),
        };
        assert_eq!(decode(r#"{"type":"route-update"}"#), None);
        assert_eq!(
            decode(r#"{"type":"route-update","route":["/a","/b"]}"#),
            Some(Text::Damaged(r#"["/a","/b"]"#.into()))
        );
    }
}
