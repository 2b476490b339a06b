//! Telling events: to the embedder's hook, to subscribers who ask for them, to webhooks, and to other instances.
//!
//! Nobody listens, and nothing is made of what happens but its number. Who begins to listen hears what happens from then on.

mod audience;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use skew_proto::{Event, EventsAsked, Happening};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Duration, Instant};

use self::audience::Audience;
use super::Hub;
use super::registry::{Entry, Key};
use crate::clock::now_ms;
use crate::events::announcer::{Announcer, News, Presence};
use crate::events::sequence::Sequence;
use crate::live::Live;

/// Users who are announced between two looks at who is due.
const BATCH: usize = 256;

/// Whether events that were decided elsewhere go to the webhooks from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToWebhooks {
    Sent,
    /// Another instance sends them.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "there is no other one without redis"))]
    Left,
}

/// Who says that users came and left.
#[derive(Debug)]
enum Announces {
    /// This instance, while anybody listens.
    Here(Option<Announcer>),
    /// One of several instances, for all of them.
    Leader,
}

/// Who is told events, and what of them has not been told yet.
pub(super) struct Events {
    /// What the embedder's hook hears.
    hook: EventsAsked,
    audience: Audience,
    /// Who passes this instance's connections' events on to others.
    others: Option<mpsc::Sender<Event>>,
    announces: Announces,
    users: Sequence,
    connections: Sequence,
    /// The announcer's times are counted from here.
    start: Instant,
}

impl Events {
    pub(super) fn new(live: &Live, hook: EventsAsked) -> Self {
        let id = &live.me.id;
        let announces = if live.settings().config.redis.is_some() { Announces::Leader } else { Announces::Here(None) };
        Self {
            hook,
            audience: Audience::default(),
            others: None,
            announces,
            // Whoever hears of users alone must see no holes where connections opened: a sequence of their own, and so another epoch.
            users: Sequence::new(id.name.clone(), id.epoch + 1),
            connections: Sequence::new(id.name.clone(), id.epoch),
            start: Instant::now(),
        }
    }

