use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::feed::Happening;
use crate::state::site::Watchers;
use crate::{SourceEvent, Transport};

/// 2026-11-22 10:00:00 UTC.
const BEGIN_MS: u64 = 1_795_341_600_000;

/// What a teller says of targets to which things happen.
struct Story {
    known: Known,
    teller: Teller,
    lines: Vec<String>,
}

impl Story {
    fn of(labels: &[&str]) -> Self {
        let labels: Vec<_> = labels.iter().map(ToString::to_string).collect();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        Self { known: Known::new(&labels, Watchers::LeftOut), teller: Teller::new(zone), lines: Vec::new() }
    }

    /// This happens at one target, and is told.
    fn happens(&mut self, ms: u64, from: usize, events: impl IntoIterator<Item = SourceEvent>) {
        let at = at(ms);
        self.known.observe(events.into_iter().map(|event| Happening { from, event, at }));
        self.passes(ms);
    }

    /// Nothing happens but that time passes.
    fn passes(&mut self, ms: u64) {
        self.lines.extend(self.teller.tell(&self.known, at(ms)));
    }

    fn connects(&mut self, ms: u64, from: usize, build: &str) {
        let hello = json!({"type": "connected", "version": build, "connectionId": "c"});
        self.happens(ms, from, [SourceEvent::Connecting(Transport::Sse)]);
        self.happens(ms, from, [SourceEvent::Open(Transport::Sse), frame(&hello), SourceEvent::Subscribed]);
    }

    fn shows(&mut self, ms: u64, from: usize, builds: &[(&str, u64)]) {
        self.happens(ms, from, [stats(from, builds)]);
    }

    fn text(&self) -> String {
        self.lines.join("\n")
    }
}

fn at(ms: u64) -> Now {
    Now { monotonic_ms: ms, unix_ms: BEGIN_MS + ms }
}

fn frame(message: &serde_json::Value) -> SourceEvent {
    SourceEvent::Frame(message.to_string())
}

fn stats(from: usize, builds: &[(&str, u64)]) -> SourceEvent {
    let people = builds.iter().flat_map(|(build, count)| (0..*count).map(move |number| (build, number)));
    let connections: Vec<_> = people
        .map(|(build, number)| json!({"id": format!("{from}-{build}-{number}"), "version": build, "route": "/"}))
        .collect();
    let versions: serde_json::Map<_, _> =
        builds.iter().map(|(build, count)| ((*build).to_owned(), (*count).into())).collect();
    let total = connections.len();
    frame(
        &json!({"type": "stats", "total": total, "versions": versions, "routes": {"/": total}, "connections": connections}),
    )
}

fn lost(reason: &str) -> SourceEvent {
    SourceEvent::Lost { reason: reason.to_owned(), retry_ms: 500 }
}

#[test]
fn a_whole_rollout_is_told() {
    let mut story = Story::of(&["shop.example.com"]);
    story.connects(0, 0, "b1");
    story.shows(200, 0, &[("b1", 200)]);
    story.happens(60_000, 0, [frame(&json!({"type": "version", "version": "b2"}))]);
    // Two a second move: far more often than anybody could listen to.
    for second in 0..85u64 {
        let moved = (second + 1) * 2;
        story.shows(61_000 + second * 1_000, 0, &[("b1", 200 - moved), ("b2", moved)]);
    }
    story.happens(150_000, 0, [lost("502 Bad Gateway")]);
    story.happens(151_000, 0, [SourceEvent::Connecting(Transport::Sse), lost("502 Bad Gateway")]);
    story.connects(160_000, 0, "b2");
    story.shows(161_000, 0, &[("b1", 30), ("b2", 170)]);
    for second in 170..400 {
        story.passes(second * 1_000);
    }
    story.shows(400_000, 0, &[("b1", 9), ("b2", 191)]);
    story.shows(400_500, 0, &[("b1", 1), ("b2", 199)]);
    story.shows(406_000, 0, &[("b2", 198)]);
    story.shows(412_000, 0, &[]);
    insta::assert_snapshot!(story.text());
}

