//! Counts of bytes and allocations, which unlike times are the same on every machine.

use allocation_counter::measure;
use skew_proto::{List, StatsMode, Subscription};

use super::crowd::Crowd;
use super::outbox::Outbox;
use super::registry::{Entry, Registry};

#[test]
fn a_connection_costs_the_hub_little_memory() {
    let outbox = size_of::<Outbox>();
    assert!(outbox <= 48, "an outbox is {outbox} bytes");
    let entry = size_of::<Entry<super::peer::Peer>>();
    assert!(entry <= 112, "an entry is {entry} bytes");

    let mut registry = None;
    let empty = measure(|| registry = Some(Registry::<()>::new())).bytes_current;
    assert_eq!(empty, 0);
    let mut crowd = None;
    let counted = measure(|| crowd = Some(Crowd::new(10_000))).bytes_current;
    // Tables are at their largest just behind a doubling, 8,192 here; the keys of the crowd itself are 16 bytes each.
    let each = counted / 10_000;
    assert!(each <= 336, "{each} bytes for each of 10,000");
}

#[test]
fn a_broadcast_is_encoded_once_however_many_take_it() {
    let crowd = Crowd::new(1_000);
    let cost = |bytes: usize| {
        let text = "x".repeat(bytes);
        let cost = measure(|| assert_eq!(crowd.broadcast(&text), 1_000));
        crowd.read_all();
        (cost.count_total, cost.bytes_total)
    };
    let (short, long) = (cost(100), cost(10_100));
    // The text itself grows by doubling.
    assert!(long.0 <= short.0 + 16, "{} allocations, and {} for the longer one", short.0, long.0);
    assert!(long.1 - short.1 <= 10 * 10_000, "{} bytes more for 10,000 more", long.1 - short.1);
}

#[test]
fn changes_take_a_twentieth_of_the_bytes_of_snapshots() {
    let bytes = |mode: StatsMode| {
        let mut crowd = Crowd::new(15_000);
        crowd.subscribe(Subscription { mode, list: List::All, interval_ms: Some(100), ..Subscription::default() });
        crowd.tick();
        // A thousand changes a second: a third of each kind.
        let mut bytes = 0;
        for _ in 0..20 {
            for _ in 0..33 {
                crowd.navigate();
                crowd.close();
                let newcomer = crowd.newcomer();
                crowd.open(newcomer);
            }
            bytes += crowd.tick();
        }
        bytes
    };
    let changes = bytes(StatsMode::Changes);
    let of_one = changes / (20 * 99);
    assert!(of_one <= 160, "{of_one} bytes for each change");
    // The snapshots are those that the budget allows, which are fewer than one a tick.
    let snapshots = bytes(StatsMode::Snapshots);
    assert!(changes * 20 <= snapshots, "{changes} bytes of changes, {snapshots} of snapshots");
}
