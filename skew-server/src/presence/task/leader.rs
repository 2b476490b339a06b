//! Users' events of all instances: every instance reads the log, and the one that leads adds to it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use skew_proto::{Event, EventsAsked, Happening};

use super::{Line, LinkError, Task};
use crate::events::announcer::{Announcer, News, Presence};
use crate::handle::Handle;
use crate::hub::events::ToWebhooks;
use crate::presence::exchange::{Extent, Share};
use crate::presence::log::{Age, Append, Base, End, Entry, Log, MOST, Told};
use crate::presence::record::EntryId;
use crate::presence::record::hint::Hint;
use crate::presence::redis::log::{Appended, From};

/// The lease is held on to this often.
const HOLD_MS: u64 = 2_000;
/// The log is looked at this often, also where nobody says that there is more.
const LOOK_MS: u64 = 1_000;
/// Entries that are read at once.
const ENTRIES: usize = 200;
/// Events that are kept for the webhooks of one who may have to take over.
const KEPT_EVENTS: usize = 10_000;

/// What this instance knows of users' events.
pub(super) struct Leader {
    log: Log,
    announcer: Announcer,
    /// Who is here, as all instances together have it.
    present: HashSet<Arc<str>>,
    /// The last events, for whoever has to go on with the webhooks.
    recent: VecDeque<(EntryId, Arc<Event>)>,
    /// Up to where the webhooks' queues have them; nothing where that is another's affair.
    sent: Option<EntryId>,
    /// Up to where the webhooks have taken them, as it was written down last.
    delivered: Option<EntryId>,
    lease: Lease,
    held_at: u64,
    looked_at: u64,
}

/// Whose the lease is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    Own,
    Free,
}

impl Leader {
    pub(super) fn new(grace: Duration, now: u64) -> Self {
        Self {
            log: Log::new(now),
            announcer: Announcer::new(grace),
            present: HashSet::new(),
            recent: VecDeque::new(),
            sent: None,
            delivered: None,
            lease: Lease::Free,
            held_at: 0,
            looked_at: 0,
        }
    }

    pub(super) fn cursor(&self) -> EntryId {
        self.log.cursor()
    }

    /// There is more in the log.
    pub(super) fn look_soon(&mut self) {
        self.looked_at = 0;
    }

    /// Takes who is here from what the hub shares.
    pub(super) fn note(&mut self, share: &Share, now: u64) {
        if share.figures_extent == Extent::Whole {
            let here: HashSet<&Arc<str>> = share.present.iter().map(|(user, _)| user).collect();
            let gone: Vec<_> = self.present.iter().filter(|user| !here.contains(user)).cloned().collect();
            for user in gone {
                self.present.remove(&user);
                self.announcer.note(&user, Presence::Gone, now);
            }
        }
        for (user, is_here) in &share.present {
            let presence = if *is_here {
                self.present.insert(user.clone());
                Presence::Here
            } else {
                self.present.remove(user);
                Presence::Gone
            };
            self.announcer.note(user, presence, now);
        }
    }

    /// Begins anew with those who are announced and those who are here: whoever is announced and not here has a moment from now on.
    fn begin_anew(&mut self, grace: Duration, now: u64) {
        self.announcer = Announcer::new(grace);
        for user in self.log.announced() {
            self.announcer.commit(&News::Came(user.clone()), now);
        }
        for user in &self.present {
            self.announcer.note(user, Presence::Here, now);
        }
    }

    /// Takes over what was announced. Returns what is to be told here.
    fn keep(&mut self, told: &[Told], now: u64) -> Vec<Event> {
        let mut events = Vec::new();
        for Told { by, term, at, news, age } in told {
            for (seq, news) in news {
                self.announcer.commit(news, now);
                let what = match news {
                    News::Came(user) => Happening::UserCame { user: (**user).to_owned() },
                    News::Left(user) => Happening::UserLeft { user: (**user).to_owned() },
                };
                let event = Event { instance: (**by).to_owned(), epoch: *term, seq: *seq, at: *at, what };
                self.recent.push_back((EntryId { term: *term, seq: *seq }, Arc::new(event.clone())));
                if *age == Age::New {
                    events.push(event);
                }
            }
        }
        let excess = self.recent.len().saturating_sub(KEPT_EVENTS);
        self.recent.drain(..excess);
        events
    }
}

impl Task {
    /// Reads the log where it is time, and leads where it can.
    pub(super) async fn follow_log(&mut self, hub: &Handle) -> Result<(), LinkError> {
        let now = self.clock.now();
        if now.saturating_sub(self.leader.looked_at) >= LOOK_MS {
            self.leader.looked_at = now;
            self.read_log(hub).await?;
        }
        let may_lead = self.fleet.is_settled(now) && self.leader.log.may_lead(self.fleet.log(), now);
        if may_lead && now.saturating_sub(self.leader.held_at) >= HOLD_MS {
            self.leader.held_at = now;
            self.hold(hub, now).await?;
        }
        if may_lead && self.leader.lease == Lease::Own {
            self.lead(hub, now).await?;
        }
        Ok(())
    }

