//! `skew-tui doctor` on a stock site and on one with `skew-server`: well, and with things in front of it or in it that
//! are wrong.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;
use skew_tests::binaries::command;
use skew_tests::browser::Browser;
use skew_tests::http;
use skew_tests::nginx::Nginx;
use skew_tests::nuxt::pages::connected;
use skew_tests::nuxt::{ADMIN_SECRET, NuxtApp, Strategy};
use skew_tests::process::Process;
use skew_tests::server::SkewServer;
use skew_tests::site::{Peer, Site};

skew_tests::everywhere!(a_site_that_is_well_has_no_complaint, what_is_asked_wrongly_is_told);

/// What `doctor` says of a site.
struct Diagnosis {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Diagnosis {
    /// The ids of what is not as it should be, but for what could not be looked at.
    fn complaints(&self) -> Vec<&str> {
        let bad = self.findings.iter().filter(|finding| finding["severity"] != "ok");
        bad.filter_map(|finding| finding["id"].as_str()).filter(|id| *id != "not-checked").collect()
    }

    /// What is to be done about it.
    fn remedy(&self, id: &str) -> &str {
        let finding = self.findings.iter().find(|finding| finding["id"] == id);
        finding.and_then(|finding| finding["remedy"].as_str()).unwrap_or_else(|| panic!("no {id}: {:?}", self.findings))
    }
}

/// Runs `doctor` where something is silent: a page has been shown before, so that each answer comes soon or not at all.
async fn doctor_of_the_silent(url: &str) -> Diagnosis {
    let page = http::client().get(url).send().await.expect("the site shows its page");
    assert!(page.status().is_success(), "{page:?}");
    doctor(url, &["--timeout", "10s"], ADMIN_SECRET).await
}

async fn doctor(url: &str, args: &[&str], token: &str) -> Diagnosis {
    let mut program = command("skew-tui");
    // A time-out among the arguments comes before it.
    program.args(["doctor", "--json", url]).args(args).env("SKEW_TOKEN", token).env("SKEW_TIMEOUT", "1m");
    let mut process = Process::spawn("skew-tui", program);
    let code = process.ended().await.code();
    let (stdout, stderr) = (process.stdout.text(), process.stderr.text());
    assert!(!stdout.contains(token) && !stderr.contains(token), "{stdout}{stderr}");
    let object: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    Diagnosis { code, findings: object["findings"].as_array().expect("findings").clone() }
}

fn at(app: &NuxtApp) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, app.port))
}

async fn a_site_that_is_well_has_no_complaint(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let nobody = doctor(&site.url("/"), &[], ADMIN_SECRET).await;
    assert_eq!((nobody.complaints(), nobody.code), (vec!["nobody-connected"], Some(0)));

    let tab = browser.person().await.open(&site.url("/")).await;
    connected(&tab).await;
    let at_root = doctor(&site.url("/"), &[], ADMIN_SECRET).await;
    assert_eq!((at_root.complaints(), at_root.code), (vec!["route-tracking-off"], Some(0)));

    let elsewhere = browser.person().await.open(&site.url("/products")).await;
    connected(&elsewhere).await;
    let well = doctor(&site.url("/"), &[], ADMIN_SECRET).await;
    assert_eq!((well.complaints(), well.code), (vec![], Some(0)), "{:?}", well.findings);
}

async fn what_is_asked_wrongly_is_told(peer: Peer, strategy: Strategy) {
    let site = Site::start(peer, strategy, &[]).await;
    let refused = doctor(&site.url("/"), &[], "an0ther-secret").await;
    let expected = match peer {
        Peer::Stock => vec!["stats-refused"],
        // A dry run can be asked of ours alone, and that these credentials may not is only worth a note.
        Peer::Ours => vec!["stats-refused", "invalidation-refused"],
    };
    assert_eq!((refused.complaints(), refused.code), (expected, Some(4)), "{:?}", refused.findings);

    let elsewhere = doctor(&site.url("/"), &["--base-path", "/skew"], ADMIN_SECRET).await;
    assert_eq!((elsewhere.complaints(), elsewhere.code), (vec!["wrong-base-path", "nobody-connected"], Some(1)));
    assert!(elsewhere.remedy("wrong-base-path").contains("--base-path /__skew"));

    if peer == Peer::Stock {
        let unarmed = doctor(&site.url("/"), &["--invalidate-path", "/api/nowhere"], ADMIN_SECRET).await;
        assert_eq!((unarmed.complaints(), unarmed.code), (vec!["nobody-connected", "invalidation-missing"], Some(0)));
    }
}

