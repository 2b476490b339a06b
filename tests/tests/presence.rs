//! Several `skew-server` processes that are one over a real Redis: sums, orders, and what becomes of them when something breaks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use skew_tests::PATIENCE;
use skew_tests::faults::{Fault, Line};
use skew_tests::http;
use skew_tests::nuxt::ADMIN_SECRET;
use skew_tests::process::Signal;
use skew_tests::redis::{Certificates, Cluster, Data, Redis, Sentinels};
use skew_tests::server::SkewServer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// Time between two looks at figures.
const LOOK: Duration = Duration::from_millis(20);

/// Several instances of one server.
struct Fleet {
    servers: Vec<SkewServer>,
    key: NamedTempFile,
    /// Further arguments of each.
    args: Vec<String>,
}

impl Fleet {
    async fn start(builds: &[&str], args: &[&str]) -> Self {
        let key = NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(key.path(), "an-example-key-of-32-bytes-or-more\n").expect("it can be written");
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let mut fleet = Self { servers: Vec::new(), key, args };
        for build in builds {
            fleet.add(build).await;
        }
        fleet
    }

    /// Starts one more.
    async fn add(&mut self, build: &str) {
        let name = format!("web-{}", self.servers.len() + 1);
        let key = self.key.path().to_str().expect("its name is UTF-8").to_owned();
        let mut args = vec!["--route-tracking", "--instance", &name, "--user-header", "x-user", "--drain", "100ms"];
        args.extend(["--trusted-proxy", "127.0.0.1/32", "--user-hash-key-file", &key]);
        args.extend(self.args.iter().map(String::as_str));
        self.servers.push(SkewServer::start(build, &args).await);
    }

    fn addr(&self, nth: usize) -> SocketAddr {
        self.servers[nth].addr
    }

    /// Waits until these instances all say what is asked for.
    async fn all(&self, instances: &[usize], what: &str, is: impl Fn(&Value) -> bool) {
        for nth in instances {
            self.until(*nth, what, &is).await;
        }
    }

    /// Waits until an instance says what is asked for.
    async fn until(&self, nth: usize, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        until(self.addr(nth), what, is).await
    }
}

/// Waits until a server's stats say what is asked for.
async fn until(addr: SocketAddr, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stats = stats(addr).await;
        if is(&stats) {
            return stats;
        }
        assert!(Instant::now() < deadline, "{addr} does not say {what}, but {stats:#}");
        sleep(LOOK).await;
    }
}

async fn stats(addr: SocketAddr) -> Value {
    let request = http::client().get(format!("http://{addr}/__skew/admin/stats")).bearer_auth(ADMIN_SECRET);
    http::json(request).await.1
}

async fn post(addr: SocketAddr, path: &str, body: &Value) -> Value {
    let request = http::client().post(format!("http://{addr}/__skew/{path}")).bearer_auth(ADMIN_SECRET).json(body);
    let (status, answer) = http::json(request).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// A tab without a browser.
struct Tab {
    id: String,
    stream: BufReader<TcpStream>,
}

impl Tab {
    async fn open(addr: SocketAddr, route: &str, build: &str, user: &str) -> Self {
        let mut stream = BufReader::new(TcpStream::connect(addr).await.expect("the server listens"));
        let user = if user.is_empty() { String::new() } else { format!("X-User: {user}\r\n") };
        let head =
            format!("GET /__skew/sse?route={route} HTTP/1.1\r\nHost: {addr}\r\nCookie: __nkpv={build}\r\n{user}\r\n");
        stream.write_all(head.as_bytes()).await.expect("the server reads");
        let mut tab = Self { id: String::new(), stream };
        let connected = tab.hears("connected").await;
        tab.id = connected["connectionId"].as_str().expect("an id").to_owned();
        tab
    }

    /// Waits for the next message of a type.
    async fn hears(&mut self, kind: &str) -> Value {
        let heard = async {
            let mut line = String::new();
            loop {
                line.clear();
                assert!(self.stream.read_line(&mut line).await.is_ok_and(|read| read > 0), "the stream has ended");
                if let Some(text) = line.strip_prefix("data: ") {
                    let message: Value = serde_json::from_str(text).expect("a message is JSON");
                    if message["type"] == kind {
                        return message;
                    }
                }
            }
        };
        timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("no {kind} comes"))
    }
}

