//! What the hub's work costs, with 10,000, 100,000 and a million connections:
//! `cargo bench -p skew-server --features internals --bench hub`.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use divan::{Bencher, counter::BytesCount};
use skew_proto::{EventsAsked, List, StatsMode, Subscription, UserIds};
use skew_server::internals::Crowd;

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

const CHANGES: Subscription = Subscription {
    mode: StatsMode::Changes,
    list: List::All,
    interval_ms: Some(100),
    users: UserIds::Hidden,
    events: EventsAsked::None,
};

fn main() {
    for size in SIZES {
        let mut crowd = None;
        let held = allocation_counter::measure(|| crowd = Some(Crowd::new(size)));
        println!(
            "{size} connections: {} bytes each in registry, totals and outboxes",
            held.bytes_current / size as i64
        );
        drop(crowd);
    }
    divan::main();
}

/// One closes and another opens.
#[divan::bench(args = SIZES)]
fn close_and_open(bencher: Bencher<'_, '_>, size: usize) {
    let mut crowd = Crowd::new(size);
    bencher.bench_local(move || {
        crowd.close();
        let newcomer = crowd.newcomer();
        crowd.open(newcomer);
    });
}

/// The ids and the outbox of one who opens, which are a part of the above.
#[divan::bench]
fn newcomer(bencher: Bencher<'_, '_>) {
    let mut crowd = Crowd::new(1);
    bencher.bench_local(move || crowd.newcomer());
}

#[divan::bench(args = SIZES)]
fn navigate(bencher: Bencher<'_, '_>, size: usize) {
    let mut crowd = Crowd::new(size);
    bencher.bench_local(move || crowd.navigate());
}

#[divan::bench(args = SIZES)]
fn navigate_with_a_subscriber_to_changes(bencher: Bencher<'_, '_>, size: usize) {
    let mut crowd = Crowd::new(size);
    crowd.subscribe(CHANGES);
    let mut turn = 0;
    bencher.bench_local(move || {
        crowd.navigate();
        turn += 1;
        if turn % 1_000 == 0 {
            crowd.tick();
        }
    });
}

/// A thousand moves, told to a subscriber.
#[divan::bench(args = SIZES)]
fn a_tick_of_1000_changes(bencher: Bencher<'_, '_>, size: usize) {
    let mut crowd = Crowd::new(size);
    crowd.subscribe(CHANGES);
    crowd.tick();
    bencher.bench_local(move || {
        for _ in 0..1_000 {
            crowd.navigate();
        }
        crowd.tick()
    });
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn snapshot(bencher: Bencher<'_, '_>, size: usize) {
    let crowd = Crowd::new(size);
    bencher.counter(BytesCount::new(crowd.snapshot())).bench_local(move || crowd.snapshot());
}

/// A message to everybody, and everybody takes it.
#[divan::bench(args = SIZES, sample_count = 10)]
fn broadcast(bencher: Bencher<'_, '_>, size: usize) {
    let crowd = Crowd::new(size);
    bencher.bench_local(move || {
        let reached = crowd.broadcast(&"a new build");
        crowd.read_all();
        reached
    });
}
