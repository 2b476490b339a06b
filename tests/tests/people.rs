//! People and instances at the dashboard, in a real terminal, on a real `skew-server`.

use futures_util::StreamExt;
use futures_util::future::join_all;
use skew_tests::binaries::binary;
use skew_tests::http::{Client, client};
use skew_tests::nuxt::ADMIN_SECRET;
use skew_tests::pty::Terminal;
use skew_tests::redis::Redis;
use skew_tests::server::SkewServer;
use tempfile::NamedTempFile;
use tokio::task::JoinHandle;

/// A tab that stays, as a proxy in front of the server would let it in.
async fn tab(client: &Client, server: &SkewServer, user: Option<&str>, build: &str, route: &str) -> JoinHandle<()> {
    let url = format!("http://{}/__skew/sse?route={route}", server.addr);
    let request = client.get(url).header("cookie", format!("__nkpv={build}"));
    let request = user.into_iter().fold(request, |request, user| request.header("x-user", user));
    let answer = request.send().await.expect("the server answers");
    assert!(answer.status().is_success(), "{answer:?}");
    let mut pieces = answer.bytes_stream();
    tokio::spawn(async move { while let Some(Ok(_)) = pieces.next().await {} })
}

fn dashboard(server: &SkewServer, window: (u16, u16)) -> Terminal {
    let url = format!("http://{}", server.addr);
    Terminal::spawn(&binary("skew-tui"), &[&url], &[("SKEW_TOKEN", ADMIN_SECRET), ("SKEW_NO_AUDIT", "1")], window)
}

#[tokio::test]
async fn users_are_seen_looked_into_and_invalidated() {
    let arguments = ["--user-header", "x-user", "--trusted-proxy", "127.0.0.0/8", "--route-tracking"];
    let server = SkewServer::start("b2", &arguments).await;
    let client = client();
    let _tabs = join_all([
        tab(&client, &server, Some("ann"), "b2", "/"),
        tab(&client, &server, Some("ann"), "b1", "/cart"),
        tab(&client, &server, Some("bob"), "b2", "/"),
        tab(&client, &server, None, "b2", "/"),
    ])
    .await;
    for window in [(80, 24), (120, 40)] {
        let mut terminal = dashboard(&server, window);
        let all = |screen: &str| screen.contains("2 users  4 connections") && screen.contains("q quit");
        terminal.wait_until("everybody, and the way out", all).await;
        terminal.send("5");
        let listed =
            |screen: &str| screen.contains("5 Users · 2") && screen.contains("ann") && screen.contains("2 builds");
        terminal.wait_until("who is here", listed).await;
        terminal.send("\r");
        terminal.wait_until("her tabs", |screen| screen.contains("all ▸ ann") && screen.contains("/cart")).await;
        terminal.send("\u{1b}");
        terminal.wait_until("everybody again", |screen| !screen.contains("all ▸") && screen.contains("5 Users")).await;
        terminal.send("i");
        terminal
            .wait_until("the question", |screen| screen.contains("the user ann") && screen.contains("2 of 4"))
            .await;
        terminal.send("y");
        terminal.wait_until("the answer", |screen| screen.contains("2 connections were told to refresh")).await;
        terminal.send("\u{1b}");
        terminal.wait_until("the panes", |screen| !screen.contains(" Invalidated ")).await;
        terminal.send("q");
        assert_eq!(terminal.ended().await.exit_code(), 0);
    }
}

#[tokio::test]
async fn instances_are_listed_with_their_share_and_one_that_died_is_gone() {
    let redis = Redis::start().await;
    let url = redis.url();
    let key = NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(key.path(), "an-example-key-of-32-bytes-or-more\n").expect("it can be written");
    let key = key.path().to_str().expect("its name is UTF-8").to_owned();
    let arguments = |name: &'static str| {
        let shared = ["--redis", &url, "--user-hash-key-file", &key, "--route-tracking"];
        let own = ["--instance", name, "--user-header", "x-user", "--trusted-proxy", "127.0.0.0/8"];
        shared.into_iter().chain(own).map(str::to_owned).collect::<Vec<_>>()
    };
    let start = async |name| {
        let arguments = arguments(name);
        SkewServer::start("b2", &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let (one, mut other) = (start("web-1").await, start("web-2").await);
    let client = client();
    let _tabs = join_all([
        tab(&client, &one, Some("ann"), "b2", "/"),
        tab(&client, &other, Some("ann"), "b2", "/"),
        tab(&client, &other, Some("bob"), "b2", "/cart"),
    ])
    .await;
    let mut terminal = dashboard(&one, (80, 24));
    terminal.wait_until("the sums", |screen| screen.contains("2 users  3 connections")).await;
    terminal.send("6");
    let listed = |screen: &str| screen.contains("6 Instances · 2") && screen.matches("● live").count() == 3;
    terminal.wait_until("both", listed).await;
    terminal.send("3/instance:web-2\r");
    let narrowed = |screen: &str| screen.contains("3 Connections · 2 of 4") && screen.contains("/cart");
    terminal.wait_until("who is on the other one", narrowed).await;
    terminal.send("6");
    other.process.kill();
    terminal
        .wait_until("it alone", |screen| screen.contains("6 Instances · 1 ") && screen.contains("1 user  1 connection"))
        .await;
    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
}
