//! Connections that end, and come back. Time stands still but where a test moves it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use skew_tui::SourceEvent;
use skew_tui::feed::{Feed, Next};
use skew_tui::target::TransportChoice;
use tokio::time::{advance, pause};

use crate::server::{Answer, CONNECTED, STATS, Server, stock_sse};
use crate::transports::{source, until};

/// Stops the clock until the test moves it. A paused clock would else jump whenever the test waits for a socket; it does
/// not while a blocking task runs.
struct StoppedClock {
    release: std::sync::mpsc::Sender<()>,
}

impl StoppedClock {
    fn new() -> Self {
        pause();
        let (release, held) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || held.recv());
        Self { release }
    }
}

impl Drop for StoppedClock {
    fn drop(&mut self) {
        let _ = self.release.send(());
    }
}

async fn next(source: &mut Feed) -> SourceEvent {
    let Next::Happened(happening) = source.next(None).await else { panic!("the source goes on") };
    happening.event
}

#[tokio::test]
async fn a_restarted_server_is_found_again_and_asked_for_stats_again() {
    let site = Server::start(stock_sse).await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    until(&mut source, |event| matches!(event, SourceEvent::Frame(text) if text.contains("unauthorized"))).await;
    let port = site.stop().await;
    until(&mut source, |event| matches!(event, SourceEvent::Lost { .. })).await;
    let site = Server::start_on(port, stock_sse).await;
    until(&mut source, |event| matches!(event, SourceEvent::Frame(text) if text.contains("unauthorized"))).await;
    assert_eq!(site.count("POST /__skew/subscribe-stats"), 1);
}

#[tokio::test]
async fn a_server_that_accepts_and_closes_is_asked_ever_more_seldom() {
    let clock = StoppedClock::new();
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::EventsThenEnd(vec![CONNECTED.into()]),
        _ => Answer::not_found(),
    })
    .await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    let mut waits = Vec::new();
    while waits.len() < 12 {
        let SourceEvent::Lost { retry_ms, .. } = next(&mut source).await else { continue };
        waits.push(retry_ms);
        assert_eq!(site.count("GET /__skew/sse"), waits.len(), "one try for each wait");
        advance(Duration::from_millis(retry_ms - 5)).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(site.count("GET /__skew/sse"), waits.len(), "not before its time");
        advance(Duration::from_millis(10)).await;
    }
    assert!(waits.iter().all(|wait| (250..=30_000).contains(wait)), "{waits:?}");
    assert!(waits[8..].iter().all(|wait| *wait >= 15_000), "{waits:?}");
    drop(clock);
}

#[tokio::test]
async fn a_connection_that_held_is_tried_again_soon() {
    const FAILURES: usize = 6;
    let clock = StoppedClock::new();
    let tries = AtomicUsize::new(0);
    let site = Server::start(move |seen, push| match seen.line().as_str() {
        "GET /__skew/sse" if tries.fetch_add(1, Ordering::Relaxed) < FAILURES => Answer::EventsThenEnd(Vec::new()),
        _ => stock_sse(seen, push),
    })
    .await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    loop {
        match next(&mut source).await {
            SourceEvent::Lost { retry_ms, .. } => advance(Duration::from_millis(retry_ms + 5)).await,
            SourceEvent::Subscribed => break,
            _ => {}
        }
    }
    advance(Duration::from_secs(11)).await;
    site.stop().await;
    let retry = loop {
        if let SourceEvent::Lost { retry_ms, .. } = next(&mut source).await {
            break retry_ms;
        }
    };
    assert!(retry <= 500, "{retry}");
    drop(clock);
}

#[tokio::test]
async fn a_silent_event_stream_is_stale_after_65_seconds() {
    let clock = StoppedClock::new();
    let site = Server::start(stock_sse).await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    while next(&mut source).await != SourceEvent::Subscribed {}
    advance(Duration::from_secs(60)).await;
    let _ = site.push.send(r#"{"type":"keepalive","timestamp":1}"#.into());
    while !matches!(next(&mut source).await, SourceEvent::Frame(text) if text.contains("keepalive")) {}
    advance(Duration::from_secs(64)).await;
    let _ = site.push.send(r#"{"type":"keepalive","timestamp":2}"#.into());
    while !matches!(next(&mut source).await, SourceEvent::Frame(text) if text.contains("keepalive")) {}
    advance(Duration::from_secs(66)).await;
    assert_eq!(next(&mut source).await, SourceEvent::Stale);
    drop(clock);
}

#[tokio::test]
async fn a_web_socket_is_pinged_and_stale_only_without_an_answer() {
    let clock = StoppedClock::new();
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /__skew/ws" => Answer::WebSocket(Some(CONNECTED.into()), STATS.into()),
        _ => Answer::not_found(),
    })
    .await;
    let mut source = source(&site.url(""), TransportChoice::Ws);
    while !matches!(next(&mut source).await, SourceEvent::Frame(text) if text == STATS) {}
    for _ in 0..6 {
        advance(Duration::from_secs(26)).await;
        let pong = next(&mut source).await;
        assert_eq!(pong, SourceEvent::Frame(r#"{"type":"pong"}"#.into()));
    }
    drop(clock);
}

#[tokio::test]
async fn a_refusal_is_not_repeated_soon() {
    let site = Server::start(|_, _| Answer::json(401, "")).await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    let events = until(&mut source, |event| matches!(event, SourceEvent::Lost { .. })).await;
    assert!(events.iter().any(|event| matches!(event, SourceEvent::Refused { status: 401, .. })));
    assert!(matches!(events.last(), Some(SourceEvent::Lost { retry_ms: 30_000, .. })));
}

#[tokio::test]
async fn a_wrong_site_is_given_up_until_somebody_asks() {
    let site = Server::start(|_, _| Answer::page()).await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    until(&mut source, |event| matches!(event, SourceEvent::Failed(_))).await;
    let before = site.count("GET /__skew/sse");
    source.reconnect();
    until(&mut source, |event| matches!(event, SourceEvent::Failed(_))).await;
    assert_eq!(site.count("GET /__skew/sse"), before + 1);
}

#[tokio::test]
async fn a_subscription_that_another_process_took_is_sent_again_until_it_is_answered() {
    const LOST: usize = 2;
    let clock = StoppedClock::new();
    let asked = AtomicUsize::new(0);
    let site = Server::start(move |seen, push| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED.into()]),
        "POST /__skew/subscribe-stats" => {
            if asked.fetch_add(1, Ordering::Relaxed) == LOST {
                let _ = push.send(STATS.into());
            }
            Answer::json(200, r#"{"ok":true}"#)
        }
        _ => Answer::not_found(),
    })
    .await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    for _ in 0..LOST {
        until(&mut source, |event| *event == SourceEvent::Subscribed).await;
        // Within the silence that a stream may keep.
        advance(Duration::from_secs(21)).await;
    }
    until(&mut source, |event| matches!(event, SourceEvent::Frame(text) if text == STATS)).await;
    advance(Duration::from_secs(62)).await;
    let asked = site.count("POST /__skew/subscribe-stats");
    assert_eq!(asked, LOST + 1, "what is answered is not asked again");
    drop(clock);
}
