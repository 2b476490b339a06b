//! Giving messages to connections: to one, to those that match, to a slice of them. Each is encoded once.

use std::sync::Arc;

use skew_proto::{Keepalive, ServerMessage, VersionMessage};
use tokio::time::Instant;

use super::Hub;
use super::message::Message;
use super::outbox::{Outbox, Parcel, Refused};
use super::registry::{Entry, Key};
use crate::clock::now_ms;
use crate::metrics::Limit;

impl Hub {
    /// A `version` message that differs from every one before it: the stock client drops a message that equals the last.
    pub(super) fn version_message(&mut self, force: bool) -> Parcel {
        self.last_timestamp = now_ms().max(self.last_timestamp + 1);
        Parcel::Message(Message::new(&ServerMessage::Version(VersionMessage {
            version: self.state.current.version.clone(),
            force,
            timestamp: Some(self.last_timestamp),
            extra: skew_proto::Extra::new(),
        })))
    }

    pub(super) fn keep_alive(&mut self, now: Instant) {
        let places = self.keepalive.next(now, self.state.registry.places());
        if places.is_empty() {
            return;
        }
        let message =
            ServerMessage::Keepalive(Keepalive { timestamp: Some(now_ms()), extra: skew_proto::Extra::new() });
        let parcel = Parcel::Keepalive(Message::new(&message));
        let sent = push_to(self.state.registry.at(places), &parcel);
        self.close_slow(sent);
    }

    /// Queues a parcel for all that match, closes whoever has let too many wait, and returns how many took it.
    pub(super) fn send_to_all(&mut self, parcel: &Parcel, matches: impl Fn(&Entry<Arc<Outbox>>) -> bool) -> u64 {
        let sent = push_to(self.state.registry.iter().filter(|(_, entry)| matches(entry)), parcel);
        self.close_slow(sent)
    }

    pub(super) fn send_to(&mut self, key: Key, parcel: &Parcel) -> bool {
        let sent = push_to(self.state.registry.get(key).map(|entry| (key, entry)).into_iter(), parcel);
        self.close_slow(sent) == 1
    }

    fn close_slow(&mut self, Sent { reached, slow }: Sent) -> u64 {
        for key in slow {
            self.live.metrics.limited(Limit::Queue);
            tracing::debug!("closed a connection that does not read");
            self.close(key);
        }
        reached
    }
}

/// How many took a parcel, and who had let too many wait.
pub(super) struct Sent {
    pub(super) reached: u64,
    slow: Vec<Key>,
}

pub(super) fn push_to<'a>(receivers: impl Iterator<Item = (Key, &'a Entry<Arc<Outbox>>)>, parcel: &Parcel) -> Sent {
    let mut sent = Sent { reached: 0, slow: Vec::new() };
    for (key, entry) in receivers {
        match entry.peer.push(parcel.clone()) {
            Ok(()) => sent.reached += 1,
            Err(Refused::Overflow) => sent.slow.push(key),
            Err(Refused::Closed) => {}
        }
    }
    sent
}
