//! One who is told stats, on a raw socket: what came, how much of it, and how old it was.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::caller::Caller;
use super::target::{Stream, Target};
use super::wire::{Said, Transport, Wire, text};

/// The page that a probe goes to begins with this; its number follows.
const PROBE: &str = "/probe/";

/// What a subscriber asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Whole snapshots, as a stock client.
    Snapshots,
    /// A snapshot, then changes.
    Changes,
    /// Changes without the list.
    Figures,
}

/// What has come to a subscriber.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Bytes on the wire.
    pub bytes: u64,
    /// Whole snapshots.
    pub snapshots: u64,
    /// Messages of changes.
    pub changes: u64,
    /// The newest total.
    pub total: Option<u64>,
    /// How old the news of each probe was when it came.
    pub ages: Vec<Duration>,
    /// When each probe set out that has not been heard of yet.
    under_way: HashMap<u64, Instant>,
}

/// A subscriber that is told stats until it is dropped.
#[derive(Debug)]
pub struct Subscriber {
    heard: Arc<Mutex<Heard>>,
    totals: watch::Receiver<Option<u64>>,
    _reading: JoinSet<()>,
}

impl Subscriber {
    /// Opens a stream and subscribes, with a bearer secret.
    ///
    /// # Errors
    ///
    /// When the server is not there or refuses.
    pub async fn start(target: &Target, secret: &str, wish: Wish) -> io::Result<Self> {
        let bearer = format!("Authorization: Bearer {secret}\r\n");
        let Stream { mut socket, wire, id } = target.open(Ipv4Addr::LOCALHOST, "/admin", &bearer).await?;
        let fields = match wish {
            Wish::Snapshots => json!({}),
            Wish::Changes => json!({"changes": true}),
            Wish::Figures => json!({"changes": true, "list": "none"}),
        };
        match target.transport {
            Transport::Ws => socket.write_all(&text(&with(fields, "type", "subscribe-stats").to_string())).await?,
            Transport::Sse => {
                let body = with(fields, "connectionId", &id).to_string();
                let status = Caller::new(target.addr, Ipv4Addr::LOCALHOST)
                    .post("/__skew/subscribe-stats", &bearer, &body)
                    .await?;
                if status != 200 {
                    return Err(io::Error::other(format!("subscribe-stats was answered {status}")));
                }
            }
        }
        let heard = Arc::<Mutex<Heard>>::default();
        let (tell, totals) = watch::channel(None);
        let mut reading = JoinSet::new();
        reading.spawn(listen(socket, wire, heard.clone(), tell));
        Ok(Self { heard, totals, _reading: reading })
    }

    /// Waits until the newest total is this one, and answers when that came; nothing when it does not come in time.
    pub async fn total(&mut self, total: u64, patience: Duration) -> Option<Instant> {
        let right = self.totals.wait_for(|newest| *newest == Some(total));
        timeout(patience, right).await.ok()?.ok().map(|_| Instant::now())
    }

    /// What has come since it was asked before.
    pub fn take(&self) -> Heard {
        let mut heard = lock(&self.heard);
        let total = heard.total;
        let under_way = std::mem::take(&mut heard.under_way);
        std::mem::replace(&mut heard, Heard { total, under_way, ..Heard::default() })
    }

    /// Sends probes for a while: some connections of their own go to a page that nobody else goes to, and the subscriber looks
    /// for that page in what it is told.
    ///
    /// # Errors
    ///
    /// When the server is not there or refuses.
    pub async fn probe(&self, target: &Target, probes: usize, time: Duration) -> io::Result<()> {
        let mut streams = Vec::new();
        for _ in 0..probes {
            streams.push(target.open(Ipv4Addr::new(127, 0, 99, 1), "/", "").await?);
        }
        let mut caller = Caller::new(target.addr, Ipv4Addr::new(127, 0, 99, 1));
        // Each of them once a second: its page must be seen before it goes on.
        let mut beat = interval(Duration::from_secs(1) / u32::try_from(probes).unwrap_or(1));
        let end = Instant::now() + time;
        for number in 0.. {
            beat.tick().await;
            let now = Instant::now();
            if now >= end {
                break;
            }
            lock(&self.heard).under_way.insert(number, now);
            let stream = &mut streams[number as usize % probes];
            let route = format!("{PROBE}{number}");
            match target.transport {
                Transport::Ws => {
                    let message = json!({"type": "route-update", "route": route});
                    stream.socket.write_all(&text(&message.to_string())).await?;
                }
                Transport::Sse => {
                    let body = json!({"connectionId": stream.id, "route": route}).to_string();
                    caller.post("/__skew/route", "", &body).await?;
                }
            }
        }
        Ok(())
    }

    /// Probes that nobody has heard of.
    pub fn lost(&self) -> usize {
        lock(&self.heard).under_way.len()
    }
}

fn with(mut fields: Value, name: &str, value: &str) -> Value {
    fields[name] = value.into();
    fields
}

async fn listen(mut socket: TcpStream, mut wire: Wire, heard: Arc<Mutex<Heard>>, tell: watch::Sender<Option<u64>>) {
    let mut piece = vec![0; 256 * 1024];
    while let Ok(length @ 1..) = socket.read(&mut piece).await {
        let mut heard = lock(&heard);
        heard.bytes += length as u64;
        let understood = wire.read(&piece[..length], &mut |said| {
            if let Said::Text(text) = said {
                heard.hear(text);
            }
        });
        if understood.is_err() {
            return;
        }
        tell.send_if_modified(|newest| std::mem::replace(newest, heard.total) != heard.total);
    }
}

impl Heard {
    fn hear(&mut self, text: &str) {
        if text.starts_with(r#"{"type":"stats","#) {
            self.snapshots += 1;
        } else if text.starts_with(r#"{"type":"stats-changes","#) {
            self.changes += 1;
        } else {
            return;
        }
        self.total = number_after(text, r#""total":"#).or(self.total);
        let now = Instant::now();
        let mut rest = text;
        while let Some(at) = rest.find(PROBE) {
            rest = &rest[at..];
            if let Some(sent) = number_after(rest, PROBE).and_then(|number| self.under_way.remove(&number)) {
                self.ages.push(now - sent);
            }
            rest = &rest[PROBE.len()..];
        }
    }
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let rest = &text[text.find(name)? + name.len()..];
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
