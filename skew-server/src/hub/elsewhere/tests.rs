//! Whatever happens here and elsewhere, in whatever order it is told: sums are sums, and what is shared is what is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use skew_proto::{List, Stats, UserIds};

use super::super::answer::Current;
use super::super::model::{Event, Figures, Others, event, me, name};
use super::super::snapshot;
use super::*;
use crate::id::ConnectionId;
use crate::presence::exchange::{Extent, Share};

#[derive(Debug, Clone)]
enum Step {
    Open(String, String, Option<String>),
    Close(usize),
    Move(usize, String),
    Elsewhere(Event),
    Tell,
    Share(bool, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => ("[ab]", "/[ab]?", prop::option::of("[uvx]"))
            .prop_map(|(version, route, user)| Step::Open(version, route, user)),
        4 => (0..20_usize).prop_map(Step::Close),
        3 => (0..20_usize, "/[abd]?").prop_map(|(nth, route)| Step::Move(nth, route)),
        8 => event().prop_map(Step::Elsewhere),
        5 => Just(Step::Tell),
        3 => (prop::bool::weighted(0.2), any::<bool>()).prop_map(|(whole, rows)| Step::Share(whole, rows)),
    ]
}

/// One who follows what is shared.
#[derive(Debug, Default)]
struct Follower {
    figures: Figures,
    connections: u64,
    rows: Option<HashMap<PublicId, SharedRow>>,
    present: BTreeSet<Arc<str>>,
}

impl Follower {
    fn take(&mut self, share: Share) {
        if share.figures_extent == Extent::Whole {
            (self.figures, self.present) = Default::default();
        }
        for (known, news) in
            [(&mut self.figures.versions, share.figures.versions), (&mut self.figures.routes, share.figures.routes)]
        {
            for (name, count) in news {
                known.insert(name, count as i64);
            }
            known.retain(|_, count| *count > 0);
        }
        for (user, since) in share.figures.users {
            match since {
                Some(_) => self.figures.users.insert(user),
                None => self.figures.users.remove(&user),
            };
        }
        self.figures.anonymous = share.figures.anonymous as i64;
        self.connections = share.figures.connections;
        for (user, here) in share.present {
            if here {
                self.present.insert(user)
            } else {
                self.present.remove(&user)
            };
        }
        match share.rows_extent {
            Extent::Nothing => self.rows = None,
            Extent::Whole => self.rows = Some(HashMap::new()),
            Extent::Changes => {}
        }
        for (id, row) in share.rows {
            let rows = self.rows.as_mut().expect("the whole comes first");
            match row {
                Some(row) => drop(rows.insert(id, row)),
                None => drop(rows.remove(&id)),
            }
        }
    }
}

struct Room {
    state: State<()>,
    others: Others,
    opened: Vec<super::super::registry::Key>,
}

impl Room {
    fn own_rows(&self) -> HashMap<PublicId, SharedRow> {
        let own = self.state.registry.iter().filter(|(_, entry)| entry.connection_id.is_some());
        let row = |entry: &Entry<()>| SharedRow {
            version: entry.version.clone(),
            route: entry.route.clone(),
            user: entry.user.clone(),
            ip: None,
        };
        own.map(|(_, entry)| (entry.id, row(entry))).collect()
    }

    fn stats(&self) -> Stats {
        let body = snapshot::take(&self.state, List::All, UserIds::Shown).body();
        serde_json::from_slice(&body).unwrap()
    }

