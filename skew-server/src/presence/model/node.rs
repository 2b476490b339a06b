//! An instance of the model: the real records, writer, fleet, knowledge, log and announcer, and a hub that is a few tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use skew_proto::Release;

use super::redis::Redis;
use crate::events::announcer::{Announcer, News, Presence};
use crate::id::PublicId;
use crate::instance::{InstanceId, Me};
use crate::presence::exchange::{Extent, Figures, Share, SharedRow, Target, Wants};
use crate::presence::fleet::Fleet;
use crate::presence::knowledge::Knowledge;
use crate::presence::log::{Age, Append, Base, End, Entry, Log, MOST, Told};
use crate::presence::record::hint::Hint;
use crate::presence::record::{EntryId, Section};
use crate::presence::writer::{Face, Transaction, Writer};

const GRACE: Duration = Duration::from_millis(1_000);
const LOOK_MS: u64 = 1_000;
const LEASE_MS: u64 = 8_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Up,
    Stopped,
    Dead,
}

/// A section as it was when it was read, with its head.
type Read = (InstanceId, Section, Option<Vec<u8>>, Vec<(Vec<u8>, Vec<u8>)>);

type Counts = BTreeMap<Arc<str>, i64>;

pub(super) struct Node {
    pub(super) me: Me,
    pub(super) life: Life,
    pub(super) cut: bool,
    pub(super) rows_wanted: bool,
    /// By the world's clock; its own goes wrong by `skew`.
    pub(super) started: u64,
    skew: u64,
    own: Vec<(PublicId, SharedRow)>,
    /// What was taken of it last.
    shared: Shared,
    elsewhere: Elsewhere,
    pub(super) writer: Writer,
    fleet: Fleet,
    pub(super) knowledge: Knowledge,
    claimed: bool,
    pub(super) log: Log,
    announcer: Announcer,
    here: BTreeSet<Arc<str>>,
    /// Who came and has not left, as told here.
    pub(super) said: BTreeSet<Arc<str>>,
    pub(super) carried_out: Vec<String>,
    looked_at: u64,
    claimed_at: u64,
    /// What was read, and comes only now.
    reads: Vec<Read>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Shared {
    versions: Counts,
    routes: Counts,
    users: BTreeSet<Arc<str>>,
    anonymous: i64,
    rows: Vec<(PublicId, SharedRow)>,
}

/// All others together, as the hub adds them up.
#[derive(Debug, Default)]
struct Elsewhere {
    versions: Counts,
    routes: Counts,
    users: Counts,
    anonymous: i64,
    rows: HashMap<PublicId, (InstanceId, SharedRow)>,
}

fn text(kind: char, nth: usize) -> Arc<str> {
    format!("{kind}{nth}").into()
}

fn add(counts: &mut Counts, name: &Arc<str>, by: i64) {
    let count = counts.entry(name.clone()).or_insert(0);
    *count += by;
    assert!(*count >= 0, "there is less than nothing");
    if *count == 0 {
        counts.remove(name);
    }
}

impl Node {
    pub(super) fn new(nth: usize, started: u64) -> Self {
        let id = InstanceId { name: text('n', nth), epoch: started };
        let me = Me { id: id.clone(), tag: nth as u32, build: text('b', nth) };
        let skew = [0, 86_400_000, 7_000][nth];
        let now = started + skew;
        Self {
            writer: Writer::new(me.clone()),
            me,
            life: Life::Up,
            cut: false,
            rows_wanted: false,
            started,
            skew,
            own: Vec::new(),
            shared: Shared::default(),
            elsewhere: Elsewhere::default(),
            fleet: Fleet::new(id, now),
            knowledge: Knowledge::default(),
            claimed: false,
            log: Log::new(now),
            announcer: Announcer::new(GRACE),
            here: BTreeSet::new(),
            said: BTreeSet::new(),
            carried_out: Vec::new(),
            looked_at: 0,
            claimed_at: 0,
            reads: Vec::new(),
        }
    }

    pub(super) fn open(&mut self, version: usize, route: usize, user: Option<usize>) {
        if self.life == Life::Up {
            let user = user.map(|user| text('u', user));
            let row = SharedRow { version: text('b', version), route: text('/', route), user, ip: None };
            self.own.push((PublicId::random(), row));
        }
    }

    pub(super) fn close(&mut self, nth: usize) {
        if self.life == Life::Up && nth < self.own.len() {
            self.own.remove(nth);
        }
    }

    pub(super) fn navigate(&mut self, nth: usize, route: usize) {
        if self.life == Life::Up && nth < self.own.len() {
            self.own[nth].1.route = text('/', route);
        }
    }

    pub(super) fn release(&mut self, version: usize, now: u64) {
        if self.life == Life::Up {
            let release = Release { version: text('b', version).to_string(), released_at: None };
            self.knowledge.release(&release, now + self.skew);
        }
    }

    pub(super) fn invalidate(&mut self, name: &str, now: u64) {
        self.knowledge.invalidate(rand::random(), &Target::User(name.into()), now + self.skew);
        self.carried_out.push(name.into());
    }

