//! The one task that owns all state.
//!
//! Commands come in, the state turns them into changes, and subscribers hear of those on their plan's tick. A tick is armed by a
//! change, or by somebody who waits for a whole snapshot, and by nothing else.

pub(crate) mod aggregates;
pub(crate) mod answer;
mod budget;
pub(crate) mod command;
#[cfg(test)]
mod counted;
#[cfg(any(test, feature = "internals"))]
#[cfg_attr(
    not(feature = "internals"),
    allow(unreachable_pub, dead_code, reason = "the benchmarks use more of it than the tests")
)]
pub(crate) mod crowd;
mod delivery;
mod drain;
mod elsewhere;
pub(crate) mod events;
mod keepalive;
pub(crate) mod message;
#[cfg(test)]
mod model;
pub(crate) mod outbox;
mod peer;
mod pending;
pub(crate) mod people;
mod plan;
pub(crate) mod registry;
pub(crate) mod releases;
mod share;
mod snapshot;
mod state;
mod subscribers;
#[cfg(test)]
mod tests;
mod who;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use skew_proto::{Connected, EventsAsked, Release, ServerInfo, ServerMessage, wire};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use self::answer::{Current, Released};
use self::command::{Command, Opening, Reply, Subscribed, Verdict};
use self::drain::Drain;
use self::events::Events;
use self::keepalive::Keepalive;
use self::message::Message;
use self::outbox::Parcel;
use self::peer::Peer;
use self::plan::Scene;
use self::registry::{Change, Entry, Key};
use self::state::State;
use self::subscribers::Subscribers;
use self::who::{Question, Waiting};
use crate::auth::Watch;
use crate::clock::now_ms;
use crate::hooks::{Hooks, OpenedConnection, Sender};
use crate::live::Live;
use crate::metrics::Limit;

/// Commands that are carried out between two looks at the clock.
const BATCH: usize = 128;

pub(crate) struct Hub {
    live: Arc<Live>,
    /// Beside each connection is the way to it.
    state: State<Peer>,
    subscribers: Subscribers,
    events: Events,
    waiting: Waiting,
    /// What can take the leave of each back.
    watches: HashMap<Key, Watch>,
    last_timestamp: u64,
    keepalive: Keepalive,
    /// While shutting down, who waits for the last connection to be gone.
    shutdown: Option<Vec<Reply<()>>>,
    /// While shutting down, the connections that are still to be ended.
    drain: Option<Drain>,
    hooks: Arc<dyn Hooks>,
}

impl Hub {
    pub(crate) fn new(live: Arc<Live>, hooks: Arc<dyn Hooks>) -> Self {
        let current = Current { version: live.settings().config.build_id.clone(), released_at: None };
        Self {
            events: Events::new(&live, hooks.asks_for_events()),
            live,
            state: State::new(current),
            subscribers: Subscribers::new(Instant::now()),
            waiting: Waiting::default(),
            watches: HashMap::new(),
            last_timestamp: 0,
            keepalive: Keepalive::default(),
            shutdown: None,
            drain: None,
            hooks,
        }
    }

