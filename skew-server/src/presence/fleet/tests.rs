use super::super::record::tests::{head, id};
use super::super::record::{MIN, Mark};
use super::*;
use crate::id::PublicId;
use crate::presence::exchange::SharedRow;
use crate::presence::record::field::encode_row;
use crate::presence::record::hint::Delta;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn fields(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

fn other() -> InstanceId {
    id("web-2", 5)
}

/// A fleet that has read another instance's figures at second 1.
fn known() -> Fleet {
    let mut fleet = Fleet::new(id("web-1", 4), 0);
    fleet.back(0);
    look(&mut fleet, 1, 3, 1_000);
    assert_eq!(fleet.wanted(1_000), [(other(), Section::Figures)]);
    assert_eq!(fleet.wanted(1_100), [], "it is under way");
    let read = fields(&[("v:b1", "2"), ("r:/", "2"), ("u:ann", "77")]);
    fleet.whole(&other(), Section::Figures, Some(&head(&other(), 1, 3).encode()), read, 1_100);
    fleet
}

fn look(fleet: &mut Fleet, seq: u64, len: u64, now: u64) {
    fleet.heads(vec![(other(), Some(head(&other(), seq, len).encode()))], now);
}

fn written(seq: u64, deltas: Vec<Delta>) -> Hint {
    Hint::Written(Box::new(head(&other(), seq, 3)), deltas)
}

fn delta(since: u64, seq: u64, name: &str, value: &str) -> Delta {
    Delta { section: Section::Figures, since, seq, set: vec![(name.into(), value.into())], del: Vec::new() }
}

fn take(fleet: &mut Fleet, now: u64) -> Elsewhere {
    fleet.take_elsewhere(now).unwrap_or_default()
}

fn partial(fleet: &mut Fleet, now: u64) -> Option<(Vec<String>, u64)> {
    fleet.now(now).partial.map(|partial| (partial.instances, partial.since))
}

fn versions(elsewhere: &Elsewhere) -> Vec<(&str, i64)> {
    elsewhere.versions.iter().map(|(version, by)| (&**version, *by)).collect()
}

#[test]
fn what_is_read_is_told_as_differences() {
    let mut fleet = known();
    let elsewhere = take(&mut fleet, 1_100);
    assert_eq!(versions(&elsewhere), [("b1", 2)]);
    assert_eq!(elsewhere.came, [("ann".into(), 77)]);
    let now = elsewhere.fleet.unwrap();
    assert_eq!((now.partial, now.instances[0].connections, now.instances[0].state), (None, 2, InstanceState::Live));
    assert!(fleet.take_elsewhere(1_200).is_none(), "nothing has changed");

    let del = vec!["u:ann".into()];
    fleet.hint(written(2, vec![Delta { del, ..delta(1, 2, "v:b1", "1") }]), 1_300);
    let elsewhere = take(&mut fleet, 1_300);
    assert_eq!((versions(&elsewhere), &*elsewhere.left), (vec![("b1", -1)], &["ann".into()][..]));
    fleet.hint(written(2, vec![delta(1, 2, "v:b1", "1")]), 1_300);
    assert!(fleet.take_elsewhere(1_300).is_none(), "a hint that comes twice");
    assert_eq!(fleet.wanted(1_300), []);
}

#[test]
fn a_gap_is_read_and_what_was_heard_meanwhile_follows() {
    let mut fleet = known();
    fleet.hint(written(3, vec![delta(2, 3, "v:b2", "9")]), 1_300);
    assert_eq!(fleet.wanted(1_300), [(other(), Section::Figures)]);
    fleet.hint(written(4, vec![delta(3, 4, "v:b3", "4")]), 1_350);
    let read = fields(&[("v:b1", "5"), ("v:b2", "9"), ("r:/", "14")]);
    fleet.whole(&other(), Section::Figures, Some(&head(&other(), 3, 3).encode()), read, 1_400);
    let mut told = take(&mut fleet, 1_400);
    told.versions.sort();
    assert_eq!(versions(&told), [("b1", 5), ("b2", 9), ("b3", 4)]);
    look(&mut fleet, 4, 4, 2_000);
    assert_eq!((fleet.wanted(9_000), told.left.len()), (Vec::new(), 1));
}

#[test]
fn what_was_written_whole_is_read_whole() {
    let mut fleet = known();
    fleet.hint(written(2, Vec::new()), 1_300);
    assert_eq!(fleet.wanted(1_300).len(), 1);
    let torn = fields(&[("v:b1", "5")]);
    fleet.whole(&other(), Section::Figures, Some(&head(&other(), 2, 3).encode()), torn, 1_350);
    assert_eq!(versions(&take(&mut fleet, 1_350)), [("b1", 2)], "half of it is nothing");
    assert_eq!((fleet.wanted(1_360).len(), fleet.wanted(1_600).len()), (0, 1));
}

#[test]
fn a_head_that_differs_for_a_second_is_followed() {
    let mut fleet = known();
    look(&mut fleet, 2, 3, 2_000);
    assert_eq!(fleet.wanted(2_900), [], "its hint may be under way");
    assert_eq!(fleet.wanted(3_000).len(), 1);
    let mut fleet = known();
    look(&mut fleet, 2, 3, 2_000);
    fleet.hint(written(2, vec![delta(1, 2, "v:b1", "3")]), 2_100);
    look(&mut fleet, 3, 3, 3_000);
    assert_eq!(fleet.wanted(3_000), [], "it was, and the next one is");
}

#[test]
fn one_whose_head_is_missing_for_three_seconds_is_gone() {
    let mut fleet = known();
    take(&mut fleet, 1_100);
    for now in [2_000, 3_000, 4_000] {
        fleet.heads(vec![(other(), None)], now);
        assert_eq!(partial(&mut fleet, now), Some((vec!["web-2".into()], 2_000)));
    }
    fleet.heads(Vec::new(), 5_000);
    let told = take(&mut fleet, 5_000);
    assert_eq!((versions(&told), told.left.len(), &told.fleet), (vec![("b1", -2)], 1, &Some(FleetNow::default())));
    // It was only stopped: what it has left is counted again.
    look(&mut fleet, 9, 1, 60_000);
    assert_eq!(fleet.wanted(60_000).len(), 1);
    fleet.whole(&other(), Section::Figures, Some(&head(&other(), 9, 1).encode()), fields(&[("v:b1", "1")]), 60_000);
    assert_eq!(versions(&take(&mut fleet, 60_000)), [("b1", 1)]);
}

#[test]
fn one_that_misses_once_or_sleeps_itself_drops_nobody() {
    let mut fleet = known();
    for now in [2_000, 3_000, 4_000, 5_000, 6_000] {
        let there = (now == 4_000).then(|| head(&other(), 1, 3).encode());
        fleet.heads(vec![(other(), there)], now);
    }
    fleet.heads(vec![(other(), None)], 66_000);
    assert_eq!(versions(&take(&mut fleet, 66_000)), [("b1", 2)]);
}

#[test]
fn while_redis_is_away_nothing_is_dropped_and_everything_is_called_old() {
    let mut fleet = Fleet::new(id("web-1", 4), 7);
    assert_eq!(partial(&mut fleet, 50), Some((Vec::new(), 7)), "nobody knows who there is");
    fleet = known();
    assert_eq!(partial(&mut fleet, 1_100), None);
    for now in [2_000, 9_000] {
        fleet.away(now);
        assert_eq!(partial(&mut fleet, now), Some((vec!["web-2".into()], 2_000)));
    }
    assert_eq!(fleet.wanted(9_000), []);
    fleet.back(9_500);
    fleet.heads(vec![(other(), None)], 9_600);
    fleet.heads(vec![(other(), None)], 12_000);
    assert_eq!(partial(&mut fleet, 12_000), Some((vec!["web-2".into()], 2_000)));
    look(&mut fleet, 4, 3, 12_500);
    assert_eq!(fleet.wanted(12_500).len(), 1, "hints were missed: no waiting for more");
    let read = fields(&[("v:b1", "2"), ("r:/", "2"), ("u:ann", "77")]);
    fleet.whole(&other(), Section::Figures, Some(&head(&other(), 4, 3).encode()), read, 12_600);
    assert_eq!((versions(&take(&mut fleet, 12_600)), partial(&mut fleet, 12_600)), (vec![("b1", 2)], None));
}

#[test]
fn one_that_is_too_new_is_named_and_not_guessed_at() {
    let mut fleet = known();
    let newer = Head { min: MIN + 1, ..head(&other(), 2, 1) };
    fleet.heads(vec![(other(), Some(newer.encode()))], 2_000);
    assert_eq!(partial(&mut fleet, 2_000), Some((vec!["web-2".into()], 2_000)));
    assert_eq!((versions(&take(&mut fleet, 2_000)), fleet.is_settled(2_000)), (Vec::new(), false));
    look(&mut fleet, 3, 0, 3_000);
    fleet.whole(&other(), Section::Figures, Some(&head(&other(), 3, 0).encode()), Vec::new(), 3_000);
    assert_eq!((partial(&mut fleet, 3_000), fleet.is_settled(3_000)), (None, true));
}

#[test]
fn damage_costs_its_entry_and_is_counted() {
    let mut fleet = known();
    let damaged =
        [("v:b1", "-5"), ("v:b2", "1"), ("r:/", "99999999999999999999"), ("u:ann", "x"), ("k", "}"), ("z", "")];
    let mut read = fields(&damaged);
    read.push((vec![0xff], vec![0xff]));
    fleet.hint(written(2, Vec::new()), 1_200);
    fleet.whole(&other(), Section::Figures, Some(&head(&other(), 2, 7).encode()), read, 1_300);
    let told = take(&mut fleet, 1_300);
    assert_eq!((versions(&told), told.routes.len(), fleet.damaged()), (vec![("b2", 1)], 0, 5));
    assert_eq!(told.came.len(), told.left.len());
}

#[test]
fn rows_are_read_where_they_are_wanted_and_closed_when_not() {
    let with_rows = |seq| Head { rows: Some(Mark { seq, len: 1 }), ..head(&other(), seq, 3) }.encode();
    let mut fleet = known();
    fleet.heads(vec![(other(), Some(with_rows(2)))], 2_000);
    assert!(!fleet.wanted(2_000).contains(&(other(), Section::Rows)));
    fleet.want_rows(true);
    assert_eq!(fleet.wanted(2_000), [(other(), Section::Rows)]);
    let connection = PublicId::random();
    let row = SharedRow { version: "b1".into(), route: "/".into(), user: None, ip: None };
    let read = fields(&[(&connection.to_string(), &encode_row(&row))]);
    assert!(!fleet.now(2_000).rows_whole);
    fleet.whole(&other(), Section::Rows, Some(&with_rows(2)), read, 2_100);
    let told = take(&mut fleet, 2_100);
    assert_eq!(told.rows, [(other(), connection, row)]);
    assert!(told.fleet.unwrap().rows_whole);
    fleet.want_rows(false);
    assert_eq!(take(&mut fleet, 2_200).closed, [connection]);
}

#[test]
fn the_end_in_order_is_heard_at_once_and_names_are_cleared_away() {
    let mut fleet = known();
    fleet.hint(Hint::Gone(other()), 2_000);
    assert_eq!(versions(&take(&mut fleet, 2_000)), []);
    fleet.hint(written(2, vec![delta(1, 2, "v:b1", "3")]), 2_100);
    assert_eq!(partial(&mut fleet, 2_100), None);
    for now in 3..70 {
        fleet.heads(vec![(other(), None)], now * 1_000);
        assert_eq!(partial(&mut fleet, now * 1_000), None, "a late hint of one that is gone");
    }
    assert_eq!((fleet.departed(69_000), fleet.entries.len()), (vec![other()], 0));
}
