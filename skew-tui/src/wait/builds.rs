//! Which build counts, and whether it still can.

use std::collections::BTreeSet;

use crate::Now;
use crate::state::site::Site;

use super::terms::Wanted;

/// Builds that are remembered as having been current.
const REMEMBERED: usize = 64;

/// What the current build means for the one that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Build {
    /// The server has not said yet which build is current.
    Unknown,
    /// Targets call different builds current, and none is pinned.
    Disputed(String, String),
    /// The one that is waited for is not current yet, or is not again: this one is.
    Other {
        /// The current build.
        current: String,
        /// When that is no longer taken for a rolling deploy, on [`Now::monotonic_ms`].
        until_ms: Option<u64>,
    },
    /// This is the one, and it is current.
    Current(String),
    /// A later release has taken its place.
    Superseded {
        /// The later one.
        by: String,
    },
}

/// Follows the current build.
#[derive(Debug, Clone)]
pub(super) struct Builds {
    wanted: Wanted,
    settle_ms: u64,
    /// Whether the pinned build has been current.
    was_current: bool,
    /// Builds that were current before the pinned one was.
    before: BTreeSet<String>,
    /// Since when such a build is current again.
    back_since_ms: Option<u64>,
}

impl Builds {
    pub(super) fn new(wanted: Wanted, settle_ms: u64) -> Self {
        Self { wanted, settle_ms, was_current: false, before: BTreeSet::new(), back_since_ms: None }
    }

    /// Looks at what a site with a live connection says.
    pub(super) fn observe(&mut self, site: &Site, now: Now) -> Build {
        let Some(current) = &site.current else { return Build::Unknown };
        let Wanted::Build(wanted) = &self.wanted else {
            return match site.rivals.first() {
                None => Build::Current(current.clone()),
                Some(rival) => Build::Disputed(current.clone(), rival.clone()),
            };
        };
        if let Some(by) = newer(site, wanted) {
            return Build::Superseded { by };
        }
        let mut others = std::iter::once(current).chain(&site.rivals).filter(|build| *build != wanted);
        let Some(other) = others.next() else {
            self.was_current = true;
            self.back_since_ms = None;
            return Build::Current(current.clone());
        };
        if !self.was_current {
            self.before.extend(others.chain([other]).take(REMEMBERED.saturating_sub(self.before.len())).cloned());
            return Build::Other { current: other.clone(), until_ms: None };
        }
        if let Some(by) = others.chain([other]).find(|build| !self.before.contains(*build)) {
            return Build::Superseded { by: by.clone() };
        }
        // A process of the old build answers while a deploy rolls. One that stays has been rolled back to.
        let since_ms = *self.back_since_ms.get_or_insert(now.monotonic_ms);
        let until_ms = since_ms.saturating_add(self.settle_ms);
        if now.monotonic_ms >= until_ms {
            return Build::Superseded { by: other.clone() };
        }
        Build::Other { current: other.clone(), until_ms: Some(until_ms) }
    }
}

/// The later release that a site has, by its release list or by the server's own word. A later one that is listed and is the
/// current one of neither has been rolled back.
fn newer(site: &Site, wanted: &str) -> Option<String> {
    let released_at = site.released_at(wanted)?;
    let served = site.releases.current.iter().chain(&site.current).chain(&site.rivals);
    let (newest_at, newest) = served.filter_map(|version| Some((site.released_at(version)?, version))).max()?;
    (newest_at > released_at).then(|| newest.clone())
}

#[cfg(test)]
mod tests {
    use skew_proto::{Release, Releases};

    use super::*;
    use crate::SourceEvent;
    use crate::state::site::Watchers;

    fn at(seconds: u64) -> Now {
        Now { monotonic_ms: seconds * 1_000, unix_ms: 0 }
    }