    /// When there is next something to be told unasked.
    pub(super) fn due(&self) -> Option<Instant> {
        let leaves = match &self.announces {
            Announces::Here(Some(announcer)) => announcer.next_due(),
            Announces::Here(None) | Announces::Leader => None,
        };
        let leaves = leaves.map(|due| self.start + Duration::from_millis(due));
        [leaves, self.audience.tick].into_iter().flatten().min()
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// What somebody must have asked for to be told it.
fn least(what: &Happening) -> EventsAsked {
    if what.is_of_user() { EventsAsked::Users } else { EventsAsked::All }
}

impl Hub {
    /// Before a connection opens or closes: who begins to hear of users hears of those who come and leave from then on.
    pub(super) fn prepare_events(&mut self) {
        let (asked, now) = (self.events_asked(), self.events.now());
        let Announces::Here(announcer) = &mut self.events.announces else { return };
        if asked == EventsAsked::None {
            *announcer = None;
            return;
        }
        let grace = self.live.settings().config.leave_grace;
        let announcer = announcer.get_or_insert_with(|| {
            let mut announcer = Announcer::new(grace);
            for (user, _) in self.state.people.after(None) {
                announcer.note(user, Presence::Here, now);
                announcer.commit(&News::Came(user.clone()), now);
            }
            announcer
        });
        announcer.set_grace(grace);
    }

    pub(super) fn tell_opened(&mut self, key: Key) {
        let Some(Entry { id, version, route, user, .. }) = self.state.registry.get(key) else { return };
        let (id, version, route, user) = (*id, version.clone(), route.clone(), user.clone());
        self.tell_of_connection(|| Happening::ConnectionOpened {
            id: id.to_string(),
            version: (*version).to_owned(),
            route: (*route).to_owned(),
            user: user.as_deref().map(str::to_owned),
        });
        self.note_user(user.as_ref(), Presence::Here);
    }

    pub(super) fn tell_closed<P>(&mut self, entry: &Entry<P>) {
        let Entry { id, version, route, user, .. } = entry;
        self.tell_of_connection(|| Happening::ConnectionClosed {
            id: id.to_string(),
            version: (**version).to_owned(),
            route: (**route).to_owned(),
            user: user.as_deref().map(str::to_owned),
        });
        self.note_user(user.as_ref(), Presence::Gone);
    }

    pub(super) fn tell_moved(&mut self, key: Key, from: &str) {
        let Some(Entry { id, route, user, .. }) = self.state.registry.get(key) else { return };
        let (id, route, user) = (*id, route.clone(), user.clone());
        self.tell_of_connection(|| Happening::ConnectionNavigated {
            id: id.to_string(),
            from: from.to_owned(),
            to: (*route).to_owned(),
            user: user.as_deref().map(str::to_owned),
        });
    }

    /// Has a subscriber hear what they ask for, and nothing where they ask for nothing.
    pub(super) fn join_events(&mut self, key: Key, asked: EventsAsked) {
        let registry = &self.state.registry;
        self.events.audience.join(key, asked, |key| registry.get(key)?.peer.outbox());
        self.prepare_events();
    }

    /// Tells what is due.
    pub(super) fn tell_events(&mut self, now: Instant) {
        self.announce();
        if self.events.audience.tick.is_some_and(|tick| tick <= now) {
            let registry = &self.state.registry;
            self.events.audience.publish(|key| registry.get(key)?.peer.outbox());
        }
    }

    /// Gives on what was decided for several instances.
    pub(super) fn announced(&mut self, events: Vec<Event>, webhooks: ToWebhooks) {
        for event in events {
            self.give(event, webhooks);
        }
    }

    /// Gives on what has happened to connections of other instances.
    pub(super) fn events_of_others(&mut self, events: &[Event]) {
        for event in events {
            self.publish_event(event);
        }
    }

    /// Has this instance's connections' events passed on, until the receiver is gone. What there is no room for is lost; that shows in the
    /// numbers.
    pub(super) fn offer_events(&mut self, to: mpsc::Sender<Event>) {
        self.events.others = Some(to);
    }

    /// The most that anybody here asks for.
    fn events_asked(&self) -> EventsAsked {
        self.events.hook.max(self.events.audience.asked()).max(self.live.settings().webhooks.asked())
    }

    fn tell_of_connection(&mut self, what: impl FnOnce() -> Happening) {
        if self.events_asked() < EventsAsked::All && self.events.others.is_none() {
            self.events.connections.pass();
            return;
        }
        let event = self.events.connections.event(now_ms(), what());
        if let Some(others) = &self.events.others
            && let Err(TrySendError::Closed(_)) = others.try_send(event.clone())
        {
            self.events.others = None;
        }
        self.give(event, ToWebhooks::Sent);
    }

    /// A connection of somebody has opened or closed.
    fn note_user(&mut self, user: Option<&Arc<str>>, presence: Presence) {
        let now = self.events.now();
        let (Some(user), Announces::Here(Some(announcer))) = (user, &mut self.events.announces) else { return };
        let is_here = self.state.people.of(user).is_some();
        if is_here == (presence == Presence::Here) {
            announcer.note(user, presence, now);
            self.announce();
        }
    }

    fn announce(&mut self) {
        let now = self.events.now();
        loop {
            let Announces::Here(Some(announcer)) = &mut self.events.announces else { return };
            let due = announcer.due(now, BATCH);
            if due.is_empty() {
                return;
            }
            for news in &due {
                announcer.commit(news, now);
            }
            for news in due {
                let what = match news {
                    News::Came(user) => Happening::UserCame { user: (*user).to_owned() },
                    News::Left(user) => Happening::UserLeft { user: (*user).to_owned() },
                };
                let event = self.events.users.event(now_ms(), what);
                self.give(event, ToWebhooks::Sent);
            }
        }
    }

    fn give(&mut self, event: Event, webhooks: ToWebhooks) {
        let least = least(&event.what);
        if self.events.hook >= least {
            self.call_hook(|hooks| hooks.event(&event));
        }
        self.publish_event(&event);
        let settings = self.live.settings();
        if webhooks == ToWebhooks::Sent && settings.webhooks.asked() >= least {
            settings.webhooks.send(&Arc::new(event), &self.live);
        }
    }

    fn publish_event(&mut self, event: &Event) {
        if self.events.audience.asked() >= least(&event.what) {
            let tick = Instant::now() + self.live.settings().config.stats_interval;
            let registry = &self.state.registry;
            self.events.audience.tell(event, tick, |key| registry.get(key)?.peer.outbox());
        }
    }
}
