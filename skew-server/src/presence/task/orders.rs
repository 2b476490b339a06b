//! Orders: given to the others, taken from them, and what came of them.

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Heard, Line, LinkError, Task};
use crate::auth::{Caller, Watch};
use crate::handle::Handle;
use crate::hub::answer::Mode;
use crate::hub::command::{Errand, Verdict};
use crate::id::ConnectionId;
use crate::presence::exchange::Order;
use crate::presence::record::hint::Hint;
use crate::presence::record::letter::{Answered, Asked, Letter};
use crate::presence::seal;

impl Task {
    /// Has the others carry something out.
    pub(super) async fn give(&mut self, order: Order, reply: oneshot::Sender<u64>) -> Result<(), LinkError> {
        let (id, now) = (rand::random(), self.clock.now());
        // What must not be lost is in the values, too.
        match &order {
            Order::Release(release) => self.knowledge.release(release, now),
            Order::Invalidate(target) => self.knowledge.invalidate(id, target, now),
            Order::Message(..) | Order::Navigate(..) | Order::Subscribe { .. } => {}
        }
        let receiver = receiver(&order);
        let asked = self.fleet.tags().filter(|(tag, _)| receiver.is_none_or(|receiver| receiver == *tag));
        let asked: Vec<_> = asked.map(|(_, id)| id.clone()).collect();
        let Line::Up(store) = &mut self.line else { return Ok(()) };
        let letter = Letter::Order(Asked { id, from: store.me.clone(), tag: self.tag, order }).encode();
        let (channel, letter) = match receiver {
            None => (self.keys.orders(), Some(letter)),
            Some(tag) => {
                let sealer = self.sealer.clone();
                (self.keys.to(tag), sealer.and_then(|sealer| sealer.seal(letter, tag)))
            }
        };
        let Some(letter) = letter else { return Ok(()) };
        self.answers.wait(id, asked, reply, Instant::now());
        store.publish(&channel, &letter).await
    }

    /// Takes what has come over the bus.
    pub(super) async fn hear(&mut self, heard: Vec<Heard>) -> Result<(), LinkError> {
        let Some(hub) = self.hub.upgrade() else { return Ok(()) };
        let now = self.clock.now();
        for heard in heard {
            match heard {
                // Whatever was said meanwhile is in the values.
                Heard::Listening => self.looked_at = None,
                Heard::Hint(bytes) => match Hint::decode(&bytes) {
                    Ok(Hint::Log) => self.leader.look_soon(),
                    Ok(hint) => self.fleet.hint(hint, now),
                    Err(error) => tracing::debug!(%error, "a hint can't be read"),
                },
                Heard::Event(bytes) => self.take_events(&hub, &bytes).await,
                Heard::Order(bytes) => self.take_letter(&hub, &bytes).await?,
                Heard::Own(bytes) if seal::is_sealed(&bytes) => {
                    let letter = self.sealer.as_ref().and_then(|sealer| sealer.open(&bytes, self.tag));
                    match letter {
                        Some(letter) => self.take_letter(&hub, &letter).await?,
                        None => tracing::warn!(
                            "a sealed letter of another instance can't be opened: do all have the same --user-hash-key-file?"
                        ),
                    }
                }
                Heard::Own(bytes) => self.take_letter(&hub, &bytes).await?,
            }
        }
        self.read().await?;
        self.pass_on(&hub).await;
        Ok(())
    }

    async fn take_letter(&mut self, hub: &Handle, bytes: &[u8]) -> Result<(), LinkError> {
        match Letter::decode(bytes) {
            Ok(Letter::Probe(at)) => {
                self.metrics.lag_ms.set(i64::try_from(self.clock.now().saturating_sub(at)).unwrap_or(i64::MAX));
            }
            Ok(Letter::Answer(Answered { id, from, reached })) => self.answers.take(id, &from, reached),
            // To all, and so to oneself.
            Ok(Letter::Order(asked)) if asked.tag == self.tag => {}
            Ok(Letter::Order(Asked { id, tag, order, .. })) => {
                let reached = self.carry_out(hub, id, order).await;
                if let Line::Up(store) = &mut self.line {
                    let answer = Letter::Answer(Answered { id, from: store.me.clone(), reached });
                    store.publish(&self.keys.to(tag), &answer.encode()).await?;
                }
            }
            Err(error) => tracing::debug!(%error, "a letter of another instance can't be read"),
        }
        Ok(())
    }

    /// Does what another instance asks for, and says how many connections that has reached.
    async fn carry_out(&mut self, hub: &Handle, id: u64, order: Order) -> u64 {
        let now = self.clock.now();
        let sent = match order {
            Order::Release(release) => {
                self.knowledge.release(&release, now);
                return hub.release_here(release).await.map_or(0, |released| released.reached);
            }
            Order::Invalidate(_) if self.knowledge.has_done(id) => return 0,
            Order::Invalidate(target) => {
                self.knowledge.invalidate(id, &target, now);
                hub.send_here(target, Errand::Reload, Mode::Send).await
            }
            Order::Message(target, message) => hub.send_here(target, Errand::Message(message), Mode::Send).await,
            Order::Navigate(connection_id, route) => {
                let moved =
                    hub.live.settings().config.route_tracking && hub.navigate(connection_id, route).await.is_ok();
                return u64::from(moved);
            }
            Order::Subscribe { connection_id, asked, credentials } => {
                // It may take its time.
                let app = hub.app();
                tokio::spawn(async move {
                    let caller = Caller { credentials, address: None };
                    let verdict = match Watch::begin(&app, connection_id, caller.kept()).await {
                        Ok(watch) => Verdict::Granted(asked, watch),
                        Err(_) => Verdict::Refused,
                    };
                    // Nobody hears of it where the server has stopped.
                    let _ = app.hub.subscribe(connection_id, verdict).await;
                });
                return 1;
            }
        };
        sent.map_or(0, |sent| sent.reached)
    }
}

/// Whose order it is, where it is one instance's alone.
fn receiver(order: &Order) -> Option<u32> {
    let connection: ConnectionId = match order {
        Order::Navigate(connection_id, _) | Order::Subscribe { connection_id, .. } => *connection_id,
        Order::Release(_) | Order::Invalidate(_) | Order::Message(..) => return None,
    };
    Some(connection.tag())
}
