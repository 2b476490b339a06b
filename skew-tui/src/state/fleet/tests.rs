//! What several targets make together.

use proptest::prelude::*;
use serde_json::json;
use skew_proto::{Counts, Release, Releases};

use super::*;
use crate::state::site::{Coverage, Link, TARGET};
use crate::{SourceEvent, Transport};

const AT: Now = Now { monotonic_ms: 1_000, unix_ms: 1_795_341_600_000 };

fn fleet(targets: usize) -> Fleet {
    let labels: Vec<String> = (0..targets).map(|number| format!("t{number}")).collect();
    Fleet::new(&labels, Watchers::LeftOut)
}

fn tell(fleet: &mut Fleet, from: usize, event: SourceEvent) {
    fleet.observe([Happening { from, event, at: AT }]);
}

fn connected(version: &str) -> SourceEvent {
    SourceEvent::Frame(json!({"type": "connected", "version": version, "connectionId": "secret"}).to_string())
}

/// Stats of connections given as id, build and route.
fn stats(own: &str, list: &[(String, String, String)]) -> SourceEvent {
    let (mut versions, mut routes) = (Counts::new(), Counts::new());
    for (_, version, route) in list {
        *versions.entry(version.clone()).or_default() += 1;
        *routes.entry(route.clone()).or_default() += 1;
    }
    let connections: Vec<_> =
        list.iter().map(|(id, version, route)| json!({"id": id, "version": version, "route": route})).collect();
    let stats = json!({"type": "stats", "total": list.len(), "versions": versions, "routes": routes,
        "connections": connections, "yourId": own});
    SourceEvent::Frame(stats.to_string())
}

/// A target that answers: with its own watcher, and so many visitors on a build.
fn answer(fleet: &mut Fleet, from: usize, current: &str, visitors: &[(&str, &str)]) {
    tell(fleet, from, SourceEvent::Open(Transport::Sse));
    tell(fleet, from, connected(current));
    let own = format!("own-{from}");
    let mut list = vec![(own.clone(), current.to_owned(), "/__skew/tui".to_owned())];
    list.extend(visitors.iter().map(|(id, version)| ((*id).to_owned(), (*version).to_owned(), "/".to_owned())));
    tell(fleet, from, stats(&own, &list));
}

#[test]
fn replicas_add_up_without_any_of_the_watchers() {
    let mut fleet = fleet(2);
    answer(&mut fleet, 0, "b2", &[("x", "b2"), ("y", "b1")]);
    answer(&mut fleet, 1, "b2", &[("z", "b2")]);
    let site = fleet.site();
    assert_eq!((site.figures.total, site.figures.watching, site.coverage), (3, 2, Coverage::Whole));
    assert_eq!(site.figures.versions, Counts::from([("b1".into(), 1), ("b2".into(), 2)]));
    assert_eq!(site.rollout().unwrap().percent, Some(200.0 / 3.0));
    assert_eq!(site.connections().iter().filter(|connection| site.is_own(connection)).count(), 2);
    assert_eq!(site.connections()[4].extra[TARGET], "t1");
    assert!(site.log.iter().any(|entry| entry.text == "t1: stats granted"));
}

#[test]
fn a_target_that_does_not_answer_makes_the_figures_partial_until_it_is_back() {
    let mut fleet = fleet(2);
    answer(&mut fleet, 0, "b2", &[("x", "b2")]);
    assert_eq!(fleet.site().coverage, Coverage::Partial { answering: 1, of: 2 });
    answer(&mut fleet, 1, "b2", &[("y", "b2")]);
    tell(&mut fleet, 0, SourceEvent::Lost { reason: "reset".into(), retry_ms: 500 });
    let site = fleet.site();
    assert_eq!((site.coverage, site.figures.total), (Coverage::Partial { answering: 1, of: 2 }, 1));
    assert_eq!(site.link, Link::Live, "what is left is live");
    answer(&mut fleet, 0, "b2", &[("x", "b2")]);
    assert_eq!((fleet.site().coverage, fleet.site().figures.total), (Coverage::Whole, 2));
}

#[test]
fn with_every_target_lost_the_last_figures_stay_and_are_old() {
    let mut fleet = fleet(2);
    answer(&mut fleet, 0, "b2", &[("x", "b2")]);
    answer(&mut fleet, 1, "b2", &[("y", "b2")]);
    for from in 0..2 {
        tell(&mut fleet, from, SourceEvent::Lost { reason: "reset".into(), retry_ms: 500 });
    }
    assert_eq!(fleet.site().figures.total, 2);
    assert!(matches!(fleet.site().link, Link::Reconnecting { .. }));
}

#[test]
fn two_addresses_of_one_process_count_everybody_once_and_it_is_said_once() {
    let mut fleet = fleet(2);
    for _ in 0..3 {
        for from in 0..2 {
            answer(&mut fleet, from, "b2", &[("x", "b2"), ("y", "b1")]);
        }
    }
    assert_eq!(fleet.site().figures.total, 2);
    let said = fleet.site().log.iter().filter(|entry| entry.text.contains("same process"));
    assert_eq!(said.count(), 1);
}

