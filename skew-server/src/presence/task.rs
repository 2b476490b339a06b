//! The task that speaks with the other instances. It decides when something is written, read and carried out; what is to be written, and what
//! comes of what was read, is decided by [`writer`](super::writer), [`fleet`](super::fleet) and [`knowledge`](super::knowledge).

mod answers;
mod events;
mod leader;
mod orders;
mod values;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use skew_proto::{Event, Release};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::answers::Answers;
use self::leader::Leader;
use super::backoff::Backoff;
use super::clock::Clock;
use super::exchange::Wants;
use super::fleet::Fleet;
use super::knowledge::Knowledge;
use super::others::{Call, Calls};
use super::redis::bus::{Bus, Heard};
use super::redis::keys::Keys;
use super::redis::link::{Link, LinkError};
use super::redis::store::Store;
use super::seal::Sealer;
use super::writer::Writer;
use crate::config::{RedisConfig, Secret};
use crate::handle::{Handle, WeakHandle};
use crate::instance::InstanceId;
use crate::metrics::PresenceMetrics;

/// What has changed here is written this often.
const TICK: Duration = Duration::from_millis(100);
/// The heads of the others are looked at this often.
const LOOK: Duration = Duration::from_secs(1);
/// Messages that are read between two looks at the clock.
const BATCH: usize = 256;

/// See the module.
struct Task {
    hub: WeakHandle,
    keys: Keys,
    tag: u32,
    clock: Clock,
    metrics: PresenceMetrics,
    sealer: Option<Arc<Sealer>>,
    link: Arc<Link>,
    line: Line,
    writer: Writer,
    fleet: Fleet,
    knowledge: Knowledge,
    answers: Answers,
    calls: Calls,
    wants: Wants,
    leader: Leader,
    /// Events of this instance's connections, while another one wants them.
    events: Option<mpsc::Receiver<Event>>,
    looked_at: Option<Instant>,
    probed_at: u64,
    /// Whether all that the others know was read once, so that it is known whether this instance's build is new.
    is_settled: bool,
    /// The build that the hub was last told of.
    current: Option<Release>,
    /// The instances that were there at the last count.
    known: HashSet<String>,
}

/// The connection for commands.
enum Line {
    Up(Store),
    /// The next one comes here.
    Down(oneshot::Receiver<Store>),
}

/// Starts the task. It ends when the handles are gone, or this instance leaves.
pub(crate) fn start(hub: &Handle, calls: Calls, config: &RedisConfig, secret: Option<&Secret>) {
    let live = &hub.live;
    let keys = Keys::new(config.prefix());
    let link = Arc::new(Link::new(config.clone(), keys.lease()));
    let bus = Bus::start(link.clone(), &keys, live.me.tag, live.metrics.presence.clone());
    let clock = Clock::start();
    let mut task = Task {
        hub: hub.downgrade(),
        tag: live.me.tag,
        metrics: live.metrics.presence.clone(),
        sealer: secret.and_then(Sealer::new).map(Arc::new),
        line: Line::Down(connected(link.clone(), &keys, live.me.id.clone(), Before::Nothing)),
        writer: Writer::new(live.me.clone()),
        fleet: Fleet::new(live.me.id.clone(), clock.now()),
        knowledge: Knowledge::default(),
        answers: Answers::default(),
        wants: Wants::default(),
        leader: Leader::new(live.settings().config.leave_grace, clock.now()),
        events: None,
        looked_at: None,
        probed_at: 0,
        current: None,
        known: HashSet::new(),
        is_settled: false,
        keys,
        clock,
        link,
        calls,
    };
    tokio::spawn(async move { task.run(bus).await });
}

/// What was before a connection is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// One that was lost, and that is in the log already.
    Lost,
}

/// Connects, however long that takes.
fn connected(link: Arc<Link>, keys: &Keys, me: InstanceId, before: Before) -> oneshot::Receiver<Store> {
    let (sender, receiver) = oneshot::channel();
    let keys = keys.clone();
    tokio::spawn(async move {
        let mut backoff = Backoff::default();
        let mut is_told = before == Before::Lost;
        while !sender.is_closed() {
            match link.connect().await {
                Ok(connection) => {
                    // Nobody waits any more where this fails.
                    let _ = sender.send(Store { connection, keys, me });
                    return;
                }
                Err(error) if is_told => tracing::debug!(%error, "Redis is still away"),
                Err(error) => {
                    tracing::warn!(%error, "Redis can't be used; this instance goes on by itself and tries again");
                    is_told = true;
                }
            }
            sleep(backoff.next()).await;
        }
    });
    receiver
}

impl Task {
    async fn run(&mut self, mut bus: Bus) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Vec::new();
        loop {
            let done = tokio::select! {
                _ = ticks.tick() => self.tick().await,
                Some(()) = bus.next(&mut heard, BATCH) => {
                    let heard = std::mem::take(&mut heard);
                    self.hear(heard).await
                }
                call = self.calls.calls.recv() => match call {
                    Some(Call::Order(order, reply)) => self.give(order, reply).await,
                    Some(Call::Leave(reply)) => {
                        self.leave().await;
                        let _ = reply.send(());
                        return;
                    }
                    // Nobody is left who could say that this instance ends in order: it ends all the same.
                    None => {
                        self.leave().await;
                        return;
                    }
                },
                Ok(store) = next(&mut self.line) => self.begin(store).await,
            };
            if let Err(error) = done {
                self.lose(&error);
            }
        }
    }

    /// A connection is there.
    async fn begin(&mut self, store: Store) -> Result<(), LinkError> {
        tracing::info!("Redis is there");
        self.line = Line::Up(store);
        self.writer.failed();
        self.looked_at = None;
        self.tick().await
    }

    /// The connection is not there any more. What was read stays, and is said to be old.
    fn lose(&mut self, error: &LinkError) {
        let Line::Up(store) = &self.line else { return };
        tracing::warn!(%error, "Redis is away; until it is back, figures of other instances are the last that were heard");
        self.metrics.errors.inc();
        self.metrics.reconnects.inc();
        self.line = Line::Down(connected(self.link.clone(), &self.keys, store.me.clone(), Before::Lost));
        self.writer.failed();
        self.fleet.away(self.clock.now());
    }

    async fn tick(&mut self) -> Result<(), LinkError> {
        self.answers.give_up(Instant::now());
        let Some(hub) = self.hub.upgrade() else { return Ok(()) };
        if matches!(self.line, Line::Up(_)) {
            if self.looked_at.is_none_or(|at| at.elapsed() >= LOOK) {
                self.looked_at = Some(Instant::now());
                self.look().await?;
            }
            self.write(&hub).await?;
            self.read().await?;
            self.follow_log(&hub).await?;
            self.pass_events(&hub).await?;
        }
        self.pass_on(&hub).await;
        Ok(())
    }

    /// Ends in order.
    async fn leave(&mut self) {
        let gone = (self.keys.hints(), self.writer.gone());
        if let Line::Up(store) = &mut self.line {
            let me = store.me.clone();
            let left = async {
                store.remove(&me, &[gone]).await?;
                store.free_lease().await
            };
            if let Err(error) = left.await {
                tracing::debug!(%error, "what this instance has in Redis ends by itself in a few seconds");
            }
        }
    }
}

/// The next connection, while there is none.
async fn next(line: &mut Line) -> Result<Store, oneshot::error::RecvError> {
    match line {
        Line::Up(_) => std::future::pending().await,
        Line::Down(coming) => coming.await,
    }
}
