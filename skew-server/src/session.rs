//! One connection, for as long as it lives.

use std::sync::Arc;

use crate::handle::{Handle, Stopped};
use crate::hub::command::Opening;
use crate::hub::outbox::Outbox;
use crate::id::{ConnectionId, PublicId};
use crate::limits::Permit;
use crate::metrics::Transport;
use crate::visitor::Visitor;

/// A connection that the hub knows. It closes when this is dropped, however the transport ends.
#[derive(Debug)]
pub(crate) struct Session {
    hub: Handle,
    pub(crate) connection_id: ConnectionId,
    pub(crate) id: PublicId,
    pub(crate) outbox: Arc<Outbox>,
    transport: Transport,
    _permit: Permit,
}

impl Session {
    /// Waits until the hub knows the connection: one who opens and leaves as fast as it can fills no queue.
    pub(crate) async fn open(
        hub: Handle,
        visitor: Visitor,
        permit: Permit,
        transport: Transport,
    ) -> Result<Self, Stopped> {
        let Visitor { version, route, ip, user } = visitor;
        let (connection_id, id) = (ConnectionId::random(hub.live.me.tag), PublicId::random());
        let outbox = Arc::new(Outbox::new(hub.live.settings().config.limits.queue));
        // Whole before the hub is asked, so that it closes also where the request is dropped meanwhile.
        let session = Self { hub, connection_id, id, outbox: outbox.clone(), transport, _permit: permit };
        session.hub.live.metrics.opened.count(transport);
        session.hub.open(Opening { connection_id, id, version, route, ip, user, outbox }).await?;
        Ok(session)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.hub.live.metrics.closed.count(self.transport);
        self.hub.close(self.connection_id);
    }
}
