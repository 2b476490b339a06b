//! What is remembered, and that it never takes more room.

use proptest::prelude::*;
use serde_json::json;

use super::super::site::Watchers;
use super::*;
use crate::{SourceEvent, Transport};

fn at(ms: u64) -> Now {
    Now { monotonic_ms: ms, unix_ms: 1_795_325_310_000 + ms }
}

/// A site whose history is kept.
struct Watched {
    site: Site,
    history: History,
}

impl Watched {
    fn new() -> Self {
        let mut watched = Self { site: Site::new(Watchers::LeftOut), history: History::default() };
        watched.tell(0, SourceEvent::Open(Transport::Sse));
        watched
    }

    fn tell(&mut self, ms: u64, event: SourceEvent) {
        self.site.observe(event, at(ms));
        self.history.observe(&self.site, at(ms));
    }

    fn figures<'a>(&mut self, ms: u64, versions: impl IntoIterator<Item = (&'a str, u64)>, routes: &[(&str, u64)]) {
        let versions: serde_json::Map<_, _> =
            versions.into_iter().map(|(version, count)| (version.to_owned(), count.into())).collect();
        let total: u64 = versions.values().filter_map(serde_json::Value::as_u64).sum();
        let routes: serde_json::Map<_, _> =
            routes.iter().map(|(route, count)| ((*route).to_owned(), (*count).into())).collect();
        let stats = json!({
            "type": "stats", "total": total, "versions": versions, "routes": routes, "current": "new",
            "releases": {"old": 2, "older": 1},
        });
        self.tell(ms, SourceEvent::Frame(stats.to_string()));
    }

    fn lose(&mut self, ms: u64) {
        self.tell(ms, SourceEvent::Lost { reason: "reset".to_owned(), retry_ms: 500 });
        self.tell(ms, SourceEvent::Connecting(Transport::Sse));
        self.tell(ms, SourceEvent::Open(Transport::Sse));
    }
}

#[test]
fn a_value_holds_until_the_next_and_a_gap_is_no_zero() {
    let mut watched = Watched::new();
    watched.figures(60_000, [("new", 1), ("old", 3)], &[("/", 4)]);
    watched.figures(121_000, [("new", 0)], &[]);
    watched.lose(180_000);
    watched.figures(240_000, [("new", 2)], &[("/", 2)]);
    let columns = watched.history.total(Span::Minutes5, 5, at(299_999));
    assert_eq!(columns, [None, Some(4), Some(0), None, Some(2)]);
    let route = watched.history.route("/", Span::Minutes5, 5, at(299_999));
    assert_eq!(route, Some(vec![None, Some(4), Some(0), None, Some(2)]));
    assert_eq!(watched.history.route("/never", Span::Minutes5, 5, at(299_999)), None);
    assert_eq!(watched.history.total(Span::Hours12, 1, at(40_000_000)), [Some(2)]);
}

#[test]
fn layers_are_the_current_build_the_others_from_the_newest_and_the_rest() {
    let mut watched = Watched::new();
    let many = ["a", "b", "c", "d", "e", "f"].map(|name| (name, 1));
    watched.figures(0, [("older", 5), ("old", 9)].into_iter().chain(many), &[]);
    watched.figures(200_000, [("older", 1), ("old", 4), ("new", 7)], &[]);
    let shares = watched.history.shares(&watched.site, Span::Minutes5, 2, at(299_999));
    assert_eq!(shares.layers[..3], [Layer::Current("new"), Layer::Other("old"), Layer::Other("older")]);
    assert_eq!(shares.layers.last(), Some(&Layer::Rest));
    let sums: Vec<u64> = shares.columns.iter().flatten().map(|column| column.iter().sum()).collect();
    assert_eq!(sums, [20, 12], "nobody is lost");
    assert_eq!(shares.columns[1].as_ref().unwrap()[..3], [7, 4, 1]);
}

#[test]
fn the_current_build_gets_a_column_and_a_whim_takes_no_build_with_a_past_away() {
    let mut watched = Watched::new();
    watched.figures(0, ["a", "b", "c", "d", "e", "f"].map(|name| (name, 50)), &[]);
    watched.figures(1_000, [("new", 1), ("whim", 40)], &[]);
    let names: Vec<&str> = watched.history.versions.iter().map(|(_, name)| name).collect();
    assert!(names.contains(&"new") && !names.contains(&"whim"), "{names:?}");
    let shares = watched.history.shares(&watched.site, Span::Minutes5, 300, at(1_000));
    let last = shares.columns.last().unwrap().as_ref().unwrap();
    assert_eq!((last.first(), last.last()), (Some(&1), Some(&40)), "the whim is of the rest");
}

