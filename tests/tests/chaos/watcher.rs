//! A subscriber that keeps the newest stats.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use skew_proto::{ServerMessage, Stats};
use skew_tests::load::caller::Caller;
use skew_tests::load::target::{Stream, Target};
use skew_tests::load::wire::{Said, Transport, Wire, frame, text};
use skew_tests::nuxt::ADMIN_SECRET;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

const ROUTE: &str = "/admin";
const VERSION: &str = "release-0";

/// What it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Snapshots,
    Changes,
}

#[derive(Debug)]
pub(crate) struct Watcher {
    newest: Arc<Mutex<Newest>>,
    told: watch::Receiver<u64>,
    _reading: JoinSet<()>,
}

/// A whole snapshot is read when somebody wants to know: reading each would keep a debug build busy.
#[derive(Debug, Default)]
struct Newest {
    snapshot: String,
    /// Changes since.
    changes: Vec<String>,
}

impl Watcher {
    pub(crate) async fn start(target: &Target, wish: Wish) -> Self {
        let bearer = format!("Authorization: Bearer {ADMIN_SECRET}\r\nCookie: __nkpv={VERSION}\r\n");
        let stream = target.open(Ipv4Addr::LOCALHOST, ROUTE, &bearer).await.expect("the server takes a connection");
        let Stream { mut socket, wire, id } = stream;
        let fields = if wish == Wish::Changes { r#","changes":true"# } else { "" };
        match target.transport {
            Transport::Ws => {
                let message = text(&format!(r#"{{"type":"subscribe-stats"{fields}}}"#));
                socket.write_all(&message).await.expect("the server reads");
            }
            Transport::Sse => {
                let body = format!(r#"{{"connectionId":"{id}"{fields}}}"#);
                let mut caller = Caller::new(target.addr, Ipv4Addr::LOCALHOST);
                let status = caller.post("/__skew/subscribe-stats", &bearer, &body).await;
                assert_eq!(status.expect("the server answers"), 200);
            }
        }
        let newest = Arc::<Mutex<Newest>>::default();
        let (tell, told) = watch::channel(0);
        let mut reading = JoinSet::new();
        reading.spawn(listen(socket, wire, newest.clone(), tell));
        Self { newest, told, _reading: reading }
    }

    /// Its own build and page.
    pub(crate) fn held(&self) -> (String, String) {
        (VERSION.into(), ROUTE.into())
    }

    /// Waits for stats with that total; otherwise answers the total that it is told.
    pub(crate) async fn until(&mut self, total: u64, deadline: Instant) -> Result<Stats, u64> {
        let right = timeout_at(deadline.into(), self.told.wait_for(|told| *told == total)).await;
        let right = right.is_ok_and(|told| told.is_ok());
        if right { Ok(self.stats()) } else { Err(*self.told.borrow()) }
    }

    /// Waits for the next stats.
    pub(crate) async fn next(&mut self, deadline: Instant) -> Option<Stats> {
        timeout_at(deadline.into(), self.told.changed()).await.ok()?.ok()?;
        Some(self.stats())
    }

    fn stats(&self) -> Stats {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(ServerMessage::Stats(stats)) = ServerMessage::decode(&newest.snapshot) else { panic!("no stats") };
        let mut stats = *stats;
        for changes in std::mem::take(&mut newest.changes) {
            let Ok(ServerMessage::StatsChanges(changes)) = ServerMessage::decode(&changes) else { panic!("{changes}") };
            stats.apply(*changes).expect("a server has sent all changes");
        }
        newest.snapshot = ServerMessage::Stats(Box::new(stats.clone())).encode();
        stats
    }
}

async fn listen(mut socket: TcpStream, mut wire: Wire, newest: Arc<Mutex<Newest>>, tell: watch::Sender<u64>) {
    let mut piece = vec![0; 256 * 1024];
    while let Ok(length @ 1..) = socket.read(&mut piece).await {
        let (mut total, mut pings) = (None, Vec::new());
        let understood = wire.read(&piece[..length], &mut |said| match said {
            Said::Text(text) => {
                let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
                if text.starts_with(r#"{"type":"stats","#) {
                    newest.snapshot = text.to_owned();
                    newest.changes.clear();
                } else if text.starts_with(r#"{"type":"stats-changes","#) {
                    newest.changes.push(text.to_owned());
                } else {
                    return;
                }
                total = total_of(text);
            }
            Said::Ping(payload) => pings.push(frame(10, payload)),
            Said::Answer(_) | Said::End => {}
        });
        understood.expect("the server writes what it should");
        for pong in pings {
            // A server that is gone shows when it is read.
            let _ = socket.write_all(&pong).await;
        }
        if let Some(total) = total {
            tell.send_replace(total);
        }
    }
}

fn total_of(text: &str) -> Option<u64> {
    let rest = text.split_once(r#""total":"#)?.1;
    rest[..rest.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}