impl Tab {
    /// Waits for so many events of a kind, or of any where none is named.
    async fn events(&mut self, kind: &str, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let message = self.hears("events").await;
            let all = message["events"].as_array().cloned().unwrap_or_default();
            events.extend(all.into_iter().filter(|event| kind.is_empty() || event["event"] == kind));
        }
        events
    }
}

/// Whether these are the figures, of instances that are all heard from.
fn figures(stats: &Value, total: u64, users: u64, instances: usize) -> bool {
    let live = stats["instances"]
        .as_array()
        .is_some_and(|all| all.len() == instances && all.iter().all(|instance| instance["state"] == "live"));
    stats["total"] == total && stats["users"] == users && stats["partial"].is_null() && live
}

/// Two instances, a tab on each of the same user and one more, and what both say of it.
async fn two_are_one(args: &[&str]) -> (Fleet, Vec<Tab>) {
    let fleet = Fleet::start(&["b1", "b1"], args).await;
    let tabs = vec![
        Tab::open(fleet.addr(0), "/", "b1", "kim").await,
        Tab::open(fleet.addr(1), "/shop", "b0", "kim").await,
        Tab::open(fleet.addr(1), "/shop", "b1", "lee").await,
        Tab::open(fleet.addr(0), "/", "b1", "").await,
    ];
    let whole = |stats: &Value| {
        figures(stats, 4, 2, 2)
            && stats["anonymous"] == 1
            && stats["versions"] == json!({ "b0": 1, "b1": 3 })
            && stats["routes"] == json!({ "/": 2, "/shop": 2 })
    };
    fleet.all(&[0, 1], "the sums of both", whole).await;
    (fleet, tabs)
}

#[tokio::test]
async fn any_instance_answers_with_the_sums_and_rows_of_all() {
    let redis = Redis::start().await;
    let (fleet, mut tabs) = two_are_one(&["--redis", &redis.url()]).await;
    // Who looks at the list has the others send it.
    let asked = json!({ "connectionId": tabs[0].id });
    post(fleet.addr(0), "subscribe-stats", &asked).await;
    let listed = |stats: &Value| {
        let mut names: Vec<_> = stats["connections"].as_array().into_iter().flatten().collect();
        names.sort_by_key(|row| row["instance"].as_str());
        let names: Vec<_> = names.iter().map(|row| row["instance"].as_str().unwrap_or_default()).collect();
        names == ["web-1", "web-1", "web-2", "web-2"]
    };
    while !listed(&tabs[0].hears("stats").await) {}
    tabs.remove(2);
    fleet.all(&[0, 1], "that one has gone", |stats| figures(stats, 3, 1, 2)).await;
}

/// The connections that listen for messages, as Redis numbers them.
async fn listening(redis: &Redis) -> BTreeSet<String> {
    let list: String = redis.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]).await;
    list.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

#[tokio::test]
async fn a_subscription_that_hears_nothing_is_found_and_made_anew() {
    let redis = Redis::start().await;
    let line = Line::to(redis.addr).await;
    let (fleet, mut tabs) = two_are_one(&["--redis", &format!("redis://{}", line.addr)]).await;
    let before = listening(&redis).await;
    assert_eq!(before.len(), 2);
    line.set(Fault::Deaf);
    // What was not heard of is found in the values.
    tabs.push(Tab::open(fleet.addr(0), "/", "b1", "max").await);
    let deadline = Instant::now() + PATIENCE;
    while !listening(&redis).await.is_disjoint(&before) {
        assert!(Instant::now() < deadline, "nobody has noticed");
        sleep(LOOK).await;
    }
    fleet.all(&[0, 1], "one more", |stats| figures(stats, 5, 3, 2)).await;
    line.set(Fault::None);
    while post(fleet.addr(1), "admin/release", &json!({ "version": "b2" })).await["reached"] != 5 {
        assert!(Instant::now() < deadline, "an order does not reach all");
        post(fleet.addr(1), "admin/release", &json!({ "version": "b1" })).await;
    }
    tabs[0].hears("version").await;
}

