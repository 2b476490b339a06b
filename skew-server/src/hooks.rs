//! What an embedding application may hear of and decide.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use skew_proto::{Event, EventsAsked};

use crate::handle::SendError;
use crate::hub::message::Message;
use crate::hub::outbox::{Outbox, Parcel};
use crate::id::PublicId;

/// A connection that has just opened.
#[derive(Debug, Clone, Copy)]
pub struct OpenedConnection<'a> {
    /// Its public id, the one in stats.
    pub id: PublicId,
    /// The build it came with.
    pub version: &'a str,
    /// The page it shows.
    pub route: &'a str,
    /// The client's address, with address tracking only.
    pub ip: Option<IpAddr>,
}

/// Who asks for stats.
#[derive(Debug, Clone, Copy)]
pub struct StatsRequest<'a> {
    /// The credentials of the request: of the upgrade on a WebSocket, of the POST on SSE.
    pub credentials: &'a Credentials,
}

/// Whose stream it is that opens.
#[derive(Debug, Clone, Copy)]
pub struct IdentityRequest<'a> {
    /// The credentials of the request.
    pub credentials: &'a Credentials,
}

/// The parts of a request that say who sent it. Nothing else of a request is kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The `Cookie` headers, joined by `; `. Left out where another site's page sent the request.
    pub cookie: Option<Box<str>>,
    /// The `Authorization` header.
    pub authorization: Option<Box<str>>,
    /// The `X-Nuxt-Session-Session` header, which carries a sealed session in place of the cookie.
    pub session: Option<Box<str>>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given = |value: &Option<Box<str>>| if value.is_some() { "given" } else { "none" };
        f.debug_struct("Credentials")
            .field("cookie", &given(&self.cookie))
            .field("authorization", &given(&self.authorization))
            .field("session", &given(&self.session))
            .finish()
    }
}

/// A decision that may take its time.
pub type Decision<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// The id of a user, which may take its time.
pub type Identification<'a> = Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>>;

/// What an application may hook into; the counterparts of the module's `skew:connection:open`, `skew:connection:close`,
/// `skew:connection:route-update` and `skew:authorize-stats`.
///
/// All but the last two are called on the task that owns all connections, in the order in which things happen: return at once, and
/// hand longer work to a task or a channel of your own. A panic in them is logged and forgotten; one in
/// [`authorize_stats`](Hooks::authorize_stats), which runs on the task of the connection that asks, ends that connection alone, or its
/// stats where it is asked again.
pub trait Hooks: Send + Sync + 'static {
    /// A connection has opened. `sender` reaches it at any time, and can be kept.
    fn connection_open(&self, connection: &OpenedConnection<'_>, sender: Sender) {
        let _ = (connection, sender);
    }

    /// A connection has closed.
    fn connection_close(&self, id: PublicId) {
        let _ = id;
    }

    /// A connection shows another page. With route tracking only.
    fn route_update(&self, id: PublicId, route: &str) {
        let _ = (id, route);
    }

    /// Which events [`event`](Hooks::event) is called with. It is asked once, when the server starts; none by default.
    fn asks_for_events(&self) -> EventsAsked {
        EventsAsked::None
    }

    /// Something that [`asks_for_events`](Hooks::asks_for_events) names has happened: a user came, who was not here, or left, or a connection
    /// of this instance opened, closed or moved. Of several instances each hears of the users of all.
    fn event(&self, event: &Event) {
        let _ = event;
    }

    /// Whether someone may see stats whom nothing in the configuration allows it. It is asked again every few minutes about those who are
    /// told stats, whose stats end when it says no. Nothing by default: the application has no say in it.
    fn authorize_stats<'a>(&'a self, request: StatsRequest<'a>) -> Option<Decision<'a>> {
        let _ = request;
        None
    }

    /// Whose stream it is that opens, where nothing in the configuration says it. What is not known within two seconds is nobody's, and so
    /// is what panics. Nothing by default: the application has no say in it.
    fn identify<'a>(&'a self, request: IdentityRequest<'a>) -> Option<Identification<'a>> {
        let _ = request;
        None
    }
}

/// No hooks.
impl Hooks for () {}

/// Reaches one connection.
#[derive(Debug, Clone)]
pub struct Sender {
    outbox: Arc<Outbox>,
}

impl Sender {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox }
    }

    /// Sends a message of the application's own. Never waits: a connection that does not read is closed when too much is
    /// waiting for it.
    ///
    /// # Errors
    ///
    /// When the message is no JSON or the connection is closed.
    pub fn send<T: Serialize + ?Sized>(&self, message: &T) -> Result<(), SendError> {
        self.outbox.push(Parcel::Message(Message::custom(message)?)).map_err(|_| SendError::Closed)
    }
}
