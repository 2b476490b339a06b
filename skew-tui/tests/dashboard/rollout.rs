//! How a rollout is shown while it goes on.

use skew_tui::action::Action;
use skew_tui::state::aside::Lower;
use skew_tui::state::{Event, Pane};

use crate::scenario::{MINUTE_MS, ROLLOUT, at, live, stats, tell};
use crate::screen::{picture, press};
use crate::story::rolling;

/// The lines of a picture below its header, which says that the display is held, and above its log.
fn figures(picture: &str) -> Vec<&str> {
    picture.lines().skip(1).take_while(|line| !line.contains(" Log ")).collect()
}

#[test]
fn a_held_display_holds_rates_chart_and_stragglers() {
    let mut state = rolling();
    press(&mut state, Action::NextView);
    let before = picture(&mut state, 120, 40);
    press(&mut state, Action::Freeze);
    tell(&mut state, 31 * MINUTE_MS, [stats(&[("/", "8f3a2c1d", 5)])]);
    state.update(Event::Tick, at(35 * MINUTE_MS));
    let held = picture(&mut state, 120, 40);
    // Ages of releases go on: they are of now.
    let without_ages = |picture: &str| -> Vec<String> {
        figures(picture).into_iter().filter(|line| !line.contains("8f3a2c1d ◆")).map(str::to_owned).collect()
    };
    assert_eq!(without_ages(&held), without_ages(&before));
    press(&mut state, Action::Freeze);
    assert!(picture(&mut state, 120, 40).contains("everybody is on the current build"));
}

#[test]
fn the_list_one_moves_in_is_never_hidden() {
    let mut state = rolling();
    press(&mut state, Action::ConnectionsPane);
    press(&mut state, Action::NextView);
    assert_eq!((state.aside().lower, state.panes().focus), (Lower::Stragglers, Pane::Routes));
    press(&mut state, Action::NextPane);
    assert_eq!((state.aside().lower, state.panes().focus), (Lower::Connections, Pane::Connections));
    for _ in 0..3 {
        press(&mut state, Action::NextView);
    }
    assert_eq!(state.aside().lower, Lower::Connections, "after the last view comes the first");
}

#[test]
fn charts_go_further_back_by_a_key() {
    let mut state = rolling();
    for label in ["Last 30 min", "Last 3 h", "Last 12 h", "Last 5 min", "Last 30 min"] {
        assert!(picture(&mut state, 120, 40).contains(label), "{label}");
        press(&mut state, Action::NextSpan);
    }
}

#[test]
fn a_rollout_without_progress_is_called_stalled_and_one_without_a_past_nothing() {
    let mut state = live();
    let early = picture(&mut state, 120, 40);
    assert!(early.contains("too early to tell how fast it goes") && !early.contains("/min"), "{early}");
    state.update(Event::Tick, at(3 * MINUTE_MS + 60));
    let stalled = picture(&mut state, 120, 40);
    assert!(stalled.contains("stalled for 3 min · ") || stalled.contains("stalled for 3 min  "), "{stalled}");
    assert!(stalled.contains("longest on an old build ≥3 min"), "{stalled}");
    assert!(picture(&mut state, 80, 24).contains("1,147 of 1,318 on current · stalled for 3 min"));
}

#[test]
fn a_quiet_rollout_wakes_nobody_more_than_once_a_minute() {
    let mut state = live();
    let mut now = 60;
    let mut wakes = 0;
    while now < 10 * MINUTE_MS {
        picture(&mut state, 160, 32);
        let Some(ms) = state.next_wake() else { break };
        assert!(ms > 0, "a wake-up that changes nothing would follow at once");
        now += ms;
        wakes += 1;
        state.update(Event::Tick, at(now));
    }
    // Release times of three builds, the longest straggler, stalled, the chart: each once a minute.
    assert!(wakes <= 10 * 6, "{wakes} in ten minutes");
    tell(&mut state, now + 1, [stats(ROLLOUT)]);
    assert!(state.next_wake().is_some_and(|ms| ms <= MINUTE_MS));
}
