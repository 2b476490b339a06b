//! Several instances on a Redis that is not there: whatever happens to them, to their messages and to their values, once it is quiet all of
//! them know the truth, and no user was said to come or leave twice.
//!
//! Everything but Redis, the wire and the hub is the real thing. What can go wrong: hints are lost, doubled, delayed and so reordered;
//! transactions fail without having been carried out, with it, or are carried out late, also twice; what is read is old; instances crash,
//! end, come back, stall; Redis is away for one or for all, is emptied, loses single keys, and falls back to an older state; clocks differ.

mod node;
mod redis;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use self::node::{Life, Node};
use self::redis::Redis;
use super::log::Entry;
use super::record::EntryId;
use super::writer::Transaction;
use crate::events::announcer::News;
use crate::instance::InstanceId;

const NODES: usize = 3;

/// Between two ticks of an instance.
const TICK_MS: u64 = 500;

/// Until everything must be right again: an old transaction may bring a dead instance back for as long as its head lives, and a log that
/// nobody knows to be whole waits for fifteen seconds.
const QUIET_MS: u64 = 40_000;

#[derive(Debug, Clone, Copy)]
enum Step {
    Open { node: usize, version: usize, route: usize, user: Option<usize> },
    Close { node: usize, nth: usize },
    Move { node: usize, nth: usize, route: usize },
    Pass { ticks: u64 },
    Crash(usize),
    End(usize),
    Start(usize),
    Stop(usize),
    Continue(usize),
    Cut(usize),
    Mend(usize),
    Away,
    Back,
    Flush,
    Evict(usize),
    Save,
    FallBack,
    Release(usize, usize),
    Invalidate(usize),
    Rows(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0..NODES;
    prop_oneof![
        8 => (node(), 0..3_usize, 0..3_usize, prop::option::of(0..4_usize))
            .prop_map(|(node, version, route, user)| Step::Open { node, version, route, user }),
        6 => (node(), 0..4_usize).prop_map(|(node, nth)| Step::Close { node, nth }),
        2 => (node(), 0..4_usize, 0..3_usize).prop_map(|(node, nth, route)| Step::Move { node, nth, route }),
        8 => (1..8_u64).prop_map(|ticks| Step::Pass { ticks }),
        3 => (8..60_u64).prop_map(|ticks| Step::Pass { ticks }),
        1 => node().prop_map(Step::Crash),
        1 => node().prop_map(Step::End),
        2 => node().prop_map(Step::Start),
        1 => node().prop_map(Step::Stop),
        1 => node().prop_map(Step::Continue),
        1 => node().prop_map(Step::Cut),
        1 => node().prop_map(Step::Mend),
        1 => Just(Step::Away),
        2 => Just(Step::Back),
        1 => Just(Step::Flush),
        1 => node().prop_map(Step::Evict),
        1 => Just(Step::Save),
        1 => Just(Step::FallBack),
        1 => (node(), 0..3_usize).prop_map(|(node, version)| Step::Release(node, version)),
        1 => node().prop_map(Step::Invalidate),
        1 => (node(), any::<bool>()).prop_map(|(node, wanted)| Step::Rows(node, wanted)),
    ]
}

/// What happens to messages and transactions, one after the other and again from the start; 0 where all is well.
#[derive(Debug)]
struct Fates {
    fates: Vec<u8>,
    next: usize,
}

impl Fates {
    fn next(&mut self, kinds: u8) -> u8 {
        if self.fates.is_empty() {
            return 0;
        }
        self.next += 1;
        let fate = self.fates[self.next % self.fates.len()];
        // Most are well.
        if fate < kinds { fate } else { 0 }
    }
}

/// What comes later.
#[derive(Debug)]
enum Late {
    Hint(usize, Vec<u8>),
    Write(InstanceId, Transaction),
    Append(EntryId, Vec<u8>),
}

struct World {
    now: u64,
    redis: Redis,
    saved: Redis,
    up: bool,
    nodes: Vec<Node>,
    late: Vec<(u64, Late)>,
    fates: Fates,
    /// Each invalidation: when, and by whom.
    invalidations: Vec<(u64, InstanceId, String)>,
    /// Every entry of the log that Redis ever took.
    entries: Vec<(EntryId, Entry)>,
    /// Whether Redis has lost something of the log.
    lost: bool,
}

impl World {
    fn new(fates: Vec<u8>) -> Self {
        let now = 1_000_000;
        Self {
            now,
            redis: Redis::default(),
            saved: Redis::default(),
            up: true,
            nodes: (0..NODES).map(|nth| Node::new(nth, now)).collect(),
            late: Vec::new(),
            fates: Fates { fates, next: 0 },
            invalidations: Vec::new(),
            entries: Vec::new(),
            lost: false,
        }
    }

