//! One connection, for as long as it lives.

use std::sync::Arc;

use crate::handle::Handle;
use crate::hub::command::{Opening, Transport};
use crate::hub::outbox::Outbox;
use crate::id::{ConnectionId, PublicId};
use crate::visitor::Visitor;

/// A connection that the hub knows. It closes when this is dropped, however the transport ends.
#[derive(Debug)]
pub(crate) struct Session {
    hub: Handle,
    pub(crate) connection_id: ConnectionId,
    pub(crate) id: PublicId,
    pub(crate) outbox: Arc<Outbox>,
}

impl Session {
    pub(crate) fn open(hub: Handle, visitor: Visitor, transport: Transport) -> Self {
        let Visitor { version, route, ip, hangup } = visitor;
        let (connection_id, id) = (ConnectionId::random(), PublicId::random());
        let outbox = Arc::new(Outbox::new(hangup));
        hub.open(Opening { connection_id, id, version, route, ip, transport, outbox: outbox.clone() });
        Self { hub, connection_id, id, outbox }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.hub.close(self.connection_id);
    }
}
