//! Invalidations from the confirmation until those who were hit have been followed.

use serde_json::json;
use skew_proto::{InvalidateAnswer, MatchKind};
use skew_tui::SourceEvent;
use skew_tui::action::Action;
use skew_tui::state::follow::End;
use skew_tui::state::invalidation::Invalidation;
use skew_tui::state::{Effect, Event, Limits, Setup, State};

use crate::scenario::{at, connected, frame, tell};
use crate::screen::{picture, press, type_text};

/// Visitors as `(id, build, route)`.
fn stats(tabs: &[(&str, &str, &str)]) -> SourceEvent {
    let mut list = vec![json!({"id": "me", "version": "8f3a2c1d", "route": "/__skew/tui"})];
    list.extend(tabs.iter().map(|(id, version, route)| json!({"id": id, "version": version, "route": route})));
    frame(
        &json!({"type": "stats", "total": list.len(), "versions": {}, "routes": {}, "yourId": "me", "connections": list}),
    )
}

const THREE: &[(&str, &str, &str)] =
    &[("tab-1", "5b90aa01", "/shop"), ("tab-2", "5b90aa01", "/shop/pay"), ("tab-3", "8f3a2c1d", "/blog")];

/// `tab-1` has reloaded, `tab-2` has not.
const HALF: &[(&str, &str, &str)] =
    &[("tab-9", "8f3a2c1d", "/shop"), ("tab-2", "5b90aa01", "/shop/pay"), ("tab-3", "8f3a2c1d", "/blog")];

fn watching(limits: Limits) -> State {
    let setup = Setup { label: "shop.example.com".into(), limits, ..Setup::default() };
    let mut state = State::new(setup, at(0));
    connected(&mut state);
    tell(&mut state, 60, [stats(THREE)]);
    state
}

fn asked() -> Invalidation {
    Invalidation::Route { pattern: "/shop".into(), kind: MatchKind::Prefix }
}

fn confirming(limits: Limits) -> State {
    let mut state = watching(limits);
    press(&mut state, Action::InvalidatePattern);
    type_text(&mut state, "/shop");
    press(&mut state, Action::Confirm);
    state
}

/// Sent, and the server has answered at 200 ms.
fn sent() -> State {
    let mut state = confirming(Limits::default());
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(asked())]);
    let answer: InvalidateAnswer = serde_json::from_value(json!({"ok": true, "route": "/shop"})).expect("an answer");
    assert_eq!(state.update(Event::Invalidated(asked(), Ok(answer)), at(200)), []);
    state
}

fn over(state: &mut State) -> Vec<Effect> {
    state.update(Event::Tick, at(30_200))
}

#[test]
fn those_who_were_hit_are_followed_on_the_screen_to_the_end() {
    let mut state = sent();
    let shown = picture(&mut state, 80, 24);
    assert!(shown.contains("2  still there unchanged") && shown.contains("for 30 s more"), "{shown}");
    assert_eq!(state.next_wake(), Some(1_000), "the countdown goes on though nothing happens");
    tell(&mut state, 900, [stats(HALF)]);
    let shown = picture(&mut state, 80, 24);
    for words in
        ["1  left or reconnected", "new there: 1, on the current build: 1", "1  still there unchanged", "/shop/pay"]
    {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    let effects = over(&mut state);
    let [Effect::Followed(of, followed)] = effects.as_slice() else { panic!("it has ended: {effects:?}") };
    assert_eq!((of, followed.end, followed.fates.unchanged), (&asked(), End::TimeUp, 1));
    let shown = picture(&mut state, 80, 24);
    assert!(shown.contains("does not reload on") && shown.contains("skew-force.client.ts"), "{shown}");
    assert_eq!(state.update(Event::Tick, at(31_000)), [], "an end is told once");
}

#[test]
fn a_closed_dialog_ends_nothing_and_the_log_tells_the_end() {
    let mut state = sent();
    press(&mut state, Action::Back);
    assert!(state.dialog().is_none());
    tell(&mut state, 900, [stats(HALF)]);
    assert_eq!(over(&mut state).len(), 1);
    let last = state.site().log.back().unwrap();
    assert!(last.text.contains("1 of 2 left or reconnected"), "{}", last.text);
}

#[test]
fn what_is_closed_before_the_answer_is_followed_all_the_same() {
    let mut state = confirming(Limits::default());
    press(&mut state, Action::Confirm);
    press(&mut state, Action::Back);
    let answer: InvalidateAnswer = serde_json::from_value(json!({"ok": true, "route": "/shop"})).unwrap();
    state.update(Event::Invalidated(asked(), Ok(answer)), at(200));
    assert_eq!(over(&mut state).len(), 1);
}

#[test]
fn what_the_server_refused_is_not_followed() {
    let mut state = confirming(Limits::default());
    press(&mut state, Action::Confirm);
    state.update(Event::Invalidated(asked(), Err("no".into())), at(200));
    assert_eq!(over(&mut state), []);
    let mut state = confirming(Limits { follow_ms: 0, ..Limits::default() });
    press(&mut state, Action::Confirm);
    let answer: InvalidateAnswer = serde_json::from_value(json!({"ok": true, "route": "/shop"})).unwrap();
    state.update(Event::Invalidated(asked(), Ok(answer)), at(200));
    assert_eq!(over(&mut state), [], "nor is what is not to be followed");
}

#[test]
fn above_the_limit_nothing_is_sent() {
    let limit = |max| Limits { max_affected: Some(max), ..Limits::default() };
    let mut state = confirming(limit(1));
    let shown = picture(&mut state, 80, 24);
    assert!(shown.contains("reaches 2 connections and") && !shown.contains("sends them a refresh"), "{shown}");
    assert_eq!(press(&mut state, Action::Confirm), []);
    tell(&mut state, 900, [stats(&THREE[1..])]);
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(asked())], "the limit follows the figures");

    let mut state = confirming(limit(2));
    tell(&mut state, 900, [SourceEvent::Lost { reason: "reset".into(), retry_ms: 1_000 }]);
    assert_eq!(press(&mut state, Action::Confirm), [], "old figures tell nobody how many it reaches");
}

#[test]
fn what_can_not_be_written_down_is_told() {
    let mut state = sent();
    state.update(Event::Unwritten("the disk is full".into()), at(300));
    assert!(state.site().log.back().unwrap().text.contains("the disk is full"));
}
