//! Values: what this instance writes of itself, and what is read of the others and handed to the hub.

use std::collections::HashSet;
use std::sync::Arc;

use skew_proto::{InstanceState, Release};

use super::{Line, LinkError, Task};
use crate::handle::Handle;
use crate::hub::answer::Mode;
use crate::hub::command::Errand;
use crate::presence::exchange::FleetNow;
use crate::presence::record::letter::Letter;
use crate::presence::writer::{Ask, Face, Verdict};

/// A probe is sent this often.
const PROBE_MS: u64 = 1_000;

impl Task {
    /// Writes what has changed here, and a sign of life.
    pub(super) async fn write(&mut self, hub: &Handle) -> Result<(), LinkError> {
        let now = self.clock.now();
        let ask = self.writer.ask(self.fleet.wants().rows, now);
        let Ok(share) = hub.share(ask.figures, ask.rows).await else { return Ok(()) };
        // What was asked for as changes is whole where those are not kept.
        let ask = Ask { figures: share.figures_extent, rows: share.rows_extent };
        self.leader.note(&share, now);
        let face = Face { wants: self.wants, log: self.leader.cursor() };
        let Some(transaction) = self.writer.next(ask, share, face, &self.knowledge, now) else { return Ok(()) };
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        let mut messages = Vec::new();
        if now.saturating_sub(self.probed_at) >= PROBE_MS {
            self.probed_at = now;
            messages.push((self.keys.to(self.tag), Letter::Probe(now).encode()));
        }
        let found = store.write(transaction, &messages).await?;
        if self.writer.done(&found) == Verdict::Lost {
            tracing::warn!("Redis has lost what this instance has written; it is written again");
        }
        Ok(())
    }

    /// Looks who is there.
    pub(super) async fn look(&mut self) -> Result<(), LinkError> {
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        let heads = store.look().await?;
        let now = self.clock.now();
        self.fleet.back(now);
        self.fleet.heads(heads, now);
        self.knowledge.forget(now);
        for id in self.fleet.departed(now) {
            store.remove(&id, &[]).await?;
        }
        Ok(())
    }

    /// Reads what is not known by hints.
    pub(super) async fn read(&mut self) -> Result<(), LinkError> {
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        for (id, section) in self.fleet.wanted(self.clock.now()) {
            let (head, fields) = store.read(&id, section).await?;
            self.metrics.reread.inc();
            self.fleet.whole(&id, section, head.as_deref(), fields, self.clock.now());
        }
        Ok(())
    }

    /// Hands on what has come in. Nothing is handed on where the server has stopped.
    pub(super) async fn pass_on(&mut self, hub: &Handle) {
        let now = self.clock.now();
        self.learn(hub, now).await;
        let wants = *hub.live.wants.borrow();
        if wants != self.wants {
            self.fleet.want_rows(wants.rows);
            self.wants = wants;
        }
        let Some(elsewhere) = self.fleet.take_elsewhere(now) else { return };
        if let Some(fleet) = &elsewhere.fleet {
            self.count(fleet);
        }
        let tags: HashSet<u32> = self.fleet.tags().map(|(tag, _)| tag).collect();
        self.calls.tags.send_if_modified(|known| {
            let is_new = **known != tags;
            if is_new {
                *known = Arc::new(tags);
            }
            is_new
        });
        let _ = hub.elsewhere(elsewhere).await;
    }

    /// Takes over what others know of builds and invalidations.
    async fn learn(&mut self, hub: &Handle, now: u64) {
        let (mut invalidations, mut is_news) = (Vec::new(), false);
        for knowledge in self.fleet.take_knowledge() {
            let news = self.knowledge.merge(knowledge, now);
            is_news |= news.current.is_some();
            invalidations.extend(news.invalidations);
        }
        // Only once all are read it is known whether the build that this instance was started with is news to anybody.
        let settles = !self.is_settled && self.fleet.is_settled(now);
        if settles {
            self.is_settled = true;
            self.knowledge.claim(&hub.live.me.build, now);
        }
        if self.is_settled
            && (settles || is_news)
            && let Some(current) = self.knowledge.current()
            && self.current.as_ref() != Some(&current)
        {
            self.current = Some(current.clone());
            self.release(hub, current).await;
        }
        for target in invalidations {
            let _ = hub.send_here(target, Errand::Reload, Mode::Send).await;
        }
    }

    async fn release(&self, hub: &Handle, current: Release) {
        let version = current.version.clone();
        if let Ok(released) = hub.release_here(current).await
            && released.previous != version
        {
            let previous = released.previous;
            tracing::info!(version, previous, "another instance has released a build");
        }
    }

    fn count(&mut self, fleet: &FleetNow) {
        self.metrics.damaged.set(i64::try_from(self.fleet.damaged()).unwrap_or(i64::MAX));
        let of = |state| fleet.instances.iter().filter(|instance| instance.state == state).count();
        let states = [InstanceState::Live, InstanceState::Silent, InstanceState::Unreadable];
        self.metrics.set_instances(states.map(of));
        let names: HashSet<String> =
            fleet.instances.iter().map(|instance| format!("{}/{}", instance.name, instance.epoch)).collect();
        for instance in names.difference(&self.known) {
            tracing::info!(instance, "an instance is there");
        }
        for instance in self.known.difference(&names) {
            tracing::info!(instance, "an instance is gone");
        }
        self.known = names;
    }
}
