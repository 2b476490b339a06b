//! A process that holds connections, by orders on its standard input.

use std::cell::RefCell;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::caller::Caller;
use super::h2;
use super::orders::{Answer, Manner, Order, STALLED_ROUTE, Tally, now_us};
use super::target::{Stream, Target, Under, connect, connect_narrow};
use super::tls::{self, Above};
use super::wire::{Said, Transport, Wire, frame, text};

/// Connections on which reports go that have no connection of their own.
const CALLERS: usize = 8;

/// Pages and builds that there are. The connection with number `at` of a worker begins on page `at % PAGES` of build `at % BUILDS`, and is that of the
/// visitor `at`.
pub const PAGES: usize = 50;
/// See [`PAGES`].
pub const BUILDS: usize = 3;

/// How often reports are sent; each time those that are due.
const BEAT: Duration = Duration::from_millis(10);

/// Lives until its standard input ends.
///
/// # Errors
///
/// When nobody reads its answers.
pub async fn run() -> io::Result<()> {
    let mut worker = Worker::default();
    let mut orders = orders();
    while let Some(line) = orders.recv().await {
        let answer = match serde_json::from_str(&line).map_err(io::Error::other)? {
            Order::Open { target, count, at_once, sources, manner } => {
                worker.open(target, count, at_once, sources, manner).await
            }
            Order::Move { per_second, time } => worker.move_about(per_second, time).await,
            Order::Tally => Answer::Tally(worker.seen.tally()),
            Order::Close => worker.close().await,
        };
        let mut answer = serde_json::to_string(&answer).map_err(io::Error::other)?;
        answer.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(answer.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

/// The lines of standard input, read by a thread of their own.
fn orders() -> mpsc::UnboundedReceiver<String> {
    let (tell, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || io::stdin().lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    orders
}

#[derive(Default)]
struct Worker {
    held: Vec<Held>,
    readers: JoinSet<()>,
    seen: Arc<Seen>,
    /// How often each mover has moved somebody.
    turns: usize,
    /// Where the connections are that may move.
    target: Option<Target>,
}

/// One open connection.
struct Held {
    id: String,
    source: Ipv4Addr,
    /// Also what answers a ping, where there are pings.
    writer: Writer,
    /// What nobody reads.
    _stalled: Option<Reader>,
}

type Reader = Box<dyn AsyncRead + Send + Sync + Unpin>;
type Writer = Arc<tokio::sync::Mutex<Box<dyn AsyncWrite + Send + Unpin>>>;

/// A stream in two halves, and over TCP or TLS.
struct Halves {
    reader: Reader,
    writer: Writer,
    wire: Wire,
    id: String,
}

#[derive(Default)]
struct Seen {
    ended: AtomicU64,
    bytes: AtomicU64,
    versions: AtomicU64,
    last_version_us: AtomicU64,
}

impl Seen {
    fn tally(&self) -> Tally {
        Tally {
            ended: self.ended.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            versions: self.versions.load(Ordering::Relaxed),
            last_version_us: self.last_version_us.load(Ordering::Relaxed),
        }
    }
}

impl Worker {
    async fn open(
        &mut self,
        target: Target,
        count: usize,
        at_once: usize,
        sources: Vec<Ipv4Addr>,
        manner: Manner,
    ) -> Answer {
        let (first, next) = (self.held.len(), Arc::new(AtomicUsize::new(0)));
        let plan = Arc::new((target.clone(), sources));
        let opened = Arc::new(Mutex::new(Vec::with_capacity(count)));
        let failed = Arc::new(Mutex::new(None));
        let mut openers = JoinSet::new();
        for _ in 0..at_once.min(count) {
            let (plan, next, opened, failed) = (plan.clone(), next.clone(), opened.clone(), failed.clone());
            openers.spawn(async move {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    let (target, sources) = &*plan;
                    let source = sources[at % sources.len()];
                    match open_one(target, source, first + at, manner).await {
                        Ok(stream) => lock(&opened).push((source, stream)),
                        Err(error) => drop(lock(&failed).get_or_insert(error.to_string())),
                    }
                }
            });
        }
        openers.join_all().await;
        let streams = std::mem::take(&mut *lock(&opened));
        let count = streams.len();
        for (source, Halves { reader, writer, wire, id }) in streams {
            let mut held = Held { id, source, writer, _stalled: None };
            match manner {
                Manner::Stalls => held._stalled = Some(reader),
                Manner::Reads => {
                    let writer = (target.transport == Transport::Ws).then(|| held.writer.clone());
                    self.readers.spawn(listen(reader, wire, writer, self.seen.clone()));
                }
            }
            self.held.push(held);
        }
        self.target = Some(target);
        Answer::Opened { opened: count, failed: lock(&failed).take() }
    }

    async fn move_about(&mut self, per_second: u32, time: Duration) -> Answer {
        let Some(target) = self.target.clone() else { return Answer::Moved { sent: 0, failed: 0 } };
        let end = Instant::now() + time;
        let held = Arc::new(std::mem::take(&mut self.held));
        // Who moved the last time is on that page: it must be another's turn, or there is nothing to tell.
        let turns = self.turns;
        let mut movers = JoinSet::new();
        for mover in 0..CALLERS {
            let (held, target) = (held.clone(), target.clone());
            movers.spawn(async move {
                let mut caller = held.first().map(|held| Caller::new(target.addr, held.source));
                let (mut sent, mut failed) = (0_u64, 0_u64);
                let start = Instant::now();
                let mut beat = interval(BEAT);
                while Instant::now() < end {
                    beat.tick().await;
                    let due = start.elapsed().as_secs_f64() * f64::from(per_second) / CALLERS as f64;
                    while (sent as f64) < due && Instant::now() < end {
                        let turn = turns + sent as usize;
                        let at = (turn * CALLERS + mover) % held.len();
                        let route = format!("/products/{}", (turn * 7 + at) % PAGES);
                        let done = match (target.transport, &mut caller) {
                            (Transport::Sse, Some(caller)) => {
                                let body = format!(r#"{{"connectionId":"{}","route":"{route}"}}"#, held[at].id);
                                matches!(caller.post("/__skew/route", "", &body).await, Ok(200))
                            }
                            _ => {
                                let message = text(&format!(r#"{{"type":"route-update","route":"{route}"}}"#));
                                held[at].writer.lock().await.write_all(&message).await.is_ok()
                            }
                        };
                        sent += 1;
                        failed += u64::from(!done);
                    }
                }
                (sent, failed)
            });
        }
        let moved = movers.join_all().await;
        self.held = Arc::into_inner(held).unwrap_or_default();
        self.turns += moved.iter().map(|(sent, _)| *sent as usize).max().unwrap_or(0);
        let (sent, failed) = moved.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Answer::Moved { sent, failed }
    }

    async fn close(&mut self) -> Answer {
        self.held.clear();
        self.readers.shutdown().await;
        self.seen = Arc::default();
        Answer::Closed
    }
}

async fn open_one(target: &Target, source: Ipv4Addr, at: usize, manner: Manner) -> io::Result<Halves> {
    let cookie = format!("Cookie: __nkpv=build-{}; visitor=u{at}\r\n", at % BUILDS);
    let (socket, route) = match manner {
        Manner::Reads => (connect(target.addr, source).await?, format!("/products/{}", at % PAGES)),
        Manner::Stalls => (connect_narrow(target.addr, source).await?, STALLED_ROUTE.to_owned()),
    };
    match target.under {
        Under::Tcp => {
            let Stream { socket, wire, id } = target.begin(socket, &route, &cookie).await?;
            let (reader, writer) = socket.into_split();
            Ok(Halves { reader: Box::new(reader), writer: shared(writer), wire, id })
        }
        Under::Tls => {
            let socket = tls::connect(socket, Above::Http1).await?;
            let Stream { socket, wire, id } = target.begin(socket, &route, &cookie).await?;
            let (reader, writer) = tokio::io::split(socket);
            Ok(Halves { reader: Box::new(reader), writer: shared(writer), wire, id })
        }
        Under::Http2 => {
            let body = h2::open(tls::connect(socket, Above::Http2).await?, target, &route, &cookie).await?;
            let Stream { socket: reader, wire, id } = target.greet(body, Wire::of_body(target.transport)).await?;
            // A stream of events has nothing to be written.
            Ok(Halves { reader: Box::new(reader), writer: shared(tokio::io::sink()), wire, id })
        }
    }
}

fn shared(writer: impl AsyncWrite + Send + Unpin + 'static) -> Writer {
    Arc::new(tokio::sync::Mutex::new(Box::new(writer)))
}

thread_local! {
    /// One for all connections: those of a worker are read by one thread, and each as fast as it can be.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

/// Reads a connection to its end.
async fn listen(mut reader: Reader, mut wire: Wire, writer: Option<Writer>, seen: Arc<Seen>) {
    loop {
        let mut pings = Vec::new();
        let read = std::future::poll_fn(|cx| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                std::task::ready!(Pin::new(&mut reader).poll_read(cx, &mut buffer))?;
                let bytes = buffer.filled();
                seen.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                wire.read(bytes, &mut |said| match said {
                    Said::Text(text) if text.starts_with(r#"{"type":"version""#) => {
                        seen.versions.fetch_add(1, Ordering::Relaxed);
                        seen.last_version_us.fetch_max(now_us(), Ordering::Relaxed);
                    }
                    Said::Ping(payload) => pings.push(payload.to_vec()),
                    Said::Text(_) | Said::Answer(_) | Said::End => {}
                })
                .map_err(io::Error::other)?;
                std::task::Poll::Ready(Ok::<_, io::Error>(bytes.len()))
            })
        });
        if !matches!(read.await, Ok(1..)) {
            seen.ended.fetch_add(1, Ordering::Relaxed);
            return;
        }
        for payload in pings {
            if let Some(writer) = &writer {
                // A server that is gone shows when it is read.
                let _ = writer.lock().await.write_all(&frame(10, &payload)).await;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
