//! What a site becomes by what its source says.

use skew_proto::Counts;

use super::*;

fn at(ms: u64) -> Now {
    Now { monotonic_ms: ms, unix_ms: 1_795_325_310_000 + ms }
}

fn site_after(frames: &[&str]) -> Site {
    let mut site = Site::new(Watchers::LeftOut);
    site.observe(SourceEvent::Connecting(Transport::Sse), at(0));
    site.observe(SourceEvent::Open(Transport::Sse), at(1));
    for frame in frames {
        site.observe(SourceEvent::Frame((*frame).to_owned()), at(2));
    }
    site
}

const CONNECTED: &str = r#"{"type":"connected","version":"b2","connectionId":"secret"}"#;
const STATS: &str = r#"{"type":"stats","total":4,"versions":{"b2":3,"b1":1},
    "routes":{"/__skew/tui":2,"/":1,"/shop":1},"yourId":"me","connections":[
    {"id":"me","version":"b2","route":"/__skew/tui"},{"id":"x","version":"b2","route":"/__skew/tui"},
    {"id":"v","version":"b2","route":"/"},{"id":"w","version":"b1","route":"/shop"}]}"#;

#[test]
fn watchers_are_left_out_of_the_rollout_and_can_be_put_back() {
    let mut site = site_after(&[CONNECTED, STATS]);
    let rollout = site.rollout().unwrap();
    assert_eq!((rollout.current, rollout.outdated, rollout.percent), (1, 1, Some(50.0)));
    assert_eq!((site.figures.total, site.figures.watching), (2, 2));
    assert!(!site.figures.routes.contains_key(wire::TUI_ROUTE));
    assert!(site.connections().iter().any(|connection| site.is_own(connection)), "listed all the same");
    assert_eq!(site.figures.outdated_routes, Counts::from([("/shop".into(), 1)]));

    site.set_watchers(Watchers::Counted);
    assert_eq!((site.figures.total, site.rollout().unwrap().current), (4, 3));
}

#[test]
fn nobody_but_watchers_is_an_unknown_share() {
    let stats = r#"{"type":"stats","total":1,"versions":{"b2":1},"routes":{"/":1},"yourId":"me",
        "connections":[{"id":"me","version":"b2","route":"/"}]}"#;
    assert_eq!(site_after(&[CONNECTED, stats]).rollout().unwrap().percent, None);
}