#[tokio::test]
async fn orders_reach_all_instances_and_say_how_many() {
    let redis = Redis::start().await;
    let (fleet, mut tabs) = two_are_one(&["--redis", &redis.url()]).await;
    let answer = post(fleet.addr(0), "admin/invalidate-route", &json!({ "route": "/shop" })).await;
    assert_eq!((&answer["matched"], &answer["routes"]), (&json!(2), &json!({ "/shop": 2 })));
    for tab in &mut tabs[1..3] {
        assert_eq!(tab.hears("version").await["force"], true);
    }
    let answer = post(fleet.addr(1), "admin/release", &json!({ "version": "b2" })).await;
    assert_eq!((&answer["previous"], &answer["reached"]), (&json!("b1"), &json!(4)));
    for tab in &mut tabs {
        assert_eq!(tab.hears("version").await["version"], "b2");
    }
    fleet.all(&[0, 1], "the new build", |stats| stats["current"] == "b2").await;
    let message = json!({ "type": "sale", "text": "now" });
    let answer = post(fleet.addr(0), "admin/message", &json!({ "message": message, "user": "kim" })).await;
    assert_eq!(answer["reached"], 2);
    for tab in &mut tabs[..2] {
        assert_eq!(tab.hears("sale").await["text"], "now");
    }
}

#[tokio::test]
async fn a_post_to_the_wrong_instance_finds_its_connection() {
    let redis = Redis::start().await;
    let (fleet, mut tabs) = two_are_one(&["--redis", &redis.url()]).await;
    let moved = json!({ "connectionId": tabs[0].id, "route": "/cart" });
    assert_eq!(post(fleet.addr(1), "route", &moved).await["ok"], true);
    fleet.all(&[0, 1], "the move", |stats| stats["routes"]["/cart"] == 1).await;
    let asked = json!({ "connectionId": tabs[0].id });
    assert_eq!(post(fleet.addr(1), "subscribe-stats", &asked).await["ok"], true);
    assert_eq!(tabs[0].hears("stats").await["total"], 4);
    let request = http::client().post(format!("http://{}/__skew/subscribe-stats", fleet.addr(0)));
    assert_eq!(http::json(request.json(&json!({ "connectionId": tabs[1].id }))).await.0, 200);
    tabs[1].hears("stats-unauthorized").await;
}

#[tokio::test]
async fn an_instance_that_dies_is_gone_and_one_that_stalls_is_counted_again() {
    let redis = Redis::start().await;
    let (mut fleet, tabs) = two_are_one(&["--redis", &redis.url()]).await;
    fleet.servers[1].process.signal(Signal::STOP);
    fleet.until(0, "that the other one is gone", |stats| figures(stats, 2, 1, 1)).await;
    fleet.servers[1].process.signal(Signal::CONT);
    fleet.all(&[0, 1], "that it is back", |stats| figures(stats, 4, 2, 2)).await;
    fleet.servers[1].process.kill();
    fleet.until(0, "that it is gone for good", |stats| figures(stats, 2, 1, 1)).await;
    drop(tabs);
    fleet.until(0, "that nobody is there", |stats| figures(stats, 0, 0, 1)).await;
}

#[tokio::test]
async fn users_of_an_instance_that_dies_have_left_once() {
    let redis = Redis::start().await;
    let mut fleet = Fleet::start(&["b1", "b1", "b1"], &["--redis", &redis.url(), "--leave-grace", "100ms"]).await;
    fleet.all(&[0, 1, 2], "each other", |stats| figures(stats, 0, 0, 3)).await;
    let mut watchers = Vec::new();
    for nth in [0, 1] {
        let watcher = Tab::open(fleet.addr(nth), "/", "b1", "").await;
        let asked = json!({ "connectionId": watcher.id, "events": "users", "list": "none" });
        post(fleet.addr(nth), "subscribe-stats", &asked).await;
        watchers.push(watcher);
    }
    let _tabs = [Tab::open(fleet.addr(2), "/", "b1", "kim").await, Tab::open(fleet.addr(2), "/", "b1", "lee").await];
    let mut told = Vec::new();
    for watcher in &mut watchers {
        told.push(watcher.events("user-came", 2).await);
    }
    fleet.servers[2].process.kill();
    let _max = Tab::open(fleet.addr(0), "/", "b1", "max").await;
    for (watcher, told) in watchers.iter_mut().zip(&mut told) {
        // Nothing comes between, and nothing twice: the numbers say so.
        told.extend(watcher.events("", 3).await);
        let numbers: Vec<_> = told.iter().map(|event| event["seq"].as_u64().unwrap_or_default()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5], "{told:?}");
        let left =
            |user: &str| told.iter().filter(|event| event["event"] == "user-left" && event["user"] == user).count();
        assert_eq!((left("kim"), left("lee"), left("max")), (1, 1, 0), "{told:?}");
    }
    assert_eq!(told[0], told[1], "every instance tells the same");
}