#[tokio::test]
async fn a_proxy_that_buffers_is_told_from_one_that_does_not() {
    let app = NuxtApp::start(Strategy::Sse, &[]).await;
    let server = SkewServer::start(Strategy::Sse.build_id(), &["--route-tracking"]).await;
    let ours = format!("location /__skew/ {{ proxy_pass http://{}; }}", server.addr);
    for streams in ["", &ours] {
        let streaming = Nginx::start(&[at(&app)], streams).await;
        let well = doctor(&streaming.url("/"), &[], ADMIN_SECRET).await;
        assert_eq!((well.complaints(), well.code), (vec!["nobody-connected"], Some(0)), "{:?}", well.findings);
        let ignoring = format!("proxy_ignore_headers X-Accel-Buffering;\n{streams}");
        let buffering = Nginx::start(&[at(&app)], &ignoring).await;
        let mute = doctor_of_the_silent(&buffering.url("/")).await;
        assert_eq!((mute.complaints(), mute.code), (vec!["sse-buffered"], Some(1)), "{:?}", mute.findings);
        assert!(mute.remedy("sse-buffered").contains("proxy_buffering off"));
    }
}

#[tokio::test]
async fn a_proxy_that_passes_no_upgrade_is_told_with_what_makes_it() {
    let site = Site::start(Peer::Stock, Strategy::Ws, &[]).await;
    let nginx = Nginx::start(&[site.addr()], "").await;
    let blocked = doctor(&nginx.url("/"), &[], ADMIN_SECRET).await;
    assert_eq!((blocked.complaints(), blocked.code), (vec!["websocket-blocked"], Some(1)), "{:?}", blocked.findings);
    let upgrade =
        "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";";
    let nginx = Nginx::start(&[site.addr()], upgrade).await;
    let well = doctor(&nginx.url("/"), &[], ADMIN_SECRET).await;
    assert_eq!((well.complaints(), well.code), (vec!["nobody-connected"], Some(0)), "{:?}", well.findings);
}

#[tokio::test]
async fn two_processes_behind_one_name_are_told() {
    let one = NuxtApp::start(Strategy::Sse, &[]).await;
    let other = NuxtApp::start(Strategy::Sse, &[("NUXT_APP_BUILD_ID", "build-other")]).await;
    let nginx = Nginx::start(&[at(&one), at(&other)], "").await;
    let found = doctor_of_the_silent(&nginx.url("/")).await;
    assert!(found.complaints().contains(&"several-processes"), "{:?}", found.findings);
    // In its turn a question may well reach the process of its stream, and is answered then.
    if found.complaints().contains(&"subscription-silent") {
        assert!(found.remedy("subscription-silent").contains("sticky"), "{:?}", found.findings);
    }
}

#[tokio::test]
async fn a_hook_that_throws_is_told_over_either_transport() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let broken = folder.path().join("broken.cjs");
    // The comparison of the secret, which the hook does not guard, throws.
    let script = "require('node:crypto').timingSafeEqual = () => { throw new Error('broken') }\n\
                  require('node:module').syncBuiltinESMExports()\n";
    std::fs::write(&broken, script).expect("a temporary file can be written");
    let options = format!("--require {}", broken.display());
    for strategy in [Strategy::Sse, Strategy::Ws] {
        let app = NuxtApp::start(strategy, &[("NODE_OPTIONS", &options)]).await;
        let found = doctor_of_the_silent(&app.url("/")).await;
        let expected = vec!["hook-throws", "invalidation-failing"];
        assert_eq!((found.complaints(), found.code), (expected, Some(1)), "{strategy:?} {:?}", found.findings);
        assert!(found.remedy("hook-throws").contains("skew:authorize-stats"));
    }
}
