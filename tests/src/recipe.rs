//! The Socket.IO recipe for counting users, as a process, and a browser's part of it on a raw socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use crate::binaries::workspace;
use crate::http::Client;
use crate::load::target::{Hello, Stream, Target, Under};
use crate::load::wire::{Said, Transport, text};
use crate::process::Process;

/// How long an answer of its counts is waited for. While Redis is away it waits for that itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process of `tests/recipe/server.js`.
#[derive(Debug)]
pub struct Recipe {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub addr: SocketAddr,
    redis: String,
}

/// What it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Distinct users. Below zero counts as one, since the hash has it.
    pub users: u64,
    /// The sum of their sockets, which can be below zero.
    pub connections: i64,
}

impl Recipe {
    /// Starts one on a free loopback port over that Redis.
    pub async fn start(redis: &str) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), redis).await
    }

    /// Kills it and starts it again at the same address.
    pub async fn restart(&mut self) {
        self.process.kill();
        *self = Self::start_at(self.addr, &self.redis).await;
    }

    async fn start_at(addr: SocketAddr, redis: &str) -> Self {
        let folder = workspace().join("tests/recipe");
        assert!(folder.join("node_modules").is_dir(), "the recipe is not installed: npm ci --prefix tests/recipe");
        let mut command = Command::new("node");
        command.arg("server.js").current_dir(folder);
        command.env("PORT", addr.port().to_string()).env("REDIS_URL", redis);
        let mut process = Process::spawn("the recipe", command);
        let address = |line: &str| line.strip_prefix("listening on http://")?.parse().ok();
        let addr = process.stdout.until("the address that the recipe listens on", address).await;
        Self { process, addr, redis: redis.to_owned() }
    }

    /// What it shows; nothing where it does not answer.
    pub async fn counts(client: &Client, addr: SocketAddr) -> Option<Counts> {
        let answer = client.get(format!("http://{addr}/counts")).timeout(PATIENCE).send().await.ok()?;
        serde_json::from_slice(&answer.error_for_status().ok()?.bytes().await.ok()?).ok()
    }
}

/// Opens a socket for a user.
///
/// # Errors
///
/// When the server is not there or refuses.
pub async fn open(addr: SocketAddr, source: Ipv4Addr, user: &str) -> io::Result<Stream> {
    let path = "/socket.io/".into();
    let target = Target { addr, transport: Transport::Ws, path, hello: Hello::Head, under: Under::Tcp };
    let mut stream = target.open(source, "/&EIO=4&transport=websocket", &format!("Cookie: user={user}\r\n")).await?;
    // The default namespace.
    stream.socket.write_all(&text("40")).await?;
    let mut joined = false;
    while !joined {
        read(&mut stream, |said| joined |= said.starts_with("40")).await?;
    }
    Ok(stream)
}

/// Reads a socket to its end, and answers the server's pings.
pub async fn stay(mut stream: Stream) {
    while read(&mut stream, |_| {}).await.is_ok() {}
}

async fn read(stream: &mut Stream, mut hear: impl FnMut(&str)) -> io::Result<()> {
    let mut piece = [0; 4096];
    let length = stream.socket.read(&mut piece).await?;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut pings = 0;
    let understood = stream.wire.read(&piece[..length], &mut |said| {
        if let Said::Text(text) = said {
            pings += usize::from(text == "2");
            hear(text);
        }
    });
    understood.map_err(io::Error::other)?;
    for _ in 0..pings {
        stream.socket.write_all(&text("3")).await?;
    }
    Ok(())
}

/// Waits until it shows so many users and connections, for so long.
pub async fn until(client: &Client, addr: SocketAddr, wanted: Counts, patience: Duration) -> bool {
    let right = async {
        while Recipe::counts(client, addr).await != Some(wanted) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(patience, right).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Redis;
    use crate::{PATIENCE, http};

    #[tokio::test]
    async fn the_recipe_counts_users_and_their_sockets() {
        let redis = Redis::start().await;
        let (first, second) = (Recipe::start(&redis.url()).await, Recipe::start(&redis.url()).await);
        let client = http::client();
        let one = open(first.addr, Ipv4Addr::LOCALHOST, "u1").await.unwrap();
        let _another = open(second.addr, Ipv4Addr::LOCALHOST, "u1").await.unwrap();
        let _other = open(second.addr, Ipv4Addr::LOCALHOST, "u2").await.unwrap();
        assert!(until(&client, first.addr, Counts { users: 2, connections: 3 }, PATIENCE).await);
        drop(one);
        assert!(until(&client, second.addr, Counts { users: 2, connections: 2 }, PATIENCE).await);
    }
}
