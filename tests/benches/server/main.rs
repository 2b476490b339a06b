//! `cargo bench -p skew-tests --bench server`: what `skew-server` costs and how fast it is, with thousands of connections on raw
//! sockets from several processes, and its peers in the same run. `-- --help` lists the options.
//!
//! Linux only: the figures are those of /proc. The load runs on the same machine, so compare within one run.

mod axum_peer;
mod broadcast;
mod idle;
mod opening;
mod presence;
mod report;
mod slow;
mod stats;
mod subject;
mod updates;

use skew_tests::load::fleet::WORKER;
use skew_tests::load::{allow_open_files, worker};

use self::report::Report;

const HELP: &str = "cargo bench -p skew-tests --bench server -- [OPTIONS] [PART]...

Parts, all of them by default: idle, opening, updates, slow, stats. And only where it is asked for: presence, which is six times
as many connections over five instances and one Redis, beside the Socket.IO recipe.

  --connections N  how many are opened [default: 15000]
  --rounds N       rounds of what is not measured over time [default: 3]
  --seconds N      how long what is measured over time takes [default: 10]
  --json           figures as JSON, in place of tables

BENCH_SERVER names a skew-server that is built already, from the root of the workspace. Beside it run an axum server, nginx with
nchan (Debian's libnginx-mod-nchan) and the Nuxt app as tests/run builds it, where they are installed. BENCH_PROGRAM names a
skew-tui that is built already. One process must be allowed to open somewhat more files than there are connections, and for
presence a quarter more (ulimit -Hn).";

/// What the stock app is given: it takes some milliseconds for each, and with somebody watching it is quadratic.
pub(crate) const STOCK_CONNECTIONS: usize = 5_000;

/// What all parts are told.
pub(crate) struct Plan {
    /// Connections that are opened.
    pub(crate) connections: usize,
    /// Rounds of what is not measured over time.
    pub(crate) rounds: usize,
    /// How long what is measured over time takes.
    pub(crate) seconds: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments == [WORKER] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be started");
        return runtime.block_on(worker::run()).expect("somebody reads the worker's answers");
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    if arguments == [axum_peer::MODE] {
        return runtime.block_on(axum_peer::run()).expect("there is a free port");
    }
    runtime.block_on(measure(arguments));
}

async fn measure(arguments: Vec<String>) {
    let mut plan = Plan { connections: 15_000, rounds: 3, seconds: 10 };
    let mut parts = Vec::new();
    let mut json = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|number| number.parse::<usize>().ok()).expect("a number");
        match &*argument {
            "--connections" => plan.connections = number(),
            "--rounds" => plan.rounds = number(),
            "--seconds" => plan.seconds = number() as u64,
            "--json" => json = true,
            part @ ("idle" | "opening" | "updates" | "slow" | "stats" | "presence") => parts.push(part.to_owned()),
            _ => return println!("{HELP}"),
        }
    }
    allow_open_files(plan.connections as u64 + 2_000);
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let mut report = Report::new(json);
    if wanted("idle") {
        idle::measure(&plan, &mut report).await;
    }
    if wanted("opening") {
        opening::measure(&plan, &mut report).await;
    }
    if wanted("updates") {
        updates::measure(&plan, &mut report).await;
    }
    if wanted("slow") {
        slow::measure(&plan, &mut report).await;
    }
    if wanted("stats") {
        stats::measure(&plan, &mut report).await;
    }
    if parts.iter().any(|part| part == "presence") {
        presence::measure(&plan, &mut report).await;
    }
    report.end();
}
