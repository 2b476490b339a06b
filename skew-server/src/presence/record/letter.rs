//! What instances ask of each other, once, and what they answer. It is not kept: what must not be lost is also in the values
//! ([`knowledge`](super::super::knowledge)).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skew_proto::{Extra, Release, Subscription, wire};

use super::target::TargetRecord;
use super::{FORMAT, MAX_TEXT_BYTES, MIN, Unread, decode, encode};
use crate::hooks::Credentials;
use crate::hub::message::Message;
use crate::id::ConnectionId;
use crate::instance::InstanceId;
use crate::presence::exchange::Order;

/// A message for one instance, or for all.
#[derive(Debug)]
pub(crate) enum Letter {
    Order(Asked),
    Answer(Answered),
    /// From an instance to itself: that messages arrive.
    Probe(u64),
}

/// An order, and who wants to know what became of it.
#[derive(Debug)]
pub(crate) struct Asked {
    /// At random. Of an invalidation it is also the id under which it stays open, so that nobody carries it out twice.
    pub(crate) id: u64,
    pub(crate) from: InstanceId,
    /// The channel that an answer goes to.
    pub(crate) tag: u32,
    pub(crate) order: Order,
}

/// What became of an order at one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) id: u64,
    pub(crate) from: InstanceId,
    /// Number of connections that were reached.
    pub(crate) reached: u64,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    min: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<InstanceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<OrderRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OrderRecord {
    Release(String, Option<u64>),
    Invalidate(TargetRecord),
    /// The message as text: read and written again it might be another one.
    Message(TargetRecord, String),
    Navigate(String, String),
    Subscribe {
        connection: String,
        asked: Value,
        #[serde(default)]
        cookie: Option<Box<str>>,
        #[serde(default)]
        authorization: Option<Box<str>>,
        #[serde(default)]
        session: Option<Box<str>>,
    },
}

impl Letter {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let empty =
            Wire { v: FORMAT, min: MIN, id: None, from: None, tag: None, order: None, reached: None, probe: None };
        encode(&match self {
            Self::Order(Asked { id, from, tag, order }) => Wire {
                id: Some(*id),
                from: Some(from.clone()),
                tag: Some(*tag),
                order: Some(OrderRecord::of(order)),
                ..empty
            },
            Self::Answer(Answered { id, from, reached }) => {
                Wire { id: Some(*id), from: Some(from.clone()), reached: Some(*reached), ..empty }
            }
            Self::Probe(nth) => Wire { probe: Some(*nth), ..empty },
        })
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// When it can't be used, as an order of a kind that this program does not know.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unread> {
        let wire: Wire = decode(bytes)?;
        Ok(match wire {
            Wire { probe: Some(nth), .. } => Self::Probe(nth),
            Wire { id: Some(id), from: Some(from), tag: Some(tag), order: Some(order), .. } => {
                Self::Order(Asked { id, from, tag, order: order.read()? })
            }
            Wire { id: Some(id), from: Some(from), reached: Some(reached), .. } if reached <= super::MAX_COUNT => {
                Self::Answer(Answered { id, from, reached })
            }
            _ => return Err(Unread::Damaged),
        })
    }
}

impl OrderRecord {
    fn of(order: &Order) -> Self {
        match order {
            Order::Release(Release { version, released_at }) => Self::Release(version.clone(), *released_at),
            Order::Invalidate(target) => Self::Invalidate(target.into()),
            Order::Message(target, message) => {
                Self::Message(target.into(), String::from_utf8_lossy(&message.json()).into_owned())
            }
            Order::Navigate(connection, route) => Self::Navigate(connection.reveal(), route.clone()),
            Order::Subscribe { connection_id, asked, credentials } => Self::Subscribe {
                connection: connection_id.reveal(),
                asked: asked.fields().into(),
                cookie: credentials.cookie.clone(),
                authorization: credentials.authorization.clone(),
                session: credentials.session.clone(),
            },
        }
    }

