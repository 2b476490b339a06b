//! The two ids of a connection: one that gives power over it, and one that may be shown.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The `connectionId`, by which POSTs address a connection. Only its owner is told, so it has no `Debug` that shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(Uuid);

impl ConnectionId {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// A place in an index. The ids are random already.
    pub(crate) fn hash(self) -> u64 {
        mixed(self.0)
    }

    /// Reads what a request says; nothing where no connection can have such an id.
    pub(crate) fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The id for its owner.
    pub(crate) fn reveal(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionId(…)")
    }
}

/// The public id of a connection, as `stats` show it. It gives no power over the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicId(Uuid);

impl PublicId {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// A place in an index.
    pub(crate) fn hash(self) -> u64 {
        mixed(self.0)
    }
}

/// Each half has bits that are the same in all ids, at different places.
fn mixed(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    high ^ low
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for PublicId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// A text that is no public id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a connection's id is a UUID as `stats` show it")]
pub struct NotAnId;

impl FromStr for PublicId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        text.parse().map(Self).map_err(|_| NotAnId)
    }
}
