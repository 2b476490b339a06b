//! What the other instances are to be told of this one: which of its own names and connections have changed since they were last told.
//!
//! Only the names are kept; what is told is what is when it is taken. As long as nobody takes anything nothing is kept.

use std::collections::HashSet;
use std::sync::Arc;

use super::people::Turn;
use super::registry::{Change, Entry};
use super::state::State;
use crate::id::PublicId;
use crate::presence::exchange::{Extent, Figures, Share, SharedRow};

/// So much is always kept.
const SMALL: usize = 1_000;

/// What has changed since it was last taken. Nothing where it is not kept, and then the whole is to be told.
#[derive(Debug, Default)]
pub(crate) struct Unshared {
    figures: Option<Names>,
    rows: Option<HashSet<PublicId>>,
}

#[derive(Debug, Default)]
struct Names {
    versions: HashSet<Arc<str>>,
    routes: HashSet<Arc<str>>,
    /// Of whom this instance tells something else.
    users: HashSet<Arc<str>>,
    /// Who has come to all instances together, or has left them.
    present: HashSet<Arc<str>>,
}

impl Unshared {
    /// Something has happened to one of this instance's own connections.
    pub(super) fn note(&mut self, change: &Change) {
        let (id, version, routes) = match change {
            Change::Opened { id, version, route, .. } | Change::Closed { id, version, route, .. } => {
                (id, Some(version), [Some(route), None])
            }
            Change::Moved { id, from, to, .. } => (id, None, [Some(from), Some(to)]),
            _ => return,
        };
        if let Some(names) = &mut self.figures {
            version.into_iter().for_each(|version| keep(&mut names.versions, version));
            routes.into_iter().flatten().for_each(|route| keep(&mut names.routes, route));
        }
        if let Some(rows) = &mut self.rows {
            rows.insert(*id);
        }
    }

    /// What is told of a user has changed.
    pub(super) fn turn(&mut self, user: &Arc<str>, turn: Turn) {
        let Some(names) = &mut self.figures else { return };
        if turn.own {
            keep(&mut names.users, user);
        }
        if turn.anywhere {
            keep(&mut names.present, user);
        }
    }

    /// Forgets what is longer than the whole: it also bounds what is kept for whoever does not come back for it.
    pub(super) fn bound(&mut self, names: usize, rows: usize) {
        let kept = |kept: &Names| kept.versions.len() + kept.routes.len() + kept.users.len() + kept.present.len();
        self.figures.take_if(|figures| kept(figures) > SMALL + 2 * names);
        self.rows.take_if(|kept| kept.len() > SMALL + 2 * rows);
    }
}

fn keep(names: &mut HashSet<Arc<str>>, name: &Arc<str>) {
    if !names.contains(name) {
        names.insert(name.clone());
    }
}

impl<P> State<P> {
    /// Takes what the others are to be told. Who asks for no rows ends the keeping of them.
    pub(crate) fn share(&mut self, figures: Extent, rows: Extent) -> Share {
        let mut share = Share {
            figures: Figures {
                anonymous: self.people.own_anonymous(),
                connections: self.aggregates.own_total(),
                ..Figures::default()
            },
            ..Share::default()
        };
        self.share_figures(figures, &mut share);
        self.share_rows(rows, &mut share);
        share
    }

    fn share_figures(&mut self, asked: Extent, share: &mut Share) {
        if asked == Extent::Nothing {
            return;
        }
        let Self { aggregates, people, .. } = self;
        let figures = &mut share.figures;
        match self.unshared.figures.replace(Names::default()).filter(|_| asked == Extent::Changes) {
            Some(names) => {
                share.figures_extent = Extent::Changes;
                let count = |name: Arc<str>, count: u64| (name, count);
                let Names { versions, routes, users, present } = names;
                let versions = versions.into_iter().map(|name| (aggregates.versions.own_of(&name), name));
                figures.versions = versions.map(|(of, name)| count(name, of)).collect();
                let routes = routes.into_iter().map(|name| (aggregates.routes.own_of(&name), name));
                figures.routes = routes.map(|(of, name)| count(name, of)).collect();
                let since = |user: &str| people.of(user).filter(|who| who.own > 0).map(|who| who.since);
                figures.users =
                    users.into_iter().map(|user| (since(&user), user)).map(|(at, user)| (user, at)).collect();
                let is_here = |user: &str| people.of(user).is_some();
                share.present =
                    present.into_iter().map(|user| (is_here(&user), user)).map(|(is, user)| (user, is)).collect();
            }
            None => {
                share.figures_extent = Extent::Whole;
                figures.versions = aggregates.versions.iter_own().map(|(name, of)| (name.clone(), of)).collect();
                figures.routes = aggregates.routes.iter_own().map(|(name, of)| (name.clone(), of)).collect();
                let own = people.after(None).filter(|(_, who)| who.own > 0);
                figures.users = own.map(|(user, who)| (user.clone(), Some(who.since))).collect();
                share.present = people.after(None).map(|(user, _)| (user.clone(), true)).collect();
            }
        }
    }

    fn share_rows(&mut self, asked: Extent, share: &mut Share) {
        if asked == Extent::Nothing {
            self.unshared.rows = None;
            return;
        }
        let registry = &self.registry;
        match self.unshared.rows.replace(HashSet::new()).filter(|_| asked == Extent::Changes) {
            Some(ids) => {
                share.rows_extent = Extent::Changes;
                let row = |id| registry.key_of_public(id).and_then(|key| registry.get(key)).and_then(own_row);
                share.rows = ids.into_iter().map(|id| (id, row(id))).collect();
            }
            None => {
                share.rows_extent = Extent::Whole;
                share.rows = registry.iter().filter_map(|(_, entry)| Some((entry.id, Some(own_row(entry)?)))).collect();
            }
        }
    }
}

/// A connection as the others are told of it, where it is this instance's own.
fn own_row<P>(entry: &Entry<P>) -> Option<SharedRow> {
    let Entry { version, route, user, ip, .. } = entry;
    let row = || SharedRow { version: version.clone(), route: route.clone(), user: user.clone(), ip: *ip };
    entry.connection_id.is_some().then(row)
}
