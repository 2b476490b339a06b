//! A master, a replica and three sentinels.

use std::net::SocketAddr;

use tokio::time::{Instant, sleep};

use super::{LOOK, Redis};
use crate::PATIENCE;

/// Sentinels that must agree that the master is gone.
const QUORUM: u8 = 2;
const SENTINELS: usize = 3;

/// How long a master may be silent.
const DOWN_AFTER_MS: u32 = 1_000;

/// A master and its replica, and the sentinels that watch them.
#[derive(Debug)]
pub struct Sentinels {
    /// The servers: the first one is the master at first.
    pub servers: [Redis; 2],
    /// Who watches them.
    pub sentinels: Vec<Redis>,
}

impl Sentinels {
    /// The master's name.
    pub const NAME: &str = "mymaster";

    /// Starts all of them, and waits until the sentinels know each other and the replica.
    pub async fn start() -> Self {
        let master = Redis::start().await;
        let of = master.addr.port().to_string();
        let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &of, "--repl-diskless-sync-delay", "0"]).await;
        let mut sentinels = Vec::new();
        for _ in 0..SENTINELS {
            sentinels.push(sentinel(master.addr).await);
        }
        let all = Self { servers: [master, replica], sentinels };
        for sentinel in &all.sentinels {
            all.until(sentinel, &[("num-other-sentinels", SENTINELS as u64 - 1), ("num-slaves", 1)]).await;
        }
        all
    }

    /// Where the sentinels listen.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.sentinels.iter().map(|sentinel| sentinel.addr).collect()
    }

    /// Where the sentinels say that the master is.
    pub async fn master(&self) -> SocketAddr {
        let (host, port): (String, u16) =
            self.sentinels[0].ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::NAME]).await;
        SocketAddr::new(host.parse().expect("an address"), port)
    }

    /// Kills the master, and waits until its replica is one.
    pub async fn fail_over(&mut self) {
        let before = self.master().await;
        let [first, second] = &mut self.servers;
        if first.addr == before {
            first.kill();
        } else {
            second.kill();
        }
        self.until_another_is_master(before).await;
    }

    /// Makes the replica the master while the old one lives on, and waits for it. The old one keeps its clients' connections.
    pub async fn switch(&self) {
        let before = self.master().await;
        self.sentinels[0].ask::<()>(&["SENTINEL", "FAILOVER", Self::NAME]).await;
        self.until_another_is_master(before).await;
    }

    async fn until_another_is_master(&self, before: SocketAddr) {
        let deadline = Instant::now() + PATIENCE;
        while self.master().await == before {
            assert!(Instant::now() < deadline, "the sentinels chose no other master");
            sleep(LOOK).await;
        }
    }

    async fn until(&self, sentinel: &Redis, wanted: &[(&str, u64)]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let fields: Vec<String> = sentinel.ask(&["SENTINEL", "MASTER", Self::NAME]).await;
            let is = |name: &str| fields.chunks(2).find(|pair| pair[0] == name).and_then(|pair| pair[1].parse().ok());
            if wanted.iter().all(|(name, count)| is(name) == Some(*count)) {
                return;
            }
            assert!(Instant::now() < deadline, "the sentinels don't know each other: {fields:?}");
            sleep(LOOK).await;
        }
    }
}

/// A sentinel writes to its file, so that it needs one.
async fn sentinel(master: SocketAddr) -> Redis {
    let (name, host, master_port) = (Sentinels::NAME, master.ip(), master.port());
    Redis::launch(|port, folder| {
        let file = folder.join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor {name} {host} {master_port} {QUORUM}\n\
             sentinel down-after-milliseconds {name} {DOWN_AFTER_MS}\nsentinel failover-timeout {name} 5000\n"
        );
        std::fs::write(&file, text).expect("a temporary file can be written");
        vec![file.to_str().expect("a temporary path is UTF-8").to_owned(), "--sentinel".to_owned()]
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_replica_takes_the_place_of_a_master_that_is_gone() {
        let mut all = Sentinels::start().await;
        let before = all.master().await;
        assert_eq!(before, all.servers[0].addr);
        all.fail_over().await;
        let [_, replica] = &all.servers;
        assert_eq!(all.master().await, replica.addr);
        replica.ask::<()>(&["SET", "a", "1"]).await;
    }
}
