//! Real `redis-server` processes of one's own, on loopback ports that nobody has and in temporary folders.
//!
//! The system's own service is not needed, not started and not spoken to.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::PATIENCE;
use crate::process::{Process, Signal};

pub use self::cluster::Cluster;
pub use self::sentinel::Sentinels;
pub use self::tls::Certificates;

mod cluster;
mod sentinel;
mod tls;

/// Time between two looks at something that Redis does by itself.
const LOOK: Duration = Duration::from_millis(50);

/// What a server that is started again has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// Nothing, as one that kept all in memory.
    Lost,
    /// What it had when it was told to save last ([`Redis::save`]).
    Saved,
}

/// A server. Dropped, it is killed, and its folder is gone.
#[derive(Debug)]
pub struct Redis {
    /// Where it listens.
    pub addr: SocketAddr,
    process: Option<Process>,
    folder: TempDir,
    args: Vec<String>,
    url: String,
}

impl Redis {
    /// Starts one that keeps all in memory.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with further settings, as on its command line: `["--maxmemory", "1mb"]`.
    pub async fn start_with(settings: &[&str]) -> Self {
        let settings: Vec<_> = settings.iter().map(|&word| word.to_owned()).collect();
        Self::launch(|port, _| {
            let mut args = plain(port);
            args.extend(settings.iter().cloned());
            args
        })
        .await
    }

    /// Starts one that nobody may use but `user` with `password`, who may use the keys and channels that begin with `prefix`.
    pub async fn start_with_user(user: &str, password: &str, prefix: &str) -> Self {
        let (secret, keys, channels) = (format!(">{password}"), format!("~{prefix}*"), format!("&{prefix}*"));
        let rights = ["--user", user, "on", &secret, &keys, &channels, "+@all", "-@dangerous", "+info"];
        let redis = Self::start_with(&rights).await;
        redis.ask::<()>(&["ACL", "SETUSER", "default", "off"]).await;
        Self { url: format!("redis://{user}:{password}@{}", redis.addr), ..redis }
    }

    /// Starts one that takes connections over TLS only, as `localhost`.
    pub async fn start_tls(certificates: &Certificates) -> Self {
        let files = certificates.settings();
        let redis = Self::launch(|port, _| {
            let mut args = plain(0);
            args.extend(["--tls-port".to_owned(), port.to_string()]);
            args.extend(files.iter().cloned());
            args
        })
        .await;
        let url = format!("rediss://localhost:{}", redis.addr.port());
        Self { url, ..redis }
    }

    /// Starts one with the arguments that are made for a port and a folder. A port that was free may be taken a moment later: then
    /// another one is tried.
    async fn launch(args: impl Fn(u16, &Path) -> Vec<String>) -> Self {
        for _ in 0..20 {
            let folder = tempfile::tempdir().expect("a temporary folder can be made");
            let port = port();
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let args = args(port, folder.path());
            let mut redis = Self { addr, process: None, folder, args, url: format!("redis://{addr}") };
            if redis.run().await {
                return redis;
            }
        }
        panic!("no redis-server could be started on a free port")
    }

    /// Whether it took its port.
    async fn run(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command.args(&self.args).arg("--dir").arg(self.folder.path());
        let mut process = Process::spawn("redis-server", command);
        let ready = |line: &str| {
            let up = line.contains("Ready to accept connections") || line.contains("Sentinel ID is");
            let taken = line.contains("Address already in use") || line.contains("Failed listening");
            (up || taken).then_some(up)
        };
        let up = process.stdout.until("readiness of redis-server (Debian's redis-server)", ready).await;
        self.process = up.then_some(process);
        up
    }

