//! What is told as changes is known as if it were told whole.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::output::{ReportOptions, report};
use crate::state::history::Span;
use crate::{Now, SourceEvent, Transport};

/// Something that happens at a server, to the connection in some place of its list, with a build or a page of some number.
#[derive(Debug, Clone)]
enum Fact {
    Open(usize, usize),
    Close(usize),
    Move(usize, usize),
    Release(usize),
    /// Time passes, and then stats are due.
    Tick(u64),
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let place = || 0..12usize;
    let fact = prop_oneof![
        4 => (0..3usize, 0..4usize).prop_map(|(build, page)| Fact::Open(build, page)),
        2 => place().prop_map(Fact::Close),
        3 => (place(), 0..4usize).prop_map(|(place, page)| Fact::Move(place, page)),
        1 => (0..3usize).prop_map(Fact::Release),
        4 => (1..20_000u64).prop_map(Fact::Tick),
    ];
    prop::collection::vec(fact, 0..40)
}

/// A server that knows who is connected, in the order of opening.
#[derive(Debug, Clone, Default)]
struct Server {
    tabs: Vec<(usize, usize, usize)>,
    opened: usize,
    current: usize,
    seq: u64,
}

impl Server {
    fn happens(&mut self, fact: &Fact) {
        match *fact {
            Fact::Open(build, page) => {
                self.tabs.push((self.opened, build, page));
                self.opened += 1;
            }
            Fact::Close(place) if place < self.tabs.len() => drop(self.tabs.remove(place)),
            Fact::Move(place, page) => self.tabs.get_mut(place).into_iter().for_each(|(.., at)| *at = page),
            Fact::Release(build) => self.current = build,
            Fact::Close(_) | Fact::Tick(_) => {}
        }
        self.seq += 1;
    }

    fn count(&self, by: impl Fn(&(usize, usize, usize)) -> String) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        self.tabs.iter().for_each(|tab| *counts.entry(by(tab)).or_default() += 1);
        counts
    }

    fn versions(&self) -> BTreeMap<String, u64> {
        self.count(|(_, build, _)| build_name(*build))
    }

    fn routes(&self) -> BTreeMap<String, u64> {
        self.count(|(.., page)| page_name(*page))
    }

    fn snapshot(&self) -> Value {
        let connections: Vec<_> = self.tabs.iter().map(connection).collect();
        json!({
            "type": "stats", "seq": self.seq, "total": self.tabs.len(), "versions": self.versions(),
            "routes": self.routes(), "connections": connections, "yourId": "t0", "current": build_name(self.current),
            "releasedAt": self.current,
        })
    }

    /// What has changed since it was so.
    fn changes(&self, before: &Self) -> Value {
        let known = |tab: usize| before.tabs.iter().find(|(known, ..)| *known == tab);
        let opened: Vec<_> = self.tabs.iter().filter(|tab| known(tab.0).is_none()).map(connection).collect();
        let moved: BTreeMap<_, _> = (self.tabs.iter())
            .filter(|(tab, _, page)| known(*tab).is_some_and(|(.., was)| was != page))
            .map(|(tab, _, page)| (id(*tab), page_name(*page)))
            .collect();
        let closed: Vec<_> = (before.tabs.iter())
            .filter(|(tab, ..)| self.tabs.iter().all(|(known, ..)| known != tab))
            .map(|(tab, ..)| id(*tab))
            .collect();
        let mut changes = json!({
            "type": "stats-changes", "since": before.seq, "seq": self.seq, "total": self.tabs.len(),
            "versions": differences(&before.versions(), &self.versions()),
            "routes": differences(&before.routes(), &self.routes()),
            "opened": opened, "moved": moved, "closed": closed,
        });
        if self.current != before.current {
            changes["current"] = build_name(self.current).into();
            changes["releasedAt"] = self.current.into();
        }
        changes
    }
}

fn differences(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let names = before.keys().chain(after.keys());
    let count = |counts: &BTreeMap<String, u64>, name| counts.get(name).copied().unwrap_or(0);
    names
        .map(|name| (name.clone(), count(before, name), count(after, name)))
        .filter(|(_, was, is)| was != is)
        .map(|(name, _, is)| (name, is))
        .collect()
}

