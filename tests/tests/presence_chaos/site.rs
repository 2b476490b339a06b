//! Several processes over one Redis, each on a line of its own.

use std::net::SocketAddr;
use std::time::Duration;

use skew_tests::binaries::built_or;
use skew_tests::faults::Line;
use skew_tests::http::{Client, client};
use skew_tests::process::{Process, Signal};
use skew_tests::recipe::Recipe;
use skew_tests::redis::Redis;
use skew_tests::server::SkewServer;

use crate::hook::SECRET;

/// Whose processes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Skew,
    Recipe,
}

/// The processes.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) redis: Redis,
    pub(crate) instances: Vec<Instance>,
    pub(crate) client: Client,
}

#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) line: Line,
    pub(crate) state: State,
    running: Running,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Up,
    Stalled,
    Down,
}

#[derive(Debug)]
enum Running {
    Skew(SkewServer),
    Recipe(Recipe),
}

/// By how much the clocks of instances are off, each in its turn.
const CLOCKS: [i64; 3] = [0, 3_600, -3_600];

/// The build that all are started with.
pub(crate) const RELEASE: &str = "release-0";

impl Site {
    pub(crate) async fn start(program: Program, count: usize, hook: SocketAddr) -> Self {
        let redis = Redis::start().await;
        let mut instances = Vec::new();
        for at in 0..count {
            let line = Line::to(redis.addr).await;
            let url = format!("redis://{}", line.addr);
            let running = match program {
                Program::Skew => Running::Skew(skew(at, &url, hook).await),
                Program::Recipe => Running::Recipe(Recipe::start(&url).await),
            };
            instances.push(Instance { line, state: State::Up, running });
        }
        Self { redis, instances, client: client() }
    }

    /// Those that can be connected to.
    pub(crate) fn up(&self) -> Vec<(usize, SocketAddr)> {
        let up = self.instances.iter().enumerate().filter(|(_, instance)| instance.state == State::Up);
        up.map(|(at, instance)| (at, instance.addr())).collect()
    }
}

async fn skew(at: usize, redis: &str, hook: SocketAddr) -> SkewServer {
    let program = built_or("CHAOS_SERVER", "skew-server");
    let hook = format!("http://{hook}/events");
    let name = format!("web-{at}");
    let args = ["--route-tracking", "--redis", redis, "--instance", &name, "--user-cookie", "visitor"];
    let grace = ["--leave-grace", "1s", "--webhook", &hook];
    let args: Vec<String> = args.into_iter().chain(grace).map(str::to_owned).collect();
    let mut environment =
        vec![("SKEW_USER_HASH_KEY".to_owned(), "k".repeat(64)), ("SKEW_WEBHOOK_SECRET".to_owned(), SECRET.to_owned())];
    let clock = CLOCKS[at % CLOCKS.len()];
    if clock != 0 {
        environment.extend(clock_off_by(clock));
    }
    SkewServer::start_in(&program, RELEASE, &args, &environment).await
}

/// What makes a process believe in another time of day. Its monotonic clock goes on as it is.
fn clock_off_by(seconds: i64) -> Vec<(String, String)> {
    let places = ["lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "lib64", "lib"];
    let mut libraries = places.map(|place| format!("/usr/{place}/faketime/libfaketimeMT.so.1")).into_iter();
    let library = libraries.find(|file| std::path::Path::new(file).exists());
    let library = library.expect("a library that sets clocks is installed (Debian's libfaketime)");
    let variables = [
        ("LD_PRELOAD", library),
        ("FAKETIME", format!("{seconds:+}s")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

impl Instance {
    pub(crate) fn addr(&self) -> SocketAddr {
        match &self.running {
            Running::Skew(server) => server.addr,
            Running::Recipe(recipe) => recipe.addr,
        }
    }

    fn process(&mut self) -> &mut Process {
        match &mut self.running {
            Running::Skew(server) => &mut server.process,
            Running::Recipe(recipe) => &mut recipe.process,
        }
    }

    pub(crate) fn kill(&mut self) {
        self.process().kill();
        self.state = State::Down;
    }

    pub(crate) async fn start_again(&mut self) {
        match &mut self.running {
            Running::Skew(server) => server.restart(RELEASE).await,
            Running::Recipe(recipe) => recipe.restart().await,
        }
        self.state = State::Up;
    }

    pub(crate) fn stall(&mut self) {
        self.process().signal(Signal::STOP);
        self.state = State::Stalled;
    }

    pub(crate) fn resume(&mut self) {
        self.process().signal(Signal::CONT);
        self.state = State::Up;
    }
}

/// How long a process may be dead before nobody counts its connections.
pub(crate) const A_DEATH: Duration = Duration::from_secs(15);

/// How long after Redis is back all must be right.
pub(crate) const REDIS_BACK: Duration = Duration::from_secs(5);
