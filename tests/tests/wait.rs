//! `skew-tui wait` while a real deploy goes on: on a stock site and on one with `skew-server`, over both transports, with
//! real browser tabs.

use serde_json::{Value, json};
use skew_tests::binaries::{binary, command, workspace};
use skew_tests::browser::{Browser, Tab};
use skew_tests::nuxt::pages::connected;
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::process::{Process, Signal};
use skew_tests::pty::Terminal;
use skew_tests::site::{Peer, Site};
use tokio::process::Command;

skew_tests::everywhere!(
    a_deploy_is_waited_for_until_its_tabs_have_moved,
    a_restart_is_no_success_while_old_tabs_are_on_their_way_back,
    a_later_release_ends_it_with_8,
    time_that_is_over_ends_it_with_124,
    without_credentials_it_ends_with_4,
    the_script_for_ci_waits_and_refreshes_who_is_left,
);

/// Starts `skew-tui wait` on the site, as JSON.
fn wait(site: &Site, args: &[&str], env: &[(&str, &str)]) -> Process {
    let mut program = command("skew-tui");
    program.args(["wait", "--json", "--interval", "10ms", &site.url("/")]).args(args).envs(env.iter().copied());
    Process::spawn("skew-tui wait", program)
}

const SECRET: [(&str, &str); 1] = [("SKEW_TOKEN", ADMIN_SECRET)];

/// A tab of somebody new, with its stream.
async fn visitor(browser: &Browser, site: &Site, route: &str) -> Tab {
    let tab = browser.person().await.open(&site.url(route)).await;
    connected(&tab).await;
    tab
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
}

/// The first state that is as it should be. A verdict before it is none.
async fn state(wait: &mut Process, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let found = wait.stdout.until(what, |line| {
        let line = parsed(line);
        (line["type"] == "verdict" || wanted(&line)).then_some(line)
    });
    let found = found.await;
    assert_eq!(found["type"], "wait", "it ended before {what}: {found}");
    found
}

/// The verdict, which is the last line, and the exit code.
async fn verdict(wait: &mut Process) -> (Value, Option<i32>) {
    let code = wait.ended().await.code();
    let verdict = parsed(wait.stdout.text().lines().last().expect("a last line"));
    assert_eq!((&verdict["type"], verdict["code"].as_i64()), (&json!("verdict"), code.map(i64::from)));
    (verdict, code)
}

