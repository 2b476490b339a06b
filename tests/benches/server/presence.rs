//! Five instances over one Redis: whether one of them shows everybody, how old that is, and what Redis pays, beside the Socket.IO recipe.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::Value;
use skew_tests::binaries::{built_or, command_of};
use skew_tests::cost::resident_kib;
use skew_tests::load::fleet::Fleet;
use skew_tests::load::orders::Manner;
use skew_tests::load::subscriber::{Subscriber, Wish};
use skew_tests::load::target::{Stream, Target};
use skew_tests::load::wire::Transport;
use skew_tests::load::worker::{BUILDS, PAGES};
use skew_tests::nuxt::ADMIN_SECRET;
use skew_tests::process::Process;
use skew_tests::recipe::{self, Recipe};
use skew_tests::redis::Redis;
use skew_tests::server::SkewServer;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::Plan;
use crate::report::{Report, Table, count, ms, percent, quantile, words};

const INSTANCES: usize = 5;

/// As many times the connections of the other parts.
const TIMES: usize = 6;

const PER_SECOND: u32 = 2_000;
const PROBES: usize = 50;

/// How long the dashboard may take to show what is right.
const PATIENCE: Duration = Duration::from_secs(120);

/// Connections that open and close beside the recipe, of how many users, and how many a second.
const SOCKETS: usize = 2_000;
const USERS: usize = 400;
const SOCKETS_PER_SECOND: u32 = 200;

/// How long it is looked at what Redis pays while nothing happens.
const QUIET: Duration = Duration::from_secs(10);

pub(crate) async fn measure(plan: &Plan, report: &mut Report) {
    everybody(plan, report).await;
    beside_the_recipe(report).await;
}

/// Processes over a Redis of their own.
struct Five {
    redis: Redis,
    running: Vec<Running>,
}

enum Running {
    Skew(SkewServer),
    Recipe(Recipe),
}

impl Five {
    async fn skew() -> Self {
        let redis = Redis::start().await;
        let program = built_or("BENCH_SERVER", "skew-server");
        let mut running = Vec::new();
        for at in 0..INSTANCES {
            let (url, name) = (redis.url(), format!("web-{at}"));
            let args = ["--route-tracking", "--redis", &url, "--instance", &name, "--user-cookie", "visitor"];
            let key = ("SKEW_USER_HASH_KEY".to_owned(), "k".repeat(64));
            let server = SkewServer::start_in(&program, "build-2", &args.map(str::to_owned), &[key]).await;
            running.push(Running::Skew(server));
        }
        Self { redis, running }
    }

    async fn recipe() -> Self {
        let redis = Redis::start().await;
        let mut running = Vec::new();
        for _ in 0..INSTANCES {
            running.push(Running::Recipe(Recipe::start(&redis.url()).await));
        }
        Self { redis, running }
    }

    fn addrs(&self) -> Vec<SocketAddr> {
        let addr = |one: &Running| match one {
            Running::Skew(server) => server.addr,
            Running::Recipe(recipe) => recipe.addr,
        };
        self.running.iter().map(addr).collect()
    }

    fn resident_kib(&self) -> u64 {
        let pid = |one: &Running| match one {
            Running::Skew(server) => server.process.pid(),
            Running::Recipe(recipe) => recipe.process.pid(),
        };
        self.running.iter().map(|one| resident_kib(pid(one))).sum()
    }

    /// Seconds that Redis has used a processor for so far.
    async fn redis_cpu(&self) -> f64 {
        self.redis.info("used_cpu_user").await + self.redis.info("used_cpu_sys").await
    }
}

async fn everybody(plan: &Plan, report: &mut Report) {
    let five = Five::skew().await;
    let targets: Vec<_> = five.addrs().into_iter().map(|addr| Target::skew(addr, Transport::Sse)).collect();
    let each = TIMES * plan.connections / INSTANCES;
    let mut tui = dashboard(targets[0].addr);

    let mut fleet = Fleet::start(INSTANCES as u8);
    let opened = fleet.open_each(&targets, each * INSTANCES, Manner::Reads).await;
    let whole = opened.count;
    let since = Instant::now();
    let right = Right { total: whole as u64, users: each as u64, each: each as u64 };
    let shown =
        timeout(PATIENCE, tui.stdout.until("the right figures", |line| right.is(line).then(Instant::now))).await;

    let title = format!("{whole} connections of {each} users over {INSTANCES} instances, one dashboard on one of them");
    let mut table = report.table(&title, &["", "figure"]);
    if let Some(failed) = opened.failed {
        table.row("not opened", vec![words(&failed)]);
    }
    table.row("opened a second", vec![count(whole as f64 / opened.time.as_secs_f64())]);
    let time = match shown {
        Ok(at) => ms(at - since),
        Err(_) => words("never"),
    };
    table.row("total, users, versions and routes right in `skew-tui --json`, after the last one", vec![time]);
    table.row("bytes of all five for each connection", vec![count(five.resident_kib() as f64 * 1024.0 / whole as f64)]);
    let idle = over(&five, sleep(QUIET)).await;
    table.row("CPU of Redis while nothing happens", vec![percent(100.0 * idle / QUIET.as_secs_f64())]);
    moving(plan, &five, &targets, &mut fleet, idle / QUIET.as_secs_f64(), &mut table).await;
}

/// Seconds that Redis uses a processor for while something goes on.
async fn over(five: &Five, what: impl Future<Output = ()>) -> f64 {
    let before = five.redis_cpu().await;
    what.await;
    five.redis_cpu().await - before
}