    fn serves(site: &mut Site, version: &str) {
        let frame = format!(r#"{{"type":"version","version":"{version}"}}"#);
        site.observe(SourceEvent::Frame(frame), at(0));
    }

    fn lists(site: &mut Site, current: &str, times: &[(&str, u64)]) {
        let releases = times
            .iter()
            .map(|(version, ms)| Release { version: (*version).to_owned(), released_at: Some(*ms) })
            .collect();
        let list = Releases { current: Some(current.to_owned()), releases };
        site.observe(SourceEvent::Releases(list), at(0));
    }

    fn pinned(version: &str) -> Builds {
        Builds::new(Wanted::from(version), 60_000)
    }

    fn other(current: &str) -> Build {
        Build::Other { current: current.into(), until_ms: None }
    }

    fn superseded(by: &str) -> Build {
        Build::Superseded { by: by.into() }
    }

    #[test]
    fn without_a_pin_every_current_build_is_the_one() {
        let mut site = Site::new(Watchers::LeftOut);
        let mut builds = pinned("current");
        assert_eq!(builds.observe(&site, at(0)), Build::Unknown);
        for version in ["b1", "b2"] {
            serves(&mut site, version);
            assert_eq!(builds.observe(&site, at(0)), Build::Current(version.into()));
        }
    }

    #[test]
    fn targets_that_do_not_agree_have_not_finished() {
        let mut site = Site::new(Watchers::LeftOut);
        serves(&mut site, "b2");
        site.rivals = vec!["b1".into()];
        assert_eq!(pinned("current").observe(&site, at(0)), Build::Disputed("b2".into(), "b1".into()));
        let mut builds = pinned("b2");
        assert_eq!(builds.observe(&site, at(0)), other("b1"));
        site.rivals.clear();
        assert_eq!(builds.observe(&site, at(0)), Build::Current("b2".into()));
        site.rivals = vec!["b1".into(), "b3".into()];
        assert_eq!(builds.observe(&site, at(0)), superseded("b3"));
    }

    #[test]
    fn a_pinned_build_is_waited_for_and_ended_by_the_one_after_it() {
        let mut site = Site::new(Watchers::LeftOut);
        let mut builds = pinned("b2");
        serves(&mut site, "b1");
        assert_eq!(builds.observe(&site, at(0)), other("b1"));
        serves(&mut site, "b2");
        assert_eq!(builds.observe(&site, at(1)), Build::Current("b2".into()));
        serves(&mut site, "b3");
        assert_eq!(builds.observe(&site, at(2)), superseded("b3"));
    }

    #[test]
    fn an_old_process_that_answers_in_a_rolling_deploy_supersedes_nothing_unless_it_stays() {
        let mut site = Site::new(Watchers::LeftOut);
        let mut builds = pinned("b2");
        for (seconds, version) in [(0, "b1"), (1, "b2")] {
            serves(&mut site, version);
            builds.observe(&site, at(seconds));
        }
        serves(&mut site, "b1");
        let back = |until_ms| Build::Other { current: "b1".into(), until_ms: Some(until_ms) };
        assert_eq!(builds.observe(&site, at(10)), back(70_000));
        serves(&mut site, "b2");
        assert_eq!(builds.observe(&site, at(50)), Build::Current("b2".into()));
        serves(&mut site, "b1");
        assert_eq!(builds.observe(&site, at(60)), back(120_000));
        assert_eq!(builds.observe(&site, at(120)), superseded("b1"), "rolled back");
    }

    #[test]
    fn the_release_list_tells_what_came_later_also_of_a_build_that_was_never_seen() {
        let mut site = Site::new(Watchers::LeftOut);
        serves(&mut site, "b1");
        lists(&mut site, "b2", &[("b1", 1), ("b2", 2)]);
        assert_eq!(pinned("b2").observe(&site, at(0)), other("b1"));
        lists(&mut site, "b3", &[("b1", 1), ("b2", 2), ("b3", 3)]);
        assert_eq!(pinned("b2").observe(&site, at(0)), superseded("b3"));
        serves(&mut site, "b2");
        assert_eq!(pinned("b2").observe(&site, at(0)), superseded("b3"));
    }

    #[test]
    fn a_later_build_that_was_rolled_back_supersedes_nothing() {
        let mut site = Site::new(Watchers::LeftOut);
        serves(&mut site, "b2");
        lists(&mut site, "b2", &[("b1", 1), ("b2", 2), ("b3", 3)]);
        assert_eq!(pinned("b2").observe(&site, at(0)), Build::Current("b2".into()));
    }
}
