//! By how much everything elsewhere has changed since the hub was last told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::id::PublicId;
use crate::instance::InstanceId;
use crate::presence::exchange::{Elsewhere, FleetNow, SharedRow};

#[derive(Debug, Default)]
pub(super) struct Sums {
    versions: HashMap<Arc<str>, i64>,
    routes: HashMap<Arc<str>, i64>,
    anonymous: i64,
    came: Vec<(Arc<str>, u64)>,
    left: Vec<Arc<str>>,
    /// Of a connection only what it is now; nothing for one that has closed.
    rows: HashMap<PublicId, Option<(InstanceId, SharedRow)>>,
}

impl Sums {
    pub(super) fn version(&mut self, version: Arc<str>, before: u64, now: u64) {
        add(&mut self.versions, version, difference(before, now));
    }

    pub(super) fn route(&mut self, route: Arc<str>, before: u64, now: u64) {
        add(&mut self.routes, route, difference(before, now));
    }

    pub(super) fn anonymous(&mut self, before: u64, now: u64) {
        self.anonymous += difference(before, now);
    }

    pub(super) fn came(&mut self, user: Arc<str>, since: u64) {
        self.came.push((user, since));
    }

    pub(super) fn left(&mut self, user: Arc<str>) {
        self.left.push(user);
    }

    pub(super) fn row(&mut self, of: &InstanceId, id: PublicId, row: SharedRow) {
        self.rows.insert(id, Some((of.clone(), row)));
    }

    pub(super) fn closed(&mut self, id: PublicId) {
        self.rows.insert(id, None);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.versions.is_empty()
            && self.routes.is_empty()
            && self.anonymous == 0
            && self.came.is_empty()
            && self.left.is_empty()
            && self.rows.is_empty()
    }

    pub(super) fn take(&mut self, fleet: Option<FleetNow>) -> Elsewhere {
        let Self { versions, routes, anonymous, came, left, rows } = std::mem::take(self);
        let mut elsewhere = Elsewhere {
            versions: versions.into_iter().collect(),
            routes: routes.into_iter().collect(),
            anonymous,
            came,
            left,
            fleet,
            ..Elsewhere::default()
        };
        for (id, row) in rows {
            match row {
                Some((of, row)) => elsewhere.rows.push((of, id, row)),
                None => elsewhere.closed.push(id),
            }
        }
        elsewhere
    }
}

/// Counts are bounded where they are read ([`count`](crate::presence::record::field::count)), so that this does not overflow.
fn difference(before: u64, now: u64) -> i64 {
    now as i64 - before as i64
}

/// What has changed back has not changed.
fn add(sums: &mut HashMap<Arc<str>, i64>, name: Arc<str>, by: i64) {
    if by == 0 {
        return;
    }
    match sums.entry(name) {
        Entry::Vacant(free) => _ = free.insert(by),
        Entry::Occupied(mut sum) => {
            *sum.get_mut() += by;
            if *sum.get() == 0 {
                sum.remove();
            }
        }
    }
}