    pub(super) fn end(&mut self, redis: &mut Redis) -> Vec<u8> {
        self.life = Life::Dead;
        redis.remove(&self.me.id);
        redis.lease.take_if(|(holder, _)| *holder == self.me.id);
        self.writer.gone()
    }

    pub(super) fn hear(&mut self, hint: &[u8], now: u64) {
        // One that is stopped or dead hears nothing; what would wait for a stopped one is lost with its socket.
        if self.life == Life::Up {
            match Hint::decode(hint) {
                Ok(hint) => self.fleet.hint(hint, now + self.skew),
                Err(unread) => panic!("one of us wrote it: {unread}"),
            }
        }
    }

    /// Redis does not answer.
    pub(super) fn without(&mut self, now: u64) {
        let now = now + self.skew;
        self.fleet.away(now);
        self.writer.failed();
        self.take(now);
    }

    pub(super) fn read(&mut self, redis: &Redis, now: u64, mut fate: impl FnMut() -> u8) {
        let now = now + self.skew;
        self.fleet.back(now);
        self.fleet.want_rows(self.rows_wanted);
        for (id, section, head, fields) in std::mem::take(&mut self.reads) {
            self.fleet.whole(&id, section, head.as_deref(), fields, now);
        }
        if now >= self.looked_at + LOOK_MS {
            self.looked_at = now;
            self.fleet.heads(redis.names.iter().map(|id| (id.clone(), redis.head(id))).collect(), now);
        }
        for (id, section) in self.fleet.wanted(now) {
            let read = (id.clone(), section, redis.head(&id), redis.fields(&id, section));
            if fate() == 0 {
                let (id, section, head, fields) = read;
                self.fleet.whole(&id, section, head.as_deref(), fields, now);
            } else {
                self.reads.push(read);
            }
        }
        for learned in self.fleet.take_knowledge() {
            for target in self.knowledge.merge(learned, now).invalidations {
                let Target::User(name) = target else { panic!("nobody asked for this") };
                self.carried_out.push(name.to_string());
            }
        }
        self.knowledge.forget(now);
        if !self.claimed && self.fleet.is_settled(now) {
            self.claimed = true;
            self.knowledge.claim(&self.me.build, now);
        }
        self.take(now);
    }

    pub(super) fn write(&mut self, now: u64) -> Option<Transaction> {
        let now = now + self.skew;
        let ask = self.writer.ask(self.fleet.wants().rows, now);
        let share = self.share(ask.figures, ask.rows);
        let wants = Wants { rows: self.rows_wanted, events: false };
        let face = Face { wants, log: self.log.cursor() };
        self.writer.next(ask, share, face, &self.knowledge, now)
    }

    /// Reads the log, and goes on with it where that is this instance's part.
    pub(super) fn log(&mut self, redis: &mut Redis, now: u64) -> Option<Append> {
        let now_here = now + self.skew;
        let others = self.fleet.log();
        let me = self.me.id.clone();
        if self.log.needs_base()
            && let Ok(base) = Base::decode(&redis.base)
        {
            let told = self.log.base(base);
            self.hear_of(told, now_here);
        }
        let from = self.log.cursor();
        let entries: Vec<(EntryId, Vec<u8>)> = redis.stream.iter().filter(|(id, _)| *id >= from).cloned().collect();
        if self.log.leads() && !self.log.holds(entries.first().map(|(id, _)| *id)) {
            self.log.resign();
        }
        let entries = entries.into_iter().map(|(id, entry)| (id, Entry::decode(&entry))).collect();
        let told = self.log.read(entries, End::Reached, now_here);
        self.hear_of(told, now_here);
        // Whoever must not lead lets the lease expire.
        if !self.log.may_lead(others, now_here) || !self.fleet.is_settled(now_here) {
            return None;
        }
        if redis.lease.as_ref().is_some_and(|(holder, _)| *holder != me) {
            self.log.resign();
            return None;
        }
        redis.lease = Some((me, now + LEASE_MS));
        let name = self.me.id.name.clone();
        if !self.log.leads() {
            let again = now >= self.claimed_at + LOOK_MS;
            self.claimed_at = if again { now } else { self.claimed_at };
            return again.then(|| self.log.claim(&name, others, now_here));
        }
        if let Some(base) = self.log.due_base(&name, self.fleet.least_log(), now_here) {
            self.log.base_written(base.at, now_here);
            redis.base = base.encode().into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
        }
        self.log.append(&self.announcer.due(now_here, MOST), &name, now_here)
    }

    /// The announcer hears who is here, wherever that is.
    pub(super) fn tell(&mut self, now: u64) {
        let own = self.users().into_keys();
        let here: BTreeSet<Arc<str>> = own.chain(self.elsewhere.users.keys().cloned()).collect();
        for user in here.symmetric_difference(&self.here) {
            let presence = if here.contains(user) { Presence::Here } else { Presence::Gone };
            self.announcer.note(user, presence, now + self.skew);
        }
        self.here = here;
    }