    /// Holds the stats to what there is.
    fn check(&self) {
        let (stats, own) = (self.stats(), self.own_rows());
        let (mut versions, mut routes) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
        let (mut users, mut anonymous) = (BTreeSet::<Arc<str>>::new(), 0);
        for row in own.values() {
            *versions.entry(row.version.to_string()).or_default() += 1;
            *routes.entry(row.route.to_string()).or_default() += 1;
            users.extend(row.user.clone());
            anonymous += u64::from(row.user.is_none());
        }
        for told in &self.others.told {
            for (sums, told) in [(&mut versions, &told.versions), (&mut routes, &told.routes)] {
                told.iter().for_each(|(name, count)| *sums.entry(name.to_string()).or_default() += *count as u64);
            }
            users.extend(told.users.iter().cloned());
            anonymous += told.anonymous as u64;
        }
        assert!(stats.damage.is_empty(), "{:?}", stats.damage);
        assert_eq!(stats.total, versions.values().sum::<u64>());
        assert_eq!((&stats.versions, &stats.routes), (&versions, &routes));
        assert_eq!((stats.users(), stats.anonymous()), (Some(users.len() as u64), Some(anonymous)));

        let mut listed: BTreeMap<String, (SharedRow, String)> =
            own.iter().map(|(id, row)| (id.to_string(), (row.clone(), "own".to_owned()))).collect();
        let others = self.others.told_rows.iter();
        listed.extend(others.map(|(id, (nth, row))| (id.to_string(), (row.clone(), name(*nth)))));
        assert_eq!(stats.connections.len(), listed.len());
        let several = self.state.fleet.is_some();
        for row in &stats.connections {
            let (expected, instance) = &listed[&row.id];
            assert_eq!(
                (&*row.version, &*row.route, row.user()),
                (&*expected.version, &*expected.route, expected.user.as_deref())
            );
            assert_eq!(row.instance(), several.then_some(&**instance));
        }
        let instances = stats.instances();
        if several {
            assert!(instances.is_sorted_by_key(|instance| instance.name.clone()));
            let me = instances.iter().find(|instance| instance.name == "own").expect("this one is among them");
            let users: BTreeSet<_> = own.values().filter_map(|row| row.user.clone()).collect();
            assert_eq!((me.connections, me.users), (own.len() as u64, users.len() as u64));
        } else {
            assert!(instances.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn stats_are_the_sums_and_a_share_is_what_is(steps in prop::collection::vec(step(), 0..120)) {
        let state = State::new(Current { version: "a".into(), released_at: None });
        let mut room = Room { state, others: Others::default(), opened: Vec::new() };
        let mut follower = Follower::default();
        for step in steps {
            match step {
                Step::Open(version, route, user) => {
                    let (version, route, user) = (version.into(), route.into(), user.map(Into::into));
                    let (connection_id, id) = (Some(ConnectionId::random(7)), PublicId::random());
                    let entry = Entry { connection_id, id, version, route, ip: None, user, peer: () };
                    room.opened.push(room.state.open(entry, 7).0);
                }
                Step::Close(nth) => {
                    room.opened.get(nth).and_then(|key| room.state.close(*key));
                }
                Step::Move(nth, route) => {
                    room.opened.get(nth).and_then(|key| room.state.navigate(*key, &route.into()));
                }
                Step::Elsewhere(event) => room.others.happen(event),
                Step::Tell => {
                    let seq = room.state.seq;
                    let elsewhere = room.others.tell();
                    let changes = room.state.elsewhere(elsewhere, &me(), || ());
                    prop_assert_eq!(room.state.seq, seq + changes.len() as u64);
                }
                Step::Share(whole, rows) => {
                    let figures = if whole { Extent::Whole } else { Extent::Changes };
                    let rows = if rows { Extent::Changes } else { Extent::Nothing };
                    follower.take(room.state.share(figures, rows));
                    let own = room.own_rows();
                    let shared: Vec<_> = own.iter().map(|(id, row)| (*id, row.clone())).collect();
                    prop_assert_eq!(&follower.figures, &Figures::of(&shared));
                    prop_assert_eq!(follower.connections, own.len() as u64);
                    if let Some(rows) = &follower.rows {
                        prop_assert_eq!(rows, &own);
                    }
                    let present = room.state.people.after(None).map(|(user, _)| user.clone());
                    prop_assert_eq!(&follower.present, &present.collect::<BTreeSet<_>>());
                }
            }
            room.check();
        }
    }
}

#[test]
fn names_of_others_take_no_room_of_this_instances_own() {
    let mut state = State::new(Current { version: "a".into(), released_at: None });
    let routes = (0..50).map(|nth| (format!("/{nth}").into(), 1)).collect();
    state.elsewhere(Elsewhere { routes, ..Elsewhere::default() }, &me(), || ());
    let table = &state.aggregates.routes;
    assert_eq!((table.len(), table.share_within("/new", 1).as_deref()), (50, Some("/new")));
    assert_eq!(table.share_within("/7", 0), None, "it is another one's until a connection here has it");
}

#[test]
fn a_share_that_nobody_takes_is_bounded_and_is_the_whole_when_somebody_does() {
    let mut state = State::new(Current { version: "a".into(), released_at: None });
    state.share(Extent::Whole, Extent::Whole);
    for nth in 0..5_000 {
        let (connection_id, id) = (Some(ConnectionId::random(7)), PublicId::random());
        let user = Some(format!("user-{nth}").into());
        let entry = Entry { connection_id, id, version: "a".into(), route: "/".into(), ip: None, user, peer: () };
        let (key, _) = state.open(entry, 7);
        state.close(key);
    }
    let share = state.share(Extent::Changes, Extent::Changes);
    assert_eq!((share.figures_extent, share.rows_extent), (Extent::Whole, Extent::Whole));
    assert!(share.rows.is_empty() && share.figures.users.is_empty() && share.present.is_empty());
    let share = state.share(Extent::Changes, Extent::Changes);
    assert_eq!((share.figures_extent, share.rows_extent), (Extent::Changes, Extent::Changes));
}
