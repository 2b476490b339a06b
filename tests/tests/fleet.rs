//! Several processes that each know their own visitors, watched as one: two real apps, with a visitor on each.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use skew_tests::binaries::{binary, command};
use skew_tests::browser::{Browser, Tab};
use skew_tests::nuxt::pages::connected;
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::process::Process;
use skew_tests::pty::Terminal;
use skew_tests::server::SkewServer;
use skew_tests::site::{Peer, Site};

skew_tests::everywhere!(
    replicas_are_summed_and_a_lost_one_makes_the_figures_partial,
    the_dashboard_has_a_pane_of_targets,
);

/// Two replicas, and a visitor of each.
async fn replicas(peer: Peer, strategy: Strategy) -> ([Site; 2], Browser, [Tab; 2]) {
    let (one, other, browser) =
        tokio::join!(Site::start(peer, strategy, &[]), Site::start(peer, strategy, &[]), Browser::launch());
    let mut tabs = Vec::new();
    for (site, route) in [(&one, "/products"), (&other, "/checkout")] {
        let tab = browser.person().await.open(&site.url(route)).await;
        connected(&tab).await;
        tabs.push(tab);
    }
    let tabs = tabs.try_into().unwrap_or_else(|_| unreachable!("there are two"));
    ([one, other], browser, tabs)
}

fn skew_tui(args: &[&str], sites: &[Site; 2]) -> Process {
    let mut program = command("skew-tui");
    program.args(args).env("SKEW_TOKEN", ADMIN_SECRET);
    for site in sites {
        program.args(["--target", &site.url("/")]);
    }
    Process::spawn("skew-tui", program)
}

fn parsed(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}

async fn replicas_are_summed_and_a_lost_one_makes_the_figures_partial(peer: Peer, strategy: Strategy) {
    let (sites, _browser, _tabs) = replicas(peer, strategy).await;
    let mut watching = skew_tui(&["--json"], &sites);
    let whole = watching
        .stdout
        .until("the sum of both", |line| {
            parsed(line).filter(|state| state["total"] == 2 && state.get("partial").is_none())
        })
        .await;
    assert_eq!(whole["routes"], json!({"/checkout": 1, "/products": 1}));
    assert_eq!((&whole["rollout"]["percent"], &whole["watching"]), (&json!(100.0), &json!(2)));
    assert_eq!((&whole["targets"][0]["total"], &whole["targets"][1]["total"]), (&json!(1), &json!(1)));
    let target = |state: &Value, at: usize| state["targets"][at]["target"].clone();
    let there =
        whole["connections"].as_array().expect("a list").iter().find(|connection| connection["route"] == "/checkout");
    assert_eq!(there.expect("a visitor of the other one")["target"], target(&whole, 1));

    let [kept, lost] = sites;
    drop(lost);
    let partial = watching
        .stdout
        .until("partial figures", |line| parsed(line).filter(|state| state.get("partial").is_some()))
        .await;
    assert_eq!(partial["partial"], json!({"answering": 1, "of": 2}));
    assert_eq!((&partial["total"], &partial["link"]), (&json!(1), &json!("live")));
    assert_ne!(partial["targets"][1]["link"], "live");
    drop(kept);
}

#[tokio::test]
async fn replicas_behind_one_name_are_reached_by_address() {
    let one = SkewServer::start("b2", &[]).await;
    let other = one.replica(Ipv4Addr::new(127, 0, 0, 2), "b2").await;
    let host = "replicas.localhost";
    let mut program = command("skew-tui");
    program.args(["stats", "--json", &format!("http://{host}:{}", one.addr.port())]).env("SKEW_TOKEN", ADMIN_SECRET);
    for server in [&one, &other] {
        program.args(["--resolve", &format!("{host}:{}", server.addr.ip())]);
    }
    let mut stats = Process::spawn("skew-tui stats", program);
    let state = stats.stdout.until("stats", parsed).await;
    let labels: Vec<_> =
        state["targets"].as_array().expect("a list").iter().map(|target| target["target"].clone()).collect();
    assert_eq!(labels, [json!("127.0.0.1"), json!("127.0.0.2")]);
    assert_eq!((&state["watching"], &state["total"], state.get("partial")), (&json!(2), &json!(0), None));
}

async fn the_dashboard_has_a_pane_of_targets(peer: Peer, strategy: Strategy) {
    let (sites, _browser, _tabs) = replicas(peer, strategy).await;
    let [one, other] = sites.each_ref().map(|site| site.url("/"));
    let args = ["--target", &one, "--target", &other];
    let mut terminal = Terminal::spawn(&binary("skew-tui"), &args, &[("SKEW_TOKEN", ADMIN_SECRET)], (120, 40));
    let rows =
        |screen: &str| screen.lines().filter(|line| line.contains("127.0.0.1:") && line.contains("100 %")).count();
    // A frame is looked at while it is drawn, too: each wait is for all of it.
    let whole = |screen: &str| screen.contains("2 of 2 on the current build") && screen.contains("Targets · 2");
    terminal.wait_until("both targets", |screen| whole(screen) && rows(screen) == 2).await;

    let [kept, lost] = sites;
    drop(lost);
    let partial = |screen: &str| screen.contains("partial 1/2") && screen.contains("↻ reconnecting");
    terminal.wait_until("one target and one that is lost", |screen| partial(screen) && rows(screen) == 1).await;
    terminal.send("q");
    assert_eq!(terminal.ended().await.exit_code(), 0);
    drop(kept);
}
