//! Stats as changes, from `skew-server` to `skew-tui`: the figures are true, and what comes over the wire is what has changed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use skew_tests::binaries::{binary, command};
use skew_tests::http;
use skew_tests::nuxt::ADMIN_SECRET;
use skew_tests::process::Process;
use skew_tests::pty::Terminal;
use skew_tests::server::SkewServer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Tabs that are there from the beginning.
const TABS: usize = 300;

/// A tab without a browser: an open stream, and the id to speak for it.
struct Tab {
    id: String,
    _stream: BufReader<TcpStream>,
}

impl Tab {
    async fn open(server: SocketAddr, route: &str, build: &str) -> Self {
        let mut stream = BufReader::new(TcpStream::connect(server).await.expect("the server listens"));
        let request =
            format!("GET /__skew/sse?route={route} HTTP/1.1\r\nHost: {server}\r\nCookie: __nkpv={build}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut line = String::new();
        let connected = loop {
            line.clear();
            assert!(stream.read_line(&mut line).await.is_ok_and(|read| read > 0), "the server says who one is");
            if let Some(message) = line.strip_prefix("data: ") {
                break serde_json::from_str::<Value>(message).expect("a message is JSON");
            }
        };
        Self { id: connected["connectionId"].as_str().expect("an id").to_owned(), _stream: stream }
    }

    async fn moves(&self, server: SocketAddr, route: &str) {
        let body = json!({ "connectionId": self.id, "route": route });
        let request = http::client().post(format!("http://{server}/__skew/route")).json(&body);
        assert_eq!(http::json(request).await, (200, json!({ "ok": true })));
    }
}

/// What stands between the two and counts the bytes to the client.
struct Meter {
    addr: SocketAddr,
    bytes: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Meter {
    async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let bytes = Arc::new(AtomicU64::new(0));
        let (counted, mut tasks) = (Arc::clone(&bytes), JoinSet::new());
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let counted = Arc::clone(&counted);
                open.spawn(async move {
                    // Whoever hangs up ends the connection: nobody is left to tell.
                    let _ = forward(client, server, &counted).await;
                });
            }
        });
        Self { addr, bytes, _tasks: tasks }
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

async fn forward(client: TcpStream, server: SocketAddr, counted: &AtomicU64) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let said = tokio::io::copy(&mut from_client, &mut to_server);
    let heard = async {
        let mut piece = vec![0; 16 * 1024];
        loop {
            match from_server.read(&mut piece).await? {
                0 => return Ok(()),
                length => {
                    counted.fetch_add(length as u64, Ordering::Relaxed);
                    to_client.write_all(&piece[..length]).await?;
                }
            }
        }
    };
    tokio::try_join!(said, heard).map(drop)
}

/// Waits for a state with these figures.
async fn shows(states: &mut Process, what: &str, total: usize, routes: Value, versions: Value) -> Value {
    let same = |line: &str| {
        let state: Value = serde_json::from_str(line).ok()?;
        let figures = state["total"] == total && state["routes"] == routes && state["versions"] == versions;
        figures.then_some(state)
    };
    states.stdout.until(what, same).await
}

async fn figures_are_true_and_only_changes_are_sent(transport: &str) {
    let server = SkewServer::start("b1", &["--route-tracking"]).await;
    let (addr, meter) = (server.addr, Meter::before(server.addr).await);
    let mut tabs = Vec::new();
    for _ in 0..TABS {
        tabs.push(Tab::open(addr, "/", "b1").await);
    }

    let mut program = command("skew-tui");
    program.args(["--json", "--interval", "10ms", "--transport", transport, &meter.url()]);
    let mut states = Process::spawn("skew-tui", {
        program.env("SKEW_TOKEN", ADMIN_SECRET);
        program
    });
    shows(&mut states, "everybody", TABS, json!({ "/": TABS }), json!({ "b1": TABS })).await;
    let mut terminal = Terminal::spawn(
        &binary("skew-tui"),
        &["--transport", transport, &format!("http://{addr}")],
        &[("SKEW_TOKEN", ADMIN_SECRET)],
        (120, 40),
    );
    terminal.wait_for(&format!("{TABS} connections · 2 watching")).await;
    let first = meter.bytes();

    for tab in &tabs[..40] {
        tab.moves(addr, "/checkout").await;
    }
    let routes = json!({ "/": TABS - 40, "/checkout": 40 });
    shows(&mut states, "who went to another page", TABS, routes, json!({ "b1": TABS })).await;

    tabs.drain(..20);
    let routes = json!({ "/": TABS - 40, "/checkout": 20 });
    shows(&mut states, "who is left", TABS - 20, routes, json!({ "b1": TABS - 20 })).await;

    let release = http::client().post(format!("http://{addr}/__skew/admin/release")).bearer_auth(ADMIN_SECRET);
    assert_eq!(http::json(release.json(&json!({ "version": "b2" }))).await.0, 200);
    for _ in 0..20 {
        tabs.push(Tab::open(addr, "/checkout", "b2").await);
    }
    let (routes, versions) = (json!({ "/": TABS - 40, "/checkout": 40 }), json!({ "b1": TABS - 20, "b2": 20 }));
    let state = shows(&mut states, "the rollout", TABS, routes, versions).await;
    let rollout = &state["rollout"];
    assert_eq!((&state["current"], &rollout["current"], &rollout["outdated"]), (&json!("b2"), &json!(20), &json!(280)));
    let listed = state["connections"].as_array().expect("a list").len();
    assert_eq!((listed, &state["watching"]), (TABS + 2, &json!(2)));

    // A snapshot for each of these four would be four times the first.
    let sent = meter.bytes() - first;
    assert!(sent < first, "{sent} bytes of changes where the list has {first}");
    terminal
        .wait_until("the same on the screen", |screen| {
            screen.contains("20 of 300 on the current build") && screen.contains("300 connections · 2 watching")
        })
        .await;
}

#[tokio::test]
async fn figures_are_true_and_only_changes_are_sent_over_sse() {
    figures_are_true_and_only_changes_are_sent("sse").await;
}

#[tokio::test]
async fn figures_are_true_and_only_changes_are_sent_over_ws() {
    figures_are_true_and_only_changes_are_sent("ws").await;
}
