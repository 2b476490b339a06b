//! Whatever happens to a site, success is said of a share that was there all the time, and of nothing else.

use proptest::prelude::*;

use super::*;
use crate::state::site::Watchers;
use crate::{SourceEvent, Transport};

/// Something that happens, or time that passes.
#[derive(Debug, Clone)]
enum Fact {
    Pass(u64),
    Connecting,
    Open,
    Connected(u8),
    Version(u8),
    /// Visitors on `b1` and `b2`, and what the total says besides their sum.
    Stats(u64, u64, u64),
    Keepalive,
    Unauthorized,
    Refused(u16),
    Stale,
    Lost,
    Failed,
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let build = || 1..=2u8;
    let fact = prop_oneof![
        6 => (0..20_000u64).prop_map(Fact::Pass),
        1 => Just(Fact::Connecting),
        1 => Just(Fact::Open),
        2 => build().prop_map(Fact::Connected),
        1 => build().prop_map(Fact::Version),
        8 => (0..12u64, prop_oneof![3 => Just(0u64), 1 => 0..12u64], prop_oneof![9 => Just(0u64), 1 => 1..3u64])
            .prop_map(|(one, other, more)| Fact::Stats(one, other, more)),
        6 => Just(Fact::Keepalive),
        1 => Just(Fact::Unauthorized),
        1 => prop_oneof![Just(401), Just(404), Just(503)].prop_map(Fact::Refused),
        1 => Just(Fact::Stale),
        1 => Just(Fact::Lost),
        1 => Just(Fact::Failed),
    ];
    prop::collection::vec(fact, 0..60)
}

fn event(fact: &Fact) -> Option<SourceEvent> {
    let frame = |value: serde_json::Value| Some(SourceEvent::Frame(value.to_string()));
    match fact {
        Fact::Pass(_) => None,
        Fact::Connecting => Some(SourceEvent::Connecting(Transport::Sse)),
        Fact::Open => Some(SourceEvent::Open(Transport::Sse)),
        Fact::Connected(build) => {
            frame(serde_json::json!({ "type": "connected", "version": format!("b{build}"), "connectionId": "c" }))
        }
        Fact::Version(build) => frame(serde_json::json!({ "type": "version", "version": format!("b{build}") })),
        Fact::Stats(one, other, more) => frame(serde_json::json!({
            "type": "stats", "total": one + other + more, "versions": { "b1": one, "b2": other }, "routes": {},
        })),
        Fact::Keepalive => frame(serde_json::json!({ "type": "keepalive", "timestamp": 1 })),
        Fact::Unauthorized => frame(serde_json::json!({ "type": "stats-unauthorized" })),
        Fact::Refused(status) => Some(SourceEvent::Refused { status: *status, reason: "no".into() }),
        Fact::Stale => Some(SourceEvent::Stale),
        Fact::Lost => Some(SourceEvent::Lost { reason: "502".into(), retry_ms: 500 }),
        Fact::Failed => Some(SourceEvent::Failed("nothing here".into())),
    }
}

/// What a plain reading of the facts says, kept apart from the state that the wait is given.
#[derive(Debug, Default)]
struct Reading {
    open: bool,
    /// Figures of this connection that were shown to us and are sound: on `b1`, on `b2`.
    figures: Option<(u64, u64)>,
    build: Option<u8>,
    /// The greatest total since the last time that everything was settled, before a connection was lost.
    before: u64,
    last_total: u64,
    lost: bool,
    settling_until: Option<u64>,
    /// Since when the share has been there without a break, and of which build.
    since: Option<(u64, u8)>,
    /// When the server last said something.
    spoke: Option<u64>,
}

impl Reading {
    fn take(&mut self, fact: &Fact, now: u64) {
        match fact {
            Fact::Pass(_) => {}
            Fact::Open => self.open = true,
            Fact::Connected(build) => {
                (self.build, self.figures) = (Some(*build), None);
                self.spoke = Some(now);
            }
            Fact::Version(build) => {
                self.build = Some(*build);
                self.spoke = Some(now);
            }
            Fact::Stats(one, other, more) => {
                self.figures = (*more == 0).then_some((*one, *other));
                self.spoke = Some(now);
            }
            Fact::Keepalive => self.spoke = Some(now),
            Fact::Unauthorized => {
                self.figures = None;
                self.spoke = Some(now);
            }
            Fact::Refused(_) => self.figures = None,
            Fact::Connecting | Fact::Stale | Fact::Lost | Fact::Failed => (self.open, self.figures) = (false, None),
        }
        self.judge(now);
    }

    fn judge(&mut self, now: u64) {
        let (Some((one, other)), Some(build), true) = (self.figures, self.build, self.open) else {
            (self.since, self.lost) = (None, true);
            return;
        };
        let total = one + other;
        if std::mem::take(&mut self.lost) && total * 2 < self.last_total.max(self.before) {
            self.before = self.last_total.max(self.before);
            self.settling_until = Some(now + SETTLE_MS);
        }
        if self.settling_until.is_some_and(|until| now >= until || total * 2 >= self.before) {
            (self.settling_until, self.before) = (None, 0);
        }
        self.last_total = total;
        let share = if build == 1 { one } else { other };
        let there = total > 0 && share == total && self.settling_until.is_none();
        self.since = there.then(|| self.since.filter(|(_, held)| *held == build).unwrap_or((now, build)));
    }

    fn held(&self) -> bool {
        self.since.zip(self.spoke).is_some_and(|((since, _), spoke)| spoke >= since + STABLE_MS)
    }
}

const STABLE_MS: u64 = 15_000;
const SETTLE_MS: u64 = 60_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn success_is_said_of_a_share_that_held_on_the_server_s_word_and_of_nothing_else(facts in facts()) {
        let mut site = Site::new(Watchers::LeftOut);
        let mut wait = Wait::new(Terms { stable_for_ms: STABLE_MS, settle_ms: SETTLE_MS, ..super::tests::terms() });
        let mut reading = Reading::default();
        let mut now = Now::default();
        // What a working connection begins with, so that there is something to break.
        let beginning = [Fact::Connecting, Fact::Open, Fact::Connected(1), Fact::Stats(9, 1, 0)];
        for fact in beginning.iter().chain(&facts) {
            match fact {
                Fact::Pass(ms) => now.monotonic_ms += ms,
                // A stream is never open without a try before it.
                Fact::Open if site.link != Link::Connecting => continue,
                _ => {}
            }
            if let Some(event) = event(fact) {
                site.observe(event, now);
            }
            reading.take(fact, now.monotonic_ms);
            let step = wait.observe(&site, now);
            match step.standing.phase {
                Phase::Over(Verdict::Met) => {
                    prop_assert!(reading.held(), "{fact:?} at {now:?}: {reading:?}");
                    break;
                }
                Phase::Over(_) => break,
                _ => prop_assert!(step.deadline_ms.is_some_and(|at| at > now.monotonic_ms), "{step:?} at {now:?}"),
            }
        }
    }
}
