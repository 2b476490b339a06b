//! Subscribers who ask for events, and what of these they are told next. An event is encoded once for all who ask for the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use skew_proto::{Event, EventsAsked};
use tokio::time::Instant;

use super::super::message::Message;
use super::super::outbox::Outbox;
use super::super::registry::Key;
use super::least;

/// Bytes of events in one message.
const MESSAGE_BYTES: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct Audience {
    users: Group,
    all: Group,
    /// When they hear of what has happened, if anything has.
    pub(super) tick: Option<Instant>,
}

/// Those who ask for the same.
#[derive(Default)]
struct Group {
    members: BTreeSet<Key>,
    /// Events as JSON, with a comma behind each.
    unsent: String,
}

impl Audience {
    /// The most that anybody asks for.
    pub(super) fn asked(&self) -> EventsAsked {
        match (self.all.members.is_empty(), self.users.members.is_empty()) {
            (false, _) => EventsAsked::All,
            (true, false) => EventsAsked::Users,
            (true, true) => EventsAsked::None,
        }
    }

    /// Takes somebody in for what they ask for, and for nothing else that they have asked for before. They are not told what has happened
    /// already.
    pub(super) fn join<'a>(&mut self, key: Key, asked: EventsAsked, to: impl Fn(Key) -> Option<&'a Arc<Outbox>>) {
        let group = match asked {
            EventsAsked::None => return self.leave(key),
            EventsAsked::Users => &mut self.users,
            EventsAsked::All => &mut self.all,
        };
        if !group.members.contains(&key) {
            group.publish(to);
            self.leave(key);
            match asked {
                EventsAsked::All => self.all.members.insert(key),
                EventsAsked::Users | EventsAsked::None => self.users.members.insert(key),
            };
        }
    }

    pub(super) fn leave(&mut self, key: Key) {
        for group in [&mut self.users, &mut self.all] {
            group.members.remove(&key);
            if group.members.is_empty() {
                group.unsent = String::new();
            }
        }
        if self.asked() == EventsAsked::None {
            self.tick = None;
        }
    }

    /// Has them told an event, on the tick that has been set already or on this one.
    pub(super) fn tell<'a>(&mut self, event: &Event, tick: Instant, to: impl Fn(Key) -> Option<&'a Arc<Outbox>>) {
        #[expect(clippy::expect_used, reason = "texts and numbers under names of ours")]
        let json = serde_json::to_string(event).expect("events are JSON");
        let users = (least(&event.what) == EventsAsked::Users).then_some(&mut self.users);
        for group in users.into_iter().chain([&mut self.all]).filter(|group| !group.members.is_empty()) {
            if group.unsent.len() + json.len() > MESSAGE_BYTES {
                group.publish(&to);
            }
            group.unsent.push_str(&json);
            group.unsent.push(',');
            self.tick.get_or_insert(tick);
        }
    }

    /// Tells everybody what they have not been told.
    pub(super) fn publish<'a>(&mut self, to: impl Fn(Key) -> Option<&'a Arc<Outbox>>) {
        self.tick = None;
        self.users.publish(&to);
        self.all.publish(&to);
    }
}

impl Group {
    fn publish<'a>(&mut self, to: impl Fn(Key) -> Option<&'a Arc<Outbox>>) {
        let mut events = std::mem::take(&mut self.unsent);
        if events.pop().is_none() {
            return;
        }
        let message = Message::raw(&format!(r#"{{"type":"events","events":[{events}]}}"#));
        for outbox in self.members.iter().filter_map(|key| to(*key)) {
            outbox.put_events(message.clone());
        }
    }
}
