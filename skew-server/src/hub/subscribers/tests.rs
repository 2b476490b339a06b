//! Whatever happens, whoever applies what it is told has what a whole snapshot of that moment says.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use proptest::prelude::*;
use skew_proto::{EventsAsked, Release, ServerMessage, Stats, StatsMode, UserIds};

use super::super::answer::Current;
use super::super::model::{Event, Others, event, me};
use super::super::outbox::{Outbox, Parcel};
use super::super::peer::Peer;
use super::super::registry::Entry;
use super::super::snapshot;
use super::super::state::State;
use super::*;
use crate::id::{ConnectionId, PublicId};
use crate::metrics::Metrics;

#[derive(Debug, Clone)]
enum Step {
    Open(String, String, Option<String>),
    Close(usize),
    Move(usize, String),
    Release(String, Option<u64>),
    Elsewhere(Event),
    TellElsewhere,
    Subscribe(usize, usize),
    Unsubscribe(usize),
    Wait(u64),
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => ("[ab]", "/[ab]?", prop::option::of("[uvw]"))
            .prop_map(|(version, route, user)| Step::Open(version, route, user)),
        6 => (0..24_usize).prop_map(Step::Close),
        6 => (0..24_usize, "/[ab]?").prop_map(|(nth, route)| Step::Move(nth, route)),
        1 => ("[abc]", prop::option::of(1..9_u64)).prop_map(|(version, at)| Step::Release(version, at)),
        6 => event().prop_map(Step::Elsewhere),
        4 => Just(Step::TellElsewhere),
        2 => (0..CLIENTS, 0..KINDS.len()).prop_map(|(client, kind)| Step::Subscribe(client, kind)),
        1 => (0..CLIENTS).prop_map(Step::Unsubscribe),
        12 => (1..400_u64).prop_map(Step::Wait),
        6 => (0..CLIENTS).prop_map(Step::Read),
    ]
}

const CLIENTS: usize = 4;
const INTERVAL: Duration = Duration::from_millis(100);

const fn kind(mode: StatsMode, list: List, interval_ms: Option<u64>) -> Subscription {
    Subscription { mode, list, interval_ms, users: UserIds::Hidden, events: EventsAsked::None }
}

const CHANGES: Subscription = kind(StatsMode::Changes, List::All, None);

const KINDS: [Subscription; 8] = [
    Subscription { users: UserIds::Shown, ..CHANGES },
    Subscription { users: UserIds::Shown, ..kind(StatsMode::Changes, List::Top(3), None) },
    CHANGES,
    kind(StatsMode::Changes, List::All, Some(300)),
    kind(StatsMode::Changes, List::Top(3), None),
    kind(StatsMode::Changes, List::None, None),
    kind(StatsMode::Snapshots, List::Top(2), None),
    kind(StatsMode::Snapshots, List::All, None),
];

/// A subscriber that opened at the beginning, and what it has been told.
struct Client {
    key: Key,
    id: PublicId,
    outbox: Arc<Outbox>,
    subscribed: Option<Subscription>,
    known: Option<Stats>,
}

struct Room {
    state: State<Peer>,
    subscribers: Subscribers,
    metrics: Metrics,
    now: Instant,
    opened: Vec<Key>,
    /// What a whole snapshot said at each number, by how much of the list it holds.
    truth: BTreeMap<(u64, List, UserIds), Stats>,
}

impl Room {
    fn new(now: Instant) -> Self {
        let current = Current { version: "a".into(), released_at: None };
        Self {
            state: State::new(current),
            subscribers: Subscribers::new(now),
            metrics: Metrics::new(),
            now,
            opened: Vec::new(),
            truth: BTreeMap::new(),
        }
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Subscribers, &Scene<'_>)) {
        let scene = Scene { state: &self.state, now: self.now, interval: INTERVAL, metrics: &self.metrics.stats };
        tell(&mut self.subscribers, &scene);
        for (list, users) in KINDS.map(|kind| (kind.list, kind.users)) {
            let state = &self.state;
            self.truth
                .entry((state.seq, list, users))
                .or_insert_with(|| *stats(&snapshot::take(state, list, users).json("")));
        }
    }

    fn note(&mut self, change: &Change) {
        self.tell(|subscribers, scene| subscribers.note(change, scene));
    }

    fn open(&mut self, version: &str, route: &str, user: Option<&str>) -> Client {
        let (id, outbox) = (PublicId::random(), Arc::new(Outbox::new(64)));
        let (version, route) =
            (self.state.aggregates.versions.share(version), self.state.aggregates.routes.share(route));
        let connection_id = Some(ConnectionId::random(7));
        let (user, peer) = (user.map(Into::into), Peer::Here(outbox.clone()));
        let (key, change) = self.state.open(Entry { connection_id, id, version, route, ip: None, user, peer }, 7);
        self.note(&change);
        Client { key, id, outbox, subscribed: None, known: None }
    }

    fn wait(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(tick) = self.subscribers.next_tick().filter(|tick| *tick <= end) {
            self.now = self.now.max(tick);
            self.tell(Subscribers::publish);
        }
        self.now = end;
    }

