//! A real site recorded while tabs come and go, and what is said of the recording: the same as was said of the site.

use std::path::Path;

use serde_json::{Value, json};
use skew_tests::binaries::{binary, command};
use skew_tests::browser::{Browser, Tab};
use skew_tests::nuxt::pages::connected;
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::process::{Process, Signal};
use skew_tests::pty::Terminal;
use skew_tests::site::{Peer, Site};

skew_tests::everywhere!(
    a_recording_says_what_the_site_said,
    a_recording_is_a_dashboard_that_one_can_go_back_and_forth_in,
    a_key_records_what_the_dashboard_shows,
);

const SECRET: [(&str, &str); 1] = [("SKEW_TOKEN", ADMIN_SECRET)];

/// What a run of `skew-tui` says, and its exit code.
async fn ran(args: &[&str], env: &[(&str, &str)]) -> (Vec<Value>, Option<i32>) {
    let mut program = command("skew-tui");
    program.args(args).envs(env.iter().copied());
    let mut process = Process::spawn("skew-tui", program);
    let code = process.ended().await.code();
    let lines = process.stdout.text().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    (lines, code)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test is text")
}

async fn visitor(browser: &Browser, site: &Site, route: &str) -> Tab {
    let tab = browser.person().await.open(&site.url(route)).await;
    connected(&tab).await;
    tab
}

/// Starts to record everything that a site says.
fn recorder(site: &Site, file: &Path, args: &[&str]) -> Process {
    let mut program = command("skew-tui");
    program.args(["record", &site.url("/"), text(file), "--every", "0s"]).args(args).envs(SECRET);
    Process::spawn("skew-tui record", program)
}

