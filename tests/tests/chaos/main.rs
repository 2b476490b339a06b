//! Thousands of connections that do everything a connection can do, for two minutes, with a server that must not mind: its
//! totals are then those of an oracle, its memory and files are back where they were, and nobody else has noticed.
#![cfg(target_os = "linux")]

mod actor;
mod bystander;
mod oracle;
mod watcher;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use skew_tests::PATIENCE;
use skew_tests::binaries::built_or;
use skew_tests::cost::{open_files, resident_kib};
use skew_tests::load::allow_open_files;
use skew_tests::load::target::Target;
use skew_tests::load::wire::Transport;
use skew_tests::server::SkewServer;
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::actor::Actor;
use self::bystander::Bystanders;
use self::oracle::{Held, Oracle};
use self::watcher::{Watcher, Wish};

/// Connections at any time.
const ACTORS: usize = 5_000;

/// How long they go on. `CHAOS_SECONDS` has another time in its place, and `CHAOS_SERVER` names a server that is built already.
const TIME: Duration = Duration::from_secs(120);

/// How long they go on before anything is measured, and how long it is measured what waits are without them.
const WARM_UP: Duration = Duration::from_secs(25);
const CALM: Duration = Duration::from_secs(10);

/// How much longer a wait may be for the sake of whatever else this machine has begun to do meanwhile. A debug build needs half a
/// core for the storm, and falls behind where it does not get that.
const BUSY: Duration = Duration::from_secs(30);

/// How many more files may be open: a kept connection for requests is there or has just been closed.
const MORE_FILES: usize = 2;

/// How much more memory may be resident afterwards than before, of some 30,000 lives: about a kilobyte for each.
const MORE_KIB: u64 = 32 * 1024;

/// The two streams of the server.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) sse: Target,
    pub(crate) ws: Target,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos_leaves_nothing_behind_and_nobody_else_notices() {
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random::<u64>);
    let time = std::env::var("CHAOS_SECONDS").ok().and_then(|time| time.parse().ok()).map_or(TIME, Duration::from_secs);
    println!("CHAOS_SEED={seed} gives each connection the same lives again");
    // An actor has a connection, and for a moment one for a request.
    allow_open_files(2 * ACTORS as u64 + 1_000);

    let program = built_or("CHAOS_SERVER", "skew-server");
    let server = SkewServer::start_program(&program, "release-0", &["--route-tracking"]).await;
    let pid = server.process.pid();
    let site = Site { sse: Target::skew(server.addr, Transport::Sse), ws: Target::skew(server.addr, Transport::Ws) };
    let mut watchers =
        [Watcher::start(&site.ws, Wish::Snapshots).await, Watcher::start(&site.sse, Wish::Changes).await];
    let mut bystanders = Bystanders::start(&site).await;
    let quiet = Oracle::new(watchers.iter().map(Watcher::held).chain(bystanders.held()));

    // A short storm first, and everybody at once, politely: what an allocator keeps for the next ones it has then.
    drop(everybody(&site, seed, |actor| actor.live(Instant::now() + WARM_UP)).await);
    quiet.check(&mut watchers).await;
    let polite = everybody(&site, seed ^ 1, Actor::arrive).await;
    quiet.and(&polite).check(&mut watchers).await;
    let calm = bystanders.listen(sleep(CALM)).await;
    drop(polite);
    quiet.check(&mut watchers).await;
    let (files, memory) = (open_files(pid), resident_kib(pid));

    let end = Instant::now() + time;
    let mut held = Vec::new();
    let storm = async { held = everybody(&site, seed ^ 2, move |actor| actor.live(end)).await };
    let stormy = bystanders.listen(storm).await;
    quiet.and(&held).check(&mut watchers).await;
    drop(held);
    quiet.check(&mut watchers).await;

    println!("worst wait of a bystander: {calm:?} before, {stormy:?} in the storm");
    assert!(stormy < 20 * calm + BUSY, "{calm:?} became {stormy:?}");
    let deadline = Instant::now() + PATIENCE;
    let mut after = (open_files(pid), resident_kib(pid));
    while (after.0 > files + MORE_FILES || after.1 > memory + MORE_KIB) && Instant::now() < deadline {
        sleep(Duration::from_millis(200)).await;
        after = (open_files(pid), resident_kib(pid));
    }
    println!("open files: {files} before, {} after; KiB: {memory} before, {} after", after.0, after.1);
    assert!(after.0 <= files + MORE_FILES, "{files} open files became {}", after.0);
    assert!(after.1 <= memory + MORE_KIB, "{memory} KiB became {} KiB", after.1);
}

/// Has every actor do the same, and answers the connections that are open then.
async fn everybody<F>(site: &Site, seed: u64, act: impl Fn(Actor) -> F) -> Vec<Held>
where
    F: Future<Output = Option<Held>> + Send + 'static,
{
    let site = Arc::new(site.clone());
    let mut actors = JoinSet::new();
    for number in 0..ACTORS {
        let dice = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let source = Ipv4Addr::new(127, 0, 60 + (number % 4) as u8, 1 + (number / 4 % 8) as u8);
        actors.spawn(act(Actor::new(site.clone(), source, dice)));
    }
    actors.join_all().await.into_iter().flatten().collect()
}

/// A pause of so many milliseconds.
async fn pause(dice: &mut StdRng, ms: std::ops::Range<u64>) {
    let ms = dice.random_range(ms);
    sleep(Duration::from_millis(ms)).await;
}
