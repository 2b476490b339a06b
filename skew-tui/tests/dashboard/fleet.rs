//! Several targets on the screen.

use skew_tui::feed::Happening;
use skew_tui::state::{Event, Setup, State};
use skew_tui::{SourceEvent, Transport};

use crate::scenario::{at, frame, releases, stats};
use crate::screen::picture;

/// So many replicas: the first on the current build, the second still on the one before, the third out of reach, the rest live.
fn fleet(targets: usize) -> State {
    let labels = (1..=targets).map(|number| format!("10.0.0.{number}")).collect();
    let mut state =
        State::new(Setup { label: "shop.example.com".to_owned(), targets: labels, ..Setup::default() }, at(0));
    for from in 0..targets {
        let current = if from == 1 { "5b90aa01" } else { "8f3a2c1d" };
        let hello = serde_json::json!({"type": "connected", "version": current, "connectionId": "its-own"});
        let SourceEvent::Frame(told) = stats(&[("/", "8f3a2c1d", 30 + from), ("/checkout", "5b90aa01", 4 + from)])
        else {
            unreachable!("stats are a message")
        };
        let told = SourceEvent::Frame(told.replace(r#""id":""#, &format!(r#""id":"{from}"#)));
        let mut events = vec![
            SourceEvent::Connecting(Transport::Sse),
            SourceEvent::Open(Transport::Sse),
            frame(&hello),
            releases(),
            told,
        ];
        if from == 2 {
            events.push(SourceEvent::Lost { reason: "connection refused".to_owned(), retry_ms: 2_600 });
        }
        let happenings = events.into_iter().map(|event| Happening { from, event, at: at(60) }).collect();
        state.update(Event::Happened(happenings), at(60));
    }
    state
}

#[test]
fn targets_have_a_pane_and_a_missing_one_makes_the_figures_partial() {
    insta::assert_snapshot!("fleet_80x24", picture(&mut fleet(3), 80, 24));
    insta::assert_snapshot!("fleet_120x40", picture(&mut fleet(3), 120, 40));
    insta::assert_snapshot!("fleet_200x50", picture(&mut fleet(3), 200, 50));
}

#[test]
fn more_targets_than_there_is_room_for_are_counted() {
    let screen = picture(&mut fleet(9), 120, 40);
    assert!(screen.contains("and 6 more") && screen.contains("partial 8/9"), "{screen}");
}
