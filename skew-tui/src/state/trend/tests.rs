//! What differences between states tell, and what they don't.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{SourceEvent, Transport};

fn at(ms: u64) -> Now {
    Now { monotonic_ms: ms, unix_ms: 1_795_325_310_000 + ms }
}

/// A site that is watched.
struct Watched {
    site: Site,
    trend: Trend,
}

/// A connection: id and build.
type Tab = (u64, &'static str);

impl Watched {
    fn new() -> Self {
        let mut watched = Self { site: Site::new(Watchers::LeftOut), trend: Trend::default() };
        watched.connect(0, "new");
        watched
    }

    fn tell(&mut self, ms: u64, event: SourceEvent) {
        self.site.observe(event, at(ms));
        self.trend.observe(&self.site, at(ms));
    }

    fn connect(&mut self, ms: u64, current: &str) {
        self.tell(ms, SourceEvent::Connecting(Transport::Sse));
        self.tell(ms, SourceEvent::Open(Transport::Sse));
        let hello = json!({"type": "connected", "version": current, "connectionId": "secret"});
        self.tell(ms, SourceEvent::Frame(hello.to_string()));
    }

    fn lose(&mut self, ms: u64) {
        self.tell(ms, SourceEvent::Lost { reason: "reset".to_owned(), retry_ms: 500 });
    }

    fn release(&mut self, ms: u64, current: &str) {
        self.tell(ms, SourceEvent::Frame(json!({"type": "version", "version": current}).to_string()));
    }

    /// A list of everybody, and this client's own connection.
    fn list(&mut self, ms: u64, tabs: &[Tab]) {
        let mut versions = std::collections::BTreeMap::from([("new", 1u64)]);
        let mut connections = vec![json!({"id": "me", "version": "new", "route": "/__skew/tui"})];
        for (id, version) in tabs {
            *versions.entry(version).or_default() += 1;
            connections.push(json!({"id": id.to_string(), "version": version, "route": "/"}));
        }
        let total = connections.len();
        let stats = json!({
            "type": "stats", "total": total, "versions": versions, "routes": {"/": tabs.len(), "/__skew/tui": 1},
            "connections": connections, "yourId": "me",
        });
        self.tell(ms, SourceEvent::Frame(stats.to_string()));
    }

    /// Tables, and nobody listed.
    fn tables(&mut self, ms: u64, new: u64, old: u64) {
        let stats = json!({
            "type": "stats", "total": new + old, "versions": {"new": new, "old": old}, "routes": {"/": new + old},
            "connections": [],
        });
        self.tell(ms, SourceEvent::Frame(stats.to_string()));
    }

    fn people(&self, ms: u64) -> PeopleRates {
        self.trend.rates(at(ms)).and_then(|rates| rates.people).expect("rates of people")
    }
}

fn tabs(ids: std::ops::Range<u64>, build: &'static str) -> Vec<Tab> {
    ids.map(|id| (id, build)).collect()
}

#[test]
fn a_tab_that_updates_has_moved_and_one_that_only_comes_or_goes_has_not() {
    let mut watched = Watched::new();
    watched.list(0, &[(1, "old"), (2, "old"), (3, "old"), (4, "new")]);
    watched.list(20_000, &[(2, "old"), (3, "old"), (4, "new")]);
    watched.list(22_000, &[(2, "old"), (3, "old"), (4, "new"), (5, "new")]);
    assert_eq!(watched.people(30_000), PeopleRates { opened: 2.0, closed: 2.0, moved: 2.0 });
    // An end on the current build, an opening on an old one and one on the current build later than any update takes.
    watched.list(40_000, &[(2, "old"), (3, "old"), (5, "new"), (6, "old")]);
    watched.list(60_000, &[(2, "old"), (3, "old"), (5, "new"), (6, "old"), (7, "new")]);
    assert_eq!(watched.people(60_000), PeopleRates { opened: 3.0, closed: 2.0, moved: 1.0 });
    let rates = watched.trend.rates(at(60_000)).unwrap();
    assert_eq!((rates.current, rates.outdated), (1.0, 0.0));
}

#[test]
fn what_is_longer_ago_than_the_window_counts_no_more() {
    let mut watched = Watched::new();
    watched.list(0, &[(1, "old"), (2, "old")]);
    watched.list(5_000, &[(2, "old"), (3, "new")]);
    assert_eq!(watched.trend.rates(at(10_000)), None, "too soon to tell");
    assert_eq!(watched.people(60_000).moved, 1.0);
    assert_eq!(watched.people(130_000).moved, 0.0);
}

#[test]
fn a_gap_is_neither_an_exodus_nor_a_rush() {
    let mut watched = Watched::new();
    watched.list(0, &tabs(0..100, "old"));
    watched.lose(30_000);
    assert_eq!(watched.trend.rates(at(30_000)), None, "without a connection nothing is known");
    watched.connect(31_000, "new");
    // The server has started anew: all ids are others, and tabs come back one after the other.
    watched.list(31_500, &tabs(200..205, "old"));
    watched.list(35_000, &tabs(200..260, "old"));
    assert_eq!(watched.trend.rates(at(60_000)), None, "they are still coming back");
    watched.list(60_000, &tabs(200..295, "old"));
    watched.list(70_000, &tabs(201..295, "old"));
    assert_eq!(watched.people(80_000), PeopleRates { opened: 0.0, closed: 3.0, moved: 0.0 });
}

#[test]
fn those_who_never_come_back_are_waited_for_no_longer_than_a_minute() {
    let mut watched = Watched::new();
    watched.list(0, &tabs(0..100, "old"));
    watched.lose(1_000);
    watched.connect(2_000, "new");
    watched.list(2_000, &tabs(200..210, "old"));
    watched.list(61_999, &tabs(200..220, "old"));
    assert_eq!(watched.trend.since_ms, None);
    watched.list(62_000, &tabs(200..221, "old"));
    watched.list(72_000, &tabs(200..224, "old"));
    assert_eq!(watched.people(82_000).opened, 9.0);
}

#[test]
fn a_restart_that_nobody_told_of_is_seen_by_all_ids_being_others() {
    let mut watched = Watched::new();
    watched.list(0, &tabs(0..100, "old"));
    watched.list(20_000, &tabs(100..200, "old"));
    watched.list(40_000, &tabs(101..200, "old"));
    assert_eq!(watched.people(40_000), PeopleRates { opened: 0.0, closed: 3.0, moved: 0.0 });
    let stragglers = watched.trend.stragglers(&watched.site, 1, at(40_000));
    assert_eq!(stragglers.longest[0].old_for, OldFor::AtLeast(20_000));
}

#[test]
fn without_a_whole_list_the_tables_still_tell_the_change() {
    let mut watched = Watched::new();
    watched.tables(0, 10, 90);
    watched.tables(30_000, 40, 60);
    let rates = watched.trend.rates(at(60_000)).unwrap();
    assert_eq!(rates, Rates { current: 30.0, outdated: -30.0, people: None });
    assert_eq!(watched.trend.eta(&watched.site, 100.0, at(60_000)), Eta::In(120_000));
    assert_eq!(watched.trend.stragglers(&watched.site, 10, at(60_000)), Stragglers::default());
}

#[test]
fn a_share_is_reached_in_the_time_that_the_recent_decline_needs() {
    let mut watched = Watched::new();
    watched.tables(0, 800, 200);
    let eta = |watched: &Watched, percent, ms| watched.trend.eta(&watched.site, percent, at(ms));
    assert_eq!(eta(&watched, 80.0, 0), Eta::Reached);
    assert_eq!(eta(&watched, 95.0, 0), Eta::Unknown, "it was not watched yet");
    watched.tables(60_000, 900, 100);
    assert_eq!(eta(&watched, 95.0, 60_000), Eta::In(30_000));
    assert_eq!(eta(&watched, 100.0, 60_000), Eta::In(60_000));
    assert_eq!(eta(&watched, 90.0, 60_000), Eta::Reached);
    assert_eq!(eta(&watched, 90.1, 60_000), Eta::In(600), "one more is missing");
    watched.tables(70_000, 0, 0);
    assert_eq!(eta(&watched, 95.0, 70_000), Eta::Unknown, "nobody is connected");
}

#[test]
fn a_rollout_without_progress_is_stalled_since_its_last_progress() {
    let mut watched = Watched::new();
    watched.tables(0, 90, 10);
    watched.tables(10_000, 91, 9);
    let eta = |watched: &Watched, ms| watched.trend.eta(&watched.site, 100.0, at(ms));
    assert!(matches!(eta(&watched, 100_000), Eta::In(_)));
    assert_eq!(eta(&watched, 190_000), Eta::Stalled { for_ms: 180_000 });
    // Others come to old builds, and go again: no progress.
    watched.tables(200_000, 91, 12);
    watched.tables(210_000, 91, 9);
    assert_eq!(eta(&watched, 220_000), Eta::Stalled { for_ms: 210_000 });
    watched.tables(230_000, 92, 8);
    assert!(matches!(eta(&watched, 240_000), Eta::In(_)));
}

#[test]
fn a_release_begins_anew() {
    let mut watched = Watched::new();
    watched.list(0, &[(1, "old"), (2, "new")]);
    watched.list(20_000, &[(2, "new"), (3, "new")]);
    watched.release(30_000, "newer");
    watched.list(40_000, &[(2, "new"), (3, "new"), (4, "newer")]);
    assert_eq!(watched.trend.rates(at(50_000)), None);
    watched.list(60_000, &[(2, "new"), (4, "newer"), (5, "newer")]);
    assert_eq!(watched.people(70_000).moved, 2.0);
}

#[test]
fn stragglers_come_longest_first_and_say_how_well_it_is_known() {
    let mut watched = Watched::new();
    watched.list(0, &[(1, "new"), (2, "old"), (3, "old")]);
    watched.list(10_000, &[(1, "new"), (2, "old"), (3, "old"), (4, "old")]);
    watched.release(20_000, "newer");
    watched.list(30_000, &[(4, "old"), (1, "new"), (2, "old"), (3, "old"), (5, "newer")]);
    let found = |most| {
        let stragglers = watched.trend.stragglers(&watched.site, most, at(60_000));
        let list = stragglers.longest.iter();
        let list =
            list.map(|one| (watched.site.connections()[one.position].id.clone(), one.old_for)).collect::<Vec<_>>();
        (stragglers.total, list)
    };
    let expected = [
        ("2".to_owned(), OldFor::AtLeast(60_000)),
        ("3".to_owned(), OldFor::AtLeast(60_000)),
        ("4".to_owned(), OldFor::Exactly(50_000)),
        ("1".to_owned(), OldFor::Exactly(30_000)),
    ];
    assert_eq!(found(10), (4, expected.to_vec()));
    assert_eq!(found(2), (4, expected[..2].to_vec()));
    assert_eq!(found(0), (4, Vec::new()));
}

proptest! {
    /// Whatever lists come, moves are no more than what they are made of, and nobody is remembered who is not listed.
    #[test]
    fn moves_are_never_more_than_ends_on_old_builds_or_openings_on_the_current_one(
        lists in prop::collection::vec(
            (0u64..8_000, prop::collection::btree_map(0u64..30, prop::sample::select(vec!["new", "old", "older"]), 0..30)),
            2..12,
        ),
    ) {
        let mut watched = Watched::new();
        let (mut ms, mut left, mut joined) = (0, 0, 0);
        let mut before: Option<std::collections::BTreeMap<u64, &str>> = None;
        for (pause, list) in lists {
            ms += pause;
            watched.list(ms, &list.iter().map(|(id, build)| (*id, *build)).collect::<Vec<_>>());
            if let Some(before) = before {
                left += before.iter().filter(|(id, build)| **build != "new" && list.get(id) != Some(build)).count() as u64;
                joined += list.iter().filter(|(id, build)| **build == "new" && before.get(id) != Some(build)).count() as u64;
            }
            prop_assert_eq!(watched.trend.people.len(), list.len());
            before = Some(list);
        }
        let sums = watched.trend.window.sums(ms);
        prop_assert!(sums.moved <= left.min(joined), "{} moved, {} left, {} joined", sums.moved, left, joined);
    }
}
