//! Two who do nothing but listen, and what is told to them.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skew_tests::PATIENCE;
use skew_tests::load::caller::Caller;
use skew_tests::load::target::{Stream, Target};
use skew_tests::load::wire::{Said, frame};
use skew_tests::nuxt::ADMIN_SECRET;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::Site;

const ROUTE: &str = "/bystander";
const VERSION: &str = "release-0";

/// Time between two messages to them. Every tenth is a release, which goes to everybody.
const BEAT: Duration = Duration::from_millis(500);

pub(crate) struct Bystanders {
    caller: Caller,
    both: [Bystander; 2],
    /// Messages that were sent so far.
    sent: u64,
    releases: u64,
    _reading: JoinSet<()>,
}

/// What has come to one of them: build, timestamp, and when.
#[derive(Default)]
struct Bystander {
    heard: Arc<Mutex<Vec<(String, u64, Instant)>>>,
    news: Arc<Notify>,
}

impl Bystanders {
    pub(crate) async fn start(site: &Site) -> Self {
        let both = [Bystander::default(), Bystander::default()];
        let mut reading = JoinSet::new();
        for (target, one) in [&site.sse, &site.ws].into_iter().zip(&both) {
            let (target, heard, news) = (Target::clone(target), one.heard.clone(), one.news.clone());
            let cookie = format!("Cookie: __nkpv={VERSION}\r\n");
            let stream = target.open(Ipv4Addr::LOCALHOST, ROUTE, &cookie).await;
            reading.spawn(listen(stream.expect("the server takes a connection"), heard, news));
        }
        let caller = Caller::new(site.sse.addr, Ipv4Addr::LOCALHOST);
        Self { caller, both, sent: 0, releases: 0, _reading: reading }
    }

    /// Their builds and pages.
    pub(crate) fn held(&self) -> [(String, String); 2] {
        [(); 2].map(|()| (VERSION.into(), ROUTE.into()))
    }

    /// Sends to them while something goes on, checks that each got all of it in order, and answers the longest wait.
    pub(crate) async fn listen(&mut self, meanwhile: impl Future<Output = ()>) -> Duration {
        let mut meanwhile = std::pin::pin!(meanwhile);
        let mut beat = interval(BEAT);
        let mut sent = Vec::new();
        loop {
            tokio::select! {
                () = &mut meanwhile => break,
                _ = beat.tick() => sent.push(self.send().await),
            }
        }
        let mut worst = Duration::ZERO;
        for one in &self.both {
            for ((build, at), (told, _, arrived)) in sent.iter().zip(one.all(sent.len()).await) {
                assert_eq!(*build, told, "a message was lost or came out of order");
                worst = worst.max(arrived - *at);
            }
        }
        worst
    }

    /// The build that they are told of next, and when that was sent.
    async fn send(&mut self) -> (String, Instant) {
        self.sent += 1;
        let (path, body) = if self.sent.is_multiple_of(10) {
            self.releases += 1;
            ("/__skew/admin/release", json!({"version": format!("release-{}", self.releases)}))
        } else {
            ("/__skew/admin/invalidate-route", json!({"route": ROUTE, "match": "exact"}))
        };
        let (bearer, at) = (format!("Authorization: Bearer {ADMIN_SECRET}\r\n"), Instant::now());
        let status = self.caller.post(path, &bearer, &body.to_string()).await;
        assert_eq!(status.expect("the server answers"), 200, "{path} {body}");
        (format!("release-{}", self.releases), at)
    }
}

impl Bystander {
    /// Waits for so many, takes them, and checks that their timestamps only grow.
    async fn all(&self, count: usize) -> Vec<(String, u64, Instant)> {
        let heard = || self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let come = async {
            while heard().len() < count {
                self.news.notified().await;
            }
        };
        let come = timeout(PATIENCE, come).await;
        assert!(come.is_ok(), "{count} messages were sent, and {} came", heard().len());
        let all = std::mem::take(&mut *heard());
        assert!(all.is_sorted_by(|(_, before, _), (_, after, _)| before < after), "out of order");
        assert_eq!(all.len(), count, "more came than was sent");
        all
    }
}

async fn listen(stream: Stream, heard: Arc<Mutex<Vec<(String, u64, Instant)>>>, news: Arc<Notify>) {
    let Stream { mut socket, mut wire, .. } = stream;
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = socket.read(&mut piece).await {
        let now = Instant::now();
        let mut pings = Vec::new();
        let understood = wire.read(&piece[..length], &mut |said| match said {
            Said::Text(text) => {
                let message: Value = serde_json::from_str(text).expect("a message is JSON");
                if message["type"] == "version" {
                    let build = message["version"].as_str().unwrap_or_default().to_owned();
                    let timestamp = message["timestamp"].as_u64().expect("ours has timestamps");
                    heard.lock().unwrap_or_else(PoisonError::into_inner).push((build, timestamp, now));
                }
            }
            Said::Ping(payload) => pings.push(frame(10, payload)),
            Said::Answer(_) | Said::End => {}
        });
        understood.expect("the server writes what it should");
        news.notify_one();
        for pong in pings {
            // A server that is gone shows when it is read.
            let _ = socket.write_all(&pong).await;
        }
    }
}
