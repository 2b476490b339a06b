//! What `skew-server` tells of people and of its own instances: fields of [`Stats`] beside the stock ones, and bodies of the endpoints
//! about users.
//!
//! An extension of ours; the contract is `docs/protocol.md`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pattern::MatchKind;
use crate::stats::{Connection, Stats};

/// One process of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Its name. Two of one name differ by `epoch`.
    pub name: String,
    /// When it was started, by its own clock, in milliseconds since 1970.
    pub epoch: u64,
    /// The build that it was started with.
    pub build: String,
    /// The program's version.
    #[serde(default)]
    pub server: String,
    /// Number of its connections.
    pub connections: u64,
    /// Number of its users. One with tabs on several instances counts on each.
    pub users: u64,
    /// Whether its figures are those of now.
    pub state: InstanceState,
    /// Since when it is in a state other than live, in milliseconds since 1970 by the clock of the instance that tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

/// Whether an instance's figures are those of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// It is heard from.
    Live,
    /// It is not heard from; the figures are the last that were.
    Silent,
    /// It is heard from, and in a form that is too new to be read. Its figures are missing.
    Unreadable,
    /// A state that this crate does not know.
    #[serde(other)]
    Unknown,
}

/// What is missing in figures that should be those of several instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The names of the instances that are not heard from. None where it is not known which there are.
    pub instances: Vec<String>,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
}

impl Stats {
    /// Number of distinct users, where the server counts them.
    #[must_use]
    pub fn users(&self) -> Option<u64> {
        self.extra.get("users").and_then(Value::as_u64)
    }

    /// Number of connections without a user, where the server counts users.
    #[must_use]
    pub fn anonymous(&self) -> Option<u64> {
        self.extra.get("anonymous").and_then(Value::as_u64)
    }

    /// What is missing in the figures, where anything is.
    #[must_use]
    pub fn partial(&self) -> Option<Partial> {
        self.extra.get("partial").and_then(|partial| Partial::deserialize(partial).ok())
    }

    /// The instances whose figures these are, where there may be several. One that can't be read is left out.
    #[must_use]
    pub fn instances(&self) -> Vec<Instance> {
        let entries = self.extra.get("instances").and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(|entry| Instance::deserialize(entry).ok()).collect()
    }
}

impl Connection {
    /// Whose it is, where that is known and was asked for.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.extra.get("user").and_then(Value::as_str)
    }

    /// The name of the instance it is connected to, where there may be several.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        self.extra.get("instance").and_then(Value::as_str)
    }
}

/// One page of `GET {base}/admin/users`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UsersPage {
    /// Number of distinct users in all.
    pub total: u64,
    /// In the order of their ids.
    pub users: Vec<UserPresence>,
    /// What to ask for as `after` to get the next page, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What is missing, where anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
}

/// A user, as `GET {base}/admin/users/{id}` answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserPresence {
    /// The id.
    pub user: String,
    /// Whether they are here.
    pub here: bool,
    /// Since when, in milliseconds since 1970 by the clock of the instance they came to; nothing where they are not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Their connections.
    #[serde(default)]
    pub connections: Vec<Connection>,
    /// What is missing, where anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
}

/// Body of `POST {base}/admin/invalidate-user`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateUserRequest {
    /// Whose connections.
    pub user: String,
    /// Only count them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Answer of `POST {base}/admin/invalidate-user`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateUserAnswer {
    /// Whether the request was carried out.
    pub ok: bool,
    /// The user, as they were sent.
    pub user: String,
    /// Number of connections that were reached, or would be.
    pub matched: u64,
    /// Whether this was a count only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Body of `POST {base}/admin/message`: a message of the application's own, and to whom it goes. Exactly one of the fields that say so is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageRequest {
    /// The message, an object. By convention it has a `type`, which is none of the protocol's own.
    pub message: Value,
    /// To all connections of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// To one connection, by its public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// To the connections whose route matches this pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// How the pattern is compared.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MatchKind>,
    /// To every connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// Answer of `POST {base}/admin/message`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAnswer {
    /// Whether the request was carried out.
    pub ok: bool,
    /// Number of connections that took it: of other instances those that said so in time.
    pub reached: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerMessage;

    #[test]
    fn stats_tell_people_and_instances() {
        let text = r#"{"type":"stats","total":1,"versions":{"b":1},"routes":{"/":1},"users":1,"anonymous":0,
            "connections":[{"id":"a","version":"b","route":"/","user":"u1","instance":"web-1"}],
            "partial":{"instances":["web-2"],"since":5},
            "instances":[{"name":"web-1","epoch":3,"build":"b","connections":1,"users":1,"state":"asleep"},{"name":7}]}"#;
        let ServerMessage::Stats(stats) = ServerMessage::decode(text).unwrap() else { panic!("no stats") };
        assert_eq!((stats.users(), stats.anonymous()), (Some(1), Some(0)));
        assert_eq!((stats.connections[0].user(), stats.connections[0].instance()), (Some("u1"), Some("web-1")));
        assert_eq!(stats.partial(), Some(Partial { instances: vec!["web-2".into()], since: 5 }));
        let instances = stats.instances();
        assert_eq!((instances.len(), instances[0].state), (1, InstanceState::Unknown));
    }
}