    fn step(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Open { node, version, route, user } => self.nodes[node].open(version, route, user),
            Step::Close { node, nth } => self.nodes[node].close(nth),
            Step::Move { node, nth, route } => self.nodes[node].navigate(nth, route),
            Step::Pass { ticks } => (0..ticks).for_each(|_| self.tick()),
            Step::Crash(node) => self.nodes[node].life = Life::Dead,
            Step::End(node) => self.end(node),
            Step::Start(node) if self.nodes[node].life == Life::Dead => self.nodes[node] = Node::new(node, now),
            Step::Stop(node) if self.nodes[node].life == Life::Up => self.nodes[node].life = Life::Stopped,
            Step::Continue(node) if self.nodes[node].life == Life::Stopped => self.nodes[node].life = Life::Up,
            Step::Start(_) | Step::Stop(_) | Step::Continue(_) => {}
            Step::Cut(node) => self.nodes[node].cut = true,
            Step::Mend(node) => self.nodes[node].cut = false,
            Step::Away => self.up = false,
            Step::Back => self.up = true,
            Step::Flush => {
                self.redis = Redis::default();
                self.lost = true;
            }
            Step::Evict(node) => self.redis.evict(&self.nodes[node].me.id),
            Step::Save => self.saved = self.redis.clone(),
            Step::FallBack => {
                self.redis = self.saved.clone();
                self.lost = true;
            }
            Step::Release(node, version) => self.nodes[node].release(version, now),
            Step::Invalidate(node) => {
                if self.nodes[node].life == Life::Up {
                    let name = format!("i{}", self.invalidations.len());
                    self.nodes[node].invalidate(&name, now);
                    self.invalidations.push((now, self.nodes[node].me.id.clone(), name));
                }
            }
            Step::Rows(node, wanted) => self.nodes[node].rows_wanted = wanted,
        }
    }

    /// An instance ends in order, where Redis can be told.
    fn end(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        if node.life == Life::Up && self.up && !node.cut {
            let gone = node.end(&mut self.redis);
            self.publish(vec![gone]);
        } else if node.life == Life::Up {
            node.life = Life::Dead;
        }
    }

    fn tick(&mut self) {
        self.now += TICK_MS;
        self.redis.expire(self.now);
        let late = std::mem::take(&mut self.late);
        let (due, rest) = late.into_iter().partition(|(at, _)| *at <= self.now);
        self.late = rest;
        for (_, late) in due {
            self.deliver(late);
        }
        for nth in 0..self.nodes.len() {
            self.run(nth);
        }
    }

    fn deliver(&mut self, late: Late) {
        match late {
            Late::Hint(node, hint) => self.nodes[node].hear(&hint, self.now),
            Late::Write(id, transaction) => {
                self.redis.run(&id, &transaction, self.now);
                self.publish(transaction.hint.into_iter().collect());
            }
            Late::Append(id, entry) => self.append(id, &entry),
        }
    }

    fn run(&mut self, nth: usize) {
        let (now, up) = (self.now, self.up);
        let node = &mut self.nodes[nth];
        if node.life != Life::Up {
            return;
        }
        if !up || node.cut {
            node.without(now);
            return;
        }
        node.read(&self.redis, now, || self.fates.next(2));
        if let Some(transaction) = node.write(now) {
            self.transact(nth, transaction);
        }
        let node = &mut self.nodes[nth];
        if let Some(append) = node.log(&mut self.redis, now) {
            let entry = append.entry.encode();
            match self.fates.next(3) {
                0 => self.append(append.id, &entry),
                1 => {}
                _ => self.late.push((now + 3 * TICK_MS, Late::Append(append.id, entry))),
            }
        }
        self.nodes[nth].tell(now);
    }

    fn transact(&mut self, nth: usize, transaction: Transaction) {
        let (now, id) = (self.now, self.nodes[nth].me.id.clone());
        let fate = self.fates.next(5);
        if matches!(fate, 0 | 1 | 3) {
            let found = self.redis.run(&id, &transaction, now);
            self.publish(transaction.hint.iter().cloned().collect());
            if fate == 1 { self.nodes[nth].writer.failed() } else { _ = self.nodes[nth].writer.done(&found) }
        } else {
            self.nodes[nth].writer.failed();
        }
        if matches!(fate, 2 | 3) {
            let delay = 1 + u64::from(self.fates.next(16));
            self.late.push((now + delay * TICK_MS, Late::Write(id, transaction)));
        }
    }

