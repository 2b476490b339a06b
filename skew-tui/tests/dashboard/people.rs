//! Who the connections belong to, and the server's instances.

use skew_tui::action::Action;
use skew_tui::state::aside::Lower;
use skew_tui::state::dialog::Dialog;
use skew_tui::state::invalidation::Invalidation;
use skew_tui::state::rows::Who;
use skew_tui::state::{Effect, Event, Pane, State};

use crate::scenario::{at, live, live_with_people, tell};
use crate::screen::{picture, press, type_text};

fn after(mut state: State, actions: &[Action]) -> State {
    for action in actions {
        press(&mut state, *action);
    }
    state
}

#[test]
fn the_pictures() {
    let users = || after(live_with_people("live"), &[Action::UsersPane, Action::Down, Action::Down]);
    let silent = || after(live_with_people("silent"), &[Action::InstancesPane]);
    let pictures: [(&str, State); 5] = [
        ("people", live_with_people("live")),
        ("users", users()),
        ("users_tabs", after(users(), &[Action::Open])),
        ("instances", after(live_with_people("live"), &[Action::InstancesPane])),
        ("instances_partial", silent()),
    ];
    for (name, mut state) in pictures {
        for (width, height) in [(80, 24), (120, 40)] {
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture(&mut state, width, height));
        }
    }
}

#[test]
fn users_are_told_beside_connections_everywhere() {
    for (width, height) in [(80, 24), (120, 40)] {
        let shown = picture(&mut live_with_people("live"), width, height);
        assert!(shown.contains(" users  1,318 connections"), "{shown}");
        assert!(shown.contains("tabs/users"), "{shown}");
        assert!(!picture(&mut live(), width, height).contains("users"), "a stock server knows of none");
    }
}

#[test]
fn a_user_opens_their_tabs_and_going_back_finds_them_again() {
    let mut state = after(live_with_people("live"), &[Action::UsersPane, Action::Down]);
    picture(&mut state, 120, 40);
    let who = state.panes().user_cursor.key().cloned().unwrap();
    let tabs = state.panes().users[1].tabs;
    press(&mut state, Action::Open);
    picture(&mut state, 120, 40);
    assert_eq!((state.panes().focus, state.panes().connections.len() as u64), (Pane::Connections, tabs));
    assert_eq!(state.figures().unwrap().users.as_ref().map(|users| users.total), Some(1));
    press(&mut state, Action::Back);
    picture(&mut state, 120, 40);
    assert_eq!((state.panes().focus, state.aside().lower), (Pane::Users, Lower::Users));
    assert_eq!(state.panes().user_cursor.key(), Some(&who));
    let Who::User(id) = who else { panic!("a user has an id") };
    assert_eq!(press(&mut state, Action::Copy), [Effect::Copy(id)]);
}

#[test]
fn the_anonymous_are_the_last_row_and_open_like_a_user() {
    let mut state = after(live_with_people("live"), &[Action::UsersPane, Action::Last]);
    picture(&mut state, 120, 40);
    assert_eq!(state.panes().user_cursor.key(), Some(&Who::Anonymous));
    let anonymous = state.panes().users.last().unwrap().tabs;
    press(&mut state, Action::Open);
    picture(&mut state, 120, 40);
    // The two who only watch are listed among them.
    assert_eq!(state.panes().connections.len() as u64, anonymous + 2);
}

#[test]
fn an_instance_opens_its_connections_and_filters_find_it() {
    let mut state = after(live_with_people("live"), &[Action::InstancesPane, Action::Down, Action::Open]);
    let shown = picture(&mut state, 120, 40);
    assert!(shown.contains("all ▸ web-2"), "{shown}");
    let here = state.figures().unwrap().total;
    assert!((200..300).contains(&here), "{here}");
    let mut state = after(live_with_people("live"), &[Action::ConnectionsPane, Action::Filter]);
    type_text(&mut state, "instance:web-2");
    picture(&mut state, 120, 40);
    let listed = state.panes().connections.len() as u64;
    assert!(listed.abs_diff(here) <= 2, "{listed} {here}");
}

