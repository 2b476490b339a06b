use proptest::prelude::*;
use serde_json::json;
use skew_proto::{MatchKind, RoutePattern};

use super::super::site::Watchers;
use super::*;
use crate::{SourceEvent, Transport};

const FOR_MS: u64 = 30_000;

fn at(ms: u64) -> Now {
    Now { monotonic_ms: ms, unix_ms: ms }
}

/// Visitors as `(id, version, route)`, and this client's own connection.
fn stats(tabs: &[(&str, &str, &str)]) -> SourceEvent {
    let mut list = vec![json!({"id": "me", "version": "b2", "route": "/__skew/tui"})];
    list.extend(tabs.iter().map(|(id, version, route)| json!({"id": id, "version": version, "route": route})));
    let stats = json!({"type": "stats", "total": list.len(), "versions": {}, "routes": {}, "yourId": "me",
        "connections": list});
    SourceEvent::Frame(stats.to_string())
}

fn site(tabs: &[(&str, &str, &str)]) -> Site {
    let mut site = Site::new(Watchers::LeftOut);
    let hello = r#"{"type":"connected","version":"b2","connectionId":"c"}"#.to_owned();
    for event in [SourceEvent::Open(Transport::Sse), SourceEvent::Frame(hello), stats(tabs)] {
        site.observe(event, at(0));
    }
    site
}

fn hit(site: &Site, pattern: &str) -> Hit {
    Hit::of(&Whom::Route(RoutePattern::new(MatchKind::Prefix, pattern).unwrap()), site).unwrap()
}

fn see(follow: &mut Follow, site: &mut Site, ms: u64, event: SourceEvent) {
    site.observe(event, at(ms));
    follow.observe(site, at(ms));
}

const THREE: &[(&str, &str, &str)] = &[("a", "b1", "/shop"), ("b", "b1", "/shop/pay"), ("c", "b1", "/blog")];

#[test]
fn who_reloads_is_counted_as_gone_and_as_new_and_ends_it_early() {
    let mut site = site(THREE);
    let mut follow = Follow::new(hit(&site, "/shop"), FOR_MS, &site, at(100));
    assert_eq!(follow.fates(), Fates { hit: 2, unchanged: 2, ..Fates::default() });
    see(&mut follow, &mut site, 200, stats(&[("b", "b1", "/shop/pay"), ("c", "b1", "/blog")]));
    assert_eq!((follow.fates().left, follow.end()), (1, None));
    see(&mut follow, &mut site, 900, stats(&[("c", "b1", "/blog"), ("d", "b2", "/shop"), ("e", "b1", "/shop/pay")]));
    let end = follow.end().unwrap();
    let fates = Fates { hit: 2, left: 2, reconnected: 2, reconnected_on_current: 1, ..Fates::default() };
    assert_eq!(end, Followed { fates, after_ms: 800, end: End::Done, interrupted: false });
    assert_eq!(
        end.to_string(),
        "2 of 2 left or reconnected (2 new there, 1 of them on the current build), 0 still there unchanged after 0 s"
    );
}

#[test]
fn who_leaves_for_good_is_waited_for_a_little() {
    let mut site = site(THREE);
    let mut follow = Follow::new(hit(&site, "/shop"), FOR_MS, &site, at(0));
    see(&mut follow, &mut site, 1_000, stats(&[("c", "b1", "/blog")]));
    assert_eq!((follow.end(), follow.changes_in(at(1_000))), (None, Some(1_000)));
    follow.observe(&site, at(1_000 + SETTLE_MS - 1));
    assert_eq!((follow.end(), follow.changes_in(at(1_000 + SETTLE_MS - 1))), (None, Some(1)));
    follow.observe(&site, at(1_000 + SETTLE_MS));
    assert_eq!(follow.end().map(|end| (end.fates.left, end.end)), Some((2, End::Done)));
    assert_eq!(follow.changes_in(at(99_999)), None);
}

#[test]
fn who_does_not_act_is_still_there_with_the_page_it_shows_now() {
    let mut site = site(THREE);
    let mut follow = Follow::new(hit(&site, "/shop"), FOR_MS, &site, at(0));
    see(&mut follow, &mut site, 100, stats(&[("b", "b1", "/elsewhere"), ("c", "b1", "/blog"), ("d", "b2", "/shop")]));
    follow.observe(&site, at(FOR_MS - 1));
    assert_eq!(follow.end(), None);
    follow.observe(&site, at(FOR_MS));
    let end = follow.end().unwrap();
    assert_eq!((end.end, end.fates.left, end.fates.unchanged, end.fates.reconnected), (End::TimeUp, 1, 1, 1));
    assert_eq!(follow.still(), [Tab { route: "/elsewhere".into(), id: "b".into(), version: "b1".into() }]);
    see(&mut follow, &mut site, FOR_MS + 1, stats(&[]));
    assert_eq!(follow.end(), Some(end), "what was said in the end stays said");
}

