//! Invalidations to their end, on a stock app and on `skew-server`, with real browser tabs that reload and some that don't; and the
//! log of who did what.

use serde_json::{Value, json};
use skew_tests::binaries::{binary, command};
use skew_tests::browser::{Browser, Tab};
use skew_tests::nuxt::pages::connected;
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::process::Process;
use skew_tests::pty::Terminal;
use skew_tests::site::{Peer, Site};
use tempfile::TempDir;

skew_tests::everywhere!(
    tabs_that_reload_are_followed_until_they_have_left,
    a_stock_client_without_the_plugin_is_still_there_and_that_is_said,
    the_dashboard_follows_to_the_end_and_writes_it_down,
    a_release_is_for_skew_server,
);

/// An audit log of one test.
struct Log {
    folder: TempDir,
}

impl Log {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("there is room for a log") }
    }

    fn path(&self) -> String {
        self.folder.path().join("audit.jsonl").to_str().expect("a temporary folder has a plain name").to_owned()
    }

    /// Of each line the outcome, and of all of them the same action.
    fn outcomes(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path()).expect("somebody has acted");
        assert!(!text.contains(ADMIN_SECRET), "{text}");
        let lines: Vec<Value> = text.lines().map(parsed).collect();
        assert!(lines.iter().all(|line| line["id"] == lines[0]["id"]), "{text}");
        lines.iter().map(|line| line["outcome"].as_str().expect("a line has an outcome").to_owned()).collect()
    }

    /// Runs `skew-tui` with this log.
    async fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut program = command("skew-tui");
        program.args(args).env("SKEW_TOKEN", ADMIN_SECRET).env("SKEW_AUDIT_FILE", self.path());
        let mut process = Process::spawn("skew-tui", program);
        let status = process.ended().await;
        (status.code(), process.stdout.text(), process.stderr.text())
    }
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
}

/// A tab of somebody new, with its stream.
async fn visitor(browser: &Browser, site: &Site, route: &str) -> Tab {
    let tab = browser.person().await.open(&site.url(route)).await;
    connected(&tab).await;
    tab
}

async fn tabs_that_reload_are_followed_until_they_have_left(peer: Peer, strategy: Strategy) {
    let (site, browser, log) = (Site::start(peer, strategy, &[]).await, Browser::launch().await, Log::new());
    let _first = visitor(&browser, &site, "/checkout").await;
    let _second = visitor(&browser, &site, "/checkout-help").await;
    let _other = visitor(&browser, &site, "/products").await;

    let url = site.url("/");
    let (code, stdout, stderr) =
        log.run(&["invalidate", &url, "/checkout", "--yes", "--json", "--follow", "60s"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    let followed = &parsed(&stdout)["followed"];
    let [hit, left, unchanged] = ["hit", "left", "unchanged"].map(|name| followed[name].as_u64());
    assert_eq!((hit, left, unchanged), (Some(2), Some(2), Some(0)), "{followed}");
    assert_eq!((&followed["end"], &followed["interrupted"]), (&json!("done"), &json!(false)));
    assert_eq!(log.outcomes(), ["started", "sent", "followed"]);

    let (code, table, _) = log.run(&["audit", &url]).await;
    assert_eq!(code, Some(0));
    for said in ["invalidate", "/checkout (prefix)", "sent", "2 of 2 left or reconnected"] {
        assert!(table.contains(said), "{said}: {table}");
    }
}

async fn a_stock_client_without_the_plugin_is_still_there_and_that_is_said(peer: Peer, strategy: Strategy) {
    let env = [("NUXT_PUBLIC_RELOAD_ON_FORCE", "false")];
    let (site, browser, log) = (Site::start(peer, strategy, &env).await, Browser::launch().await, Log::new());
    let tab = visitor(&browser, &site, "/checkout").await;
    tab.eval("window.__before = true").await;

    let url = site.url("/");
    let over = log.run(&["invalidate", &url, "/checkout", "--yes", "--max-affected", "0"]).await;
    assert!(over.0 == Some(1) && over.2.contains("--max-affected allows 0"), "{}", over.2);
    let log = Log::new();
    let (code, stdout, stderr) = log.run(&["invalidate", &url, "/checkout", "--yes", "--follow", "2s"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    for said in ["0 of 1 left or reconnected, 1 still there unchanged after 2 s", "/checkout", "skew-force.client.ts"] {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    assert_eq!(tab.eval("window.__before").await, true);
    assert_eq!(log.outcomes(), ["started", "sent", "followed"]);
}

async fn the_dashboard_follows_to_the_end_and_writes_it_down(peer: Peer, strategy: Strategy) {
    let (site, browser, log) = (Site::start(peer, strategy, &[]).await, Browser::launch().await, Log::new());
    let _tab = visitor(&browser, &site, "/checkout").await;
    // A stream of a page that does not listen to what comes.
    let deaf = visitor(&browser, &site, "/products").await;
    let open = match strategy {
        Strategy::Sse => "window.__deaf = new EventSource('/__skew/sse?route=/checkout-deaf')",
        Strategy::Ws => {
            "window.__deaf = new WebSocket(location.origin.replace('http', 'ws') + '/__skew/ws?route=/checkout-deaf')"
        }
    };
    deaf.eval(open).await;
    deaf.wait_until("window.__deaf.readyState === 1").await;

    let path = log.path();
    let env = [("SKEW_TOKEN", ADMIN_SECRET), ("SKEW_AUDIT_FILE", path.as_str()), ("SKEW_FOLLOW", "8s")];
    let mut terminal = Terminal::spawn(&binary("skew-tui"), &[&site.url("/")], &env, (120, 40));
    terminal.wait_for("3 connections").await;
    terminal.send("I");
    terminal.wait_for("pattern").await;
    terminal.send("/checkout\r");
    terminal.wait_for("2 of 3 connections will be told to refresh").await;
    terminal.send("y");
    let end = |screen: &str| screen.contains("skew-force.client.ts") && screen.contains("1 of 2 left or reconnected");
    let screen = terminal.wait_until("those who were hit have been followed to the end", end).await;
    assert!(screen.contains("1  still there unchanged") && screen.contains("/checkout-deaf"), "{screen}");
    assert_eq!(log.outcomes(), ["started", "sent", "followed"]);

    terminal.send("\u{1b}");
    terminal.wait_until("the dialog is closed", |screen| !screen.contains("still there unchanged  ")).await;
    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
}

async fn a_release_is_for_skew_server(peer: Peer, strategy: Strategy) {
    let (site, log) = (Site::start(peer, strategy, &[]).await, Log::new());
    let (code, stdout, stderr) = log.run(&["release", &site.url("/"), "build-new", "--yes", "--json"]).await;
    match peer {
        Peer::Ours => {
            assert_eq!(code, Some(0), "{stderr}");
            let released = parsed(&stdout);
            let builds = [&released["previous"], &released["version"]];
            assert_eq!(builds, [&json!(strategy.build_id()), &json!("build-new")]);
            assert_eq!(log.outcomes(), ["started", "sent"]);
        }
        Peer::Stock => {
            assert_eq!((code, stdout.as_str()), (Some(1), ""));
            assert!(stderr.contains("a stock app knows its build by itself"), "{stderr}");
            assert_eq!(log.outcomes(), ["started", "refused"]);
        }
    }
}
