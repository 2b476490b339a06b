//! Who came, who left and who moved, one by one: for subscribers that ask for events, and for webhooks.
//!
//! An extension of ours; the contract is `docs/protocol.md`.

use serde::{Deserialize, Serialize};

use crate::lenient::Extra;

/// One event. Those with the same `instance` and `epoch` are numbered from 1 without a hole, so that whoever reads them sees what was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The name of the instance that tells it.
    pub instance: String,
    /// Which of its sequences the number belongs to: connections' events and users' events of several instances have one each.
    pub epoch: u64,
    /// Its number in the sequence.
    pub seq: u64,
    /// When it was noticed, by that instance's clock, in milliseconds since 1970.
    pub at: u64,
    /// What has happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Happening {
    /// The first connection of somebody who was not here.
    UserCame {
        /// Who.
        user: String,
    },
    /// The last connection of somebody has closed, and none has opened for a moment.
    UserLeft {
        /// Who.
        user: String,
    },
    /// A connection has opened.
    ConnectionOpened {
        /// Its public id.
        id: String,
        /// The build it came with.
        version: String,
        /// The page it shows.
        route: String,
        /// Whose it is, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// A connection has closed.
    ConnectionClosed {
        /// Its public id.
        id: String,
        /// The build it came with.
        version: String,
        /// The page it showed.
        route: String,
        /// Whose it was, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// A connection shows another page.
    ConnectionNavigated {
        /// Its public id.
        id: String,
        /// The page it showed.
        from: String,
        /// The page it shows now.
        to: String,
        /// Whose it is, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
}

impl Happening {
    /// Whether it is about a user, not about one connection.
    #[must_use]
    pub fn is_of_user(&self) -> bool {
        matches!(self, Self::UserCame { .. } | Self::UserLeft { .. })
    }
}

/// Body of an `events` message, and of a webhook's request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// In the order in which they were noticed.
    pub events: Vec<Event>,
    /// Everything else the message holds.
    #[serde(flatten)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_flat() {
        let event = Event {
            instance: "web-1".into(),
            epoch: 7,
            seq: 1,
            at: 9,
            what: Happening::ConnectionOpened { id: "c".into(), version: "b1".into(), route: "/".into(), user: None },
        };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            text,
            r#"{"instance":"web-1","epoch":7,"seq":1,"at":9,"event":"connection-opened","id":"c","version":"b1","route":"/"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
        assert!(!event.what.is_of_user());
    }
}
