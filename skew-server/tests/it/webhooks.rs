//! Webhooks, to receivers on real sockets.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skew_proto::{Events, EventsAsked, Happening};
use skew_server::{Config, Secret, UserConfig, WebhookConfig};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::spawned::{Program, command, run};
use super::support::{Server, Sse, config, soon};

const SECRET: &str = "an-example-secret-of-webhooks";

/// A request as a receiver got it.
struct Received {
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn events(&self) -> Vec<skew_proto::Event> {
        serde_json::from_slice::<Events>(&self.body).unwrap().events
    }

    fn numbers(&self) -> Vec<u64> {
        self.events().iter().map(|event| event.seq).collect()
    }

    /// As the scheme has it: one of the signatures is ours.
    fn is_signed_by(&self, secret: &str) -> bool {
        let signed = format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, &[signed.as_bytes(), &self.body].concat()));
        self.header("webhook-signature").split(' ').any(|one| one == format!("v1,{signature}"))
    }
}

/// Answers with the statuses that are planned, then with 204.
struct Receiver {
    address: SocketAddr,
    received: mpsc::UnboundedReceiver<Received>,
    plan: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    async fn start(plan: &[u16]) -> Self {
        let plan: Arc<Mutex<VecDeque<u16>>> = Arc::new(Mutex::new(plan.iter().copied().collect()));
        let (sender, received) = mpsc::unbounded_channel();
        let take = {
            let plan = plan.clone();
            async move |State(sender): State<mpsc::UnboundedSender<Received>>, headers: HeaderMap, body: Bytes| {
                sender.send(Received { headers, body }).unwrap();
                let status = plan.lock().unwrap().pop_front().unwrap_or(204);
                StatusCode::from_u16(status).unwrap()
            }
        };
        let site = Router::new().route("/hook", post(take)).with_state(sender);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, site).await });
        Self { address, received, plan }
    }

    fn url(&self) -> String {
        format!("http://{}/hook?token=t0ken", self.address)
    }

    async fn next(&mut self) -> Received {
        soon("a request", self.received.recv()).await.unwrap()
    }
}

fn hooked(url: String, events: EventsAsked) -> Config {
    let webhook = WebhookConfig { events, ..WebhookConfig::new(vec![url], vec![Secret::new(SECRET).unwrap()]) };
    let users = UserConfig { cookie: Some("visitor".into()), ..UserConfig::default() };
    Config { webhook: Some(webhook), users, leave_grace: Duration::from_millis(50), ..config() }
}