/// Waits until the file holds a line that `told` is true of.
async fn until_recorded(file: &Path, what: &str, told: impl Fn(&Value) -> bool) {
    let looking = async {
        loop {
            let content = std::fs::read_to_string(file).unwrap_or_default();
            // The last line may still be on its way.
            if content.lines().filter_map(|line| serde_json::from_str(line).ok()).any(|line: Value| told(&line)) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(skew_tests::PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("no {what} in\n{}", std::fs::read_to_string(file).unwrap_or_default()));
}

/// Whether an event is stats with somebody at a route, or with nobody there.
fn somebody_at(route: &str, line: &Value) -> bool {
    line["data"]["type"] == "stats" && line["data"]["routes"].get(route).is_some()
}

/// A recording in which somebody comes to `/products`, somebody to `/checkout`, and the first one goes.
async fn recorded(site: &Site, browser: &Browser, file: &Path, args: &[&str]) -> Tab {
    let mut recording = recorder(site, file, args);
    let first = visitor(browser, site, "/products").await;
    until_recorded(file, "a visitor", |line| somebody_at("/products", line)).await;
    let second = visitor(browser, site, "/checkout").await;
    until_recorded(file, "a second one", |line| somebody_at("/checkout", line)).await;
    first.close().await;
    let gone = |line: &Value| somebody_at("/checkout", line) && !somebody_at("/products", line);
    until_recorded(file, "one visitor less", gone).await;
    recording.signal(Signal::INT);
    assert_eq!(recording.ended().await.code(), Some(130));
    assert!(recording.stderr.text().contains("recorded"), "{}", recording.stderr.text());
    second
}

async fn a_recording_says_what_the_site_said(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("site.ndjson");
    let _second = recorded(&site, &browser, &file, &["--mask"]).await;

    let content = std::fs::read_to_string(&file).expect("the recording");
    assert!(!content.contains(ADMIN_SECRET) && !content.contains("127.0.0.1\",\"version"), "{content}");
    let (live, _) = ran(&["stats", "--json", &site.url("/")], &SECRET).await;
    let (recorded, code) = ran(&["stats", "--json", "--replay", text(&file)], &[]).await;
    assert_eq!(code, Some(0));
    for field in ["site", "link", "transport", "authorized", "current", "total", "versions", "routes", "rollout"] {
        assert_eq!(recorded[0][field], live[0][field], "{field}");
    }

    let (states, code) = ran(&["--json", "--interval", "10ms", "--replay", text(&file)], &[]).await;
    assert_eq!(code, Some(0));
    let seen = |routes: Value| states.iter().any(|state| state["routes"] == routes);
    assert!(seen(json!({ "/products": 1 })) && seen(json!({ "/products": 1, "/checkout": 1 })), "{states:?}");
    let last = states.last().expect("a last state");
    assert_eq!((&last["routes"], &last["authorized"]), (&json!({ "/checkout": 1 }), &json!(true)));
    assert!(states.is_sorted_by_key(|state| state["at"].as_str().map(str::to_owned)));

    let met = ["wait", "--json", "--stable-for", "0s", "--settle", "0s", "--replay", text(&file)];
    let (verdict, code) = ran(&met, &[]).await;
    assert_eq!((&verdict.last().expect("a verdict")["outcome"], code), (&json!("met"), Some(0)), "{verdict:?}");
    let never = ["wait", "--json", "--version", "build-never", "--replay", text(&file)];
    assert_eq!(ran(&never, &[]).await.1, Some(1), "it ends before that is decided");
}

async fn a_recording_is_a_dashboard_that_one_can_go_back_and_forth_in(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("site.ndjson");
    let _second = recorded(&site, &browser, &file, &[]).await;
    drop(site);

    let mut terminal = Terminal::spawn(&binary("skew-tui"), &["replay", text(&file)], &[], (80, 24));
    terminal.wait_for("recording").await;
    terminal.send(" ");
    terminal.wait_for("paused").await;
    terminal.send("\u{1b}[F");
    let screen = terminal.wait_until("its end", |screen| screen.contains("at its end")).await;
    assert!(screen.contains("/checkout") && screen.contains("1 connection"), "{screen}");
    // Nothing reaches a site from here.
    terminal.send("iIr");
    terminal.send("\u{1b}[H");
    terminal.wait_until("its begin", |screen| screen.contains("paused") && screen.contains("· 0:00 of")).await;
    terminal.send("]");
    terminal.wait_until("its end again", |screen| screen.contains("/checkout")).await;
    terminal.send("+");
    terminal.wait_for("2×").await;
    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
    assert!(terminal.emulate(|emulator| !emulator.screen().alternate_screen() && !emulator.screen().hide_cursor()));
}

async fn a_key_records_what_the_dashboard_shows(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let state = tempfile::tempdir().expect("a folder");
    let _first = visitor(&browser, &site, "/products").await;
    let env = [SECRET[0], ("XDG_STATE_HOME", text(state.path()))];
    let mut terminal = Terminal::spawn(&binary("skew-tui"), &[&site.url("/")], &env, (80, 24));
    terminal.wait_for("1 connection ").await;
    terminal.send("R");
    terminal.wait_for("● REC").await;
    let _second = visitor(&browser, &site, "/checkout").await;
    terminal.wait_for("2 connections").await;
    terminal.send("R");
    terminal.wait_for("recorded").await;
    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);

    let folder = state.path().join("skew").join("recordings");
    let mut files = std::fs::read_dir(&folder).expect("recordings").map(|entry| entry.expect("an entry").path());
    let file = files.next().expect("a recording");
    assert_eq!(files.next(), None);
    let (states, code) = ran(&["--json", "--interval", "10ms", "--replay", text(&file)], &[]).await;
    assert_eq!(code, Some(0));
    let begin = states.iter().find(|state| state["total"].is_u64()).expect("what was known by then");
    assert_eq!((&begin["routes"], &begin["current"]), (&json!({ "/products": 1 }), &json!(strategy.build_id())));
    let end = states.last().expect("a last state");
    assert_eq!(end["routes"], json!({ "/products": 1, "/checkout": 1 }));
    assert_eq!((&end["authorized"], &end["link"]), (&json!(true), &json!("live")));
}
