//! `skew-tui` in a terminal and in scripts, on a stock site and on one with `skew-server`, over both transports, while
//! real browser tabs come, navigate and go.

use serde_json::{Value, json};
use skew_tests::binaries::{binary, command};
use skew_tests::browser::{Browser, Tab};
use skew_tests::nuxt::pages::connected;
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::process::{Process, Signal};
use skew_tests::pty::Terminal;
use skew_tests::site::{Peer, Site};

skew_tests::everywhere!(
    the_dashboard_shows_who_is_where_while_tabs_come_navigate_and_go,
    an_invalidation_from_the_dashboard_arrives_in_the_browser,
    an_invalidation_from_a_script_arrives_in_the_browser,
    json_lines_follow_a_rollout_and_survive_the_restart,
    a_session_cookie_shows_the_stats_too,
    without_credentials_nothing_is_shown,
);

/// Starts `skew-tui` with `args`, and with the site's URL behind the command or before the options.
fn skew_tui(site: &Site, args: &[&str], env: &[(&str, &str)]) -> Process {
    let at = usize::from(!args.is_empty() && !args[0].starts_with('-'));
    let mut program = command("skew-tui");
    program.args(&args[..at]).arg(site.url("/")).args(&args[at..]).envs(env.iter().copied());
    Process::spawn("skew-tui", program)
}

/// Opens the dashboard of the site.
fn dashboard(site: &Site, env: &[(&str, &str)]) -> Terminal {
    Terminal::spawn(&binary("skew-tui"), &[&site.url("/")], env, (120, 40))
}

/// A tab of somebody new, with its stream.
async fn visitor(browser: &Browser, site: &Site, route: &str) -> Tab {
    let tab = browser.person().await.open(&site.url(route)).await;
    connected(&tab).await;
    tab
}

/// The count in the row of a route: the number before its percentage.
fn count(screen: &str, name: &str) -> Option<u64> {
    let rows = screen.split(['│', '\n']).map(|cell| cell.split_whitespace().filter(|word| *word != "▸"));
    let row = rows.map(Iterator::collect::<Vec<_>>).find(|words| words.first() == Some(&name))?;
    let percent = row.iter().position(|word| *word == "%")?;
    row.get(percent.checked_sub(2)?)?.parse().ok()
}

async fn the_dashboard_shows_who_is_where_while_tabs_come_navigate_and_go(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let mut terminal = dashboard(&site, &[("SKEW_TOKEN", ADMIN_SECRET)]);
    let screen = terminal.wait_for("★ you").await;
    // Ours has both transports, and SSE comes first.
    let transport = if (peer, strategy) == (Peer::Stock, Strategy::Ws) { "● live · ws" } else { "● live · sse" };
    assert!(screen.contains(transport) && screen.contains("1 watching"), "{screen}");

    let first = visitor(&browser, &site, "/products").await;
    let second = visitor(&browser, &site, "/checkout").await;
    let screen = terminal
        .wait_until("a visitor on each of two pages", |screen| {
            [count(screen, "/products"), count(screen, "/checkout")] == [Some(1), Some(1)]
        })
        .await;
    for text in
        ["2 connections · 1 watching", "2 of 2 on the current build", &format!("current {}", strategy.build_id())]
    {
        assert!(screen.contains(text), "{text}: {screen}");
    }

    first.click("to:/checkout").await;
    let moved = |screen: &str| count(screen, "/checkout") == Some(2) && count(screen, "/products").is_none();
    terminal.wait_until("both on one page", moved).await;
    second.close().await;
    terminal.wait_until("one visitor left", |screen| count(screen, "/checkout") == Some(1)).await;

    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
    assert!(terminal.emulate(|emulator| !emulator.screen().alternate_screen() && !emulator.screen().hide_cursor()));
}

async fn an_invalidation_from_the_dashboard_arrives_in_the_browser(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let tabs = on_three_pages(&browser, &site).await;
    let mut terminal = dashboard(&site, &[("SKEW_TOKEN", ADMIN_SECRET)]);
    terminal.wait_until("three visitors", |screen| screen.contains("3 connections")).await;

    terminal.send("I");
    terminal.wait_for("pattern").await;
    terminal.send("/checkout\r");
    let screen = terminal.wait_for("2 of 3 connections will be told to refresh").await;
    assert!(screen.contains("1  /checkout-help"), "{screen}");
    terminal.send("y");
    only_the_first_two_reload(&tabs).await;
}

