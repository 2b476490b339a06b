//! Messages of the others: a connection of its own, which is known to be good only while its own probe is heard on it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::Msg;
use redis::aio::PubSub;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::keys::Keys;
use super::link::{Link, LinkError, PATIENCE};
use crate::metrics::PresenceMetrics;
use crate::presence::backoff::Backoff;

/// Messages that may wait for the task that reads them.
const QUEUE: usize = 8192;
/// A connection on which no probe is heard for so long is as good as none: a subscription can be lost in silence.
const SILENCE: Duration = Duration::from_secs(3);

/// What comes over the bus.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It listens from now on: what was said before is lost.
    Listening,
    /// What has changed somewhere.
    Hint(Vec<u8>),
    /// An order for all.
    Order(Vec<u8>),
    /// An event of somebody's connection.
    Event(Vec<u8>),
    /// An order or an answer for this instance, or its own probe.
    Own(Vec<u8>),
}

/// The bus, until it is dropped.
#[derive(Debug)]
pub(crate) struct Bus {
    heard: mpsc::Receiver<Heard>,
}

impl Bus {
    pub(crate) fn start(link: Arc<Link>, keys: &Keys, tag: u32, metrics: PresenceMetrics) -> Self {
        let (sender, heard) = mpsc::channel(QUEUE);
        let channels = [keys.hints(), keys.orders(), keys.connections(), keys.to(tag)];
        tokio::spawn(async move {
            let listening = Listening { link, channels, sender, metrics };
            listening.run().await;
        });
        Self { heard }
    }

    /// The next messages, of which there are at least one; nothing where it has ended.
    pub(crate) async fn next(&mut self, into: &mut Vec<Heard>, most: usize) -> Option<()> {
        (self.heard.recv_many(into, most).await > 0).then_some(())
    }
}

struct Listening {
    link: Arc<Link>,
    channels: [String; 4],
    sender: mpsc::Sender<Heard>,
    metrics: PresenceMetrics,
}

impl Listening {
    async fn run(self) {
        let mut backoff = Backoff::default();
        while !self.sender.is_closed() {
            let since = Instant::now();
            tokio::select! {
                () = self.listen_once() => {}
                () = self.sender.closed() => return,
            }
            if since.elapsed() > SILENCE {
                backoff = Backoff::default();
            }
            sleep(backoff.next()).await;
        }
    }

    /// Listens until the connection is lost. What is wrong with Redis is told by the connection for commands.
    async fn listen_once(&self) {
        match self.connect().await {
            Ok(connection) => {
                // Nobody waits any more where this fails.
                let _ = self.sender.send(Heard::Listening).await;
                self.listen(connection).await;
                self.metrics.reconnects.inc();
                tracing::debug!("the line for messages of other instances is lost");
            }
            Err(error) => tracing::debug!(%error, "there is no line for messages of other instances"),
        }
    }

    async fn connect(&self) -> Result<PubSub, LinkError> {
        let mut connection = self.link.listen().await?;
        timeout(PATIENCE, connection.subscribe(&self.channels[..])).await.map_err(|_| LinkError::Slow)??;
        Ok(connection)
    }

    async fn listen(&self, connection: PubSub) {
        let mut messages = connection.into_on_message();
        let mut deadline = Instant::now() + SILENCE;
        loop {
            tokio::select! {
                message = messages.next() => {
                    let Some(message) = message else { return };
                    if message.get_channel_name() == self.channels[3] {
                        deadline = Instant::now() + SILENCE;
                    }
                    self.pass_on(&message);
                }
                () = sleep_until(deadline) => return,
            }
        }
    }

    fn pass_on(&self, message: &Msg) {
        let payload = message.get_payload_bytes().to_vec();
        let channel = self.channels.iter().position(|name| name == message.get_channel_name());
        let heard = match channel {
            Some(0) => Heard::Hint(payload),
            Some(1) => Heard::Order(payload),
            Some(2) => Heard::Event(payload),
            Some(_) => Heard::Own(payload),
            None => return,
        };
        let is_order = matches!(heard, Heard::Order(_) | Heard::Own(_));
        // A hint that is lost is made up for by the next look; an order is not.
        if self.sender.try_send(heard).is_err() {
            self.metrics.dropped.inc();
            if is_order {
                tracing::warn!("an order of another instance was lost: too many messages wait");
            }
        }
    }
}
