//! The two ids of a connection: one that gives power over it, and one that may be shown.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// Where in a `connectionId` the tag of its instance is: behind what is random.
const TAG_AT: usize = 12;

/// The `connectionId`, by which POSTs address a connection. Only its owner is told, so it has no `Debug` that shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(Uuid);

impl ConnectionId {
    /// One of the instance with this tag. What is random of it are 90 bits.
    pub(crate) fn random(tag: u32) -> Self {
        let mut bytes = Uuid::new_v4().into_bytes();
        bytes[TAG_AT..].copy_from_slice(&tag.to_be_bytes());
        Self(Uuid::from_bytes(bytes))
    }

    /// Whose connection it is.
    pub(crate) fn tag(self) -> u32 {
        let bytes = self.0.as_bytes();
        u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_whose_connection_it_is() {
        for tag in [0, 7, u32::MAX] {
            let id = ConnectionId::random(tag);
            assert_eq!((id.tag(), ConnectionId::read(&id.reveal())), (tag, Some(id)));
            assert_ne!(id, ConnectionId::random(tag));
        }
    }
}