    fn read(self) -> Result<Order, Unread> {
        let connection = |text: &str| ConnectionId::read(text).ok_or(Unread::Damaged);
        Ok(match self {
            Self::Release(version, _) if !is_build(&version) => return Err(Unread::Damaged),
            Self::Release(version, released_at) => Order::Release(Release { version, released_at }),
            Self::Invalidate(target) => Order::Invalidate(target.read()?),
            Self::Message(target, json) => {
                Order::Message(target.read()?, Message::of_json(&json).map_err(|_| Unread::Damaged)?)
            }
            Self::Navigate(_, route) if route.len() > MAX_TEXT_BYTES => return Err(Unread::Damaged),
            Self::Navigate(id, route) => Order::Navigate(connection(&id)?, route),
            Self::Subscribe { connection: id, asked, cookie, authorization, session } => {
                let asked = asked.as_object().map(|fields: &Extra| Subscription::read(fields)).unwrap_or_default();
                let credentials = Credentials { cookie, authorization, session };
                Order::Subscribe { connection_id: connection(&id)?, asked, credentials }
            }
        })
    }
}

/// Whether a text may be the name of a build.
pub(crate) fn is_build(text: &str) -> bool {
    !text.is_empty() && text.len() <= wire::MAX_VERSION_BYTES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use skew_proto::{List, RoutePattern, StatsMode};

    use super::super::tests::id;
    use super::*;
    use crate::presence::exchange::Target;

    fn orders() -> Vec<Order> {
        let connection_id = ConnectionId::random(7);
        let raw: Box<serde_json::value::RawValue> =
            serde_json::from_str(r#"{"b":1.0,"a":12345678901234567890123}"#).unwrap();
        vec![
            Order::Release(Release { version: "b2".into(), released_at: Some(5) }),
            Order::Invalidate(Target::Route(RoutePattern::new(skew_proto::MatchKind::Exact, "/a").unwrap())),
            Order::Message(Target::User("ann".into()), Message::custom(&json!({"type": "x", "text": "a\nb"})).unwrap()),
            Order::Message(Target::All, Message::custom(&raw).unwrap()),
            Order::Navigate(connection_id, "/b".into()),
            Order::Subscribe {
                connection_id,
                asked: Subscription { mode: StatsMode::Changes, list: List::Top(7), ..Subscription::default() },
                credentials: Credentials { cookie: Some("a=b".into()), authorization: None, session: None },
            },
        ]
    }

    #[test]
    fn letters_survive_a_round_trip() {
        for order in orders() {
            let bytes = Letter::Order(Asked { id: u64::MAX, from: id("web-1", 5), tag: 9, order }).encode();
            let back = Letter::decode(&bytes).unwrap();
            assert_eq!(back.encode(), bytes);
            let debug = format!("{back:?}");
            assert!(!debug.contains("a=b"), "{debug}");
        }
        let answer = Letter::Answer(Answered { id: 4, from: id("web-1", 5), reached: 3 });
        for letter in [answer, Letter::Probe(8)] {
            assert_eq!(Letter::decode(&letter.encode()).unwrap().encode(), letter.encode());
        }
    }

    #[test]
    fn an_order_of_tomorrow_is_refused() {
        let text = r#"{"v":2,"min":1,"id":1,"from":"web-1/5","tag":1,"order":{"restart":{}}}"#;
        assert_eq!(Letter::decode(text.as_bytes()).unwrap_err(), Unread::Damaged);
        assert_eq!(Letter::decode(text.replace(r#""min":1"#, r#""min":2"#).as_bytes()).unwrap_err(), Unread::TooNew);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(nth in 0..6_usize, at: prop::sample::Index, byte: u8) {
            let order = orders().swap_remove(nth);
            let mut bytes = Letter::Order(Asked { id: 1, from: id("web-1", 5), tag: 9, order }).encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Letter::decode(&bytes);
        }
    }
}