#[test]
fn another_build_on_the_same_connection_is_a_change() {
    let mut site = site(THREE);
    let mut follow = Follow::new(hit(&site, "/shop"), FOR_MS, &site, at(0));
    see(&mut follow, &mut site, 9, stats(&[("a", "b2", "/shop"), ("b", "b2", "/shop/pay"), ("c", "b1", "/blog")]));
    assert_eq!(follow.end().map(|end| (end.fates.changed, end.end)), Some((2, End::Done)));
}

#[test]
fn a_site_that_is_lost_makes_the_end_unknown_and_a_gap_is_told() {
    let mut site = site(THREE);
    let mut follow = Follow::new(hit(&site, "/shop"), FOR_MS, &site, at(0));
    see(&mut follow, &mut site, 5, SourceEvent::Lost { reason: "reset".into(), retry_ms: 1 });
    follow.observe(&site, at(FOR_MS));
    let end = follow.end().unwrap();
    assert_eq!((end.end, end.fates.unchanged), (End::Unknown, 2));
    assert!(end.to_string().ends_with("unknown in the end: the connection to the site was lost"), "{end}");

    let mut site = self::site(THREE);
    let mut follow = Follow::new(hit(&site, "/shop"), FOR_MS, &site, at(0));
    see(&mut follow, &mut site, 5, SourceEvent::Lost { reason: "reset".into(), retry_ms: 1 });
    see(&mut follow, &mut site, 6, SourceEvent::Open(Transport::Sse));
    see(&mut follow, &mut site, 7, stats(&[("d", "b2", "/shop"), ("e", "b2", "/shop")]));
    let end = follow.end().unwrap();
    assert_eq!((end.end, end.interrupted), (End::Done, true));
    assert!(end.to_string().contains("a restart may look like leaving"), "{end}");
}

#[test]
fn who_has_seen_enough_has_what_is_known_by_then() {
    let site = site(THREE);
    let mut follow = Follow::new(hit(&site, "/shop"), FOR_MS, &site, at(0));
    let end = follow.stop(at(400));
    assert_eq!((end.end, end.after_ms, end.fates.unchanged, follow.end()), (End::Stopped, 400, 2, Some(end)));
    assert!(end.to_string().ends_with("not followed any further"));
}

#[test]
fn nobody_hit_is_nobody_to_follow() {
    let site = site(THREE);
    let follow = Follow::new(hit(&site, "/nowhere"), FOR_MS, &site, at(0));
    assert_eq!(follow.end().unwrap().to_string(), "nobody was there to follow");
}

#[test]
fn nobody_is_followed_whom_the_site_does_not_tell() {
    let everybody = Whom::Route(RoutePattern::new(MatchKind::Prefix, "/").unwrap());
    let why = |site: &Site| Hit::of(&everybody, site).unwrap_err();
    assert_eq!(why(&Site::new(Watchers::LeftOut)), NotFollowed::Blind);
    let mut stale = site(THREE);
    stale.observe(SourceEvent::Stale, at(1));
    assert_eq!(why(&stale), NotFollowed::Blind);
    let mut partial = site(&[]);
    let part = r#"{"type":"stats","total":9,"versions":{"b2":9},"routes":{"/":9},"connections":[]}"#;
    partial.observe(SourceEvent::Frame(part.into()), at(1));
    assert_eq!(why(&partial), NotFollowed::Partial);
    assert_eq!(hit(&site(THREE), "/").count(), 3, "a skew-tui has no page to refresh");
}

fn tabs() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec((0u8..12, 0u8..3, 0u8..4), 0..14)
}

proptest! {
    #[test]
    fn everybody_who_was_hit_has_one_fate(
        before in tabs(),
        after in prop::collection::vec(tabs(), 0..6),
        lost in any::<bool>(),
    ) {
        let event = |tabs: &[(u8, u8, u8)]| {
            let named: Vec<_> =
                tabs.iter().map(|(id, version, route)| (format!("c{id}"), format!("b{version}"), format!("/{route}"))).collect();
            let named: Vec<_> = named.iter().map(|(id, version, route)| (id.as_str(), version.as_str(), route.as_str())).collect();
            stats(&named)
        };
        let mut site = site(&[]);
        site.observe(event(&before), at(0));
        let mut follow = Follow::new(hit(&site, "/1"), FOR_MS, &site, at(0));
        let mut now = 0;
        for tabs in &after {
            now += 700;
            if lost && now == 1_400 {
                see(&mut follow, &mut site, now, SourceEvent::Stale);
            }
            see(&mut follow, &mut site, now, event(tabs));
            let Fates { hit, left, changed, unchanged, reconnected, reconnected_on_current } = follow.fates();
            prop_assert_eq!(left + changed + unchanged, hit);
            prop_assert_eq!(follow.still().len() as u64, unchanged);
            prop_assert!(reconnected_on_current <= reconnected);
            prop_assert!(follow.end().is_some() || follow.changes_in(at(now)).is_some());
        }
        follow.observe(&site, at(FOR_MS + 1));
        prop_assert!(follow.end().is_some());
    }
}
