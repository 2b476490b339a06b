//! One URL that events are sent to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde::Serialize;
use skew_proto::Event;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use url::Url;
use uuid::Uuid;

use super::queue::Queue;
use super::signature::{Key, signatures};
use super::{Delivered, retry};
use crate::clock::now_ms;
use crate::live::Live;
use crate::metrics::WebhookMetrics;
use crate::outbound;

/// How long a receiver may take to answer.
const TIME: Duration = Duration::from_secs(10);

/// What is read of an answer, so that its connection can be used again.
const ANSWER_BYTES: usize = 16 * 1024;

/// Between two tries once the server ends.
const LAST_WAIT: Duration = Duration::from_millis(250);

pub(super) struct Target {
    url: Url,
    /// What the log calls it.
    name: String,
    client: Client,
    pub(super) queue: Queue,
    pub(super) delivered: watch::Sender<Option<Delivered>>,
    /// Whether the server ends, and long waits are of no use.
    ends: watch::Sender<bool>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("url", &self.name).finish_non_exhaustive()
    }
}

impl Target {
    pub(super) fn new(url: Url) -> Result<Self, String> {
        // What is sent is for this receiver and no other.
        let client = outbound::client(&url, TIME, Policy::none)?;
        let (queue, delivered, ends) = (Queue::default(), watch::Sender::new(None), watch::Sender::new(false));
        Ok(Self { name: outbound::name_of(&url), url, client, queue, delivered, ends })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The server ends: what waits is tried now.
    pub(super) fn hurry(&self) {
        self.ends.send_replace(true);
    }

    async fn post(&self, request: &Request, keys: &[Key]) -> Result<(), Failure> {
        let seconds = now_ms() / 1000;
        let Request { id, body } = request;
        let post = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signatures(keys, id, seconds, body))
            .body(body.clone());
        let answer = post.send().await.map_err(|error| Failure::NoAnswer(outbound::describe(error)))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Failure::Refused { status, asked: retry_after(answer.headers()) });
        }
        let _ = outbound::read(answer, ANSWER_BYTES).await;
        Ok(())
    }
}

/// Events as they are sent, and sent again.
#[derive(Debug)]
struct Request {
    /// The same for as long as it is tried, so that a receiver knows what it has taken already.
    id: String,
    body: Bytes,
}

impl Request {
    fn new(events: &[Arc<Event>]) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            events: Vec<&'a Event>,
        }
        let body = Body { events: events.iter().map(|event| &**event).collect() };
        #[expect(clippy::expect_used, reason = "texts and numbers under names of ours")]
        let body = serde_json::to_vec(&body).expect("events are JSON").into();
        Self { id: format!("msg_{}", Uuid::new_v4().simple()), body }
    }
}

/// Why events were not taken.
#[derive(Debug)]
enum Failure {
    NoAnswer(String),
    Refused { status: StatusCode, asked: Option<Duration> },
}

impl Failure {
    /// Whether trying again is unlikely to help before somebody has mended something.
    fn is_lasting(&self) -> bool {
        let Self::Refused { status, .. } = self else { return false };
        let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        status.is_redirection() || status.is_client_error() && !passes.contains(status)
    }

    fn asked(&self) -> Option<Duration> {
        match self {
            Self::NoAnswer(_) => None,
            Self::Refused { asked, .. } => *asked,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(reason) => f.write_str(reason),
            Self::Refused { status, .. } => write!(f, "it answers {status}"),
        }
    }
}

/// The wait that an answer asks for, where it names seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Sends what the target's queue gets, for ever.
pub(super) async fn run(target: Arc<Target>, live: Arc<Live>) {
    let metrics = live.metrics.webhooks.clone();
    // Whatever is left when it is not wanted any more.
    let _given_up = GivesUp { target: target.clone(), metrics: metrics.clone() };
    let sender = target.clone();
    let post = move |request: Arc<Request>| {
        let (target, settings) = (sender.clone(), live.settings());
        async move { target.post(&request, &settings.webhooks.keys).await }
    };
    send_all(target, metrics, post).await;
}

struct GivesUp {
    target: Arc<Target>,
    metrics: WebhookMetrics,
}

impl Drop for GivesUp {
    fn drop(&mut self) {
        self.target.queue.give_up(&self.metrics);
    }
}

/// What the log has said of a receiver last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Fine,
    Failing,
    /// And that it will not pass by itself.
    Refusing,
}

async fn send_all<Sent>(target: Arc<Target>, metrics: WebhookMetrics, post: impl Fn(Arc<Request>) -> Sent)
where
    Sent: Future<Output = Result<(), Failure>>,
{
    let mut said = Said::Fine;
    let mut ends = target.ends.subscribe();
    loop {
        let events = target.queue.batch().await;
        let request = Arc::new(Request::new(&events));
        let mut failures = 0;
        while let Err(failure) = post(request.clone()).await {
            failures += 1;
            metrics.failures.inc();
            let now = if failure.is_lasting() { Said::Refusing } else { Said::Failing };
            if now > said {
                said = now;
                tracing::warn!(url = target.name, reason = %failure, "a webhook takes no events; they wait, and it is tried again");
            }
            let wait = retry::wait(failures, failure.asked(), rand::random());
            if timeout(wait, ends.wait_for(|ends| *ends)).await.is_ok() {
                sleep(LAST_WAIT).await;
            }
        }
        if said != Said::Fine {
            said = Said::Fine;
            tracing::info!(url = target.name, "a webhook takes events again");
        }
        target.queue.delivered(events.len(), &metrics);
        if let Some(newest) = events.iter().rfind(|event| event.what.is_of_user()) {
            target.delivered.send_replace(Some(Delivered { epoch: newest.epoch, seq: newest.seq }));
        }
    }
}

#[cfg(test)]
mod tests;