#[test]
fn while_a_release_rolls_out_over_replicas_the_newest_build_is_current() {
    for order in [[0, 1], [1, 0]] {
        let mut fleet = fleet(2);
        let release = |version: &str, at| Release { version: version.to_owned(), released_at: Some(at) };
        // By name the old one would come last.
        let releases = vec![release("a-new", 2_000), release("z-old", 1_000)];
        tell(&mut fleet, 0, SourceEvent::Releases(Releases { current: Some("a-new".into()), releases }));
        for from in order {
            answer(&mut fleet, from, if from == 0 { "a-new" } else { "z-old" }, &[]);
        }
        let known_to_both = fleet.members()[0].site.releases.clone();
        tell(&mut fleet, 1, SourceEvent::Releases(known_to_both));
        assert_eq!(fleet.site().current.as_deref(), Some("a-new"), "{order:?}");
        assert_eq!(fleet.site().released_at("a-new"), Some(2_000));
    }
}

#[test]
fn one_target_alone_is_its_own_site() {
    let mut fleet = fleet(1);
    answer(&mut fleet, 0, "b2", &[("x", "b2")]);
    let site = fleet.site();
    assert_eq!((site.figures.total, site.your_id(), site.coverage), (1, Some("own-0"), Coverage::Whole));
    assert!(site.connections().iter().all(|connection| connection.extra.get(TARGET).is_none()));
}

proptest! {
    #[test]
    fn the_sum_equals_a_recount_of_everybody(
        lists in prop::collection::vec(prop::collection::vec((0u16..40, "[ab]", "/[xy]?"), 0..12), 1..5),
    ) {
        let mut fleet = fleet(lists.len());
        let mut everybody = std::collections::BTreeMap::new();
        for (from, list) in lists.iter().enumerate() {
            tell(&mut fleet, from, SourceEvent::Open(Transport::Sse));
            tell(&mut fleet, from, connected("b"));
            let mut own = std::collections::BTreeMap::new();
            for (id, version, route) in list {
                own.insert(id.to_string(), (version.clone(), route.clone()));
            }
            let told: Vec<_> = own.into_iter().map(|(id, (version, route))| (id, version, route)).collect();
            tell(&mut fleet, from, stats("nobody", &told));
            for (id, version, route) in told {
                everybody.entry(id).or_insert((version, route));
            }
        }
        let site = fleet.site();
        prop_assert_eq!(site.figures.total, everybody.len() as u64);
        let mut versions = Counts::new();
        for (version, _) in everybody.values() {
            *versions.entry(version.clone()).or_default() += 1;
        }
        if lists.len() > 1 {
            prop_assert_eq!(&site.figures.versions, &versions);
            prop_assert_eq!(site.connections().len(), everybody.len());
        }
    }
}

/// A target of which the list tells whose each connection is, or tells it of none.
fn answer_of_users(fleet: &mut Fleet, from: usize, users: u64, visitors: &[(&str, Option<&str>)], instances: &[&str]) {
    tell(fleet, from, SourceEvent::Open(Transport::Sse));
    tell(fleet, from, connected("b2"));
    let connections: Vec<_> = (visitors.iter())
        .map(|(id, user)| match user {
            Some(user) => json!({"id": id, "version": "b2", "route": "/", "user": user}),
            None => json!({"id": id, "version": "b2", "route": "/"}),
        })
        .collect();
    let instances: Vec<_> = (instances.iter())
        .map(|name| json!({"name": name, "epoch": 1, "build": "b2", "connections": 1, "users": 1, "state": "live"}))
        .collect();
    let total = connections.len();
    let stats = json!({"type": "stats", "total": total, "versions": {"b2": total}, "routes": {"/": total}, "users": users,
        "anonymous": 0, "instances": instances, "connections": connections});
    tell(fleet, from, SourceEvent::Frame(stats.to_string()));
}

#[test]
fn a_user_of_two_targets_is_one_where_both_tell_whose_their_connections_are() {
    let mut fleet = fleet(2);
    answer_of_users(&mut fleet, 0, 2, &[("a", Some("ann")), ("b", Some("bob"))], &["w1"]);
    answer_of_users(&mut fleet, 1, 2, &[("c", Some("ann")), ("d", Some("cem"))], &["w2"]);
    let users = fleet.site().figures.users.clone().unwrap();
    assert_eq!((users.total, users.routes), (3, Some(Counts::from([("/".into(), 3)]))));
    let hosts: Vec<_> = fleet.site().instances.iter().map(|hosted| hosted.host()).collect();
    assert_eq!(hosts.iter().map(|host| host.target.as_deref()).collect::<Vec<_>>(), [Some("t0"), Some("t1")]);
    answer_of_users(&mut fleet, 1, 2, &[("c", None), ("d", None)], &["w1"]);
    assert_eq!(fleet.site().figures.users, None, "nobody knows who is whom");
    assert_eq!(fleet.site().instances.len(), 1, "two targets may be two doors of one server");
    tell(&mut fleet, 1, SourceEvent::Lost { reason: "reset".into(), retry_ms: 500 });
    assert_eq!(fleet.site().figures.users.as_ref().map(|users| users.total), Some(2));
}