    fn publish(&mut self, hints: Vec<Vec<u8>>) {
        for hint in hints {
            for nth in 0..self.nodes.len() {
                if !self.up || self.nodes[nth].cut {
                    continue;
                }
                let fate = self.fates.next(5);
                if matches!(fate, 0 | 2) {
                    self.nodes[nth].hear(&hint, self.now);
                }
                if matches!(fate, 2 | 3) {
                    self.late.push((self.now + u64::from(fate) * 2 * TICK_MS, Late::Hint(nth, hint.clone())));
                }
            }
        }
    }

    fn append(&mut self, id: EntryId, entry: &[u8]) {
        if self.redis.append(id, entry)
            && let Ok(entry) = Entry::decode(entry)
        {
            self.entries.push((id, entry));
        }
    }

    fn quiet(&mut self) {
        self.up = true;
        self.fates.fates.clear();
        for node in &mut self.nodes {
            node.cut = false;
            if node.life == Life::Stopped {
                node.life = Life::Up;
            }
        }
        (0..QUIET_MS / TICK_MS).for_each(|_| self.tick());
    }

    fn up(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.life == Life::Up)
    }

    fn check(&self) {
        let present: BTreeSet<Arc<str>> = self.up().flat_map(|node| node.users().into_keys()).collect();
        let currents: Vec<_> = self.up().map(|node| node.knowledge.current()).collect();
        assert!(currents.windows(2).all(|pair| pair[0] == pair[1]), "one build is current: {currents:?}");
        for node in self.up() {
            let others = || self.up().filter(|other| other.me.id != node.me.id);
            node.check_figures(&others().collect::<Vec<_>>(), self.now);
            let announced: BTreeSet<Arc<str>> = node.log.announced().iter().cloned().collect();
            assert_eq!(announced, present, "who is announced at {}", node.me.id);
            assert_eq!(node.said, present, "who was told to have come and not left at {}", node.me.id);
            for (at, by, name) in &self.invalidations {
                let times = node.carried_out.iter().filter(|done| *done == name).count();
                assert!(times <= 1, "{name} was carried out {times} times");
                let asker_lives = self.up().any(|asker| asker.me.id == *by);
                // Whoever was there must have heard of it while it was open.
                let heard = asker_lives && self.now - at < 55_000 && node.started < *at;
                assert!(!heard || times == 1, "{name} was not carried out at {}", node.me.id);
            }
        }
        if !self.lost {
            self.check_log(&present);
        }
    }

    /// As somebody sees it who reads each entry once: a webhook.
    fn check_log(&self, present: &BTreeSet<Arc<str>>) {
        let mut here = BTreeSet::new();
        let mut last = BTreeMap::new();
        for (id, entry) in &self.entries {
            let count = (entry.came.len() + entry.left.len()) as u64;
            let before = last.insert(id.term, id.seq).unwrap_or(0);
            assert_eq!(id.seq, before + count, "events are numbered without a hole");
            for user in &entry.came {
                assert!(here.insert(user.clone()), "somebody came twice");
            }
            for user in &entry.left {
                assert!(here.remove(user), "somebody left twice");
            }
        }
        if self.up().next().is_some() {
            assert_eq!(here, *present, "every came and left was said");
        }
    }
}

fn run(steps: Vec<Step>, fates: Vec<u8>) {
    let mut world = World::new(fates);
    for step in steps {
        world.step(step);
    }
    world.quiet();
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_all_know_the_truth_once_it_is_quiet(
        steps in prop::collection::vec(step(), 1..70),
        fates in prop::collection::vec(0..24_u8, 0..40),
    ) {
        run(steps, fates);
    }
}

/// What one of the instances says of a user.
fn user(news: &News) -> &Arc<str> {
    match news {
        News::Came(user) | News::Left(user) => user,
    }
}

#[test]
fn a_term_that_was_lost_is_not_taken_for_another_of_the_same_number() {
    let steps = vec![
        Step::End(0),
        Step::Pass { ticks: 8 },
        Step::Save,
        Step::Open { node: 1, version: 0, route: 0, user: Some(0) },
        Step::Pass { ticks: 17 },
        Step::Away,
        Step::Pass { ticks: 1 },
        Step::Back,
        Step::FallBack,
        Step::Pass { ticks: 10 },
        Step::FallBack,
        Step::Start(0),
        Step::Close { node: 1, nth: 0 },
    ];
    let fates = [3, 4, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 8, 0, 0, 0, 0, 2, 0, 0];
    run(steps, fates.to_vec());
}