#[test]
fn authorization_starts_anew_on_every_connection() {
    let mut site = site_after(&[CONNECTED]);
    assert_eq!(site.authorized(), None);
    site.observe(SourceEvent::Subscribed, at(10));
    assert_eq!(site.authorization, Authorization::Pending { asked_at_ms: Some(10) });
    site.observe(SourceEvent::Frame(STATS.into()), at(11));
    assert_eq!(site.authorized(), Some(true));
    site.observe(SourceEvent::Subscribed, at(12));
    assert_eq!(site.authorized(), Some(true), "an answer may overtake the request's own");
    site.observe(SourceEvent::Lost { reason: "reset".into(), retry_ms: 500 }, at(20));
    assert_eq!(site.link, Link::Reconnecting { reason: "reset".into(), retry_at_ms: 520 });
    assert!(site.stats.is_some(), "old figures stay, marked by the link");
    site.observe(SourceEvent::Connecting(Transport::Sse), at(520));
    assert_eq!(site.authorized(), None);
    site.observe(SourceEvent::Frame(r#"{"type":"stats-unauthorized"}"#.into()), at(530));
    assert_eq!(site.authorized(), Some(false));
}

#[test]
fn a_release_moves_the_current_build() {
    let mut site = site_after(&[CONNECTED, STATS]);
    site.observe(SourceEvent::Frame(r#"{"type":"version","version":"b3"}"#.into()), at(5));
    assert_eq!(site.rollout().unwrap().current, 0);
    assert!(site.log.back().unwrap().text.contains("b3"));
}

#[test]
fn a_server_without_a_release_list_tells_the_ages_that_it_knows() {
    let mut site = site_after(&[CONNECTED]);
    let stats = r#"{"type":"stats","total":0,"versions":{},"routes":{},"connections":[],"current":"b2","releasedAt":17,"releases":{"b0":9}}"#;
    site.observe(SourceEvent::Frame(stats.into()), at(5));
    assert_eq!([site.released_at("b2"), site.released_at("b1"), site.released_at("b0")], [Some(17), None, Some(9)]);
    site.observe(SourceEvent::Frame(r#"{"type":"version","version":"b3"}"#.into()), at(6));
    assert_eq!((site.released_at("b2"), site.released_at("b3")), (None, None));
}

#[test]
fn the_release_list_tells_the_current_build_only_where_the_server_does_not() {
    let list = |id: &str| Releases { current: Some(id.into()), releases: Vec::new() };
    let mut site = site_after(&[]);
    site.observe(SourceEvent::Releases(list("b1")), at(5));
    assert_eq!(site.current.as_deref(), Some("b1"));
    site.observe(SourceEvent::Frame(CONNECTED.into()), at(6));
    site.observe(SourceEvent::Releases(list("b9")), at(7));
    assert_eq!(site.current.as_deref(), Some("b2"));
}

#[test]
fn what_the_log_says_is_harmless_and_bounded() {
    let mut site = site_after(&["not json", "{\"type\":\"a\\u001b[2J\\u202e\"}"]);
    for n in 0..2_000 {
        let reason = format!("{n} {}", "\u{1b}]0;x\u{7}".repeat(999));
        site.observe(SourceEvent::Lost { reason, retry_ms: 1 }, at(9));
    }
    assert_eq!(site.log.len(), LOG_ENTRIES);
    let newest = site.log_number(LOG_ENTRIES - 1);
    site.note(at(10), Level::Info, "one more".into());
    assert_eq!(site.log_number(LOG_ENTRIES - 2), newest);
    assert!(site.log.iter().all(|entry| !entry.text.contains(text::is_harmful) && entry.text.len() < 1_000));
}

#[test]
fn what_happens_again_and_again_is_one_line_of_the_log() {
    let mut site = site_after(&[CONNECTED]);
    let lines = site.log.len();
    for ms in 10..60 {
        site.observe(SourceEvent::Lost { reason: "reset".into(), retry_ms: 1 }, at(ms));
    }
    assert_eq!(site.log.len(), lines + 1);
    let last = site.log.back().unwrap();
    assert_eq!((last.times, last.at), (50, at(59)));
}

#[test]
fn everybody_at_the_root_means_that_routes_are_not_tracked() {
    assert!(!site_after(&[CONNECTED, STATS]).route_tracking_seems_off());
    let stats = r#"{"type":"stats","total":2,"versions":{"b2":2},"routes":{"/":2},"connections":[
        {"id":"v","version":"b2","route":"/"},{"id":"w","version":"b2","route":"/"}]}"#;
    let mut site = site_after(&[CONNECTED, stats]);
    assert!(site.route_tracking_seems_off());
    let nobody = r#"{"type":"stats","total":1,"versions":{"b2":1},"routes":{"/__skew/tui":1},"yourId":"me",
        "connections":[{"id":"me","version":"b2","route":"/__skew/tui"}]}"#;
    site.observe(SourceEvent::Frame(nobody.into()), at(9));
    site.set_watchers(Watchers::Counted);
    assert!(!site.route_tracking_seems_off(), "nobody is anywhere");
}

const COUNTED: &str = r#"{"type":"stats","seq":7,"total":3,"versions":{"b2":2,"b1":1},"routes":{"/__skew/tui":1,"/":1,"/shop":1},
    "yourId":"me","current":"b2","releasedAt":17,"connections":[{"id":"me","version":"b2","route":"/__skew/tui"},
    {"id":"v","version":"b2","route":"/"},{"id":"w","version":"b1","route":"/shop"}]}"#;

#[test]
fn changes_make_the_next_figures() {
    let changes = r#"{"type":"stats-changes","since":6,"seq":9,"total":3,"versions":{"b1":0,"b2":3},"routes":{"/shop":0,"/":2},
        "opened":[{"id":"x","version":"b2","route":"/"}],"closed":["w"]}"#;
    let mut site = site_after(&[CONNECTED, COUNTED, changes]);
    assert_eq!((site.figures.total, site.figures.watching, site.taken, site.era), (2, 1, 2, 1));
    assert_eq!(site.figures.routes, Counts::from([("/".into(), 2)]));
    assert_eq!((site.rollout().unwrap().percent, site.your_id()), (Some(100.0), Some("me")));
    assert_eq!((site.wants_stats(), &site.link, site.stats_at), (false, &Link::Live, Some(at(2))));
}

#[test]
fn what_was_lost_makes_figures_old_and_is_asked_for_once() {
    let late = r#"{"type":"stats-changes","since":8,"seq":9,"total":9,"versions":{"b2":9},"routes":{"/":9}}"#;
    let no_sum = r#"{"type":"stats-changes","since":7,"seq":8,"total":9,"versions":{"b2":9},"routes":{"/":9}}"#;
    for changes in [late, no_sum] {
        let mut site = site_after(&[CONNECTED, COUNTED, changes, late]);
        assert_eq!((&site.link, site.figures.total, site.taken), (&Link::Behind, 2, 1), "{changes}");
        assert_eq!((site.wants_stats(), site.wants_stats()), (true, false), "{changes}");
        site.observe(SourceEvent::Frame(COUNTED.into()), at(9));
        assert_eq!((site.wants_stats(), &site.link, site.era), (false, &Link::Live, 1), "the same ids as before");
    }
}

#[test]
fn changes_of_a_connection_before_are_no_news_of_this_one() {
    let mut site = site_after(&[CONNECTED, COUNTED]);
    site.observe(SourceEvent::Lost { reason: "reset".into(), retry_ms: 1 }, at(3));
    site.observe(SourceEvent::Open(Transport::Sse), at(4));
    let changes = r#"{"type":"stats-changes","since":7,"seq":8,"total":0,"closed":["me","v","w"]}"#;
    site.observe(SourceEvent::Frame(changes.into()), at(5));
    assert_eq!((site.figures.total, site.authorized(), site.wants_stats()), (2, Some(true), false));
}

#[test]
fn changes_from_before_a_release_do_not_take_it_back() {
    let release = r#"{"type":"version","version":"b3"}"#;
    let before = r#"{"type":"stats-changes","since":7,"seq":8,"total":3,"moved":{"v":"/cart"}}"#;
    let mut site = site_after(&[CONNECTED, COUNTED, release, before]);
    assert_eq!((site.current.as_deref(), site.released_at("b3")), (Some("b3"), None));
    let after = r#"{"type":"stats-changes","since":8,"seq":9,"total":3,"current":"b3","releasedAt":99}"#;
    site.observe(SourceEvent::Frame(after.into()), at(6));
    assert_eq!((site.current.as_deref(), site.released_at("b3")), (Some("b3"), Some(99)));
}