    fn hear_of(&mut self, told: impl IntoIterator<Item = Told>, now: u64) {
        for Told { news, age, .. } in told {
            for (_, news) in news {
                self.announcer.commit(&news, now);
                let changed = match &news {
                    News::Came(_) => self.said.insert(super::user(&news).clone()),
                    News::Left(_) => self.said.remove(super::user(&news)),
                };
                assert!(changed || age == Age::Before, "the same was told twice at {}", self.me.id);
            }
        }
    }

    fn take(&mut self, now: u64) {
        let Some(told) = self.fleet.take_elsewhere(now) else { return };
        let elsewhere = &mut self.elsewhere;
        told.versions.iter().for_each(|(version, by)| add(&mut elsewhere.versions, version, *by));
        told.routes.iter().for_each(|(route, by)| add(&mut elsewhere.routes, route, *by));
        told.came.iter().for_each(|(user, _)| add(&mut elsewhere.users, user, 1));
        told.left.iter().for_each(|user| add(&mut elsewhere.users, user, -1));
        elsewhere.anonymous += told.anonymous;
        for (id, public, row) in told.rows {
            elsewhere.rows.insert(public, (id, row));
        }
        for public in told.closed {
            elsewhere.rows.remove(&public);
        }
    }

    pub(super) fn users(&self) -> Counts {
        self.counts(|row| row.user.clone())
    }

    fn counts(&self, of: impl Fn(&SharedRow) -> Option<Arc<str>>) -> Counts {
        let mut counts = Counts::new();
        self.own.iter().filter_map(|(_, row)| of(row)).for_each(|name| add(&mut counts, &name, 1));
        counts
    }

    fn figures(&self) -> Shared {
        Shared {
            versions: self.counts(|row| Some(row.version.clone())),
            routes: self.counts(|row| Some(row.route.clone())),
            users: self.users().into_keys().collect(),
            anonymous: self.own.iter().filter(|(_, row)| row.user.is_none()).count() as i64,
            rows: self.own.clone(),
        }
    }

    /// As the hub hands it out: all of it, or what has changed since.
    fn share(&mut self, figures: Extent, rows: Extent) -> Share {
        let now = self.figures();
        let mut share = Share::default();
        if figures != Extent::Nothing {
            let before = if figures == Extent::Whole { Shared::default() } else { self.shared.clone() };
            share.figures = Figures {
                versions: changed(&before.versions, &now.versions),
                routes: changed(&before.routes, &now.routes),
                users: before
                    .users
                    .symmetric_difference(&now.users)
                    .map(|user| (user.clone(), now.users.contains(user).then_some(1)))
                    .collect(),
                anonymous: now.anonymous as u64,
                connections: self.own.len() as u64,
            };
        }
        if rows != Extent::Nothing {
            let before = if rows == Extent::Whole { Vec::new() } else { std::mem::take(&mut self.shared.rows) };
            let closed = before.iter().filter(|(id, _)| !now.rows.iter().any(|(other, _)| other == id));
            share.rows.extend(closed.map(|(id, _)| (*id, None)));
            let news = now.rows.iter().filter(|row| !before.contains(row));
            share.rows.extend(news.map(|(id, row)| (*id, Some(row.clone()))));
        }
        self.shared = now;
        share
    }

    /// That all others together are here what they are there.
    pub(super) fn check_figures(&self, others: &[&Self], now: u64) {
        let mut truth = Elsewhere::default();
        for other in others {
            other.figures().versions.iter().for_each(|(name, count)| add(&mut truth.versions, name, *count));
            other.figures().routes.iter().for_each(|(name, count)| add(&mut truth.routes, name, *count));
            other.figures().users.iter().for_each(|user| add(&mut truth.users, user, 1));
            truth.anonymous += other.figures().anonymous;
            truth.rows.extend(other.own.iter().map(|(id, row)| (*id, (other.me.id.clone(), row.clone()))));
        }
        let (known, at) = (&self.elsewhere, &self.me.id);
        assert_eq!(known.versions, truth.versions, "versions at {at}");
        assert_eq!(known.routes, truth.routes, "routes at {at}");
        assert_eq!(known.users, truth.users, "users at {at}");
        assert_eq!(known.anonymous, truth.anonymous, "anonymous at {at}");
        assert_eq!(known.rows, if self.rows_wanted { truth.rows } else { HashMap::new() }, "rows at {at}");
        assert!(self.fleet.is_settled(now + self.skew), "nothing is missing at {at}");
        assert_eq!(self.fleet.tags().count(), others.len(), "the instances known at {at}");
    }
}

fn changed(before: &Counts, now: &Counts) -> Vec<(Arc<str>, u64)> {
    let names: BTreeSet<&Arc<str>> = before.keys().chain(now.keys()).collect();
    let differs = names.into_iter().filter(|name| before.get(*name) != now.get(*name));
    differs.map(|name| (name.clone(), now.get(name).copied().unwrap_or(0) as u64)).collect()
}