    /// Runs until nobody is left who could send a command.
    pub(crate) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut batch = Vec::new();
        loop {
            let due = self.due();
            tokio::select! {
                taken = commands.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        return;
                    }
                    self.live.metrics.hub_queue.set(commands.len() as i64);
                    for command in batch.drain(..) {
                        self.handle(command);
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.tick(),
            }
        }
    }

    /// When there is next something to be done unasked.
    fn due(&self) -> Option<Instant> {
        let drain = self.drain.as_ref().map(|drain| drain.next);
        [self.subscribers.next_tick(), self.events.due(), self.keepalive.due, self.waiting.due(), drain]
            .into_iter()
            .flatten()
            .min()
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if self.keepalive.due.is_some_and(|due| due <= now) {
            self.keep_alive(now);
        }
        if self.drain.as_ref().is_some_and(|drain| drain.next <= now) {
            self.end_some();
        }
        self.answer_waiting(now);
        self.tell_events(now);
        self.tell(Subscribers::publish);
    }

    fn handle(&mut self, command: Command) {
        // A reply that nobody waits for any more is no error: the request was cut off meanwhile.
        match command {
            Command::Open(opening, reply) => {
                self.open(opening);
                let _ = reply.send(());
            }
            Command::Close(connection_id) => {
                if let Some(key) = self.state.registry.key_of(connection_id) {
                    self.close(key);
                }
            }
            Command::Navigate { connection_id, route, reply } => {
                if let Some(key) = self.state.registry.key_of(connection_id) {
                    self.navigate(key, &route);
                }
                let _ = reply.send(());
            }
            Command::Subscribe { connection_id, verdict, reply } => {
                let key = self.state.registry.key_of(connection_id);
                let _ = reply.send(key.map_or(Subscribed::Heard, |key| self.subscribe(key, verdict)));
            }
            Command::Stats(reply) => self.ask(Question::Stats(reply)),
            Command::Current(reply) => drop(reply.send(self.state.current.clone())),
            Command::Release(release, reply) => drop(reply.send(self.release(release))),
            Command::LearnReleases(releases, reply) => {
                let change = self.state.learn_releases(&releases);
                self.changed(&change);
                let _ = reply.send(());
            }
            Command::Send { target, errand, mode, reply } => drop(reply.send(self.send(&target, errand, mode))),
            Command::Users { after, limit, reply } => self.ask(Question::Users { after, limit, reply }),
            Command::User { id, reply } => self.ask(Question::User { id, reply }),
            Command::Share { figures, rows, reply } => drop(reply.send(self.state.share(figures, rows))),
            Command::Elsewhere(elsewhere, reply) => {
                for change in self.state.elsewhere(*elsewhere, &self.live.me, || Peer::Elsewhere) {
                    self.changed(&change);
                }
                self.answer_waiting(Instant::now());
                let _ = reply.send(());
            }
            Command::Announced(events, webhooks, reply) => {
                self.announced(events, webhooks);
                let _ = reply.send(());
            }
            Command::EventsOfOthers(events, reply) => {
                self.events_of_others(&events);
                let _ = reply.send(());
            }
            Command::OfferEvents(to) => self.offer_events(to),
            Command::Shutdown { over, reply } => self.shut_down(over, reply),
        }
    }

    fn open(&mut self, opening: Opening) {
        let Opening { connection_id, id, version, route, ip, user, outbox } = opening;
        let version = self.known_version(version.as_deref().unwrap_or(&self.state.current.version));
        let route = self.known_route(&route);
        let now = now_ms();
        let connected = ServerMessage::Connected(Connected {
            version: self.state.current.version.clone(),
            connection_id: connection_id.reveal(),
            timestamp: Some(now),
            server: Some(ServerInfo { name: "skew-server".into(), version: env!("CARGO_PKG_VERSION").into() }),
            extra: skew_proto::Extra::new(),
        });
        // It can only be refused by an outbox that has ended, and then there is nobody to tell.
        let _ = outbox.push(Parcel::Message(Message::new(&connected)));
        if self.shutdown.is_some() {
            outbox.end();
        }
        let sender = Sender::new(outbox.clone());
        let (connection_id, peer) = (Some(connection_id), Peer::Here(outbox));
        let entry = Entry { connection_id, id, version: version.clone(), route: route.clone(), ip, user, peer };
        self.prepare_events();
        let (key, change) = self.state.open(entry, now);
        self.keepalive.start(Instant::now());
        self.live.metrics.connections.inc();
        self.changed(&change);
        self.call_hook(|hooks| {
            hooks.connection_open(&OpenedConnection { id, version: &version, route: &route, ip }, sender);
        });
        self.tell_opened(key);
    }

    fn close(&mut self, key: Key) {
        self.prepare_events();
        let Some((entry, change)) = self.state.close(key) else { return };
        self.live.metrics.connections.dec();
        self.unsubscribe(key);
        self.changed(&change);
        self.call_hook(|hooks| hooks.connection_close(entry.id));
        self.tell_closed(&entry);
        if self.state.aggregates.own_total() == 0 {
            self.keepalive.stop();
            self.report_empty();
        }
    }

    /// What a version counts as: past the limit, all that are new are one. The current one always has its name.
    fn known_version(&self, version: &str) -> Arc<str> {
        let versions = &self.state.aggregates.versions;
        let limit = match version {
            _ if version == self.state.current.version => usize::MAX,
            _ => self.live.settings().config.limits.versions,
        };
        versions.share_within(version, limit).unwrap_or_else(|| {
            self.live.metrics.limited(Limit::Versions);
            versions.share(wire::OTHER)
        })
    }

    /// The same of a route. The site's own first page and the dashboards always have their names.
    fn known_route(&self, route: &str) -> Arc<str> {
        let routes = &self.state.aggregates.routes;
        let limit = match route {
            "/" | wire::TUI_ROUTE => usize::MAX,
            _ => self.live.settings().config.limits.routes,
        };
        routes.share_within(route, limit).unwrap_or_else(|| {
            self.live.metrics.limited(Limit::Routes);
            routes.share(wire::OTHER)
        })
    }

    fn navigate(&mut self, key: Key, route: &str) {
        let route = self.known_route(route);
        let Some(change) = self.state.navigate(key, &route) else { return };
        self.changed(&change);
        if let Some(id) = self.state.registry.get(key).map(|entry| entry.id) {
            self.call_hook(|hooks| hooks.route_update(id, &route));
        }
        if let Change::Moved { from, .. } = &change {
            self.tell_moved(key, from);
        }
    }

    fn subscribe(&mut self, key: Key, verdict: Verdict) -> Subscribed {
        match verdict {
            Verdict::Granted(asked, watch) => {
                let known = self.subscribers.contains(key);
                if !known && self.subscribers.len() >= self.live.settings().config.limits.subscribers {
                    self.live.metrics.limited(Limit::Subscribers);
                    return Subscribed::TooMany;
                }
                if !known {
                    self.live.metrics.subscribers.inc();
                }
                self.watches.insert(key, watch);
                self.tell(|subscribers, scene| subscribers.subscribe(key, asked, scene));
                self.join_events(key, asked.events);
                self.want();
            }
            Verdict::Ended(watch) if self.watches.get(&key).is_none_or(|newest| newest.id() != watch) => {}
            Verdict::Ended(_) | Verdict::Refused => {
                // Whoever was allowed to before is not any more.
                self.unsubscribe(key);
                if let Some(outbox) = self.state.registry.get(key).and_then(|entry| entry.peer.outbox()) {
                    outbox.drop_stats();
                    outbox.drop_events();
                }
                self.send_to(key, &Parcel::Message(Message::new(&ServerMessage::StatsUnauthorized)));
            }
        }
        Subscribed::Heard
    }

    fn unsubscribe(&mut self, key: Key) {
        self.watches.remove(&key);
        if self.subscribers.contains(key) {
            self.subscribers.unsubscribe(key);
            self.join_events(key, EventsAsked::None);
            self.want();
            self.live.metrics.subscribers.dec();
        }
    }

    fn release(&mut self, release: Release) -> Released {
        let change = self.state.learn_releases(std::slice::from_ref(&release));
        self.changed(&change);
        let version = release.version;
        if version == self.state.current.version {
            // Told twice, as by a deploy's script and by the site's list: news to nobody.
            return Released { previous: version, reached: 0 };
        }
        let (previous, change) = self.state.release(version);
        self.changed(&change);
        let message = self.version_message(false);
        Released { previous, reached: self.send_to_all(&message, |_| true) }
    }

    fn changed(&mut self, change: &Change) {
        if self.subscribers.len() == 0 {
            // A change that nobody hears of costs no look at the clock.
            self.subscribers.forget();
        } else {
            self.tell(|subscribers, scene| subscribers.note(change, scene));
        }
    }

    /// Says what is needed of the others.
    fn want(&self) {
        let mut wants = self.subscribers.wants();
        wants.rows |= self.waiting.rows_until.is_some();
        self.live.wants.send_if_modified(|known| std::mem::replace(known, wants) != wants);
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Subscribers, &Scene<'_>)) {
        let scene = Scene {
            state: &self.state,
            now: Instant::now(),
            interval: self.live.settings().config.stats_interval,
            metrics: &self.live.metrics.stats,
        };
        tell(&mut self.subscribers, &scene);
    }

    /// Whoever asks again has the last word on how long it takes.
    fn shut_down(&mut self, over: Duration, reply: Reply<()>) {
        let own = self.state.registry.iter().filter(|(_, entry)| entry.connection_id.is_some());
        let keys = own.map(|(key, _)| key).collect();
        self.drain = Some(Drain::new(keys, over, Instant::now()));
        self.end_some();
        self.shutdown.get_or_insert_default().push(reply);
        if self.state.aggregates.own_total() == 0 {
            self.report_empty();
        }
    }

    fn end_some(&mut self) {
        let Some(drain) = &mut self.drain else { return };
        let keys = drain.due(Instant::now());
        if drain.is_over() {
            self.drain = None;
        }
        for key in keys {
            if let Some(outbox) = self.state.registry.get(key).and_then(|entry| entry.peer.outbox()) {
                outbox.end();
            }
        }
    }

    fn report_empty(&mut self) {
        for reply in self.shutdown.iter_mut().flat_map(|waiting| waiting.drain(..)) {
            let _ = reply.send(());
        }
    }

    /// An embedder's panic must not take everybody's connections with it.
    fn call_hook(&self, hook: impl FnOnce(&dyn Hooks)) {
        if catch_unwind(AssertUnwindSafe(|| hook(&*self.hooks))).is_err() {
            tracing::error!("a hook panicked; the server goes on without it");
        }
    }
}