async fn until_metric(server: &Server, line: &str) {
    soon(line, async {
        while !server.handle.metrics().contains(&format!("\n{line}\n")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn metric(server: &Server, name: &str) -> u64 {
    let metrics = server.handle.metrics();
    metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap()
}

#[tokio::test]
async fn users_who_come_and_leave_are_told_signed_and_in_order() {
    let mut receiver = Receiver::start(&[]).await;
    let server = Server::start(hooked(receiver.url(), EventsAsked::Users)).await;
    let ann = server.sse("", &[("cookie", "visitor=ann")]).await;
    let request = receiver.next().await;
    assert!(request.is_signed_by(SECRET) && !request.is_signed_by("another-secret-of-webhooks"));
    assert_eq!(request.header("content-type"), "application/json");
    let event = request.events().remove(0);
    let Happening::UserCame { user } = &event.what else { panic!("{event:?}") };
    assert!(user.ends_with("ann"), "{user}");

    let bob = server.ws("", &[("cookie", "visitor=bob")]).await;
    drop((ann, bob));
    let (mut numbers, mut left) = (request.numbers(), 0);
    while left < 2 {
        let request = receiver.next().await;
        left += request.events().iter().filter(|event| matches!(event.what, Happening::UserLeft { .. })).count();
        numbers.extend(request.numbers());
    }
    assert_eq!(numbers, [1, 2, 3, 4], "without a hole");
    until_metric(&server, "skew_webhook_delivered_total 4").await;
    until_metric(&server, "skew_webhook_queue 0").await;
}

#[tokio::test]
async fn what_is_refused_comes_again_under_its_id_and_before_what_came_later() {
    let mut receiver = Receiver::start(&[503]).await;
    let server = Server::start(hooked(receiver.url(), EventsAsked::All)).await;
    let _first = server.sse("", &[]).await;
    let refused = receiver.next().await;
    let _second = server.sse("", &[]).await;
    let (again, next) = (receiver.next().await, receiver.next().await);
    assert_eq!((again.header("webhook-id"), &again.body), (refused.header("webhook-id"), &refused.body));
    assert!(again.is_signed_by(SECRET), "by the time of this try");
    assert_eq!((refused.numbers(), next.numbers()), (vec![1], vec![2]));
    assert_ne!(next.header("webhook-id"), again.header("webhook-id"));
    until_metric(&server, "skew_webhook_failures_total 1").await;
}

#[tokio::test]
async fn a_receiver_that_never_answers_costs_a_bounded_queue_and_delays_nobody() {
    let mut receiver = Receiver::start(&[]).await;
    // It is accepted by the system alone.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = hooked(receiver.url(), EventsAsked::All);
    let webhook = config.webhook.as_mut().unwrap();
    webhook.urls.push(format!("http://{}/", deaf.local_addr().unwrap()));
    webhook.queue = 5;
    let server = Server::start(config).await;
    let tab = server.sse("", &[]).await;
    assert_eq!(receiver.next().await.numbers(), [1]);
    for seq in 2..=12 {
        let body = json!({"connectionId": tab.connection_id, "route": format!("/{seq}")});
        server.post("/__skew/route", &[], &body).await;
        assert_eq!(receiver.next().await.numbers(), [seq]);
    }
    until_metric(&server, "skew_webhook_delivered_total 12").await;
    // What the other has is the newest, and what was being sent when they came.
    let (waits, dropped) = (metric(&server, "skew_webhook_queue"), metric(&server, "skew_webhook_dropped_total"));
    assert!(waits + dropped == 12 && (6..9).contains(&waits), "{waits} wait, {dropped} are dropped");
}

#[tokio::test]
async fn dropped_events_are_a_gap_in_the_numbers() {
    let mut receiver = Receiver::start(&[500]).await;
    let mut config = hooked(receiver.url(), EventsAsked::All);
    config.webhook.as_mut().unwrap().queue = 2;
    let server = Server::start(config).await;
    let tab = server.sse("", &[]).await;
    assert_eq!(receiver.next().await.numbers(), [1]);
    for route in ["/a", "/b", "/c", "/d"] {
        server.post("/__skew/route", &[], &json!({"connectionId": tab.connection_id, "route": route})).await;
    }
    let (again, rest) = (receiver.next().await, receiver.next().await);
    assert_eq!((again.numbers(), rest.numbers()), (vec![1], vec![4, 5]));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut receiver = Receiver::start(&[307]).await;
    let server = Server::start(hooked(receiver.url(), EventsAsked::All)).await;
    let _tab = server.sse("", &[]).await;
    let (first, again) = (receiver.next().await, receiver.next().await);
    assert_eq!(first.header("webhook-id"), again.header("webhook-id"));
    assert!(receiver.plan.lock().unwrap().is_empty());
}

#[tokio::test]
async fn new_urls_and_secrets_hold_from_the_next_request_on() {
    let (mut old, mut new) = (Receiver::start(&[]).await, Receiver::start(&[]).await);
    let server = Server::start(hooked(old.url(), EventsAsked::All)).await;
    let tab = server.sse("", &[]).await;
    assert_eq!(old.next().await.numbers(), [1]);
    let mut config = hooked(new.url(), EventsAsked::All);
    let second = "the-next-secret-of-webhooks";
    config.webhook.as_mut().unwrap().secrets.push(Secret::new(second).unwrap());
    assert!(server.handle.reconfigure(config).unwrap().is_empty());
    drop(tab);
    let request = new.next().await;
    assert_eq!(request.numbers(), [2]);
    assert!(request.is_signed_by(SECRET) && request.is_signed_by(second));
    assert!(old.received.try_recv().is_err());
}

#[tokio::test]
async fn what_waits_is_sent_before_the_server_ends() {
    let mut receiver = Receiver::start(&[500]).await;
    let server = Server::start(hooked(receiver.url(), EventsAsked::All)).await;
    let _tab = server.sse("", &[]).await;
    receiver.next().await;
    server.stop().await;
    let mut numbers = Vec::new();
    while let Ok(request) = receiver.received.try_recv() {
        numbers.extend(request.numbers());
    }
    assert_eq!(numbers, [1, 2], "opened and closed");
}

#[tokio::test]
async fn the_program_names_neither_the_secret_nor_what_may_be_one_in_a_url() {
    let mut receiver = Receiver::start(&[410, 410]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, SECRET).unwrap();
    let url = receiver.url().replace("http://", "http://us3r:pa55@");
    let mut arguments = vec!["--build-id", "b1", "--listen", "127.0.0.1:0", "--webhook-events", "all"];
    arguments.extend(["--webhook", &url, "--webhook-secret-file", file.to_str().unwrap()]);
    let mut program = Program::start(command(&arguments)).await;
    let _tab = Sse::open(&format!("{}/sse", program.url), &[]).await;
    receiver.next().await;
    let lines = program.logged("a webhook takes no events").await;
    assert!(lines.contains("410") && lines.contains("/hook"), "{lines}");
    let again = program.logged("a webhook takes events again").await;
    for secret in ["us3r", "pa55", "t0ken", SECRET] {
        assert!(!lines.contains(secret) && !again.contains(secret), "{lines} {again}");
    }
}

#[tokio::test]
async fn the_program_wants_a_secret_for_its_webhooks() {
    let arguments = ["--build-id", "b1", "--check", "--webhook", "https://example.com/?token=t0ken"];
    let (code, _, error) = run(command(&arguments)).await;
    assert!(code == 1 && error.contains("--webhook-secret-file") && !error.contains("t0ken"), "{error}");
}

#[test]
fn an_event_of_the_docs_is_one() {
    let docs = include_str!("../../../docs/events.md");
    let mut found = 0;
    for line in docs.lines().map(str::trim).filter(|line| line.starts_with("{\"instance\"")) {
        let event: skew_proto::Event = serde_json::from_str(line.trim_end_matches(',')).unwrap();
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::from_str::<Value>(line.trim_end_matches(',')).unwrap()
        );
        found += 1;
    }
    assert_eq!(found, 5, "one of each kind");
}
