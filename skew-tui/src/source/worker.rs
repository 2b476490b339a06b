//! The task behind a source: tries places, keeps a connection, waits, tries again.

use std::sync::Arc;
use std::time::Duration;

use skew_proto::Subscription;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::backoff::Backoff;
use super::ended::Ended;
use super::inbox::Outlet;
use super::places::{Place, Places};
use super::sse::Sse;
use super::wire::Wire;
use super::ws::Ws;
use super::{poll, session};
use crate::http::Http;
use crate::{SourceEvent, Transport};

/// Everything that a source's task holds.
pub(super) struct Worker {
    http: Http,
    outlet: Outlet,
    wake: Arc<Notify>,
    ask: Arc<Notify>,
    wanted: watch::Receiver<Subscription>,
    places: Places,
    backoff: Backoff,
    opened_at: Option<Instant>,
}

impl Worker {
    pub(super) fn new(
        http: Http,
        outlet: Outlet,
        wake: Arc<Notify>,
        ask: Arc<Notify>,
        wanted: watch::Receiver<Subscription>,
    ) -> Self {
        let places = Places::of(http.target());
        Self { http, outlet, wake, ask, wanted, places, backoff: Backoff::new(), opened_at: None }
    }

    /// Runs until it is aborted.
    pub(super) async fn run(mut self) {
        let wake = Arc::clone(&self.wake);
        loop {
            let wait = tokio::select! {
                ended = self.round() => self.after(ended).await,
                () = wake.notified() => continue,
            };
            tokio::select! {
                () = pause(wait) => {}
                () = wake.notified() => self.backoff.reset(),
            }
        }
    }

    /// Tries one place after the other until one is there, and stays with it to its end.
    async fn round(&mut self) -> Ended {
        self.opened_at = None;
        let mut missing = Vec::new();
        for place in self.places.in_order() {
            self.outlet.say(SourceEvent::Connecting(place.transport)).await;
            match self.stay(&place).await {
                Ended::Missing(reason) => missing.push(reason),
                ended => return ended,
            }
        }
        Ended::Missing(missing.join("; "))
    }

    async fn stay(&mut self, place: &Place) -> Ended {
        let wire = match place.transport {
            Transport::Poll => {
                let Self { http, outlet, places, opened_at, .. } = self;
                return poll::run(http, outlet, || {
                    places.worked(place);
                    *opened_at = Some(Instant::now());
                })
                .await;
            }
            Transport::Sse => Sse::open(&self.http, &place.base).await.map(Wire::Sse),
            Transport::Ws => Ws::open(&self.http, &place.base).await.map(|ws| Wire::Ws(Box::new(ws))),
        };
        let wire = match wire {
            Ok(wire) => wire,
            Err(ended) => return ended,
        };
        self.places.worked(place);
        self.opened_at = Some(Instant::now());
        self.outlet.say(SourceEvent::Open(place.transport)).await;
        session::run(wire, &self.http, &place.base, &self.outlet, &self.ask, &self.wanted).await
    }

    /// Says how it ended, and answers how long to wait: nothing means until somebody asks.
    async fn after(&mut self, ended: Ended) -> Option<Duration> {
        debug!(?ended, "the connection ended");
        if self.opened_at.is_some_and(|at| at.elapsed() >= Backoff::STABLE) {
            self.backoff.reset();
        }
        let wait = self.backoff.next(rand::random());
        let reason = match ended {
            Ended::Stale => {
                self.outlet.say(SourceEvent::Stale).await;
                return Some(wait);
            }
            Ended::Refused { status, reason } => {
                self.outlet.say(SourceEvent::Refused { status, reason: reason.clone() }).await;
                // Asking again soon would only look like an attack.
                self.lost(reason, Backoff::CAP).await;
                return Some(Backoff::CAP);
            }
            Ended::Missing(reason) => {
                let label = self.http.target().label();
                format!("no skew endpoint was found at {label} ({reason}); check the URL, or pass --base-path")
            }
            Ended::Hopeless(reason) => reason,
            Ended::Lost(reason) => {
                self.lost(reason, wait).await;
                return Some(wait);
            }
        };
        // What has worked before is likely to come back; what never has needs a person.
        if self.places.any_worked() {
            self.lost(reason, wait).await;
            return Some(wait);
        }
        self.outlet.say(SourceEvent::Failed(reason)).await;
        None
    }

    async fn lost(&self, reason: String, wait: Duration) {
        // Longer than 30 s it never is.
        let retry_ms = u64::try_from(wait.as_millis()).unwrap_or_default();
        self.outlet.say(SourceEvent::Lost { reason, retry_ms }).await;
    }
}

/// Waits that long, or for ever.
async fn pause(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => std::future::pending().await,
    }
}
