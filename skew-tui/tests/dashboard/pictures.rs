//! Snapshots.

use crate::scenario::live;
use crate::screen::picture;

#[test]
fn live_80x24() {
    insta::assert_snapshot!(picture(&mut live(), 80, 24));
}

#[test]
fn live_120x40() {
    insta::assert_snapshot!(picture(&mut live(), 120, 40));
}

#[test]
fn live_200x50() {
    insta::assert_snapshot!(picture(&mut live(), 200, 50));
}