#[test]
fn several_targets_are_told_by_name_and_what_is_partial() {
    let mut story = Story::of(&["a", "b"]);
    story.connects(0, 0, "b1");
    story.connects(0, 1, "b1");
    story.shows(100, 0, &[("b1", 3)]);
    story.shows(200, 1, &[("b1", 2)]);
    story.happens(9_000, 1, [lost("connection refused")]);
    story.happens(9_500, 1, [SourceEvent::Connecting(Transport::Sse), lost("connection refused")]);
    story.connects(20_000, 1, "b1");
    story.shows(20_100, 1, &[("b1", 2)]);
    story.happens(30_000, 0, [frame(&json!({"type": "stats-unauthorized"}))]);
    insta::assert_snapshot!(story.text());
}

#[test]
fn what_goes_wrong_is_told_with_what_to_do() {
    let mut story = Story::of(&["x"]);
    story.happens(0, 0, [SourceEvent::Connecting(Transport::Sse)]);
    story.happens(10, 0, [lost("no connection to x")]);
    story.connects(500, 0, "b1");
    story.passes(5_400);
    story.passes(5_500);
    story.happens(6_000, 0, [SourceEvent::Frame("[".repeat(1_000))]);
    story.happens(7_000, 0, [SourceEvent::Frame("[".repeat(1_000))]);
    let contradiction = json!({"type": "stats", "total": 90, "versions": {"b1": 4, "b0": -3}, "routes": {}});
    story.happens(8_000, 0, [frame(&contradiction)]);
    story.happens(9_000, 0, [SourceEvent::Stale]);
    insta::assert_snapshot!(story.text());
}

/// Anything that a source may say, in any order.
fn anything() -> impl Strategy<Value = SourceEvent> {
    let text = prop::sample::select(vec!["b1", "b2", "\u{1b}]52;c;AAAA\u{7}", "\u{202e}\u{9b}2J", "x\r\ny"]);
    prop_oneof![
        Just(SourceEvent::Connecting(Transport::Ws)),
        Just(SourceEvent::Open(Transport::Ws)),
        Just(SourceEvent::Subscribed),
        Just(SourceEvent::Stale),
        text.clone().prop_map(lost),
        text.clone().prop_map(|text| SourceEvent::Frame(text.to_owned())),
        text.clone().prop_map(|text| SourceEvent::Failed(text.to_owned())),
        text.clone().prop_map(|text| frame(&json!({"type": "version", "version": text}))),
        (text, 0u64..40, 0u64..40).prop_map(|(text, some, others)| stats(0, &[(text, some), ("b9", others)])),
        (any::<u64>(), any::<i64>()).prop_map(|(total, count)| frame(
            &json!({"type": "stats", "total": total, "versions": {"b1": count, "b2": total}, "routes": {}})
        )),
    ]
}

proptest! {
    #[test]
    fn no_line_harms_and_none_is_said_twice_in_a_row(
        events in prop::collection::vec((0u64..20_000, 0usize..2, anything()), 0..60),
    ) {
        let mut story = Story::of(&["a", "b"]);
        let mut ms = 0;
        for (later, from, event) in events {
            ms += later;
            story.happens(ms, from, [event]);
        }
        prop_assert!(!story.lines.iter().any(|line| line.contains(text::is_harmful)), "{:?}", story.lines);
        let sentences: Vec<_> = story.lines.iter().map(|line| &line[9..]).collect();
        prop_assert!(sentences.windows(2).all(|two| two[0] != two[1]), "{sentences:?}");
    }

    #[test]
    fn figures_never_flood(counts in prop::collection::vec((0u64..60, 0u64..60), 1..80)) {
        let mut story = Story::of(&["a"]);
        story.connects(0, 0, "b2");
        for (second, (old, new)) in counts.iter().enumerate() {
            story.shows(1_000 * (second as u64 + 1), 0, &[("b1", *old), ("b2", *new)]);
        }
        let said = |line: &&String| line.contains("connection") && !line.contains("is reached") && !line.contains("All");
        let figures = story.lines.iter().filter(said).count();
        prop_assert!(figures <= 1 + counts.len() / 5, "{figures} of {}: {:?}", counts.len(), story.lines);
    }
}