    /// Its URL, for whoever goes there straight.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("redis-server runs")
    }

    /// Kills it, as a crash does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again where it was.
    pub async fn start_again(&mut self, data: Data) {
        self.kill();
        if data == Data::Lost {
            // There is none where nobody has saved.
            let _ = std::fs::remove_file(self.folder.path().join("dump.rdb"));
        }
        let deadline = Instant::now() + PATIENCE;
        while !self.run().await {
            assert!(Instant::now() < deadline, "{} is taken by somebody else", self.addr);
            sleep(LOOK).await;
        }
    }

    /// Writes what it has to its folder.
    pub async fn save(&self) {
        self.ask::<()>(&["SAVE"]).await;
    }

    /// Stops the process where it is; its sockets stay open.
    pub fn stall(&self) {
        self.process().signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process().signal(Signal::CONT);
    }

    /// Removes all that it has.
    pub async fn flush(&self) {
        self.ask::<()>(&["FLUSHALL"]).await;
    }

    /// Sends one command, and answers what it is answered.
    pub async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).await.unwrap_or_else(|error| panic!("redis-server answered {words:?} with {error}"))
    }

    /// Sends one command that may fail.
    ///
    /// # Errors
    ///
    /// When the server is not there, does not answer or refuses.
    pub async fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection().await?).await
    }

    /// A connection of one's own.
    ///
    /// # Errors
    ///
    /// When the server is not there.
    pub async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        Client::open(self.url())?.get_multiplexed_async_connection_with_config(&config).await
    }

    /// A number of its `INFO`.
    pub async fn info(&self, name: &str) -> f64 {
        let text: String = self.ask(&["INFO"]).await;
        number(&text, name).unwrap_or_else(|| panic!("redis-server has no {name}"))
    }
}

fn number(info: &str, name: &str) -> Option<f64> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.trim().parse().ok()
}

/// What makes a server one of the tests: nothing on a disk, nobody else's configuration.
fn plain(port: u16) -> Vec<String> {
    let port = port.to_string();
    let words = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "notice"];
    words.map(str::to_owned).to_vec()
}

/// A port that nobody has, below those that the system gives to whoever connects: a server that is killed finds it free again. The one
/// 10,000 above, which is a cluster's, is free too.
fn port() -> u16 {
    loop {
        let port = rand::random_range(10_100..22_000);
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_comes_back_with_what_it_saved_or_with_nothing() {
        let mut redis = Redis::start().await;
        redis.ask::<()>(&["SET", "a", "1"]).await;
        redis.save().await;
        redis.ask::<()>(&["SET", "b", "2"]).await;
        redis.kill();
        assert!(redis.try_ask::<()>(&["PING"]).await.is_err());
        redis.start_again(Data::Saved).await;
        assert_eq!(redis.ask::<Vec<Option<u8>>>(&["MGET", "a", "b"]).await, [Some(1), None]);
        redis.start_again(Data::Lost).await;
        assert_eq!(redis.ask::<u64>(&["DBSIZE"]).await, 0);
        assert!(redis.info("used_cpu_user").await >= 0.0);
    }

    #[tokio::test]
    async fn a_server_that_stalls_answers_when_it_goes_on() {
        let redis = Redis::start().await;
        redis.stall();
        let mut answer = std::pin::pin!(redis.ask::<String>(&["PING"]));
        assert!(tokio::time::timeout(Duration::from_millis(200), &mut answer).await.is_err());
        redis.resume();
        assert_eq!(answer.await, "PONG");
    }

    #[tokio::test]
    async fn only_the_user_is_let_in_and_only_under_the_prefix() {
        let redis = Redis::start_with_user("skew", "secret", "{skew}").await;
        redis.ask::<()>(&["SET", "{skew}:a", "1"]).await;
        assert!(redis.try_ask::<()>(&["SET", "b", "1"]).await.is_err());
        let nobody = Client::open(format!("redis://{}", redis.addr)).unwrap();
        let mut nobody = nobody.get_multiplexed_async_connection().await.unwrap();
        assert!(redis::cmd("PING").query_async::<()>(&mut nobody).await.is_err());
    }
}