async fn a_deploy_is_waited_for_until_its_tabs_have_moved(peer: Peer, strategy: Strategy) {
    let (mut site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let _tabs = [visitor(&browser, &site, "/products").await, visitor(&browser, &site, "/checkout").await];
    let mut wait = wait(&site, &["--version", "build-new", "--stable-for", "1s", "--settle", "5s"], &SECRET);
    let before = state(&mut wait, "the old build", |state| state["phase"] == "notCurrent").await;
    assert_eq!(before["current"], strategy.build_id());

    site.deploy("build-new").await;
    let old = |state: &Value| state["phase"] == "rolling" && state["rollout"]["outdated"] == 2;
    let rolling = state(&mut wait, "both tabs on the old build", old).await;
    assert_eq!((&rolling["rollout"]["version"], &rolling["rollout"]["current"]), (&json!("build-new"), &json!(0)));

    assert_eq!(site.invalidate("/", ADMIN_SECRET).await.0, 200);
    let (verdict, code) = verdict(&mut wait).await;
    assert_eq!((&verdict["outcome"], code), (&json!("met"), Some(0)));
    assert_eq!((&verdict["rollout"]["current"], &verdict["rollout"]["outdated"]), (&json!(2), &json!(0)));
    assert_eq!(verdict["versionCookie"], true, "the module sets it for pages");
}

async fn a_restart_is_no_success_while_old_tabs_are_on_their_way_back(peer: Peer, strategy: Strategy) {
    let (mut site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let mut tabs = Vec::new();
    for route in ["/", "/products", "/checkout"] {
        tabs.push(visitor(&browser, &site, route).await);
    }
    let mut wait = wait(&site, &["--version", "build-new", "--stable-for", "0", "--settle", "1h"], &SECRET);
    state(&mut wait, "the old build", |state| state["phase"] == "notCurrent").await;

    site.deploy("build-new").await;
    // Whoever is the first on the new build is all that there is, until the others are back.
    let _new = visitor(&browser, &site, "/").await;
    let all = |state: &Value| (&state["rollout"]["current"], &state["rollout"]["outdated"]) == (&json!(1), &json!(3));
    state(&mut wait, "the old tabs and the new one", all).await;
    wait.signal(Signal::INT);
    assert_eq!(verdict(&mut wait).await.1, Some(130));
}

async fn a_later_release_ends_it_with_8(peer: Peer, strategy: Strategy) {
    let (mut site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let _tab = visitor(&browser, &site, "/products").await;
    let mut wait = wait(&site, &["--version", strategy.build_id(), "--stable-for", "1h", "--settle", "0"], &SECRET);
    state(&mut wait, "everybody on it", |state| state["phase"] == "holding").await;

    site.deploy("build-new").await;
    let (verdict, code) = verdict(&mut wait).await;
    assert_eq!((&verdict["outcome"], code), (&json!("superseded"), Some(8)));
    assert_eq!(verdict["supersededBy"], "build-new");
}

async fn time_that_is_over_ends_it_with_124(peer: Peer, strategy: Strategy) {
    let site = Site::start(peer, strategy, &[]).await;
    let mut wait = wait(&site, &["--timeout", "2s", "--settle", "0"], &SECRET);
    let (verdict, code) = verdict(&mut wait).await;
    assert_eq!((&verdict["outcome"], code), (&json!("timedOut"), Some(124)), "nobody is connected");
    assert!(wait.stderr.text().contains("timed out"), "{}", wait.stderr.text());
}

async fn without_credentials_it_ends_with_4(peer: Peer, strategy: Strategy) {
    let site = Site::start(peer, strategy, &[]).await;
    let (verdict, code) = verdict(&mut wait(&site, &[], &[])).await;
    assert_eq!((&verdict["outcome"], code), (&json!("unauthorized"), Some(4)));
}

async fn the_script_for_ci_waits_and_refreshes_who_is_left(peer: Peer, strategy: Strategy) {
    let (mut site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let tab = visitor(&browser, &site, "/products").await;
    site.deploy("build-new").await;
    tab.wait_until("window.__skewMessages.some(m => m.type === 'connected' && m.version === 'build-new')").await;

    let path = binary("skew-tui").parent().expect("a program lies in a folder").to_owned();
    let paths = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let mut program = Command::new(workspace().join("docs/examples/after-deploy.sh"));
    program.env("PATH", std::env::join_paths(std::iter::once(path).chain(paths)).expect("paths without colons"));
    program.env("SITE", site.url("/")).env("BUILD", "build-new").env("SKEW_TOKEN", ADMIN_SECRET);
    program.env("SKEW_SETTLE", "0").env("SKEW_STABLE_FOR", "100ms").env("PATIENCE", "2s").env("PATIENCE_AFTER", "1m");
    let mut script = Process::spawn("the script for CI", program);
    assert_eq!(script.ended().await.code(), Some(0), "{}", script.stderr.text());
    assert!(script.stderr.text().contains("timed out after"), "it had to refresh the tab: {}", script.stderr.text());
    assert!(script.stdout.text().contains("met after"), "{}", script.stdout.text());
    assert_eq!(tab.text("build").await, "build-new");
}

#[tokio::test]
async fn on_a_terminal_one_line_is_redrawn_and_the_verdict_takes_its_place() {
    let (site, browser) = tokio::join!(Site::start(Peer::Stock, Strategy::Sse, &[]), Browser::launch());
    let args = ["wait", &site.url("/"), "--stable-for", "1s", "--settle", "0"];
    let mut terminal = Terminal::spawn(&binary("skew-tui"), &args, &SECRET, (60, 10));
    let screen = terminal.wait_for("nobody is connected").await;
    assert_eq!(screen.trim().lines().count(), 1, "cut to the terminal's width: {screen}");

    let _tab = visitor(&browser, &site, "/products").await;
    let screen = terminal.wait_for("met after").await;
    assert!(screen.contains("100 % on build-sse") && !screen.contains("nobody"), "{screen}");
    assert_eq!(terminal.ended().await.exit_code(), 0);
}