    /// Takes what waits for a client, and holds each message to the truth of its number.
    fn read(&self, client: &mut Client) {
        while let Some(Some(parcel)) = client.outbox.next().now_or_never() {
            let subscribed = client.subscribed.expect("stats are for who asks for them");
            let text = match &parcel {
                Parcel::Stats(snapshot) => snapshot.json(&client.id.to_string()),
                Parcel::Message(message) => message.json(),
                other => panic!("{other:?}"),
            };
            let known = match ServerMessage::decode(std::str::from_utf8(&text).unwrap()).unwrap() {
                ServerMessage::Stats(stats) => client.known.insert(*stats),
                ServerMessage::StatsChanges(changes) => {
                    let known = client.known.as_mut().expect("a snapshot comes first");
                    known.apply(*changes).unwrap();
                    known
                }
                other => panic!("{other:?}"),
            };
            let stock = subscribed == Subscription::default();
            assert_eq!(known.seq().is_none(), stock, "a stock subscriber sees nothing of it");
            assert_eq!(known.your_id, Some(client.id.to_string()));
            if let Some(seq) = known.seq() {
                let truth = &self.truth[&(seq, subscribed.list, subscribed.users)];
                let granted = &known.extra["granted"];
                assert_eq!(Subscription::read(granted.as_object().unwrap()), grant(subscribed, INTERVAL));
                assert_eq!(shown(known), shown(truth), "at {seq}");
            }
        }
    }
}

/// What stats say, without what is the receiver's own.
fn shown(stats: &Stats) -> Stats {
    let mut stats = Stats { your_id: None, ..stats.clone() };
    stats.extra.retain(|name, _| !matches!(name.as_str(), "seq" | "granted"));
    stats
}

fn stats(text: &[u8]) -> Box<Stats> {
    match ServerMessage::decode(std::str::from_utf8(text).unwrap()).unwrap() {
        ServerMessage::Stats(stats) => stats,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_a_subscriber_knows_is_what_a_snapshot_of_that_moment_says(steps in prop::collection::vec(step(), 0..160)) {
        let (mut room, mut others) = (Room::new(Instant::now()), Others::default());
        let mut clients: Vec<Client> = (0..CLIENTS).map(|_| room.open("a", "/", None)).collect();
        for step in steps {
            match step {
                Step::Open(version, route, user) => {
                    let key = room.open(&version, &route, user.as_deref()).key;
                    room.opened.push(key);
                }
                Step::Close(nth) => {
                    if let Some((_, change)) = room.opened.get(nth).copied().and_then(|key| room.state.close(key)) {
                        room.note(&change);
                    }
                }
                Step::Move(nth, route) => {
                    let route = room.state.aggregates.routes.share(&route);
                    if let Some(change) =
                        room.opened.get(nth).copied().and_then(|key| room.state.navigate(key, &route))
                    {
                        room.note(&change);
                    }
                }
                Step::Release(version, released_at) => {
                    let change = room.state.learn_releases(&[Release { version: version.clone(), released_at }]);
                    room.note(&change);
                    let (_, change) = room.state.release(version);
                    room.note(&change);
                }
                Step::Elsewhere(event) => others.happen(event),
                Step::TellElsewhere => {
                    for change in room.state.elsewhere(others.tell(), &me(), || Peer::Elsewhere) {
                        room.note(&change);
                    }
                }
                Step::Subscribe(nth, kind) => {
                    let (client, asked) = (&mut clients[nth], KINDS[kind]);
                    room.read(client);
                    client.subscribed = Some(asked);
                    let key = client.key;
                    room.tell(|subscribers, scene| subscribers.subscribe(key, asked, scene));
                }
                Step::Unsubscribe(nth) => {
                    room.subscribers.unsubscribe(clients[nth].key);
                    clients[nth].outbox.drop_stats();
                }
                Step::Wait(ms) => room.wait(ms),
                Step::Read(nth) => room.read(&mut clients[nth]),
            }
        }
        // All read, and whoever was behind is given what it needs.
        for _ in 0..3 {
            for client in &mut clients {
                room.read(client);
            }
            room.wait(1_000);
        }
        for client in &mut clients {
            room.read(client);
            if room.subscribers.contains(client.key) {
                let subscribed = client.subscribed.unwrap();
                let truth = &room.truth[&(room.state.seq, subscribed.list, subscribed.users)];
                prop_assert_eq!(shown(client.known.as_ref().unwrap()), shown(truth));
            }
        }
    }
}

#[test]
fn who_never_reads_is_encoded_nothing_for_and_gets_a_snapshot_when_it_reads() {
    let mut room = Room::new(Instant::now());
    let mut slow = room.open("a", "/", None);
    slow.subscribed = Some(CHANGES);
    let key = slow.key;
    room.tell(|subscribers, scene| subscribers.subscribe(key, CHANGES, scene));
    room.read(&mut slow);
    for _ in 0..100 {
        room.open("a", "/", None);
        room.wait(100);
    }
    let text = room.metrics.text();
    assert!(text.contains("skew_stats_behind_total 1\n"), "{text}");
    assert!(text.contains("skew_stats_messages_total{kind=\"changes\"} 8\n"), "{text}");
    assert_eq!(slow.known.as_ref().unwrap().total, 1);
    room.read(&mut slow);
    room.wait(100);
    room.read(&mut slow);
    assert_eq!(slow.known.as_ref().unwrap().total, 101);
}

#[test]
fn what_would_be_longer_than_a_snapshot_is_told_by_one() {
    let mut room = Room::new(Instant::now());
    let mut reader = room.open("a", "/", None);
    let asked = Subscription { interval_ms: Some(60_000), ..CHANGES };
    reader.subscribed = Some(asked);
    let key = reader.key;
    room.tell(|subscribers, scene| subscribers.subscribe(key, asked, scene));
    room.read(&mut reader);
    // Pages that nobody is on any more pile up.
    for n in 0..2_000 {
        let route = room.state.aggregates.routes.share(&format!("/{n}"));
        let change = room.state.navigate(key, &route).unwrap();
        room.note(&change);
    }
    room.wait(60_000);
    room.read(&mut reader);
    assert_eq!(reader.known.as_ref().unwrap().routes.keys().collect::<Vec<_>>(), ["/1999"]);
    let text = room.metrics.text();
    assert!(text.contains("skew_stats_messages_total{kind=\"changes\"} 0\n"), "{text}");
}
