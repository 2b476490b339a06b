//! What a wait says of sites that rest, roll, restart and lie.

use skew_proto::{MatchKind, RoutePattern};

use super::*;
use crate::feed::Happening;
use crate::state::fleet::Fleet;
use crate::state::site::Watchers;
use crate::{SourceEvent, Transport};

const STABLE_MS: u64 = 15_000;
const SETTLE_MS: u64 = 60_000;
const PATIENCE_MS: u64 = 1_800_000;

pub(super) fn terms() -> Terms {
    Terms {
        percent: Percent::ALL,
        wanted: Wanted::Current,
        min_connections: 1,
        stable_for_ms: STABLE_MS,
        settle_ms: SETTLE_MS,
        patience: Patience::Ms(PATIENCE_MS),
        route: None,
    }
}

/// A site, a wait for it, and a time that a test moves.
struct Scene {
    site: Site,
    wait: Wait,
    now: Now,
}

impl Scene {
    fn new(terms: Terms) -> Self {
        Self { site: Site::new(Watchers::LeftOut), wait: Wait::new(terms), now: Now::default() }
    }

    /// One that is connected to a server of build `b1`, and may see stats.
    fn connected(terms: Terms) -> Self {
        let mut scene = Self::new(terms);
        scene.connect("b1");
        scene
    }