fn connection((tab, build, page): &(usize, usize, usize)) -> Value {
    json!({ "id": id(*tab), "version": build_name(*build), "route": page_name(*page) })
}

fn id(tab: usize) -> String {
    format!("t{tab}")
}

fn build_name(build: usize) -> String {
    format!("b{build}")
}

/// The first page is that of who watches.
fn page_name(page: usize) -> String {
    ["/__skew/tui", "/", "/shop", "/cart"][page].to_owned()
}

/// Somebody who is told, whichever way.
struct Told(Known);

impl Told {
    fn new(now: Now) -> Self {
        let mut told = Self(Known::new(&[], Watchers::LeftOut));
        told.hears(SourceEvent::Open(Transport::Sse), now);
        told
    }

    fn hears(&mut self, event: SourceEvent, at: Now) {
        self.0.observe([Happening { from: 0, event, at }]);
    }

    fn reads(&mut self, message: &Value, at: Now) {
        self.hears(SourceEvent::Frame(message.to_string()), at);
    }

    /// What can be seen of it now.
    fn shown(&self, now: Now) -> String {
        let report = report(&self.0, "site", ReportOptions::default()).unwrap();
        let (site, stragglers) = (self.0.site(), self.0.trend.stragglers(self.0.site(), 20, now));
        format!("{report} {stragglers:?} {:?} {:?}", site.figures, site.released_at("b1"))
    }

    /// What can be seen of what was.
    fn past(&self, now: Now) -> String {
        let shares = self.0.history.shares(self.0.site(), Span::Minutes30, 40, now);
        let routes = ["/", "/shop", "/cart"].map(|route| self.0.history.route(route, Span::Minutes30, 40, now));
        format!("{shares:?} {routes:?}")
    }
}

proptest! {
    #[test]
    fn a_run_by_changes_and_a_run_by_snapshots_give_the_same_state(facts in facts(), again in any::<Vec<bool>>()) {
        let mut now = Now { monotonic_ms: 0, unix_ms: 1_795_325_310_000 };
        let mut server = Server::default();
        let (mut whole, mut changed) = (Told::new(now), Told::new(now));
        whole.reads(&server.snapshot(), now);
        changed.reads(&server.snapshot(), now);
        let (mut before, mut last) = (server.clone(), None);
        let mut again = again.into_iter().cycle();
        for fact in facts.iter().chain([&Fact::Tick(100)]) {
            server.happens(fact);
            let Fact::Tick(ms) = fact else { continue };
            now = Now { monotonic_ms: now.monotonic_ms + ms, unix_ms: now.unix_ms + ms };
            whole.reads(&server.snapshot(), now);
            // What is known already does no harm: neither changes that were told nor those that overlap.
            if again.next() == Some(true) && let Some(last) = &last {
                changed.reads(last, now);
            }
            let changes = server.changes(&before);
            changed.reads(&changes, now);
            prop_assert_eq!(whole.shown(now), changed.shown(now));
            prop_assert!(changed.0.fleet.to_ask().is_empty());
            (before, last) = (server.clone(), Some(changes));
        }
        prop_assert_eq!(whole.past(now), changed.past(now));
    }

    #[test]
    fn many_changes_that_are_read_at_once_are_one_snapshot(facts in facts()) {
        let now = Now { monotonic_ms: 9, unix_ms: 1_795_325_310_000 };
        let mut server = Server::default();
        let (mut whole, mut changed) = (Told::new(now), Told::new(now));
        whole.reads(&server.snapshot(), now);
        changed.reads(&server.snapshot(), now);
        let mut messages = Vec::new();
        for fact in &facts {
            let before = server.clone();
            server.happens(fact);
            messages.push(server.changes(&before).to_string());
        }
        whole.reads(&server.snapshot(), now);
        changed.0.observe(messages.into_iter().map(|text| Happening { from: 0, event: SourceEvent::Frame(text), at: now }));
        prop_assert_eq!(whole.shown(now), changed.shown(now));
    }
}
