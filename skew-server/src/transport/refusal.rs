//! Streams that are not let in. A viewer's stream is never refused by its status: it opens, is told when to come again, and ends.

use std::ops::RangeInclusive;

use axum::extract::ws::{CloseCode, close_code};
use axum::http::request::Parts;
use bytes::Bytes;

use super::events;
use crate::app::App;
use crate::limits::Permit;
use crate::live::Phase;
use crate::visitor;

/// When a client is to come again that there is no place for, in milliseconds. Spread, so that those who were turned away together do
/// not come together.
const COME_AGAIN_MS: RangeInclusive<u32> = 30_000..=90_000;

/// Why a stream is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A limit is reached, which is counted already.
    NoPlace,
    /// The server ends, and another one is to take its place.
    Draining,
}

/// Lets a stream in, for as long as it keeps the permit.
pub(super) fn admit(parts: &Parts, app: &App) -> Result<Permit, Refusal> {
    if app.live.phase() == Phase::Draining {
        return Err(Refusal::Draining);
    }
    app.live.admit(visitor::address_key(parts, app)).map_err(|_| Refusal::NoPlace)
}

impl Refusal {
    /// The whole stream of events of one who is not let in.
    pub(super) fn events(self) -> Bytes {
        events::retry(match self {
            Self::NoPlace => COME_AGAIN_MS,
            Self::Draining => events::RETRY_MS,
        })
    }

    /// How a WebSocket is closed, which has no way to tell a time.
    pub(super) fn close(self) -> (CloseCode, &'static str) {
        match self {
            Self::NoPlace => (close_code::AGAIN, "there is no place; come again"),
            Self::Draining => (close_code::RESTART, "the server restarts; come again"),
        }
    }
}
