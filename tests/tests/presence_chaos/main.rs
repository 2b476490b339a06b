//! Several processes over one Redis, a few thousand connections of a few hundred users, an oracle that knows who is open, and everything that
//! can go wrong between them: after each fault every instance shows what the oracle knows, within the time that is promised.
#![cfg(target_os = "linux")]

mod board;
mod book;
mod crowd;
mod curve;
mod hook;
mod late;
mod oracle;
mod rows;
mod script;
mod site;
mod watcher;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use skew_tests::faults::{Fault, Way};
use skew_tests::load::allow_open_files;
use tokio::time::Instant;

use self::script::{FAULTS, Pace, Play, Trouble};
use self::site::Program;

/// Connections that are open.
const CONNECTIONS: usize = 2_000;

/// How long the long run takes. `PRESENCE_MINUTES` has another time in its place.
const LONG: u64 = 30;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn seed() -> u64 {
    let seed = number("PRESENCE_SEED").unwrap_or_else(rand::random);
    println!("PRESENCE_SEED={seed} does the same to the same again");
    seed
}

/// All that can go wrong, once each.
async fn script(play: &mut Play) {
    play.calm().await;
    play.stall(&[Trouble::Kill, Trouble::Line(Fault::Cut)]).await;
    for trouble in [
        Trouble::RedisRestarts,
        Trouble::Flush,
        Trouble::Line(Fault::Lost(Way::Down)),
        Trouble::Line(Fault::Held(Way::Both)),
        Trouble::Line(Fault::Slow(Duration::from_millis(300))),
        Trouble::LateWrites,
        Trouble::RedisStalls,
    ] {
        play.suffer(trouble).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_every_fault_every_instance_shows_what_is_true() {
    allow_open_files(2 * CONNECTIONS as u64 + 1_000);
    let mut play = Play::start(Program::Skew, Pace::AsSoonAsRight, 3, CONNECTIONS, seed()).await;
    script(&mut play).await;
}

/// `cargo test -p skew-tests --test presence_chaos the_long_run -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "half an hour, or PRESENCE_MINUTES"]
async fn the_long_run() {
    allow_open_files(4 * CONNECTIONS as u64 + 1_000);
    let seed = seed();
    let mut dice = StdRng::seed_from_u64(seed ^ 2);
    let end = Instant::now() + Duration::from_secs(60 * number("PRESENCE_MINUTES").unwrap_or(LONG));
    let mut play = Play::start(Program::Skew, Pace::AsSoonAsRight, 5, 2 * CONNECTIONS, seed).await;
    play.calm().await;
    let trouble = |dice: &mut StdRng| match dice.random_range(0..7) {
        0 | 1 => Trouble::Kill,
        2 => Trouble::RedisRestarts,
        3 => Trouble::RedisStalls,
        4 => Trouble::Flush,
        5 => Trouble::LateWrites,
        _ => Trouble::Line(*FAULTS.choose(dice).expect("there are faults")),
    };
    while Instant::now() < end {
        if dice.random_ratio(1, 6) {
            let meanwhile = [trouble(&mut dice), trouble(&mut dice)];
            play.stall(&meanwhile).await;
        } else {
            play.suffer(trouble(&mut dice)).await;
        }
    }
}

/// `cargo test -p skew-tests --test presence_chaos beside_the_recipe -- --ignored --nocapture` writes what docs/presence.md shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten minutes, and writes into docs/"]
async fn beside_the_recipe() {
    allow_open_files(2 * CONNECTIONS as u64 + 1_000);
    let seed = seed();
    let mut curves = Vec::new();
    for (program, name) in [(Program::Skew, "skew-server"), (Program::Recipe, "the recipe")] {
        println!("-- {name}");
        let mut play = Play::start(program, Pace::WhenItShouldBe, 3, CONNECTIONS, seed).await;
        let samples = play.board.sample();
        script(&mut play).await;
        curves.push((name, samples.taken()));
    }
    curve::write(&curves);
}
