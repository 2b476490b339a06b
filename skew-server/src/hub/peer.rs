//! The way from the hub to a connection.

use std::sync::Arc;

use super::outbox::Outbox;

/// Where a connection is.
#[derive(Debug)]
pub(crate) enum Peer {
    /// It is one of this instance's own.
    Here(Arc<Outbox>),
    /// Another instance has it; it is only listed here.
    Elsewhere,
}

impl Peer {
    /// What waits for its reader, where that is here.
    pub(crate) fn outbox(&self) -> Option<&Arc<Outbox>> {
        match self {
            Self::Here(outbox) => Some(outbox),
            Self::Elsewhere => None,
        }
    }
}
