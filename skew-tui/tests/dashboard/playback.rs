//! The dashboard on a recording.

use skew_tui::action::{Access, Action, Context};
use skew_tui::keymap::Keymap;
use skew_tui::playback::{Control, Motion, Playback};
use skew_tui::state::{Effect, Event, State};

use crate::scenario::{ROLLOUT, at, connected, stats, tell, with_access};
use crate::screen::{picture, press};

fn playing() -> Playback {
    Playback { total_ms: Some(3_600_000), speed: 4.0, motion: Motion::Playing, error: None, rewinds: 0 }
}

/// A recording of an hour in the middle of a rollout, 12 minutes and 34 seconds after its begin.
fn replay(playback: Playback) -> State {
    let mut state = with_access(Access::ReadOnly);
    connected(&mut state);
    tell(&mut state, 754_000, [stats(ROLLOUT)]);
    state.update(Event::Playback(playback), at(754_000));
    state
}

#[test]
fn the_position_is_told_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let screen = picture(&mut replay(playing()), width, height);
        assert!(screen.contains("▶ recording · 4× · 10:12:34 · 12:34 of 1:00:00"), "{screen}");
        assert!(screen.contains("Space pause") && !screen.contains("invalidate"), "{screen}");
        assert!(!picture(&mut crate::scenario::live(), width, height).contains("recording"));
    }
    let paused = Playback { motion: Motion::Paused, total_ms: None, ..playing() };
    assert!(picture(&mut replay(paused), 80, 24).contains("‖ paused · 4× · 10:12:34 · 12:34"));
}

#[test]
fn keys_steer_it_and_the_site_is_out_of_reach() {
    let mut state = replay(playing());
    assert_eq!(state.context(), Context::Replay);
    for (action, control) in [
        (Action::Pause, Control::Pause),
        (Action::SkipBack, Control::Skip(-10_000)),
        (Action::LeapOn, Control::Skip(60_000)),
        (Action::Begin, Control::Begin),
        (Action::Faster, Control::Faster),
    ] {
        assert_eq!(press(&mut state, action), [Effect::Play(control)]);
    }
    for binding in Keymap::default().bindings(Context::Replay, state.access()) {
        assert!(!matches!(binding.action, Action::Reconnect | Action::InvalidateSelected | Action::InvalidatePattern));
    }
    assert_eq!(press(&mut state, Action::InvalidateSelected), []);
    assert!(state.dialog().is_none());
    press(&mut state, Action::Help);
    let screen = picture(&mut state, 120, 40);
    assert!(screen.contains("Recording") && screen.contains("a minute back"), "{screen}");
}

#[test]
fn what_is_told_anew_was_never_known() {
    let mut state = replay(playing());
    press(&mut state, Action::Freeze);
    state.update(Event::Playback(Playback { rewinds: 1, ..playing() }), at(5_000));
    assert!(state.site().stats.is_none() && state.frozen_for().is_none() && state.site().log.is_empty());
}

#[test]
fn where_it_breaks_off_it_says_why_once_and_harmlessly() {
    let error = "\u{1b}[2Jx.ndjson is damaged at line 17: the recording breaks off here".to_owned();
    let broken = Playback { motion: Motion::Over, error: Some(error), ..playing() };
    let mut state = replay(broken.clone());
    state.update(Event::Playback(Playback { speed: 8.0, ..broken }), at(754_000));
    let screen = picture(&mut state, 120, 40);
    assert!(screen.contains("✗ broken off") && !screen.contains('\u{1b}'), "{screen}");
    assert_eq!(state.site().log.iter().filter(|entry| entry.text.contains("line 17")).count(), 1);
    assert!(state.site().log.iter().all(|entry| entry.times == 1));
}
