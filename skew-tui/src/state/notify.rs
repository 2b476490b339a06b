//! When to call somebody back to the screen: a rollout has reached a share.

use super::site::Site;
use crate::Now;
use crate::wait::{Patience, Percent, Phase, Terms, Wait, Wanted};

/// How long tabs may take to come back after a restart, in milliseconds.
const SETTLE_MS: u64 = 60_000;

/// Watches for a share of the current build, once for each build, by the rules of `wait`: figures that can't be trusted never
/// reach it. What was reached as the first figures came is no news.
#[derive(Debug, Clone)]
pub struct Notify {
    percent: Percent,
    wait: Wait,
    /// The build of which there is no more news.
    told: Option<String>,
    seen: Seen,
    deadline_ms: Option<u64>,
}

/// Whether there were figures to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Not yet.
    Nothing,
    /// There were.
    Figures,
}

impl Notify {
    /// Watches for `percent`.
    #[must_use]
    pub fn new(percent: Percent) -> Self {
        Self { percent, wait: wait(percent), told: None, seen: Seen::Nothing, deadline_ms: None }
    }

    /// Looks at a site. Answers the share where it has just been reached.
    pub fn observe(&mut self, site: &Site, now: Now) -> Option<Percent> {
        let step = self.wait.observe(site, now);
        self.deadline_ms = step.deadline_ms.filter(|ms| *ms < u64::MAX);
        match (step.standing.phase, step.standing.share) {
            // It would wait no longer, and this does.
            (Phase::Over(_), _) => {
                self.wait = wait(self.percent);
                None
            }
            (Phase::Rolling, _) => {
                self.seen = Seen::Figures;
                None
            }
            (Phase::Holding { .. }, Some(share)) => {
                let first = std::mem::replace(&mut self.seen, Seen::Figures) == Seen::Nothing;
                let told = self.told.replace(share.version);
                (!first && told != self.told).then_some(self.percent)
            }
            _ => None,
        }
    }

    /// When to look again if nothing happens, on [`Now::monotonic_ms`].
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }
}

/// A wait that is never over by itself: the share has never held for long enough.
fn wait(percent: Percent) -> Wait {
    Wait::new(Terms {
        percent,
        wanted: Wanted::Current,
        min_connections: 1,
        stable_for_ms: u64::MAX,
        settle_ms: SETTLE_MS,
        patience: Patience::Ms(u64::MAX),
        route: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::site::Watchers;
    use super::*;
    use crate::{SourceEvent, Transport};

    struct Story {
        site: Site,
        notify: Notify,
        at: u64,
    }

    impl Story {
        fn new() -> Self {
            Self { site: Site::new(Watchers::LeftOut), notify: Notify::new("95".parse().unwrap()), at: 0 }
        }

        /// Tells what happened, a second after the last, and whether that was reason to notify.
        fn tell(&mut self, event: SourceEvent) -> bool {
            self.at += 1_000;
            let now = Now { monotonic_ms: self.at, unix_ms: self.at };
            self.site.observe(event, now);
            self.notify.observe(&self.site, now).is_some()
        }

        fn open(&mut self) {
            for event in
                [SourceEvent::Connecting(Transport::Sse), SourceEvent::Open(Transport::Sse), SourceEvent::Subscribed]
            {
                assert!(!self.tell(event));
            }
        }

        /// So many on the new build, and on the one before.
        fn stats(&mut self, current: &str, new: u64, old: u64) -> bool {
            let entry = |version: &str, n: u64| serde_json::json!({"id": format!("{version}{n}"), "version": version, "route": "/"});
            let list: Vec<_> =
                (0..new).map(|n| entry(current, n)).chain((0..old).map(|n| entry("before", n))).collect();
            let stats = serde_json::json!({"type": "stats", "total": new + old, "current": current,
                "versions": {current: new, "before": old}, "routes": {"/": new + old}, "connections": list});
            self.tell(SourceEvent::Frame(stats.to_string()))
        }
    }

    #[test]
    fn a_share_is_news_once_for_each_build() {
        let mut story = Story::new();
        story.open();
        assert!(!story.stats("a", 94, 6));
        assert!(story.stats("a", 95, 5));
        assert!(!story.stats("a", 94, 6) && !story.stats("a", 100, 0), "once");
        assert!(!story.stats("b", 2, 98));
        assert!(story.stats("b", 99, 1));
    }

    #[test]
    fn what_was_so_at_first_sight_is_no_news_and_the_next_build_is() {
        let mut story = Story::new();
        story.open();
        assert!(!story.stats("a", 100, 0));
        assert!(!story.stats("a", 10, 90) && !story.stats("a", 100, 0));
        assert!(story.stats("b", 100, 0), "a small site moves at once");
    }

    #[test]
    fn the_first_tabs_after_a_restart_are_no_news() {
        let mut story = Story::new();
        story.open();
        assert!(!story.stats("a", 50, 50));
        assert!(!story.tell(SourceEvent::Lost { reason: "reset".to_owned(), retry_ms: 1 }));
        story.open();
        assert!(!story.stats("b", 1, 0));
        assert!(!story.stats("b", 20, 90) && story.stats("b", 99, 1));
    }

    #[test]
    fn nobody_is_no_share() {
        let mut story = Story::new();
        story.open();
        assert!(!story.stats("a", 1, 1) && !story.stats("a", 0, 0));
    }
}
