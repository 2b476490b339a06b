//! Giving messages to connections: to one, to those that match, to a slice of them. Each is encoded once.

use skew_proto::{Counts, Keepalive, RoutePattern, ServerMessage, VersionMessage};
use tokio::time::Instant;

use super::Hub;
use super::answer::{Invalidated, Mode};
use super::command::Errand;
use super::message::Message;
use super::outbox::{Parcel, Refused};
use super::peer::Peer;
use super::registry::{Entry, Key};
use super::who;
use crate::clock::now_ms;
use crate::metrics::Limit;
use crate::presence::exchange::Target;

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

    /// Gives whomever a target means an errand, or only counts them.
    pub(super) fn send(&mut self, target: &Target, errand: Errand, mode: Mode) -> Invalidated {
        let routes = match target {
            // The pattern is tried once for each page, not once for each connection.
            Target::Route(pattern) => self.routes_of(pattern),
            Target::All | Target::User(_) | Target::Connection(_) => Counts::new(),
        };
        let matched = match target {
            Target::All => self.state.aggregates.total(),
            Target::Route(_) => routes.values().sum(),
            Target::User(user) => who::connections(&self.state, user),
            Target::Connection(id) => u64::from(self.state.registry.key_of_public(*id).is_some()),
        };
        if mode == Mode::DryRun || matched == 0 {
            return Invalidated { matched, routes, reached: 0 };
        }
        let parcel = match errand {
            Errand::Reload => self.version_message(true),
            Errand::Message(message) => Parcel::Message(message),
        };
        let reached = match target {
            Target::All => self.send_to_all(&parcel, |_| true),
            Target::Route(_) => self.send_to_all(&parcel, |entry| routes.contains_key(&*entry.route)),
            Target::User(user) => {
                let sent = push_to(self.state.registry.of_user(user), &parcel);
                self.close_slow(sent)
            }
            Target::Connection(id) => {
                let key = self.state.registry.key_of_public(*id);
                u64::from(key.is_some_and(|key| self.send_to(key, &parcel)))
            }
        };
        Invalidated { matched, routes, reached }
    }

    fn routes_of(&self, pattern: &RoutePattern) -> Counts {
        let matching = self.state.aggregates.routes.iter().filter(|(route, _)| pattern.matches(route));
        matching.map(|(route, count)| (route.to_owned(), count)).collect()
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
    pub(super) fn send_to_all(&mut self, parcel: &Parcel, matches: impl Fn(&Entry<Peer>) -> bool) -> u64 {
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

pub(super) fn push_to<'a>(receivers: impl Iterator<Item = (Key, &'a Entry<Peer>)>, parcel: &Parcel) -> Sent {
    let mut sent = Sent { reached: 0, slow: Vec::new() };
    for (key, entry) in receivers {
        // Others give it to theirs themselves.
        let Peer::Here(outbox) = &entry.peer else { continue };
        match outbox.push(parcel.clone()) {
            Ok(()) => sent.reached += 1,
            Err(Refused::Overflow) => sent.slow.push(key),
            Err(Refused::Closed) => {}
        }
    }
    sent
}