    fn connect(&mut self, build: &str) {
        self.happens(SourceEvent::Connecting(Transport::Sse));
        self.happens(SourceEvent::Open(Transport::Sse));
        self.frame(&format!(r#"{{"type":"connected","version":"{build}","connectionId":"c"}}"#));
    }

    fn happens(&mut self, event: SourceEvent) -> Step {
        self.site.observe(event, self.now);
        self.wait.observe(&self.site, self.now)
    }

    fn frame(&mut self, frame: &str) -> Step {
        self.happens(SourceEvent::Frame(frame.to_owned()))
    }

    fn lost(&mut self) -> Step {
        self.happens(SourceEvent::Lost { reason: "502 Bad Gateway".into(), retry_ms: 500 })
    }

    /// Stats with these visitors and this watcher, without a list.
    fn stats(&mut self, versions: &[(&str, u64)]) -> Phase {
        let total: u64 = versions.iter().map(|(_, count)| count).sum();
        let versions: std::collections::BTreeMap<_, _> = versions.iter().copied().collect();
        let stats =
            serde_json::json!({ "type": "stats", "total": total, "versions": versions, "routes": { "/": total } });
        self.frame(&stats.to_string()).standing.phase
    }

    fn keepalive(&mut self) -> Phase {
        self.frame(r#"{"type":"keepalive","timestamp":1}"#).standing.phase
    }

    fn pass(&mut self, ms: u64) -> &mut Self {
        self.now.monotonic_ms += ms;
        self
    }

    fn look(&mut self) -> Step {
        self.wait.observe(&self.site, self.now)
    }
}

fn holding(phase: &Phase) -> bool {
    matches!(phase, Phase::Holding { .. })
}

fn settling(phase: &Phase) -> bool {
    matches!(phase, Phase::Unknown(Unknown::Settling(_)))
}

const MET: Phase = Phase::Over(Verdict::Met);

#[test]
fn a_share_is_met_once_the_server_has_spoken_after_it_held() {
    let mut scene = Scene::connected(terms());
    assert_eq!(scene.stats(&[("b1", 9), ("b0", 1)]), Phase::Rolling);
    assert!(holding(&scene.pass(1_000).stats(&[("b1", 10)])));
    assert!(holding(&scene.pass(STABLE_MS - 1).keepalive()));
    assert_eq!(scene.look().deadline_ms, Some(1_000 + STABLE_MS));
    let step = scene.pass(1).look();
    assert!(holding(&step.standing.phase), "silence proves nothing");
    assert_eq!((step.errand, step.deadline_ms), (Some(Errand::Ask), Some(1_000 + STABLE_MS + RETRY_MS)));
    assert_eq!(scene.look().errand, None);
    assert_eq!(scene.keepalive(), MET);
    assert_eq!(scene.look(), Step { standing: scene.look().standing, deadline_ms: None, errand: None });
}

#[test]
fn whatever_breaks_a_hold_starts_it_anew() {
    let breaks: [fn(&mut Scene); 5] = [
        |scene| drop(scene.stats(&[("b1", 10), ("b0", 1)])),
        |scene| drop(scene.happens(SourceEvent::Stale)),
        |scene| drop(scene.lost()),
        |scene| drop(scene.frame(r#"{"type":"version","version":"b2"}"#)),
        |scene| drop(scene.frame(r#"{"type":"connected","version":"b1","connectionId":"c"}"#)),
    ];
    for broken in breaks {
        let mut scene = Scene::connected(terms());
        assert!(holding(&scene.stats(&[("b1", 10)])));
        broken(scene.pass(STABLE_MS - 1));
        assert!(!holding(&scene.look().standing.phase));
        scene.connect("b1");
        let phase = scene.stats(&[("b1", 10)]);
        assert_eq!(phase, Phase::Holding { since_ms: scene.now.monotonic_ms });
        assert!(holding(&scene.pass(STABLE_MS - 1).keepalive()));
        assert_eq!(scene.pass(1).keepalive(), MET);
    }
}

#[test]
fn a_gap_between_two_looks_breaks_a_hold_too() {
    let mut scene = Scene::connected(terms());
    scene.stats(&[("b1", 10)]);
    scene.pass(STABLE_MS);
    for event in [
        SourceEvent::Lost { reason: "x".into(), retry_ms: 0 },
        SourceEvent::Connecting(Transport::Sse),
        SourceEvent::Open(Transport::Sse),
        SourceEvent::Frame(r#"{"type":"stats","total":1,"versions":{"b1":1},"routes":{}}"#.into()),
    ] {
        scene.site.observe(event, scene.now);
    }
    assert!(settling(&scene.look().standing.phase));
}

#[test]
fn a_restart_is_no_success_until_half_are_back_or_the_time_to_settle_is_over() {
    let mut scene = Scene::connected(terms());
    scene.stats(&[("b0", 100)]);
    scene.lost();
    scene.pass(5_000).connect("b1");
    assert!(settling(&scene.stats(&[("b1", 1)])));
    let step = scene.look();
    assert_eq!(step.deadline_ms, Some(65_000));
    assert!(settling(&scene.pass(59_999).keepalive()));
    assert!(holding(&scene.pass(1).look().standing.phase), "by its deadline alone");
    assert_eq!(scene.pass(STABLE_MS).keepalive(), MET);

    let mut scene = Scene::connected(terms());
    scene.stats(&[("b0", 100)]);
    scene.lost();
    scene.connect("b1");
    assert!(settling(&scene.stats(&[("b1", 49)])));
    assert!(holding(&scene.stats(&[("b1", 50)])));
}

#[test]
fn a_server_that_has_just_started_is_unknown_although_it_was_never_seen_before() {
    let mut scene = Scene::connected(Terms { min_connections: 0, ..terms() });
    scene.wait.server_is_up_for(2_000, scene.now);
    assert!(settling(&scene.stats(&[])));
    assert!(settling(&scene.pass(57_999).keepalive()));
    assert!(holding(&scene.pass(1).keepalive()));
}

#[test]
fn nobody_is_no_share_unless_nobody_is_enough() {
    for (needed, enough) in [(1, false), (0, true)] {
        let mut scene = Scene::connected(Terms { min_connections: needed, ..terms() });
        let phase = scene.stats(&[]);
        assert_eq!(phase == Phase::Unknown(Unknown::TooFew { connected: 0, needed: 1 }), !enough);
        assert_eq!(scene.pass(STABLE_MS).keepalive() == MET, enough);
    }
    let mut scene = Scene::connected(Terms { min_connections: 3, ..terms() });
    assert_eq!(scene.stats(&[("b1", 2)]), Phase::Unknown(Unknown::TooFew { connected: 2, needed: 3 }));
    assert!(holding(&scene.stats(&[("b1", 3)])));
}

#[test]
fn no_skew_tui_is_a_visitor() {
    let mut scene = Scene::connected(terms());
    let stats = r#"{"type":"stats","total":2,"versions":{"b1":2},"routes":{"/__skew/tui":2},"yourId":"me","connections":[
        {"id":"me","version":"b1","route":"/__skew/tui"},{"id":"x","version":"b1","route":"/__skew/tui"}]}"#;
    let phase = scene.frame(stats).standing.phase;
    assert_eq!(phase, Phase::Unknown(Unknown::TooFew { connected: 0, needed: 1 }));
}

#[test]
fn figures_that_contradict_each_other_decide_nothing() {
    let mut scene = Scene::connected(terms());
    let step = scene.frame(r#"{"type":"stats","total":50,"versions":{"b1":10},"routes":{}}"#);
    assert_eq!(step.standing.phase, Phase::Unknown(Unknown::Unusable(Unusable::Contradictory)));
}

#[test]
fn one_page_is_asked_about_by_the_list_alone() {
    let route = Some(RoutePattern::new(MatchKind::Prefix, "/shop").unwrap());
    let mut scene = Scene::connected(Terms { route, ..terms() });
    let unusable = |unusable| Phase::Unknown(Unknown::Unusable(unusable));
    let whole = r#"{"type":"stats","total":3,"versions":{"b1":2,"b0":1},"routes":{"/shop":2,"/":1},"connections":[
        {"id":"a","version":"b1","route":"/shop"},{"id":"b","version":"b1","route":"/shop/1"},{"id":"c","version":"b0","route":"/"}]}"#;
    let step = scene.frame(whole);
    assert!(holding(&step.standing.phase), "{step:?}");
    assert_eq!(step.standing.share, Some(Share { version: "b1".into(), current: 2, total: 2 }));
    assert_eq!(scene.stats(&[("b1", 3)]), unusable(Unusable::ListIncomplete));
    let at_root = r#"{"type":"stats","total":1,"versions":{"b1":1},"routes":{"/":1},"connections":[
        {"id":"a","version":"b1","route":"/"}]}"#;
    assert_eq!(scene.frame(at_root).standing.phase, unusable(Unusable::RoutesUntracked));
}

#[test]
fn a_pinned_build_is_waited_for_and_a_later_one_ends_it() {
    let mut scene = Scene::connected(Terms { wanted: Wanted::from("b2"), ..terms() });
    assert_eq!(scene.stats(&[("b1", 5)]), Phase::NotCurrent { current: "b1".into() });
    scene.frame(r#"{"type":"version","version":"b2"}"#);
    assert_eq!(scene.stats(&[("b1", 3), ("b2", 2)]), Phase::Rolling);
    let step = scene.frame(r#"{"type":"version","version":"b3"}"#);
    assert_eq!(step.standing.phase, Phase::Over(Verdict::Superseded { by: "b3".into() }));
    assert_eq!(scene.look().deadline_ms, None);
}

#[test]
fn without_a_pin_a_release_on_the_way_is_followed() {
    let mut scene = Scene::connected(terms());
    assert!(holding(&scene.stats(&[("b1", 5)])));
    scene.pass(STABLE_MS - 1).frame(r#"{"type":"version","version":"b2"}"#);
    assert_eq!(scene.pass(1).keepalive(), Phase::Rolling);
    assert!(holding(&scene.stats(&[("b2", 5)])));
}

#[test]
fn the_time_is_over_whatever_is_known_then() {
    let mut scene = Scene::new(terms());
    assert_eq!(scene.look().deadline_ms, Some(PATIENCE_MS));
    scene.lost();
    let before = Box::new(Phase::Unknown(Unknown::Disconnected("502 Bad Gateway".into())));
    assert_eq!(scene.pass(PATIENCE_MS).look().standing.phase, Phase::Over(Verdict::TimedOut(before)));

    let mut scene = Scene::connected(terms());
    scene.stats(&[("b1", 5)]);
    assert_eq!(scene.pass(PATIENCE_MS).keepalive(), MET, "what is met by its last word is met");
}

#[test]
fn a_refusal_ends_it_unless_these_credentials_had_been_good() {
    let unauthorized = r#"{"type":"stats-unauthorized"}"#;
    let over = |step: &Step| matches!(step.standing.phase, Phase::Over(Verdict::Unauthorized(_)));
    let mut scene = Scene::connected(terms());
    assert!(over(&scene.frame(unauthorized)));
    let mut scene = Scene::new(terms());
    assert!(over(&scene.happens(SourceEvent::Refused { status: 401, reason: "no".into() })));

    let mut scene = Scene::connected(terms());
    scene.stats(&[("b1", 5)]);
    scene.lost();
    scene.connect("b1");
    let step = scene.frame(unauthorized);
    assert!(matches!(step.standing.phase, Phase::Unknown(Unknown::Refused(_))), "{step:?}");
    assert_eq!(step.deadline_ms, Some(RETRY_MS), "it asks again");
    assert_eq!(scene.pass(RETRY_MS).look().errand, Some(Errand::Reconnect));
    scene.connect("b1");
    scene.frame(unauthorized);
    assert!(over(&scene.pass(SETTLE_MS).look()));
}

#[test]
fn what_is_no_matter_of_credentials_is_tried_again_until_the_time_is_over() {
    for event in [
        SourceEvent::Failed("no skew endpoint was found".into()),
        SourceEvent::Refused { status: 404, reason: "connection tracking seems to be off".into() },
    ] {
        let mut scene = Scene::connected(terms());
        let step = scene.happens(event);
        assert!(matches!(step.standing.phase, Phase::Unknown(_)) && step.errand.is_none(), "{step:?}");
        assert_eq!(step.deadline_ms, Some(RETRY_MS));
        assert_eq!(scene.pass(RETRY_MS).look().errand, Some(Errand::Reconnect));
        assert_eq!(scene.look(), Step { deadline_ms: Some(2 * RETRY_MS), errand: None, ..scene.look() });
    }
}

#[test]
fn asked_once_the_first_figures_decide() {
    let once = || Scene::connected(Terms { patience: Patience::Once, ..terms() });
    assert_eq!(once().stats(&[("b1", 1)]), MET);
    assert_eq!(once().stats(&[("b1", 999), ("b0", 1)]), Phase::Over(Verdict::NotMet(Box::new(Phase::Rolling))));
    assert!(matches!(once().stats(&[]), Phase::Over(Verdict::NotMet(_))), "nobody is no success");
    assert!(matches!(once().lost().standing.phase, Phase::Over(Verdict::Failed(_))));
    let mut silent = once();
    assert_eq!(silent.look().deadline_ms, Some(ANSWER_MS));
    assert!(matches!(silent.pass(ANSWER_MS).look().standing.phase, Phase::Over(Verdict::Failed(_))));
    let mut restarted = once();
    restarted.wait.server_is_up_for(1_000, restarted.now);
    assert!(matches!(restarted.stats(&[("b1", 1)]), Phase::Over(Verdict::NotMet(_))));
}

/// Two targets, and what a wait for their sum says after each fact.
struct Replicas {
    fleet: Fleet,
    wait: Wait,
}

impl Replicas {
    fn new(terms: Terms) -> Self {
        Self { fleet: Fleet::new(&["one".into(), "other".into()], Watchers::LeftOut), wait: Wait::new(terms) }
    }

    fn happens(&mut self, from: usize, event: SourceEvent, ms: u64) -> Phase {
        let at = Now { monotonic_ms: ms, unix_ms: 0 };
        self.fleet.observe([Happening { from, event, at }]);
        self.wait.observe(self.fleet.site(), at).standing.phase
    }

    fn connect(&mut self, from: usize, build: &str, stats: &str, ms: u64) -> Phase {
        self.happens(from, SourceEvent::Connecting(Transport::Sse), ms);
        self.happens(from, SourceEvent::Open(Transport::Sse), ms);
        let connected = format!(r#"{{"type":"connected","version":"{build}","connectionId":"c"}}"#);
        self.happens(from, SourceEvent::Frame(connected), ms);
        self.happens(from, SourceEvent::Frame(stats.to_owned()), ms)
    }
}

const REPLICA: &str = r#"{"type":"stats","total":5,"versions":{"b1":5},"routes":{"/":5}}"#;

#[test]
fn figures_without_an_instance_that_is_not_heard_from_are_unknown() {
    let mut replicas = Replicas::new(terms());
    replicas.connect(1, "b1", REPLICA, 0);
    let partial = REPLICA.replace(r#""total""#, r#""partial":{"instances":["w2"],"since":1},"total""#);
    let unknown = Phase::Unknown(Unknown::Instances("w2".into()));
    assert_eq!(replicas.connect(0, "b1", &partial, 1), unknown);
    assert_eq!(replicas.happens(0, SourceEvent::Frame(partial), 1 + STABLE_MS), unknown, "however long it has been so");
    assert!(holding(&replicas.happens(0, SourceEvent::Frame(REPLICA.into()), 2 + STABLE_MS)));
}

#[test]
fn of_several_targets_every_one_must_answer_and_speak_after_the_hold() {
    let mut replicas = Replicas::new(terms());
    let partial = Phase::Unknown(Unknown::Partial { answering: 1, of: 2 });
    assert_eq!(replicas.connect(0, "b1", REPLICA, 0), partial);
    assert!(holding(&replicas.connect(1, "b1", REPLICA, 1)));
    let keepalive = || SourceEvent::Frame(r#"{"type":"keepalive","timestamp":1}"#.into());
    assert!(holding(&replicas.happens(0, keepalive(), 1 + STABLE_MS)), "the other has been silent");
    assert_eq!(replicas.happens(1, keepalive(), 1 + STABLE_MS), MET);
}

#[test]
fn targets_of_which_one_is_lost_and_one_not_answered_are_not_taken_for_answering() {
    let mut replicas = Replicas::new(Terms { stable_for_ms: 0, settle_ms: 0, ..terms() });
    replicas.connect(1, "b1", REPLICA, 0);
    replicas.happens(1, SourceEvent::Lost { reason: "x".into(), retry_ms: 0 }, 1);
    replicas.happens(0, SourceEvent::Connecting(Transport::Sse), 2);
    let phase = replicas.happens(0, SourceEvent::Open(Transport::Sse), 3);
    assert_eq!(phase, Phase::Unknown(Unknown::Pending));
}

#[test]
fn targets_that_do_not_agree_on_the_current_build_have_no_share_of_it() {
    let mut replicas = Replicas::new(terms());
    replicas.connect(0, "b1", REPLICA, 0);
    let phase = replicas.connect(1, "b2", REPLICA, 1);
    assert!(matches!(phase, Phase::Unknown(Unknown::Disputed(..))), "{phase:?}");
}
