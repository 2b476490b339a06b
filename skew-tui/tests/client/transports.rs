//! Which endpoint is taken.

use std::sync::Arc;

use skew_proto::Subscription;
use skew_tui::feed::{Feed, Next};
use skew_tui::source::Keep;
use skew_tui::state::site::{Site, Watchers};
use skew_tui::target::{Settings, Target, TransportChoice};
use skew_tui::{Now, SourceEvent, Transport};
use tokio::time::timeout;

use crate::program::{PATIENCE, run, skew_tui};
use crate::server::{Answer, CONNECTED, STATS, Server};

pub(crate) fn source(url: &str, transport: TransportChoice) -> Feed {
    let settings = Settings { url: url.into(), transport, ..Settings::default() };
    Feed::live(&Arc::new(Target::new(settings).unwrap()).into(), Keep::Every, Subscription::default()).unwrap()
}

/// Watches until `done`, and answers all that happened.
pub(crate) async fn until(feed: &mut Feed, done: impl Fn(&SourceEvent) -> bool) -> Vec<SourceEvent> {
    let mut events = Vec::new();
    let watched = async {
        while let Next::Happened(happening) = feed.next(None).await {
            let last = done(&happening.event);
            events.push(happening.event);
            if last {
                return;
            }
        }
        panic!("the source ended");
    };
    if timeout(PATIENCE, watched).await.is_err() {
        panic!("it never came to that: {events:?}");
    }
    events
}

fn is_stats(event: &SourceEvent) -> bool {
    matches!(event, SourceEvent::Frame(text) if text.contains(r#""stats""#))
}

#[tokio::test]
async fn a_site_without_sse_is_asked_over_a_web_socket() {
    for no_sse in
        [Answer::not_found(), Answer::page(), Answer::json(405, ""), Answer::json(426, ""), Answer::json(204, "")]
    {
        let answer = no_sse.clone();
        let site = Server::start(move |seen, _| match seen.line().as_str() {
            "GET /__skew/sse" => answer.clone(),
            "GET /__skew/ws" => Answer::WebSocket(Some(CONNECTED.into()), STATS.into()),
            _ => Answer::not_found(),
        })
        .await;
        let mut source = source(&site.url(""), TransportChoice::Auto);
        let events = until(&mut source, is_stats).await;
        assert!(events.contains(&SourceEvent::Open(Transport::Ws)), "{no_sse:?}: {events:?}");
        assert!(events.contains(&SourceEvent::Subscribed));
        let seen = site.seen.borrow();
        assert!(seen.iter().all(|seen| !seen.path.contains("/ws") || seen.path.ends_with("?route=%2F__skew%2Ftui")));
    }
}

#[tokio::test]
async fn what_has_worked_is_taken_first_the_next_time() {
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /__skew/ws" => Answer::WebSocket(Some(CONNECTED.into()), STATS.into()),
        _ => Answer::not_found(),
    })
    .await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    until(&mut source, is_stats).await;
    source.reconnect();
    until(&mut source, is_stats).await;
    assert_eq!((site.count("GET /__skew/sse"), site.count("GET /__skew/ws")), (1, 2));
}

#[tokio::test]
async fn a_web_socket_that_says_nothing_is_no_endpoint() {
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /shop/__skew/ws" => Answer::WebSocket(None, STATS.into()),
        "GET /__skew/ws" => Answer::WebSocket(Some(CONNECTED.into()), STATS.into()),
        _ => Answer::not_found(),
    })
    .await;
    let mut source = source(&site.url("/shop"), TransportChoice::Auto);
    until(&mut source, is_stats).await;
    assert_eq!(site.count("GET /__skew/ws"), 1);
}

#[tokio::test]
async fn an_app_below_a_path_is_tried_before_the_root() {
    let answer = |place: &'static str| {
        move |seen: &crate::server::Seen, _: &crate::server::Push| {
            if seen.line() == format!("GET {place}/__skew/sse") {
                Answer::Events(vec![CONNECTED.into()])
            } else {
                Answer::page()
            }
        }
    };
    for (place, expected) in [("/shop", 1), ("", 3)] {
        let site = Server::start(answer(place)).await;
        let mut source = source(&site.url("/shop/"), TransportChoice::Auto);
        until(&mut source, |event| matches!(event, SourceEvent::Open(_))).await;
        let streams: Vec<_> =
            site.lines().into_iter().filter(|line| line.ends_with("/sse") || line.ends_with("/ws")).collect();
        assert_eq!(streams.len(), expected, "{streams:?}");
        assert_eq!(streams[0], "GET /shop/__skew/sse");
        assert!(streams.last().unwrap().ends_with(&format!("{place}/__skew/sse")));
    }
}

#[tokio::test]
async fn polling_takes_the_endpoint_that_answers_and_has_no_connection_of_its_own() {
    let body = r#"{"total":2,"versions":{"b2":2},"routes":{"/":2},"connections":[]}"#;
    let site = Server::start(move |seen, _| match seen.line().as_str() {
        "GET /__skew/admin/stats" => Answer::json(503, r#"{"message":"SEO Pro key not configured"}"#),
        "GET /api/admin/stats" => Answer::json(200, body),
        "GET /_nuxt/builds/latest.json" => Answer::json(200, r#"{"id":"b2"}"#),
        _ => Answer::not_found(),
    })
    .await;
    let mut source = source(&site.url(""), TransportChoice::Poll);
    let mut known = Site::new(Watchers::LeftOut);
    for event in until(&mut source, is_stats).await {
        known.observe(event, Now::default());
    }
    assert_eq!((known.figures.total, known.figures.watching, known.your_id()), (2, 0, None));
    assert_eq!(known.rollout().unwrap().percent, Some(100.0), "the release list tells the current build");
}

#[tokio::test]
async fn polling_without_the_right_key_is_refused() {
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /api/admin/stats" => Answer::json(401, ""),
        _ => Answer::not_found(),
    })
    .await;
    let ran = run(skew_tui(&["stats", "--transport", "poll", &site.url("")])).await;
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
}

#[tokio::test]
async fn tracking_that_is_off_is_said() {
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED.into()]),
        _ => Answer::not_found(),
    })
    .await;
    let ran = run(skew_tui(&["stats", &site.url("")])).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("connection tracking seems to be off"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_release_is_looked_up_as_soon_as_it_is_known() {
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED.into()]),
        "POST /__skew/subscribe-stats" => Answer::json(200, r#"{"ok":true}"#),
        _ => Answer::not_found(),
    })
    .await;
    let mut source = source(&site.url(""), TransportChoice::Auto);
    until(&mut source, |event| *event == SourceEvent::Subscribed).await;
    let _ = site.push.send(r#"{"type":"version","version":"b3"}"#.into());
    site.until("GET /_nuxt/builds/latest.json", 2).await;
}
