//! What goes between the hub of this process and whoever speaks with the others.
#![cfg_attr(not(feature = "redis"), allow(dead_code, reason = "without redis there is nobody to speak with"))]

use std::net::IpAddr;
use std::sync::Arc;

use skew_proto::{Instance, Partial, Release, RoutePattern, Subscription};

use crate::hooks::Credentials;
use crate::hub::message::Message;
use crate::id::{ConnectionId, PublicId};
use crate::instance::InstanceId;

/// How much of something is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Of rows it also ends the keeping of what changes.
    #[default]
    Nothing,
    /// What has changed since it was last taken.
    Changes,
    Whole,
}

/// What the others are told of this instance, and of nobody else. It says what is, not by how much it differs.
#[derive(Debug, Default)]
pub(crate) struct Share {
    pub(crate) figures: Figures,
    /// How much the figures are: the whole also where changes were asked for that are not kept, since they were never taken, or not for long.
    pub(crate) figures_extent: Extent,
    /// Connections by public id; nothing for one that has closed.
    pub(crate) rows: Vec<(PublicId, Option<SharedRow>)>,
    /// How much the rows are, in the same way.
    pub(crate) rows_extent: Extent,
    /// Users whose presence anywhere has changed, as all instances together have it: for the one that announces them. With whole figures all
    /// who are present.
    pub(crate) present: Vec<(Arc<str>, bool)>,
}

/// Counts of an instance's own connections.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Connections by build; 0 is gone.
    pub(crate) versions: Vec<(Arc<str>, u64)>,
    /// Connections by route; 0 is gone.
    pub(crate) routes: Vec<(Arc<str>, u64)>,
    /// Since when users are here, in milliseconds since 1970; nothing for one who is not any more.
    pub(crate) users: Vec<(Arc<str>, Option<u64>)>,
    /// Connections without a user; as the next it is told in any case.
    pub(crate) anonymous: u64,
    /// Connections in all.
    pub(crate) connections: u64,
}

/// A connection, as the others are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedRow {
    pub(crate) version: Arc<str>,
    pub(crate) route: Arc<str>,
    pub(crate) user: Option<Arc<str>>,
    pub(crate) ip: Option<IpAddr>,
}

/// What has changed elsewhere, in all other instances together.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    /// By how much the connections of each build have changed.
    pub(crate) versions: Vec<(Arc<str>, i64)>,
    /// By how much the connections of each route have changed.
    pub(crate) routes: Vec<(Arc<str>, i64)>,
    pub(crate) anonymous: i64,
    /// For each instance that has a user now whom it had not: who, and since when.
    pub(crate) came: Vec<(Arc<str>, u64)>,
    /// For each instance that has a user no more. They are taken behind those who came.
    pub(crate) left: Vec<Arc<str>>,
    /// Connections that have opened or changed. They are listed and not counted: the figures count them.
    pub(crate) rows: Vec<(InstanceId, PublicId, SharedRow)>,
    /// Connections that have closed, or whose instance is gone or does not tell its rows any more. They are taken before the others.
    pub(crate) closed: Vec<PublicId>,
    /// The instances as they are now, this one left out, where that has changed.
    pub(crate) fleet: Option<FleetNow>,
}

/// The other instances, and whether they are all heard from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FleetNow {
    pub(crate) instances: Vec<Instance>,
    /// What is missing.
    pub(crate) partial: Option<Partial>,
    /// Whether the rows of all of them are here.
    pub(crate) rows_whole: bool,
}

/// What one instance asks the others to do, once.
#[derive(Debug)]
pub(crate) enum Order {
    /// A build is the current one.
    Release(Release),
    Invalidate(Target),
    Message(Target, Message),
    /// A connection of another instance has moved.
    Navigate(ConnectionId, String),
    /// A connection of another instance wants stats. Its own instance looks whether it may have them.
    Subscribe {
        connection_id: ConnectionId,
        asked: Subscription,
        credentials: Credentials,
    },
}

/// Whom something is meant for.
#[derive(Clone)]
pub enum Target {
    /// Every connection.
    All,
    /// The connections whose route matches.
    Route(RoutePattern),
    /// The connections of a user, by the id that stats show.
    User(Arc<str>),
    /// One connection, by its public id.
    Connection(PublicId),
}

/// A user's id is not for a log.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("All"),
            Self::Route(pattern) => f.debug_tuple("Route").field(pattern).finish(),
            Self::User(_) => f.write_str("User(…)"),
            Self::Connection(id) => f.debug_tuple("Connection").field(id).finish(),
        }
    }
}

/// What the hub needs of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Whether somebody here looks at the list of connections.
    pub(crate) rows: bool,
    /// Whether somebody here is told of the events of connections.
    pub(crate) events: bool,
}
