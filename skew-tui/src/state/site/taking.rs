//! Stats taken in, whole or as changes, and the figures that are shown of them.

use std::collections::{HashMap, HashSet};

use skew_proto::{Connection, Counts, Stats, StatsChanges};

use super::{Authorization, Coverage, Figures, Level, Link, Site, Watchers, hosted};
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
        self.taken += 1;
        self.figures_at(now);
    }

    /// Takes what has changed since the stats that there are, to be made by [`Self::settle`]. Where that can't be, these are old
    /// until whole ones come.
    pub(super) fn take_changes(&mut self, changes: StatsChanges, now: Now) {
        let Some(stats) = self.stats.as_ref().filter(|_| self.flow == Flow::Running) else { return };
        let seq = self.unmade.last().map_or_else(|| stats.seq().unwrap_or(0), |last| last.seq);
        if changes.since > seq {
            self.settle();
            return self.lose_track("were lost", now);
        }
        if changes.seq > seq {
            self.unmade.push(changes);
            self.unmade_at = now;
        }
    }

    /// Makes the changes that were heard: however many they are, all in one go.
    pub(in crate::state) fn settle(&mut self) {
        let now = self.unmade_at;
        let unmade = std::mem::take(&mut self.unmade);
        let messages = unmade.len() as u64;
        let (Some(changes), Some(stats)) = (folded(unmade), &mut self.stats) else { return };
        let of_current = ["current", "releasedAt"].iter().any(|field| changes.extra.contains_key(*field));
        // Rows of other instances come a little behind their figures.
        let listed_all = lists_all(stats) && self.instances.is_empty();
        let made = stats.apply(changes).is_ok();
        if !made || listed_all && !lists_all(stats) {
            return self.lose_track("don't add up", now);
        }
        // A release may have been told already, and is not taken back by what was sent before it.
        if of_current {
            self.read_current(now);
        }
        self.taken += messages;
        self.figures_at(now);
    }

    fn lose_track(&mut self, how: &str, now: Now) {
        self.flow = Flow::Broken;
        self.link = Link::Behind;
        self.note(now, Level::Warning, format!("changes of the stats {how}; asking for whole ones"));
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

    fn figures_at(&mut self, now: Now) {
        self.stats_at = Some(now);
        if let Some(stats) = &self.stats {
            self.instances = hosted::of_one(stats);
            self.missing = stats.partial();
            self.coverage = if self.missing.is_some() { Coverage::Instances } else { Coverage::Whole };
        }
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
        figures.users = self.count_users();
        self.figures = figures;
    }
}

/// Changes that follow each other, as one. Nothing, where there are none.
fn folded(changes: Vec<StatsChanges>) -> Option<StatsChanges> {
    let mut all = changes.into_iter();
    let mut fold = all.next()?;
    let mut opened: HashMap<String, usize> = places(&fold.opened);
    for next in all {
        fold.seq = next.seq;
        fold.total = next.total;
        fold.versions.extend(next.versions);
        fold.routes.extend(next.routes);
        for (id, route) in next.moved {
            match opened.get(&id) {
                Some(place) => fold.opened[*place].route = route,
                None => drop(fold.moved.insert(id, route)),
            }
        }
        for connection in next.opened {
            match opened.get(&connection.id) {
                Some(place) => fold.opened[*place] = connection,
                None => {
                    opened.insert(connection.id.clone(), fold.opened.len());
                    fold.opened.push(connection);
                }
            }
        }
        if next.closed.iter().any(|id| opened.contains_key(id)) {
            let closed: HashSet<&String> = next.closed.iter().collect();
            fold.opened.retain(|connection| !closed.contains(&connection.id));
            opened = places(&fold.opened);
        }
        fold.closed.extend(next.closed);
        fold.connections = next.connections.or(fold.connections);
        fold.extra.extend(next.extra);
    }
    Some(fold)
}

/// Where in a list each is, by id.
fn places(list: &[Connection]) -> HashMap<String, usize> {
    list.iter().enumerate().map(|(place, connection)| (connection.id.clone(), place)).collect()
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
