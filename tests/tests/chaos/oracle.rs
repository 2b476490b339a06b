//! Who is open, as those know who opened.

use std::collections::BTreeMap;
use std::time::Instant;

use skew_proto::Stats;
use skew_tests::PATIENCE;
use skew_tests::load::target::Stream;

use crate::watcher::Watcher;

/// A connection that its owner has open, on that build and page.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) version: String,
    pub(crate) route: String,
    /// Dropped with it.
    pub(crate) _stream: Option<Stream>,
}

/// Everybody, by build and page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Oracle(BTreeMap<(String, String), u64>);

impl Oracle {
    pub(crate) fn new(held: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut oracle = Self::default();
        held.into_iter().for_each(|one| *oracle.0.entry(one).or_default() += 1);
        oracle
    }

    pub(crate) fn and(&self, held: &[Held]) -> Self {
        let mut both = self.clone();
        for Held { version, route, .. } in held {
            *both.0.entry((version.clone(), route.clone())).or_default() += 1;
        }
        both
    }

    fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Waits until every watcher is told just this: the total, the tables and the list.
    pub(crate) async fn check(&self, watchers: &mut [Watcher]) {
        for watcher in watchers {
            let deadline = Instant::now() + PATIENCE;
            let stats = watcher.until(self.total(), deadline).await;
            // The total may be right before the last one has moved.
            let mut stats = stats.unwrap_or_else(|stats| panic!("{} are open, and it is told {stats}", self.total()));
            while !self.is(&stats) {
                assert!(Instant::now() < deadline, "{}", self.difference(&stats));
                stats = watcher.next(deadline).await.unwrap_or(stats);
            }
        }
    }

    fn is(&self, stats: &Stats) -> bool {
        let table = |name: fn(&(String, String)) -> &String| {
            let mut table = BTreeMap::<String, u64>::new();
            self.0.iter().for_each(|(one, count)| *table.entry(name(one).clone()).or_default() += count);
            table
        };
        let tables_are = |told: &skew_proto::Counts, mine: BTreeMap<String, u64>| {
            told.iter().map(|(name, count)| (name.clone(), *count)).collect::<BTreeMap<_, _>>() == mine
        };
        stats.total == self.total()
            && tables_are(&stats.versions, table(|(version, _)| version))
            && tables_are(&stats.routes, table(|(_, route)| route))
            && listed(stats) == *self
    }

    fn difference(&self, stats: &Stats) -> String {
        let (told, total) = (listed(stats), stats.total);
        let wrong = self.0.iter().filter(|(one, count)| told.0.get(*one) != Some(count));
        let wrong: Vec<_> = wrong.map(|(one, count)| (one, *count, told.0.get(one).copied())).take(20).collect();
        let more: Vec<_> = told.0.iter().filter(|(one, _)| !self.0.contains_key(*one)).take(20).collect();
        format!("{} are open, told are {total}; (whom, true, told): {wrong:?}; nobody is: {more:?}", self.total())
    }
}

fn listed(stats: &Stats) -> Oracle {
    Oracle::new(stats.connections.iter().map(|one| (one.version.clone(), one.route.clone())))
}