async fn moving(plan: &Plan, five: &Five, targets: &[Target], fleet: &mut Fleet, idle: f64, table: &mut Table<'_>) {
    let time = Duration::from_secs(plan.seconds);
    for (wish, told) in [(Wish::Figures, "figures"), (Wish::Changes, "figures and the list")] {
        let subscriber =
            Subscriber::start(&targets[0], ADMIN_SECRET, wish).await.expect("an instance takes a subscriber");
        // The list has to come from the others first.
        sleep(QUIET).await;
        let start = Instant::now();
        let mut sent = (0, 0);
        let cpu = over(five, async {
            let probes = subscriber.probe(&targets[1], PROBES, time);
            let (moved, probed) = tokio::join!(fleet.move_about(PER_SECOND, time), probes);
            probed.expect("probes are answered");
            sent = moved;
        });
        let cpu = cpu.await - idle * start.elapsed().as_secs_f64();
        sleep(Duration::from_secs(2)).await;
        let lost = subscriber.lost();
        let mut ages: Vec<f64> = subscriber.take().ages.iter().map(Duration::as_secs_f64).collect();
        let age = |ages: &mut [f64], share| ms(Duration::from_secs_f64(quantile(ages, share)));
        table.row(&format!("moves a second, told as {told}"), vec![count(sent.0 as f64 / plan.seconds as f64)]);
        table.row("… of them failed", vec![count(sent.1 as f64)]);
        table.row("… age on another instance, p50", vec![age(&mut ages, 0.5)]);
        table.row("… p99", vec![age(&mut ages, 0.99)]);
        table.row("… probes seen", vec![count(ages.len() as f64)]);
        table.row("… probes not seen", vec![count(lost as f64)]);
        table.row("… microseconds of Redis's CPU for each move", vec![count(1e6 * cpu / sent.0.max(1) as f64)]);
    }
}

/// What the dashboard must show once everybody is there and nobody has moved.
struct Right {
    total: u64,
    users: u64,
    /// Connections of each instance.
    each: u64,
}

impl Right {
    fn is(&self, line: &str) -> bool {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
        let table = |name: &str| -> BTreeMap<String, u64> {
            let table = line[name].as_object().into_iter().flatten();
            table.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect()
        };
        let numbered = |name: &str, of: usize| -> BTreeMap<String, u64> {
            let of = of as u64;
            let holds = |at: u64| (self.each / of + u64::from(at < self.each % of)) * INSTANCES as u64;
            (0..of).map(|at| (format!("{name}{at}"), holds(at))).collect()
        };
        line["total"] == self.total
            && line["users"] == self.users
            && table("versions") == numbered("build-", BUILDS)
            && table("routes") == numbered("/products/", PAGES)
    }
}

fn dashboard(addr: SocketAddr) -> Process {
    let mut command = command_of(&built_or("BENCH_PROGRAM", "skew-tui"));
    command.args(["--json", "--top", "100", &format!("http://{addr}")]).env("SKEW_TOKEN", ADMIN_SECRET);
    Process::spawn("skew-tui", command)
}

async fn beside_the_recipe(report: &mut Report) {
    let title = format!(
        "{SOCKETS} connections of {USERS} users that open and close over {INSTANCES} processes, {SOCKETS_PER_SECOND} a second"
    );
    let columns =
        &["", "CPU of Redis, idle", "microseconds of its CPU for each opening or closing", "commands for each"];
    let mut table = report.table(&title, columns);
    for (name, five) in [("skew-server", Five::skew().await), ("the recipe", Five::recipe().await)] {
        let addrs = five.addrs();
        let commands = || five.redis.info("total_commands_processed");
        let before = commands().await;
        let idle = over(&five, sleep(QUIET)).await / QUIET.as_secs_f64();
        let idle_commands = (commands().await - before) / QUIET.as_secs_f64();
        let (start, before) = (Instant::now(), commands().await);
        let cpu = over(&five, come_and_go(&five, &addrs)).await;
        let time = start.elapsed().as_secs_f64();
        let (events, commands) = (2.0 * SOCKETS as f64, commands().await - before);
        let cpu = 1e6 * (cpu - idle * time) / events;
        let each = (commands - idle_commands * time) / events;
        table.row(name, vec![percent(100.0 * idle), count(cpu), words(&format!("{each:.1}"))]);
    }
}

/// Opens all, in order and so many a second, and closes them again.
async fn come_and_go(five: &Five, addrs: &[SocketAddr]) {
    let mut beat = interval(Duration::from_secs(1) / SOCKETS_PER_SECOND);
    let mut opening = JoinSet::new();
    for at in 0..SOCKETS {
        beat.tick().await;
        let (addr, user) = (addrs[at % addrs.len()], format!("u{}", at % USERS));
        let source = Ipv4Addr::new(127, 0, 80, 1 + (at % 8) as u8);
        let is_ours = matches!(five.running[at % addrs.len()], Running::Skew(_));
        opening.spawn(async move {
            if is_ours {
                let cookie = format!("Cookie: visitor={user}\r\n");
                Target::skew(addr, Transport::Sse).open(source, "/", &cookie).await
            } else {
                recipe::open(addr, source, &user).await
            }
        });
    }
    let mut open: Vec<Stream> = Vec::new();
    while let Some(stream) = opening.join_next().await {
        open.push(stream.expect("an opener ends").expect("a process takes a connection"));
    }
    for stream in open {
        beat.tick().await;
        drop(stream);
    }
    // The last ones are written on the next ticks.
    sleep(Duration::from_secs(2)).await;
}