#[test]
fn a_busy_route_takes_the_place_of_the_least_and_begins_without_a_past() {
    let mut watched = Watched::new();
    let names: Vec<String> = (0..ROUTES).map(|at| format!("/{at:02}")).collect();
    let mut routes: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 10)).collect();
    routes[7].1 = 3;
    watched.figures(0, [("new", 640)], &routes);
    routes.push(("/late", 3));
    watched.figures(1_000, [("new", 640)], &routes);
    assert_eq!(watched.history.routes.column("/late"), None, "no busier than the least");
    routes.last_mut().unwrap().1 = 4;
    watched.figures(2_000, [("new", 640)], &routes);
    assert_eq!(watched.history.routes.column("/07"), None);
    let late = watched.history.route("/late", Span::Minutes5, 300, at(2_000)).unwrap();
    assert_eq!(late[297..], [Some(0), Some(0), Some(4)]);
}

#[test]
fn a_name_of_any_length_is_counted_and_only_a_short_one_is_kept() {
    let mut watched = Watched::new();
    let long = "x".repeat(names::LONGEST + 1);
    watched.figures(0, [(long.as_str(), 3), ("new", 1)], &[(&long, 4)]);
    let shares = watched.history.shares(&watched.site, Span::Minutes5, 1, at(0));
    assert_eq!(shares.layers, [Layer::Current("new"), Layer::Rest]);
    assert_eq!(watched.history.route(&long, Span::Minutes5, 1, at(0)), None);
}

/// What happens: after so many milliseconds so many are connected, or nothing is known any more.
fn story() -> impl Strategy<Value = Vec<(u64, Option<u64>)>> {
    let pause = prop_oneof![0u64..3_000, 0u64..100_000, 0u64..50_000_000];
    prop::collection::vec((pause, prop::option::of(0u64..1_000)), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every ring equals the story counted anew at the end of each stretch, so the slower ones equal the faster ones.
    #[test]
    fn each_pace_tells_the_same_story(story in story(), pause in 0u64..100_000) {
        let mut watched = Watched::new();
        let mut told = Vec::new();
        let mut ms = 0;
        for (pause, total) in story {
            ms += pause;
            match total {
                Some(total) => watched.figures(ms, [("new", total)], &[("/", total)]),
                None => watched.lose(ms),
            }
            told.push((ms, total));
        }
        let now = ms + pause;
        for (tier, (pace_ms, length)) in watched.history.tiers.iter().zip(TIERS) {
            prop_assert_eq!(tier.samples(), length);
            let newest = now / pace_ms;
            // Beyond the ring what is asked for is unknown, whatever it was.
            let oldest = newest.saturating_sub(length as u64 - 1);
            for stretch in oldest..=newest {
                let end = (stretch + 1) * pace_ms;
                let holds = told.iter().rev().find(|(ms, _)| *ms < end).and_then(|(_, total)| *total);
                let sample = tier.at(stretch);
                prop_assert_eq!(sample.total.map(u64::from), holds, "stretch {} of {} ms", stretch, pace_ms);
                prop_assert_eq!(u64::from(sample.routes[0]), holds.unwrap_or(0));
            }
        }
    }

    /// Whatever names come, in any order: no count is lost, and there are no more columns.
    #[test]
    fn layers_always_add_up_to_the_total(
        frames in prop::collection::vec(
            (0u64..20_000, prop::collection::btree_map("[a-z]{1,2}", 0u64..50, 0..40)), 1..20,
        ),
    ) {
        let mut watched = Watched::new();
        let mut ms = 0;
        for (pause, versions) in frames {
            ms += pause;
            let routes: Vec<(&str, u64)> = versions.iter().map(|(name, count)| (name.as_str(), *count)).collect();
            watched.figures(ms, routes.iter().copied(), &routes);
            let shares = watched.history.shares(&watched.site, Span::Minutes5, 30, at(ms));
            let totals = watched.history.total(Span::Minutes5, 30, at(ms));
            prop_assert!(shares.layers.len() <= VERSIONS + 1);
            let sums: Vec<Option<u64>> =
                shares.columns.iter().map(|column| column.as_ref().map(|column| column.iter().sum())).collect();
            prop_assert_eq!(sums, totals);
        }
    }
}
