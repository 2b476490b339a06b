//! Stats taken in, whole or as changes, and the figures that are shown of them.

use skew_proto::{Counts, Stats, StatsChanges};

use super::{Authorization, Figures, Level, Link, Site, Watchers};
use crate::Now;

/// How stats come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// They don't.
    Dry,
    /// They do, and changes follow each other without a gap.
    Running,
    /// Changes were lost: whole stats are to be asked for.
    Broken,
    /// Changes were lost, and whole stats were asked for.
    Asked,
}

impl Site {
    /// Takes whole stats.
    pub(super) fn take_stats(&mut self, stats: Stats, now: Now) {
        if self.authorization != Authorization::Granted {
            self.authorization = Authorization::Granted;
            self.note(now, Level::Info, "stats granted".to_owned());
        }
        if !stats.damage.is_empty() && !std::mem::replace(&mut self.damage_reported, true) {
            let text = "a visitor sent something that is no route or version; it was counted apart".to_owned();
            self.note(now, Level::Warning, text);
        }
        self.own = stats.your_id.iter().cloned().collect();
        self.stats = Some(stats);
        match std::mem::replace(&mut self.flow, Flow::Running) {
            Flow::Dry => self.era += 1,
            Flow::Running => {}
            Flow::Broken | Flow::Asked => self.link = Link::Live,
        }
        self.read_current(now);
        self.taken(now);
    }

    /// Takes what has changed since the stats that there are. Where that can't be, these are old until whole ones come.
    pub(super) fn take_changes(&mut self, changes: StatsChanges, now: Now) {
        let Some(stats) = self.stats.as_mut().filter(|_| self.flow == Flow::Running) else { return };
        let of_current = ["current", "releasedAt"].iter().any(|field| changes.extra.contains_key(*field));
        let listed_all = lists_all(stats);
        let lost = match stats.apply(changes) {
            Ok(()) if listed_all && !lists_all(stats) => "changes of the stats don't add up".to_owned(),
            Ok(()) => {
                // A release may have been told already, and is not taken back by what was sent before it.
                if of_current {
                    self.read_current(now);
                }
                return self.taken(now);
            }
            Err(gap) => format!("changes of the stats were lost before {}", gap.since),
        };
        self.flow = Flow::Broken;
        self.link = Link::Behind;
        self.note(now, Level::Warning, format!("{lost}; asking for whole ones"));
    }

    /// Whether whole stats are to be asked for, which is said once.
    pub(in crate::state) fn wants_stats(&mut self) -> bool {
        let wants = self.flow == Flow::Broken;
        if wants {
            self.flow = Flow::Asked;
        }
        wants
    }

    /// What the stats themselves say of the current build.
    fn read_current(&mut self, now: Now) {
        let Some(stats) = &self.stats else { return };
        let Some(current) = stats.extra.get("current").and_then(|value| value.as_str()).map(str::to_owned) else {
            return;
        };
        let released_at = stats.extra.get("releasedAt").and_then(|value| value.as_u64());
        self.set_current(current, now);
        self.current_released_at = released_at;
    }

    fn taken(&mut self, now: Now) {
        self.stats_at = Some(now);
        self.taken += 1;
        self.recount();
    }

    /// Until further stats come, nothing is known.
    pub(super) fn cease(&mut self) {
        if std::mem::replace(&mut self.flow, Flow::Dry) != Flow::Dry {
            self.era += 1;
        }
    }

    /// Counts anew what is shown.
    pub(super) fn recount(&mut self) {
        let Some(stats) = &self.stats else { return };
        let mut figures = Figures {
            total: stats.total,
            versions: stats.versions.clone(),
            routes: stats.routes.clone(),
            ..Figures::default()
        };
        for connection in &stats.connections {
            let watcher = self.is_watcher(connection);
            figures.watching += u64::from(watcher);
            if watcher && self.watchers == Watchers::LeftOut {
                figures.total = figures.total.saturating_sub(1);
                take_one(&mut figures.versions, &connection.version);
                take_one(&mut figures.routes, &connection.route);
            } else if self.current.as_ref().is_some_and(|current| *current != connection.version) {
                match figures.outdated_routes.get_mut(&connection.route) {
                    Some(count) => *count += 1,
                    None => drop(figures.outdated_routes.insert(connection.route.clone(), 1)),
                }
            }
        }
        self.figures = figures;
    }
}

/// Whether the list is that of everybody.
fn lists_all(stats: &Stats) -> bool {
    stats.connections.len() as u64 == stats.total
}

/// Takes one from a count, and the entry away where none is left.
pub(super) fn take_one(counts: &mut Counts, key: &str) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}
