//! Who is told stats, and what kind of them.
//!
//! Subscribers of one kind share a plan: a tick, and messages that are encoded once for all of them. What costs as much as everybody
//! who is connected, a whole snapshot, is taken when the budget has room for it; who needs one waits for that.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use skew_proto::{List, Subscription, UserIds};
use tokio::time::Instant;

use super::budget::Whole;
use super::command::Reply;
use super::plan::{Plan, Scene, grant};
use super::registry::{Change, Key};
use crate::presence::exchange::Wants;

#[derive(Debug)]
pub(crate) struct Subscribers {
    /// By what was granted.
    plans: BTreeMap<Subscription, Plan>,
    granted: BTreeMap<Key, Subscription>,
    /// Requests that wait for a snapshot.
    asking: Vec<Reply<Bytes>>,
    whole: Whole,
}

impl Subscribers {
    pub(crate) fn new(now: Instant) -> Self {
        Self { plans: BTreeMap::new(), granted: BTreeMap::new(), asking: Vec::new(), whole: Whole::new(now) }
    }

    pub(crate) fn len(&self) -> usize {
        self.granted.len()
    }

    #[cfg(any(test, feature = "internals"))]
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        self.granted.keys().copied()
    }

    pub(crate) fn contains(&self, key: Key) -> bool {
        self.granted.contains_key(&key)
    }

    /// Grants somebody stats. The first come as soon as they may be taken; who subscribes again gets new ones.
    pub(crate) fn subscribe(&mut self, key: Key, asked: Subscription, scene: &Scene<'_>) {
        self.unsubscribe(key);
        let granted = grant(asked, scene.interval);
        self.granted.insert(key, granted);
        let plan = self.plans.entry(granted).or_insert_with(|| Plan::new(granted, scene.state));
        plan.join(key, &mut self.whole, scene);
    }

    pub(crate) fn unsubscribe(&mut self, key: Key) {
        let Some(granted) = self.granted.remove(&key) else { return };
        if let Some(plan) = self.plans.get_mut(&granted) {
            plan.leave(key);
            if plan.is_empty() {
                self.plans.remove(&granted);
            }
        }
    }

    /// Answers a request for a snapshot, as soon as one may be taken.
    pub(crate) fn ask(&mut self, reply: Reply<Bytes>, scene: &Scene<'_>) {
        self.asking.push(reply);
        self.answer(scene);
    }

    /// The state has changed and nobody is to hear of it.
    pub(crate) fn forget(&mut self) {
        self.whole.forget();
    }

    /// The state has changed.
    pub(crate) fn note(&mut self, change: &Change, scene: &Scene<'_>) {
        self.forget();
        for plan in self.plans.values_mut() {
            plan.note(change, scene);
        }
    }

    /// What they need of other instances.
    pub(crate) fn wants(&self) -> Wants {
        let mut plans = self.plans.values();
        let (rows, events) = (plans.clone().any(Plan::has_list), plans.any(Plan::has_all_events));
        Wants { rows, events }
    }

    /// When there is next something to be told.
    pub(crate) fn next_tick(&self) -> Option<Instant> {
        let asking = (!self.asking.is_empty()).then(|| self.whole.free_at());
        self.plans.values().filter_map(|plan| plan.tick).chain(asking).min()
    }

    /// Tells everybody whose time has come.
    pub(crate) fn publish(&mut self, scene: &Scene<'_>) {
        self.answer(scene);
        for plan in self.plans.values_mut().filter(|plan| plan.tick.is_some_and(|tick| tick <= scene.now)) {
            plan.publish(&mut self.whole, scene);
        }
    }

    fn answer(&mut self, scene: &Scene<'_>) {
        // Who has left meanwhile needs no answer.
        self.asking.retain(|reply| !reply.is_closed());
        if !self.asking.is_empty() && self.whole.is_free(scene.now) {
            let body = self.whole.take(List::All, UserIds::Hidden, self.asking.len(), scene).body();
            for reply in self.asking.drain(..) {
                let _ = reply.send(body.clone());
            }
        }
    }
}
