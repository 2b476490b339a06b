//! The wire protocol of *skew*: what a server that tracks open browser tabs says to them, what they say to it, and the
//! arithmetic both sides must agree on.
//!
//! The protocol is the one of the npm module `nuxt-skew-protection` (observed on 1.3.0), with additive extensions; the
//! contract is `docs/protocol.md` of the repository. Nothing in this crate does I/O, reads a clock or knows a runtime.
//!
//! Everything that arrives is treated as somebody else's text. An unknown message type is [`ServerMessage::Other`], an
//! unknown field is kept in `extra`, and what a visitor damaged inside [`Stats`] is repaired and marked, so that one
//! visitor's cookie can't blind the operator.
//!
//! ```
//! use skew_proto::{Rollout, ServerMessage};
//!
//! let text = r#"{"type":"stats","total":3,"versions":{"b2":2,"b1":1},"routes":{"/":3},"connections":[]}"#;
//! let Ok(ServerMessage::Stats(stats)) = ServerMessage::decode(text) else { panic!("not stats") };
//! let rollout = Rollout::of(&stats.versions, "b2");
//! assert_eq!((rollout.current, rollout.outdated), (2, 1));
//! ```

mod body;
mod changes;
mod client;
mod event;
mod lenient;
mod message;
mod pattern;
mod people;
mod release;
mod rollout;
pub mod sse;
mod stats;
pub mod text;
pub mod wire;

pub use body::{
    Ack, Failure, Health, InvalidateAnswer, InvalidateRequest, ReleaseAnswer, ReleaseRequest, RouteBody, SubscribeBody,
};
pub use changes::{EventsAsked, Gap, List, StatsChanges, StatsMode, Subscription, UserIds};
pub use client::{ClientMessage, RouteUpdate, SubscribeStats};
pub use event::{Event, Events, Happening};
pub use lenient::{Extra, Text};
pub use message::{Connected, DecodeError, Keepalive, Other, ServerInfo, ServerMessage, VersionMessage};
pub use pattern::{MatchKind, PatternError, RoutePattern, UnknownMatchKind};
pub use people::{
    Instance, InstanceState, InvalidateUserAnswer, InvalidateUserRequest, MessageAnswer, MessageRequest, Partial,
    UserPresence, UsersPage,
};
pub use release::{Release, Releases};
pub use rollout::{Rollout, percent_label};
pub use stats::{Connection, Counts, Damage, Field, Stats};