#[test]
fn tab_goes_to_users_and_instances_only_where_there_are_any() {
    let around = |mut state: State| {
        let mut panes = Vec::new();
        for _ in 0..6 {
            press(&mut state, Action::NextPane);
            panes.push(state.panes().focus);
        }
        panes
    };
    assert!(around(live_with_people("live")).contains(&Pane::Instances));
    assert!(!around(live()).iter().any(|pane| matches!(pane, Pane::Users | Pane::Instances)));
    let mut stock = after(live(), &[Action::UsersPane]);
    assert_eq!(stock.panes().focus, Pane::Routes);
    assert!(picture(&mut stock, 80, 24).contains("this server knows of no user who is here"));
}

#[test]
fn figures_without_an_instance_are_called_partial_and_say_since_when() {
    for (width, height, words) in
        [(80, 24, "partial: web-2 silent for 12 s"), (120, 40, "has not heard from web-2 for 12 s")]
    {
        let shown = picture(&mut live_with_people("silent"), width, height);
        assert!(shown.contains("partial") && shown.contains(words), "{shown}");
        assert!(shown.contains("3 Connections"), "there is room for every list:\n{shown}");
    }
    let mut state = live_with_people("silent");
    assert!(state.next_wake().is_some_and(|ms| ms <= 1_000), "the time goes on");
    tell(&mut state, 90, [crate::scenario::stats_of_people(crate::scenario::ROLLOUT, "live")]);
    assert!(!picture(&mut state, 120, 40).contains("partial"));
}

#[test]
fn a_user_is_invalidated_from_their_row_and_followed() {
    let mut state = after(live_with_people("live"), &[Action::UsersPane, Action::InvalidateSelected]);
    let Some(Dialog::Confirm { preview, retyped: None }) = state.dialog() else { panic!("{:?}", state.dialog()) };
    assert_eq!(preview.reach.as_ref().map(|reach| reach.people), Some(2));
    insta::assert_snapshot!("confirm_a_user_80x24", picture(&mut state, 80, 24));
    let asked = Invalidation::User("u0009".to_owned());
    assert_eq!(press(&mut state, Action::Confirm), [Effect::Invalidate(asked.clone())]);
    let answer = serde_json::from_value(serde_json::json!({"ok": true, "matched": 2})).expect("an answer");
    state.update(Event::Invalidated(asked.clone(), Ok(answer)), at(200));
    let shown = picture(&mut state, 120, 40);
    assert!(shown.contains("the user u0009") && shown.contains("2  still there unchanged"), "{shown}");
    let ended = state.update(Event::Tick, at(30_300));
    assert!(
        matches!(&ended[..], [Effect::Followed(of, followed)] if *of == asked && followed.fates.hit == 2),
        "{ended:?}"
    );
}

#[test]
fn those_without_an_id_can_not_be_invalidated_as_one() {
    let mut state = after(live_with_people("live"), &[Action::UsersPane, Action::Last, Action::InvalidateSelected]);
    assert!(matches!(state.dialog(), Some(Dialog::Refusal(_))));
    assert!(picture(&mut state, 80, 24).contains("These have no id"));
}

#[test]
fn a_server_that_was_told_of_no_way_to_know_users_looks_as_one_that_counts_none() {
    let mut state = crate::scenario::live_on_ours();
    let skew_tui::SourceEvent::Frame(text) = crate::scenario::stats(crate::scenario::ROLLOUT) else { unreachable!() };
    let told = text.replacen('{', r#"{"users":0,"anonymous":1320,"#, 1);
    tell(&mut state, 90, [skew_tui::SourceEvent::Frame(told)]);
    let shown = picture(&mut state, 120, 40);
    assert_eq!(state.site().figures.users.as_ref().map(|users| users.total), Some(0));
    assert!(!shown.contains("users") && shown.contains("1,318 connections"), "{shown}");
}
