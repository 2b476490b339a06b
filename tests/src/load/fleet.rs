//! Several workers as one crowd.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::orders::{Answer, Manner, Order, Tally};
use super::target::Target;

/// What makes this program a worker, as its only argument.
pub const WORKER: &str = "load-worker";

/// Connections that one worker opens at once.
const AT_ONCE: usize = 64;

/// Addresses that one worker comes from.
const SOURCES: u8 = 8;

/// No order takes longer.
const PATIENCE: Duration = Duration::from_secs(180);

/// Workers, each a process of this program, which must call [`super::worker::run`] where [`WORKER`] is its argument.
#[derive(Debug)]
pub struct Fleet {
    workers: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    sources: Vec<Ipv4Addr>,
}

/// Connections that were opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// How many.
    pub count: usize,
    /// From the first order to the last hello.
    pub time: Duration,
    /// Why others were not.
    pub failed: Option<String>,
}

impl Fleet {
    /// Starts so many workers.
    pub fn start(workers: u8) -> Self {
        let start = |worker| {
            let program = std::env::current_exe().expect("a running program has a path");
            let mut child = Command::new(program)
                .arg(WORKER)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .expect("this program can be started again");
            let orders = child.stdin.take().expect("standard input is piped");
            let answers = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
            let sources = (1..=SOURCES).map(|last| Ipv4Addr::new(127, 0, worker + 1, last)).collect();
            Worker { _child: child, orders, answers, sources }
        };
        Self { workers: (0..workers).map(start).collect() }
    }

    /// Opens so many connections, a part by each worker.
    pub async fn open(&mut self, target: &Target, count: usize, manner: Manner) -> Opened {
        self.open_each(&vec![target.clone(); self.workers.len()], count, manner).await
    }

    /// Opens so many connections, a part by each worker and each to a target of its own.
    pub async fn open_each(&mut self, targets: &[Target], count: usize, manner: Manner) -> Opened {
        let shares = shares(count, self.workers.len());
        let start = Instant::now();
        let open = |worker: &Worker, target: &Target, count| Order::Open {
            target: target.clone(),
            count,
            at_once: AT_ONCE,
            sources: worker.sources.clone(),
            manner,
        };
        let parts = self.workers.iter().zip(targets).zip(shares);
        let orders: Vec<_> = parts.map(|((worker, target), count)| open(worker, target, count)).collect();
        let answers = self.tell(orders).await;
        let time = start.elapsed();
        let mut opened = Opened { count: 0, time, failed: None };
        for answer in answers {
            if let Answer::Opened { opened: count, failed } = answer {
                opened.count += count;
                opened.failed = opened.failed.or(failed);
            }
        }
        opened
    }

    /// Reports other pages, so many times a second; answers how many were sent and how many failed.
    pub async fn move_about(&mut self, per_second: u32, time: Duration) -> (u64, u64) {
        let workers = u32::try_from(self.workers.len()).unwrap_or(1);
        let orders = vec![Order::Move { per_second: per_second / workers, time }; self.workers.len()];
        self.tell(orders).await.into_iter().fold((0, 0), |sum, answer| match answer {
            Answer::Moved { sent, failed } => (sum.0 + sent, sum.1 + failed),
            _ => sum,
        })
    }

    /// What has come to all connections since they were opened.
    pub async fn tally(&mut self) -> Tally {
        self.tell(vec![Order::Tally; self.workers.len()]).await.into_iter().fold(Tally::default(), |sum, answer| {
            match answer {
                Answer::Tally(tally) => sum.and(tally),
                _ => sum,
            }
        })
    }

    /// Closes all connections.
    pub async fn close(&mut self) {
        self.tell(vec![Order::Close; self.workers.len()]).await;
    }

    /// Gives each worker its order and waits for all answers.
    async fn tell(&mut self, orders: Vec<Order>) -> Vec<Answer> {
        join_all(self.workers.iter_mut().zip(orders).map(|(worker, order)| worker.tell(order))).await
    }
}

impl Worker {
    async fn tell(&mut self, order: Order) -> Answer {
        let mut line = serde_json::to_string(&order).expect("an order is JSON");
        line.push('\n');
        self.orders.write_all(line.as_bytes()).await.expect("a worker lives as long as its standard input");
        let answer = timeout(PATIENCE, self.answers.next_line()).await;
        let answer = answer.expect("a worker answers in time").expect("a worker's answers can be read");
        serde_json::from_str(&answer.expect("a worker answers")).expect("a worker's answer is JSON")
    }
}

/// Parts of a whole that differ by one at most.
fn shares(whole: usize, parts: usize) -> impl Iterator<Item = usize> {
    (0..parts).map(move |part| whole / parts + usize::from(part < whole % parts))
}
