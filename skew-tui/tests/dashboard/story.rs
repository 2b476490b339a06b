//! Half an hour of a shop, told to the real state: a release after a while, and its visitors moving on to it.

use skew_proto::{Release, Releases};
use skew_tui::SourceEvent;
use skew_tui::state::{Event, State};

use crate::scenario::{BEGIN_MS, MINUTE_MS, ROLLOUT, at, begin, connected_at, frame, tell};

/// The story's end, and the release in it.
const END_MS: u64 = 30 * MINUTE_MS;
const RELEASE_MS: u64 = 16 * MINUTE_MS;
const STEP_MS: u64 = 20_000;

const NEW: &str = "8f3a2c1d";
const OLD: &str = "5b90aa01";
const OLDEST: &str = "c41d77e9";

/// One tab: where it is, when it comes, when it moves to the new build, if it does.
struct Tab {
    route: &'static str,
    before: &'static str,
    comes_ms: u64,
    goes_ms: Option<u64>,
    moves_ms: Option<u64>,
    number: u32,
}

impl Tab {
    fn is_there(&self, ms: u64) -> bool {
        self.comes_ms <= ms && self.goes_ms.is_none_or(|goes_ms| ms < goes_ms)
    }

    fn json(&self, ms: u64) -> serde_json::Value {
        let moved = self.moves_ms.is_some_and(|moves_ms| moves_ms <= ms);
        // A tab that updates comes back with another id.
        let id = scrambled(self.number + if moved { 100_000 } else { 0 });
        let version = if moved { NEW } else { self.before };
        serde_json::json!({
            "id": format!("{id:08x}-0000-4000-8000-{:012}", self.number), "version": version, "route": self.route,
            "ip": format!("203.0.113.{}", id % 254 + 1),
        })
    }
}

/// A number that looks like any.
fn scrambled(number: u32) -> u32 {
    let mixed = (number + 7).wrapping_mul(2_654_435_761);
    (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519)
}

/// Percent of a route's visitors who are there from the beginning, and of others who go before the end.
fn habits(route: &str) -> (usize, usize) {
    match route {
        "/" => (85, 12),
        "/products" => (60, 10),
        "/checkout" | "/checkout/pay" => (40, 30),
        "/cart" => (75, 60),
        "/blog/how-we-roast" => (90, 200),
        _ => (80, 40),
    }
}

/// Everybody who is there at any time. At the end it is [`ROLLOUT`].
fn tabs() -> Vec<Tab> {
    let mut tabs = Vec::new();
    for (route, version, count) in ROLLOUT {
        let (from_the_beginning, going) = habits(route);
        for nth in 0..count + count * going / 100 {
            let number = u32::try_from(tabs.len()).unwrap_or(0);
            let chance = f64::from(scrambled(number)) / f64::from(u32::MAX);
            // Most move soon, some take their time.
            let patience = (1.0 - (1.0 - chance).sqrt()) * 0.7 + chance * 0.3;
            let moves_ms = RELEASE_MS + (patience * (END_MS - RELEASE_MS) as f64) as u64;
            let goes = nth >= *count;
            let begins = (number as usize * 37) % 100 < from_the_beginning;
            tabs.push(Tab {
                route,
                before: if *version == OLDEST || number % 23 == 0 { OLDEST } else { OLD },
                comes_ms: if begins { 0 } else { u64::from(scrambled(number + 1)) % RELEASE_MS },
                goes_ms: goes.then(|| u64::from(scrambled(number + 2)) % END_MS),
                moves_ms: (*version == NEW).then_some(moves_ms),
                number,
            });
        }
    }
    tabs.sort_by_key(|tab| scrambled(tab.number));
    tabs
}

fn stats(tabs: &[Tab], ms: u64) -> SourceEvent {
    let current = if ms < RELEASE_MS { OLD } else { NEW };
    let watcher = |id| serde_json::json!({"id": id, "version": current, "route": "/__skew/tui", "ip": "198.51.100.7"});
    let mut connections: Vec<_> = tabs.iter().filter(|tab| tab.is_there(ms)).map(|tab| tab.json(ms)).collect();
    connections.insert(0, watcher("2f9c31aa-you"));
    connections.insert(4, watcher("90b1d2c3-other"));
    let count = |field: &str| {
        let mut counts = std::collections::BTreeMap::new();
        for connection in &connections {
            *counts.entry(connection[field].as_str().unwrap_or_default().to_owned()).or_insert(0u64) += 1;
        }
        counts
    };
    frame(&serde_json::json!({
        "type": "stats", "total": connections.len(), "versions": count("version"), "routes": count("route"),
        "connections": connections, "yourId": "2f9c31aa-you",
    }))
}

fn releases(current: &str) -> SourceEvent {
    let before = |minutes: u64| Some(BEGIN_MS - minutes * MINUTE_MS);
    let all = [(NEW, Some(BEGIN_MS + RELEASE_MS)), (OLD, before(2 * 24 * 60)), (OLDEST, before(9 * 24 * 60))];
    let known = all.into_iter().skip(usize::from(current != NEW));
    let release = |(version, released_at): (&str, Option<u64>)| Release { version: version.to_owned(), released_at };
    SourceEvent::Releases(Releases { current: Some(current.to_owned()), releases: known.map(release).collect() })
}

/// The state at the end. It takes a while to tell, so it is told once.
pub(crate) fn rolling() -> State {
    static TOLD: std::sync::LazyLock<State> = std::sync::LazyLock::new(tell_all);
    TOLD.clone()
}

fn tell_all() -> State {
    let tabs = tabs();
    let mut state = begin();
    connected_at(&mut state, 0, OLD);
    tell(&mut state, 60, [stats(&tabs, 60), releases(OLD)]);
    for ms in (STEP_MS..=END_MS).step_by(STEP_MS as usize) {
        if ms == 6 * MINUTE_MS {
            let reason = "the server closed the stream".to_owned();
            tell(&mut state, ms - 1_500, [SourceEvent::Lost { reason, retry_ms: 900 }]);
            connected_at(&mut state, ms - 600, OLD);
        }
        if ms == RELEASE_MS {
            tell(&mut state, ms, [frame(&serde_json::json!({"type": "version", "version": NEW})), releases(NEW)]);
        }
        tell(&mut state, ms, [stats(&tabs, ms)]);
    }
    state.update(Event::Tick, at(END_MS + 4_000));
    state
}
