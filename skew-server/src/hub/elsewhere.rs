//! What the other instances have, added to the state: their figures to the totals, their connections to the list, and which they are.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Serialize, Serializer};
use skew_proto::{Instance, InstanceState, Partial};

use super::people::People;
use super::registry::{Change, Entry};
use super::state::State;
use crate::id::PublicId;
use crate::instance::{InstanceId, Me};
use crate::presence::exchange::{Elsewhere, FleetNow, SharedRow};

/// All instances, this one among them.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// In the order of their names. The figures of this one are out of date.
    instances: Vec<Instance>,
    /// Which of them this one is.
    own: usize,
    pub(super) name: Arc<str>,
    pub(super) partial: Option<Partial>,
    pub(super) rows_whole: bool,
}

impl Fleet {
    fn new(FleetNow { mut instances, partial, rows_whole }: FleetNow, me: &Me) -> Self {
        let place = |instance: &Instance| (instance.name.clone(), instance.epoch);
        instances.sort_by_cached_key(place);
        let own = Instance {
            name: me.id.name.to_string(),
            epoch: me.id.epoch,
            build: me.build.to_string(),
            server: env!("CARGO_PKG_VERSION").into(),
            connections: 0,
            users: 0,
            state: InstanceState::Live,
            since: None,
        };
        let at = instances.partition_point(|instance| place(instance) < place(&own));
        instances.insert(at, own);
        Self { instances, own: at, name: me.id.name.clone(), partial, rows_whole }
    }

    /// What is missing where connections of others are not here: as it is known, or all of the others.
    pub(super) fn without_rows(&self, now_ms: u64) -> Partial {
        self.partial.clone().unwrap_or_else(|| {
            let others = self.instances.iter().enumerate().filter(|(nth, _)| *nth != self.own);
            Partial { instances: others.map(|(_, other)| other.name.clone()).collect(), since: now_ms }
        })
    }
}

/// The instances as they are told.
pub(super) struct Instances<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) connections: u64,
    pub(super) people: &'a People,
}

impl Serialize for Instances<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { fleet, connections, people } = *self;
        serializer.collect_seq(fleet.instances.iter().enumerate().map(|(nth, instance)| {
            let mut instance = instance.clone();
            if nth == fleet.own {
                (instance.connections, instance.users) = (connections, people.own_users());
            }
            instance
        }))
    }
}

impl<P> State<P> {
    /// Takes in what has changed elsewhere. `peer` stands beside connections of others.
    pub(crate) fn elsewhere(&mut self, elsewhere: Elsewhere, me: &Me, peer: impl Fn() -> P) -> Vec<Change> {
        let Elsewhere { versions, routes, anonymous, came, left, rows, closed, fleet } = elsewhere;
        let mut changes = Vec::new();
        let counted = !(versions.is_empty() && routes.is_empty() && came.is_empty() && left.is_empty());
        if counted || anonymous != 0 {
            changes.push(self.count_elsewhere(versions, routes));
            self.people.add_anonymous(anonymous);
        }
        // Whoever goes from one instance to another does not leave.
        for (user, since) in came {
            let turn = self.people.came(&user, since);
            self.unshared.turn(&user, turn);
        }
        for user in left {
            let turn = self.people.left(&user);
            self.unshared.turn(&user, turn);
        }
        changes.extend(closed.into_iter().filter_map(|id| self.unlist(id)));
        for (instance, id, row) in rows {
            self.list(&instance, id, row, &peer, &mut changes);
        }
        if let Some(now) = fleet {
            let fleet = Fleet::new(now, me);
            let known = self.fleet.replace(fleet);
            let told = |fleet: &Fleet| (fleet.instances.clone(), fleet.partial.clone());
            if known.as_ref().map(told) != self.fleet.as_ref().map(told) {
                changes.push(Change::Fleet);
            }
        }
        self.seq += changes.len() as u64;
        self.bound_unshared();
        changes
    }

    fn count_elsewhere(&mut self, versions: Vec<(Arc<str>, i64)>, routes: Vec<(Arc<str>, i64)>) -> Change {
        let mut builds = false;
        for (version, by) in &versions {
            let before = self.aggregates.versions.of(version);
            self.aggregates.add_version(version, *by);
            builds |= (before == 0) != (self.aggregates.versions.of(version) == 0);
        }
        for (route, by) in &routes {
            self.aggregates.add_route(route, *by);
        }
        let names = |counts: Vec<(Arc<str>, i64)>| counts.into_iter().map(|(name, _)| name).collect();
        Change::Counted { versions: names(versions), routes: names(routes), builds }
    }

    /// Lists a connection of another instance, or what has become of it.
    fn list(
        &mut self,
        instance: &InstanceId,
        id: PublicId,
        row: SharedRow,
        peer: impl Fn() -> P,
        changes: &mut Vec<Change>,
    ) {
        let route = self.aggregates.routes.share(&row.route);
        if let Some(key) = self.registry.key_of_public(id) {
            let known = self.registry.get(key);
            // One of this instance's own is known better here.
            if known.is_some_and(|entry| entry.connection_id.is_some()) {
                return;
            }
            let same =
                known.is_some_and(|entry| (&entry.version, &entry.user, entry.ip) == (&row.version, &row.user, row.ip));
            if same && self.names.get(&key).is_some_and(|name| *name == instance.name) {
                changes.extend(self.registry.navigate(key, &route));
                return;
            }
            changes.extend(self.unlist(id));
        }
        let version = self.aggregates.versions.share(&row.version);
        let user = row.user.map(|user| self.people.share(user));
        let entry = Entry { connection_id: None, id, version, route, ip: row.ip, user, peer: peer() };
        let (key, change) = self.registry.open(entry);
        self.names.insert(key, instance.name.clone());
        changes.push(change);
    }

    fn unlist(&mut self, id: PublicId) -> Option<Change> {
        let key = self.registry.key_of_public(id)?;
        self.registry.get(key).filter(|entry| entry.connection_id.is_none())?;
        self.names.remove(&key);
        self.registry.close(key).map(|(_, change)| change)
    }
}