#[tokio::test]
async fn an_instance_that_ends_in_order_is_gone_at_once() {
    let redis = Redis::start().await;
    let (mut fleet, _tabs) = two_are_one(&["--redis", &redis.url()]).await;
    fleet.servers[1].process.signal(Signal::TERM);
    fleet.servers[1].process.ended().await;
    let keys: Vec<String> = redis.ask(&["KEYS", "*web-2*"]).await;
    assert_eq!(keys, Vec::<String>::new());
    let instances: Vec<String> = redis.ask(&["HKEYS", "{skew}:instances"]).await;
    assert!(instances.len() == 1 && instances[0].starts_with("web-1/"), "{instances:?}");
    fleet.until(0, "that the other one is gone", |stats| figures(stats, 2, 1, 1)).await;
}

#[tokio::test]
async fn data_that_is_lost_is_written_again() {
    let redis = Redis::start().await;
    let (fleet, _tabs) = two_are_one(&["--redis", &redis.url()]).await;
    redis.flush().await;
    let more = Tab::open(fleet.addr(1), "/", "b1", "max").await;
    fleet.all(&[0, 1], "the sums with one more", |stats| figures(stats, 5, 3, 2)).await;
    let keys = async || redis.ask::<Vec<String>>(&["KEYS", "{skew}:*:figures"]).await.len();
    let deadline = Instant::now() + PATIENCE;
    while keys().await < 2 {
        assert!(Instant::now() < deadline, "not all is written again");
        sleep(LOOK).await;
    }
    drop(more);
    fleet.all(&[0, 1], "the sums of before", |stats| figures(stats, 4, 2, 2)).await;
}

#[tokio::test]
async fn without_redis_figures_are_partial_and_right_once_it_is_back() {
    let mut redis = Redis::start().await;
    let (fleet, mut tabs) = two_are_one(&["--redis", &redis.url()]).await;
    redis.kill();
    let partial = |other: &'static str| {
        move |stats: &Value| stats["partial"]["instances"] == json!([other]) && stats["total"] == 4
    };
    fleet.until(0, "that figures are partial", partial("web-2")).await;
    fleet.until(1, "that figures are partial", partial("web-1")).await;
    tabs.push(Tab::open(fleet.addr(0), "/", "b1", "max").await);
    fleet.until(0, "the one that has come here", |stats| stats["total"] == 5 && !stats["partial"].is_null()).await;
    let answer = post(fleet.addr(0), "admin/release", &json!({ "version": "b2" })).await;
    assert_eq!(answer["reached"], 3);
    redis.start_again(Data::Lost).await;
    fleet.all(&[0, 1], "the sums of all", |stats| figures(stats, 5, 3, 2)).await;
    fleet.all(&[0, 1], "the build that was released meanwhile", |stats| stats["current"] == "b2").await;
    assert_eq!(tabs[1].hears("version").await["version"], "b2");
}

#[tokio::test]
async fn a_server_starts_without_redis_and_says_so() {
    let mut redis = Redis::start().await;
    redis.kill();
    let fleet = Fleet::start(&["b1", "b1"], &["--redis", &redis.url()]).await;
    let _tabs = [Tab::open(fleet.addr(0), "/", "b1", "kim").await, Tab::open(fleet.addr(1), "/", "b1", "kim").await];
    fleet.all(&[0, 1], "that figures are partial", |stats| stats["total"] == 1 && !stats["partial"].is_null()).await;
    redis.start_again(Data::Lost).await;
    fleet.all(&[0, 1], "the sums", |stats| figures(stats, 2, 1, 2)).await;
}