async fn an_invalidation_from_a_script_arrives_in_the_browser(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let tabs = on_three_pages(&browser, &site).await;
    let env = [("SKEW_TOKEN", ADMIN_SECRET)];

    let mut segment = skew_tui(&site, &["invalidate", "/checkout", "--match", "segment", "--dry-run", "--json"], &env);
    let status = segment.ended().await;
    match peer {
        Peer::Stock => assert!(!status.success() && segment.stderr.text().contains("prefix")),
        Peer::Ours => assert_eq!(parsed(&segment.stdout.text())["expected"], 1),
    }
    let mut prefix = skew_tui(&site, &["invalidate", "/checkout", "--yes", "--json"], &env);
    assert!(prefix.ended().await.success());
    let answer = parsed(&prefix.stdout.text());
    assert_eq!((&answer["type"], &answer["route"]), (&json!("invalidation"), &json!("/checkout")));
    // A stock app does not say how many it reached.
    let reached = if peer == Peer::Stock { &answer["expected"] } else { &answer["matched"] };
    assert_eq!(reached, 2, "{answer}");
    only_the_first_two_reload(&tabs).await;
}

/// Tabs on `/checkout`, `/checkout-help` and `/products`, marked until they reload.
async fn on_three_pages(browser: &Browser, site: &Site) -> [Tab; 3] {
    let tabs = [
        visitor(browser, site, "/checkout").await,
        visitor(browser, site, "/checkout-help").await,
        visitor(browser, site, "/products").await,
    ];
    for tab in &tabs {
        tab.eval("window.__before = true").await;
    }
    tabs
}

async fn only_the_first_two_reload(tabs: &[Tab; 3]) {
    for tab in &tabs[..2] {
        tab.wait_until("!window.__before").await;
    }
    assert_eq!(tabs[2].eval("window.__before").await, true);
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
}

async fn json_lines_follow_a_rollout_and_survive_the_restart(peer: Peer, strategy: Strategy) {
    let (mut site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let mut watch = skew_tui(&site, &["--json"], &[("SKEW_TOKEN", ADMIN_SECRET)]);
    let _old = visitor(&browser, &site, "/products").await;

    let one = |line: &str| Some(parsed(line)).filter(|state| state["total"] == 1);
    let state = watch.stdout.until("a visitor", one).await;
    assert_eq!((&state["type"], &state["schema"], &state["authorized"]), (&json!("stats"), &json!(1), &json!(true)));
    assert_eq!(state["routes"], json!({ "/products": 1 }));
    assert_eq!(state["versions"], json!({ strategy.build_id(): 1 }));
    assert_eq!(state["rollout"]["percent"].as_f64(), Some(100.0));
    let listed = state["connections"].as_array().expect("a list");
    let (own, visitors): (Vec<_>, Vec<_>) = listed.iter().partition(|entry| entry["id"] == state["yourId"]);
    assert_eq!((own.len(), &own[0]["route"]), (1, &json!("/__skew/tui")), "{state}");
    assert_eq!((visitors.len(), &visitors[0]["route"]), (1, &json!("/products")), "{state}");

    site.deploy("build-new").await;
    let _new = visitor(&browser, &site, "/").await;
    let both = |line: &str| Some(parsed(line)).filter(|state| state["total"] == 2);
    let state = watch.stdout.until("the old and the new visitor", both).await;
    let rollout = &state["rollout"];
    assert_eq!((&state["current"], &rollout["version"]), (&json!("build-new"), &json!("build-new")));
    assert_eq!((&rollout["current"], &rollout["outdated"]), (&json!(1), &json!(1)));

    watch.signal(Signal::INT);
    assert_eq!(watch.ended().await.code(), Some(130));
}

async fn a_session_cookie_shows_the_stats_too(peer: Peer, strategy: Strategy) {
    let site = Site::start(peer, strategy, &[]).await;
    for (role, code) in [("admin", 0), ("viewer", 4)] {
        let session = site.login(role).await;
        let mut stats = skew_tui(&site, &["stats", "--json"], &[("SKEW_COOKIE", &session)]);
        assert_eq!(stats.ended().await.code(), Some(code), "{role}");
        assert!(!(stats.stdout.text() + &stats.stderr.text()).contains(&session));
    }
}

async fn without_credentials_nothing_is_shown(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let _visitor = visitor(&browser, &site, "/products").await;

    let mut stats = skew_tui(&site, &["stats"], &[]);
    assert_eq!(stats.ended().await.code(), Some(4));
    assert_eq!(stats.stdout.text(), "");

    let mut terminal = dashboard(&site, &[]);
    let screen = terminal.wait_for("skew:authorize-stats").await;
    assert!(!screen.contains("/products"), "{screen}");
    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
}