    async fn hold(&mut self, hub: &Handle, now: u64) -> Result<(), LinkError> {
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        if !store.hold_lease().await? {
            if self.leader.lease == Lease::Own {
                tracing::info!("another instance tells of users' coming and going now");
            }
            self.leader.lease = Lease::Free;
            self.leader.sent = None;
            self.leader.log.resign();
            return Ok(());
        }
        self.leader.lease = Lease::Own;
        if self.leader.log.leads() {
            return Ok(());
        }
        let claim = self.leader.log.claim(&store.me.name, self.fleet.log(), now);
        if self.append(hub, claim).await? == Appended::Done && self.leader.log.leads() {
            let Line::Up(store) = &mut self.line else { return Ok(()) };
            // Nobody is told again what is not known to be untold.
            self.leader.sent = Some(store.delivered().await?.unwrap_or(self.leader.cursor()));
            self.leader.begin_anew(hub.live.settings().config.leave_grace, now);
            tracing::info!("this instance tells of users' coming and going now");
        }
        Ok(())
    }

    async fn lead(&mut self, hub: &Handle, now: u64) -> Result<(), LinkError> {
        if !self.leader.log.leads() {
            return Ok(());
        }
        let due = self.leader.announcer.due(now, MOST);
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        let name = store.me.name.clone();
        match self.leader.log.append(&due, &name, now) {
            Some(append) => drop(self.append(hub, append).await?),
            // All of it is said.
            None => due.iter().for_each(|news| self.leader.announcer.commit(news, now)),
        }
        self.deliver(hub).await?;
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        if let Some(base) = self.leader.log.due_base(&name, self.fleet.least_log(), now) {
            store.write_base(&base.encode()).await?;
            self.leader.log.base_written(base.at, now);
        }
        Ok(())
    }

    /// Adds an entry, and reads it back.
    async fn append(&mut self, hub: &Handle, append: Append) -> Result<Appended, LinkError> {
        let Line::Up(store) = &mut self.line else { return Ok(Appended::Refused) };
        let appended = store.append(append.id, &append.entry.encode(), &Hint::Log.encode()).await?;
        if appended == Appended::Refused {
            self.leader.log.resign();
        }
        self.read_log(hub).await?;
        Ok(appended)
    }

    async fn read_log(&mut self, hub: &Handle) -> Result<(), LinkError> {
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        loop {
            let now = self.clock.now();
            let leader = &mut self.leader;
            let before = leader.cursor();
            let mut told = Vec::new();
            if leader.log.needs_base()
                && let Ok(base) = Base::decode(&store.base().await?)
            {
                told.extend(leader.log.base(base));
            }
            let from = if leader.log.leads() { From::At(before) } else { From::Behind(leader.cursor()) };
            let mut entries = store.entries(from, ENTRIES).await?;
            if let From::At(_) = from
                && !leader.log.holds(entries.first().map(|(id, _)| *id))
            {
                leader.log.resign();
            }
            let end = if entries.len() < ENTRIES { End::Reached } else { End::Ahead };
            let decoded = entries.drain(..).map(|(id, bytes)| (id, Entry::decode(&bytes))).collect();
            told.extend(leader.log.read(decoded, end, now));
            let events = leader.keep(&told, now);
            let has_moved = leader.cursor() != before;
            if !events.is_empty() {
                // The webhooks are the leader's, who knows up to where they were told.
                let _ = hub.announced(events, ToWebhooks::Left).await;
            }
            if end == End::Reached || !has_moved {
                return Ok(());
            }
        }
    }

    /// Gives the webhooks what they were not given yet, by this leader or one before it, and writes down what they have taken.
    async fn deliver(&mut self, hub: &Handle) -> Result<(), LinkError> {
        let (Some(sent), Line::Up(store)) = (self.leader.sent, &mut self.line) else { return Ok(()) };
        let settings = hub.live.settings();
        let asked = settings.webhooks.asked() >= EventsAsked::Users;
        let from = self.leader.recent.partition_point(|(id, _)| *id <= sent);
        for (id, event) in self.leader.recent.iter().skip(from) {
            if asked {
                settings.webhooks.send(event, &hub.live);
            }
            self.leader.sent = Some(*id);
        }
        let taken = settings.webhooks.delivered();
        let taken = taken.iter().map(|taken| taken.borrow().map(|taken| EntryId { term: taken.epoch, seq: taken.seq }));
        // Where one has taken nothing yet it is not known from where it would have to be told again.
        let delivered = if taken.len() == 0 { self.leader.sent } else { taken.min().flatten() };
        if delivered != self.leader.delivered
            && let Some(delivered) = delivered
        {
            self.leader.delivered = Some(delivered);
            store.set_delivered(delivered).await?;
        }
        Ok(())
    }
}
