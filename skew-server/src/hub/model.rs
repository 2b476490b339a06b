//! Other instances as tests imagine them, and what a hub is told of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use proptest::prelude::*;
use skew_proto::{Instance, InstanceState, Partial};

use crate::id::PublicId;
use crate::instance::{InstanceId, Me};
use crate::presence::exchange::{Elsewhere, FleetNow, SharedRow};

pub(super) const OTHERS: usize = 3;

/// What happens elsewhere.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Open(usize, String, String, Option<String>),
    Close(usize, usize),
    Move(usize, usize, String),
    /// An instance is gone, with all it has.
    Die(usize),
    /// The connections of others are told, or are not any more.
    Rows(bool),
    /// Something is missing, or nothing.
    Partial(bool),
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let nth = || 0..OTHERS;
    prop_oneof![
        6 => (nth(), "[abc]", "/[ab]?", prop::option::of("[uvw]"))
            .prop_map(|(nth, version, route, user)| Event::Open(nth, version, route, user)),
        4 => (nth(), 0..6_usize).prop_map(|(nth, which)| Event::Close(nth, which)),
        3 => (nth(), 0..6_usize, "/[abc]?").prop_map(|(nth, which, route)| Event::Move(nth, which, route)),
        1 => nth().prop_map(Event::Die),
        1 => any::<bool>().prop_map(Event::Rows),
        1 => any::<bool>().prop_map(Event::Partial),
    ]
}

/// What somebody knows of one instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) versions: BTreeMap<Arc<str>, i64>,
    pub(super) routes: BTreeMap<Arc<str>, i64>,
    pub(super) users: BTreeSet<Arc<str>>,
    pub(super) anonymous: i64,
}

impl Figures {
    pub(super) fn of(rows: &[(PublicId, SharedRow)]) -> Self {
        let mut figures = Self::default();
        for (_, row) in rows {
            *figures.versions.entry(row.version.clone()).or_default() += 1;
            *figures.routes.entry(row.route.clone()).or_default() += 1;
            match &row.user {
                Some(user) => drop(figures.users.insert(user.clone())),
                None => figures.anonymous += 1,
            }
        }
        figures
    }
}

/// The other instances, and what the hub was told of them last.
#[derive(Default)]
pub(super) struct Others {
    open: [Vec<(PublicId, SharedRow)>; OTHERS],
    rows: bool,
    partial: bool,
    pub(super) told: [Figures; OTHERS],
    pub(super) told_rows: HashMap<PublicId, (usize, SharedRow)>,
    told_fleet: Option<FleetNow>,
}

impl Others {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Open(nth, version, route, user) => {
                let (version, route, user) = (version.into(), route.into(), user.map(Into::into));
                self.open[nth].push((PublicId::random(), SharedRow { version, route, user, ip: None }));
            }
            Event::Close(nth, which) if which < self.open[nth].len() => drop(self.open[nth].swap_remove(which)),
            Event::Move(nth, which, route) if which < self.open[nth].len() => {
                self.open[nth][which].1.route = route.into();
            }
            Event::Close(..) | Event::Move(..) => {}
            Event::Die(nth) => self.open[nth].clear(),
            Event::Rows(told) => self.rows = told,
            Event::Partial(partial) => self.partial = partial,
        }
    }

    /// What is different from what was told before.
    pub(super) fn tell(&mut self) -> Elsewhere {
        let mut elsewhere = Elsewhere::default();
        let (mut versions, mut routes) = (BTreeMap::<_, i64>::new(), BTreeMap::<_, i64>::new());
        for (open, told) in self.open.iter().zip(&mut self.told) {
            let before = std::mem::replace(told, Figures::of(open));
            for (sums, before, now) in
                [(&mut versions, &before.versions, &told.versions), (&mut routes, &before.routes, &told.routes)]
            {
                now.iter().for_each(|(name, count)| *sums.entry(name.clone()).or_default() += count);
                before.iter().for_each(|(name, count)| *sums.entry(name.clone()).or_default() -= count);
            }
            elsewhere.anonymous += told.anonymous - before.anonymous;
            elsewhere.came.extend(told.users.difference(&before.users).map(|user| (user.clone(), 5)));
            elsewhere.left.extend(before.users.difference(&told.users).cloned());
        }
        elsewhere.versions = versions.into_iter().filter(|(_, by)| *by != 0).collect();
        elsewhere.routes = routes.into_iter().filter(|(_, by)| *by != 0).collect();

        let rows = self.open.iter().enumerate().filter(|_| self.rows);
        let rows: HashMap<PublicId, (usize, SharedRow)> =
            rows.flat_map(|(nth, rows)| rows.iter().map(move |(id, row)| (*id, (nth, row.clone())))).collect();
        elsewhere.closed = self.told_rows.keys().filter(|id| !rows.contains_key(id)).copied().collect();
        let news = rows.iter().filter(|(id, row)| self.told_rows.get(id) != Some(row));
        elsewhere.rows = news.map(|(id, (nth, row))| (id_of(*nth), *id, row.clone())).collect();
        self.told_rows = rows;

        let instances = self.open.iter().zip(&self.told).enumerate().map(|(nth, (open, told))| Instance {
            name: id_of(nth).name.to_string(),
            epoch: 1,
            build: "a".into(),
            server: String::new(),
            connections: open.len() as u64,
            users: told.users.len() as u64,
            state: InstanceState::Live,
            since: None,
        });
        let partial = self.partial.then(|| Partial { instances: vec![name(1)], since: 9 });
        let fleet = FleetNow { instances: instances.collect(), partial, rows_whole: self.rows };
        if self.told_fleet.as_ref() != Some(&fleet) {
            elsewhere.fleet = Some(fleet.clone());
            self.told_fleet = Some(fleet);
        }
        elsewhere
    }
}

pub(super) fn name(nth: usize) -> String {
    format!("other-{nth}")
}

fn id_of(nth: usize) -> InstanceId {
    InstanceId { name: name(nth).into(), epoch: 1 }
}

pub(super) fn me() -> Me {
    Me::new("own", "a")
}