#[tokio::test]
async fn redis_is_reached_over_tls() {
    let certificates = Certificates::new();
    let redis = Redis::start_tls(&certificates).await;
    let authority = certificates.authority();
    let authority = authority.to_str().expect("its name is UTF-8");
    let args = ["--redis", &redis.url(), "--redis-ca", authority];
    two_are_one(&args).await;
}

#[tokio::test]
async fn a_user_with_the_rights_that_the_docs_name_is_enough() {
    let redis = Redis::start().await;
    let docs = include_str!("../../docs/server.md");
    let rights = docs.lines().find(|line| line.contains("ACL SETUSER skew")).expect("the docs name the rights");
    let rights = rights.replace(">PASSWORD", ">secret").replace("{skew}", "{shop}");
    redis.ask::<()>(&rights.split_whitespace().collect::<Vec<_>>()).await;
    let password = NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(password.path(), "secret\n").expect("it can be written");
    let url = format!("redis://{}", redis.addr);
    let file = password.path().to_str().expect("its name is UTF-8");
    let args = ["--redis", &url, "--redis-user", "skew", "--redis-password-file", file, "--redis-prefix", "shop"];
    two_are_one(&args).await;
    let refused: Vec<redis::Value> = redis.ask(&["ACL", "LOG"]).await;
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test]
async fn a_fail_over_by_sentinels_loses_nobody() {
    let mut sentinels = Sentinels::start().await;
    let addrs: Vec<_> = sentinels.addrs().iter().map(ToString::to_string).collect();
    let url = format!("redis+sentinel://{}/{}", addrs.join(","), Sentinels::NAME);
    let (fleet, _tabs) = two_are_one(&["--redis", &url]).await;
    sentinels.fail_over().await;
    let _more = Tab::open(fleet.addr(1), "/", "b1", "max").await;
    fleet.all(&[0, 1], "the sums with one more", |stats| figures(stats, 5, 3, 2)).await;
}

#[tokio::test]
async fn a_cluster_of_three_nodes_has_all_keys_on_one() {
    let cluster = Cluster::start().await;
    let addrs: Vec<_> = cluster.addrs().iter().map(ToString::to_string).collect();
    let url = format!("redis+cluster://{}", addrs.join(","));
    two_are_one(&["--redis", &url]).await;
}

#[tokio::test]
async fn an_old_build_that_starts_again_does_not_become_the_current_one() {
    let redis = Redis::start().await;
    let mut fleet = Fleet::start(&["b1"], &["--redis", &redis.url()]).await;
    fleet.until(0, "that it is there", |stats| figures(stats, 0, 0, 1)).await;
    fleet.add("b2").await;
    fleet.all(&[0, 1], "the newer build", |stats| figures(stats, 0, 0, 2) && stats["current"] == "b2").await;
    fleet.add("b1").await;
    fleet.all(&[0, 1, 2], "the newer build still", |stats| figures(stats, 0, 0, 3) && stats["current"] == "b2").await;
}

#[tokio::test]
async fn an_instance_of_a_newer_form_makes_figures_partial() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&["b1"], &["--redis", &redis.url()]).await;
    let _tab = Tab::open(fleet.addr(0), "/", "b1", "kim").await;
    fleet.until(0, "itself", |stats| figures(stats, 1, 1, 1)).await;
    redis.ask::<()>(&["SET", "{skew}:web-9/5:head", r#"{"v":99,"min":99,"id":"web-9/5"}"#]).await;
    redis.ask::<()>(&["HSET", "{skew}:instances", "web-9/5", ""]).await;
    let unreadable = |stats: &Value| {
        let instances = stats["instances"].as_array().cloned().unwrap_or_default();
        let is_told = instances.iter().any(|one| one["name"] == "web-9" && one["state"] == "unreadable");
        is_told && stats["partial"]["instances"] == json!(["web-9"]) && stats["total"] == 1
    };
    fleet.until(0, "that one can't be read", unreadable).await;
}
