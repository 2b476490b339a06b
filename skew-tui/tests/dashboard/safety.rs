//! What must hold of every picture, whatever a site sends.

use std::sync::LazyLock;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use skew_proto::text::is_harmful;
use skew_proto::{Release, Releases};
use skew_tui::action::Action;
use skew_tui::state::invalidation::Invalidation;
use skew_tui::state::{Event, State};
use skew_tui::theme::{Colors, Glyphs, Theme};
use skew_tui::{SourceEvent, Transport};

use crate::scenario::{self, at, begin, frame, tell};
use crate::screen::{draw, draw_in, press};

fn is_harmless(buf: &Buffer) -> bool {
    buf.content().iter().all(|cell| !cell.symbol().contains(is_harmful))
}

/// Texts that hold much of what terminals act on.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "\u{1b}[2J",
            "\u{1b}]0;x\u{7}",
            "\u{9b}31m",
            "\u{202e}",
            "\u{200b}",
            "\u{200d}",
            "\u{feff}",
            "\r\n",
            "\t",
            "\u{7f}",
            "\u{2028}",
            "\u{301}\u{301}\u{301}",
            "東京",
            "🦀",
            "/checkout",
            "a",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn filled(texts: &[String]) -> State {
    let text = |at: usize| texts[at % texts.len()].clone();
    let mut state = begin();
    tell(&mut state, 1, [SourceEvent::Connecting(Transport::Ws), SourceEvent::Open(Transport::Ws)]);
    let hello = serde_json::json!({"type": "connected", "version": text(0), "connectionId": "c",
        "server": {"name": text(1), "version": text(2)}});
    let connections: Vec<_> = (0..6)
        .map(|n| serde_json::json!({"id": text(n), "version": text(n + 1), "route": text(n + 2), "ip": text(n + 3)}))
        .collect();
    let stats = serde_json::json!({"type": "stats", "total": 6, "versions": {}, "routes": {}, "connections": connections,
        "yourId": text(4)});
    let releases =
        Releases { current: Some(text(5)), releases: vec![Release { version: text(1), released_at: Some(1) }] };
    let asked = Invalidation::Route { pattern: text(3), kind: skew_proto::MatchKind::Prefix };
    tell(
        &mut state,
        2,
        [
            frame(&hello),
            frame(&stats),
            SourceEvent::Releases(releases),
            frame(&serde_json::json!({"type": text(2)})),
            SourceEvent::Frame(text(3)),
            SourceEvent::Refused { status: 401, reason: text(4) },
            SourceEvent::Lost { reason: text(0), retry_ms: 5 },
        ],
    );
    state.update(Event::Invalidated(asked, Err(text(5))), at(3));
    state
}

/// Told once: a story of a thousand visitors takes longer than its picture.
static STORIES: LazyLock<[State; 3]> =
    LazyLock::new(|| [scenario::live(), scenario::refused(), scenario::reconnecting()]);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_picture_holds_a_harmful_character(texts in prop::collection::vec(nasty(), 1..8), typed in nasty()) {
        let mut state = filled(&texts);
        prop_assert!(is_harmless(&draw(&mut state, 120, 40, Colors::Ansi)));
        prop_assert!(is_harmless(&draw(&mut state, 80, 24, Colors::None)));
        for action in [Action::InvalidateSelected, Action::InvalidatePattern, Action::Filter] {
            let mut state = state.clone();
            press(&mut state, action);
            state.update(Event::Paste(typed.clone()), at(4));
            prop_assert!(is_harmless(&draw(&mut state, 80, 24, Colors::Ansi)));
            press(&mut state, Action::Confirm);
            prop_assert!(is_harmless(&draw(&mut state, 80, 24, Colors::Ansi)));
        }
        let ascii = draw_in(&Theme::new(Colors::Ansi).of(Glyphs::Ascii), &mut state, 120, 40);
        prop_assert!(ascii.content().iter().all(|cell| cell.symbol().bytes().all(|byte| (b' '..=b'~').contains(&byte))));
        let mut failed = begin();
        tell(&mut failed, 1, [SourceEvent::Failed(texts[0].clone())]);
        prop_assert!(is_harmless(&draw(&mut failed, 80, 24, Colors::Ansi)));
    }

    #[test]
    fn no_size_of_the_screen_is_too_much(width in 0u16..230, height in 0u16..70) {
        for mut state in STORIES.iter().cloned() {
            draw(&mut state, width, height, Colors::Ansi);
            press(&mut state, Action::Help);
            draw(&mut state, width, height, Colors::Ansi);
        }
    }
}

#[test]
fn of_fifty_thousand_connections_only_the_rows_on_screen_are_visited() {
    let mut state = begin();
    scenario::connected(&mut state);
    tell(&mut state, 60, [scenario::stats(&[("/", "8f3a2c1d", 50_000)])]);
    draw(&mut state, 120, 40, Colors::Ansi);
    assert_eq!(state.panes().connections.len(), 50_002);
    let window = state.panes().connection_cursor.window();
    assert!(window.len() < 40, "{window:?}");
    press(&mut state, Action::ConnectionsPane);
    press(&mut state, Action::Last);
    draw(&mut state, 120, 40, Colors::Ansi);
    let window = state.panes().connection_cursor.window();
    assert_eq!(window.end, 50_002);
}
