//! When builds were released.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use skew_proto::Release;

use super::aggregates::Table;

/// Builds that are remembered. A site's list holds some ten.
const LIMIT: usize = 1_000;

/// Times of release by build, in milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct ReleaseTimes(BTreeMap<String, u64>);

impl ReleaseTimes {
    /// Remembers when a build was released. Of two times the earlier is right: a build is told of again, not released again.
    pub(crate) fn learn(&mut self, release: &Release) {
        let Some(released_at) = release.released_at else { return };
        let known = self.0.entry(release.version.clone()).or_insert(released_at);
        *known = released_at.min(*known);
        if self.0.len() > LIMIT
            && let Some(oldest) = self.0.iter().min_by_key(|(_, at)| **at).map(|(version, _)| version.clone())
        {
            self.0.remove(&oldest);
        }
    }

    pub(crate) fn of(&self, version: &str) -> Option<u64> {
        self.0.get(version).copied()
    }

    /// The times of those builds that somebody is on.
    pub(crate) fn of_connected<'a>(&'a self, versions: &'a Table) -> Connected<'a> {
        Connected { times: self, versions }
    }
}

/// See [`ReleaseTimes::of_connected`].
pub(crate) struct Connected<'a> {
    times: &'a ReleaseTimes,
    versions: &'a Table,
}

impl Connected<'_> {
    fn entries(&self) -> impl Iterator<Item = (&str, u64)> {
        self.versions.iter().filter_map(|(version, _)| Some((version, self.times.of(version)?)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries().next().is_none()
    }
}

impl Serialize for Connected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str, released_at: Option<u64>) -> Release {
        Release { version: version.into(), released_at }
    }

    #[test]
    fn the_first_time_of_release_is_the_right_one() {
        let mut times = ReleaseTimes::default();
        for at in [None, Some(20), Some(10), Some(30), None] {
            times.learn(&release("b1", at));
        }
        assert_eq!((times.of("b1"), times.of("b2")), (Some(10), None));
    }

    #[test]
    fn the_oldest_builds_are_forgotten() {
        let mut times = ReleaseTimes::default();
        for at in 0..=LIMIT as u64 {
            times.learn(&release(&at.to_string(), Some(at)));
        }
        assert_eq!((times.0.len(), times.of("0"), times.of("1")), (LIMIT, None, Some(1)));
    }
}
