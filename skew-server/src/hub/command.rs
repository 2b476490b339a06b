//! What may be asked of the hub.
//!
//! Whoever sends a command for a connection, other than `Close`, waits for its answer, and a connection closes once: so it has at most a
//! few commands in the hub's queue, however fast it talks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skew_proto::{Event, Release, Subscription, UserPresence, UsersPage};
use tokio::sync::{mpsc, oneshot};

use super::answer::{Current, Invalidated, Mode, Released};
use super::events::ToWebhooks;
use super::message::Message;
use super::outbox::Outbox;
use crate::auth::{Watch, WatchId};
use crate::id::{ConnectionId, PublicId};
use crate::presence::exchange::{Elsewhere, Extent, Share, Target};

pub(crate) type Reply<T> = oneshot::Sender<T>;

/// A new connection, as its first request described it.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) connection_id: ConnectionId,
    pub(crate) id: PublicId,
    /// Nothing where the request names no build: then it is the current one.
    pub(crate) version: Option<String>,
    pub(crate) route: String,
    pub(crate) ip: Option<IpAddr>,
    /// Whose it is, where that is known.
    pub(crate) user: Option<Arc<str>>,
    pub(crate) outbox: Arc<Outbox>,
}

/// Whether somebody may have the stats they ask for.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// They may, of the kind that is asked for, until the watch takes it back. It lives as long as the subscription.
    Granted(Subscription, Watch),
    Refused,
    /// This watch takes it back. One that another has followed has no say.
    Ended(WatchId),
}

/// What has become of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subscribed {
    /// It is carried out, or there is no such connection.
    Heard,
    /// There are as many subscribers as there may be.
    TooMany,
}

/// What connections are given.
#[derive(Debug)]
pub(crate) enum Errand {
    /// To reload: a forced `version`.
    Reload,
    /// A message of the application's own.
    Message(Message),
}

#[derive(Debug)]
pub(crate) enum Command {
    Open(Opening, Reply<()>),
    Close(ConnectionId),
    Navigate {
        connection_id: ConnectionId,
        route: String,
        reply: Reply<()>,
    },
    Subscribe {
        connection_id: ConnectionId,
        verdict: Verdict,
        reply: Reply<Subscribed>,
    },
    Stats(Reply<Bytes>),
    Current(Reply<Current>),
    Release(Release, Reply<Released>),
    LearnReleases(Vec<Release>, Reply<()>),
    /// Gives connections of this instance something. Where a target is matched by connections of others, too, they are counted as matched.
    Send {
        target: Target,
        errand: Errand,
        mode: Mode,
        reply: Reply<Invalidated>,
    },
    /// One page of those who are here, with their connections: so many of those behind this one.
    Users {
        after: Option<String>,
        limit: usize,
        reply: Reply<UsersPage>,
    },
    /// Whether somebody is here, and where.
    User {
        id: String,
        reply: Reply<UserPresence>,
    },
    /// Takes what the others are to be told of this instance.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis there is nobody to tell it"))]
    Share {
        figures: Extent,
        rows: Extent,
        reply: Reply<Share>,
    },
    /// Takes in what has changed elsewhere.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis nobody tells it"))]
    Elsewhere(Box<Elsewhere>, Reply<()>),
    /// Gives on events of users that were decided for several instances.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis there is nobody who needs it"))]
    Announced(Vec<Event>, ToWebhooks, Reply<()>),
    /// Tells subscribers what has happened to connections of other instances.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis there is nobody who needs it"))]
    EventsOfOthers(Vec<Event>, Reply<()>),
    /// Has the events of this instance's connections passed on from now on, until the receiver is gone. What there is no room for is lost.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis there is nobody who needs it"))]
    OfferEvents(mpsc::Sender<Event>),
    Shutdown {
        over: Duration,
        reply: Reply<()>,
    },
}
