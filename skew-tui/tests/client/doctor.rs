//! `doctor` on sites that are well, and on such that are not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::program::{Ran, bare, run, skew_tui};
use crate::server::{Answer, Push, STATS, Seen, Server};

/// How long a silent site is waited for. Much longer than an answer takes, also where the machine is busy.
const PATIENCE: &str = "5s";

const PAGE: &str = r#"<!doctype html><script>window.__NUXT__.config={public:{skewProtection:{basePath:"\u002F__skew",cookie:{path:"\u002F",name:"__nkpv"},connectionTracking:true,routeTracking:true,reloadStrategy:"prompt",version:"1.3.0"}},app:{baseURL:"\u002F"}}</script>"#;

const RELEASES: &str =
    r#"{"id":"b2","timestamp":1,"skewProtection":{"versions":{"b2":{"timestamp":"2026-01-01T00:00:00.000Z"}}}}"#;

fn unix_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn connected(ahead_ms: i64) -> String {
    json!({"type": "connected", "version": "b2", "connectionId": "c-own", "timestamp": unix_ms() + ahead_ms})
        .to_string()
}

fn page(body: &str) -> Answer {
    let headers = vec![("content-type", "text/html".into()), ("set-cookie", "__nkpv=b2; Path=/".into())];
    Answer::Whole(200, headers, body.to_owned())
}

fn ok() -> Answer {
    Answer::json(200, r#"{"ok":true}"#)
}

/// A Nuxt app that is well, for whoever has `Bearer s3cret-token`.
fn well(seen: &Seen, push: &Push) -> Answer {
    match seen.line().as_str() {
        "GET /" => page(PAGE),
        "GET /__skew/health" => Answer::json(200, r#"{"ok":true,"version":"b2","uptime":100}"#),
        "GET /__skew/sse" => Answer::Events(vec![connected(0)]),
        "POST /__skew/subscribe-stats" => {
            let may = seen.header("authorization") == Some("Bearer s3cret-token");
            let _ = push.send(if may { STATS.to_owned() } else { r#"{"type":"stats-unauthorized"}"#.to_owned() });
            ok()
        }
        "GET /_nuxt/builds/latest.json" => Answer::json(200, RELEASES),
        "POST /api/admin/invalidate-route" => Answer::json(401, r#"{"error":true,"statusCode":401}"#),
        _ => Answer::not_found(),
    }
}

/// The same with another answer to one request.
async fn but(line: &'static str, answer: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |seen, push| if seen.line() == line { answer() } else { well(seen, push) }).await
}

async fn doctor(url: &str, more: &[&str]) -> Ran {
    let mut command = skew_tui(&["doctor", "--json", "--timeout", PATIENCE, url]);
    command.args(more);
    run(command).await
}

/// The ids of what is not as it should be, but for what could not be looked at.
fn complaints(ran: &Ran) -> Vec<String> {
    let [object] = &ran.json()[..] else { panic!("{}{}", ran.stdout, ran.stderr) };
    assert_eq!((&object["schema"], &object["type"]), (&1.into(), &"doctor".into()));
    let findings = object["findings"].as_array().unwrap().iter();
    let bad = findings.filter(|finding| finding["severity"] != "ok" && finding["id"] != "not-checked");
    bad.map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

/// Examines a site and expects one complaint, a problem or not.
async fn finds(site: &Server, id: &str, code: i32) -> Ran {
    let ran = doctor(&site.url(""), &[]).await;
    assert_eq!((complaints(&ran), ran.code), (vec![id.to_owned()], Some(code)), "{}", ran.stdout);
    ran
}

#[tokio::test]
async fn a_site_that_is_well_has_no_complaint_and_is_not_changed() {
    let site = Server::start(well).await;
    let mut command = skew_tui(&["doctor", &site.url("")]);
    command.env("SKEW_ADMIN_SECRET", "adm1n-secret");
    let ran = run(command).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\nno problems\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("s3cret") && !ran.stdout.contains("adm1n"));

    let posts = ["POST /__skew/subscribe-stats", "POST /api/admin/invalidate-route"];
    let others = site.lines().into_iter().filter(|line| !line.starts_with("GET ") && !posts.contains(&line.as_str()));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new());
    let seen = site.seen.borrow();
    let invalidation = seen.iter().find(|seen| seen.line() == posts[1]).unwrap();
    let body: Value = serde_json::from_str(&invalidation.body).unwrap();
    assert_eq!((&body["dryRun"], &body["route"]), (&true.into(), &"/__skew/doctor/nobody-is-here".into()));
    assert_eq!(invalidation.header("authorization"), None, "a stock app would act on the right secret");
    assert!(seen.iter().all(|seen| !format!("{seen:?}").contains("adm1n")));
    let streams = seen.iter().filter(|seen| seen.path.starts_with("/__skew/sse"));
    assert!(streams.map(|seen| seen.path.as_str()).all(|path| path == "/__skew/sse?route=%2F__skew%2Ftui"));
}

#[tokio::test]
async fn without_credentials_it_says_what_it_can_not_see() {
    let site = Server::start(well).await;
    let ran = run(bare(&["doctor", "--json", &site.url("")])).await;
    assert_eq!((complaints(&ran), ran.code), (vec!["no-credentials".to_owned()], Some(0)));
    assert!(ran.stdout.contains("not-checked"), "{}", ran.stdout);
}

#[tokio::test]
async fn wrong_credentials_are_the_only_problem_that_exits_with_4() {
    let site = Server::start(well).await;
    let mut command = bare(&["doctor", "--json", &site.url("")]);
    command.env("SKEW_TOKEN", "wr0ng-token");
    let ran = run(command).await;
    assert_eq!((complaints(&ran), ran.code), (vec!["stats-refused".to_owned()], Some(4)));
    assert!(!ran.stdout.contains("wr0ng") && !ran.stderr.contains("wr0ng"));
    finds(&but("GET /__skew/sse", || Answer::json(403, "{}")).await, "stream-refused", 4).await;
}

#[tokio::test]
async fn a_host_that_is_not_there_is_told_from_a_name_that_is_not() {
    let site = Server::start(well).await;
    let url = site.url("");
    site.stop().await;
    let gone = doctor(&url, &[]).await;
    assert_eq!((complaints(&gone), gone.code), (vec!["unreachable".to_owned()], Some(1)));
    let nameless = doctor("https://nowhere.invalid", &[]).await;
    assert_eq!((complaints(&nameless), nameless.code), (vec!["name-not-found".to_owned()], Some(1)));
}

#[tokio::test]
async fn every_target_is_examined_and_the_worst_decides() {
    let (well, silent) = (Server::start(well).await, Server::start(|_, _| Answer::not_found()).await);
    let ran = doctor(&well.url(""), &["--target", &silent.url("")]).await;
    let ok: Vec<_> = ran.json().iter().map(|object| object["ok"].clone()).collect();
    assert_eq!((ok, ran.code), (vec![true.into(), false.into()], Some(1)), "{}", ran.stdout);
}

#[tokio::test]
async fn an_address_that_is_given_stands_for_a_name_that_leads_nowhere() {
    let site = Server::start(well).await;
    let url = format!("http://nowhere.invalid:{}", site.port);
    let arguments = ["--resolve", "nowhere.invalid:127.0.0.1", "--insecure-http"];
    let there = doctor(&url, &arguments).await;
    assert_eq!((complaints(&there), there.code), (vec![], Some(0)), "{}", there.stdout);
    site.stop().await;
    let gone = doctor(&url, &arguments).await;
    assert_eq!((complaints(&gone), gone.code), (vec!["unreachable".to_owned()], Some(1)));
}

/// A server with a certificate of an authority of its own, for `localhost`, valid until that year.
async fn secured(until: i32) -> (Server, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(until, 1, 1);
    let certificate = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    (Server::start_tls(TlsAcceptor::from(std::sync::Arc::new(config)), well).await, authority.pem())
}

/// A port that says this to everybody and hangs up.
async fn says(text: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut hello = [0; 512];
            let _ = socket.read(&mut hello).await;
            let _ = socket.write_all(text.as_bytes()).await;
            // What was sent is lost where unread bytes are thrown away.
            let _ = socket.shutdown().await;
            while matches!(socket.read(&mut hello).await, Ok(1..)) {}
        }
    });
    port
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let ca_file = ca.display().to_string();
    let (site, authority) = secured(2090).await;
    std::fs::write(&ca, authority).unwrap();
    for (host, more, expected) in [
        ("localhost", &["--ca-file", ca_file.as_str()][..], &[][..]),
        ("localhost", &[], &["tls-unknown-authority"]),
        ("127.0.0.1", &["--ca-file", ca_file.as_str()], &["tls-wrong-host"]),
    ] {
        let ran = doctor(&format!("https://{host}:{}", site.port), more).await;
        assert_eq!(complaints(&ran), expected, "{host} {more:?}: {}", ran.stdout);
    }
    let (old, authority) = secured(2001).await;
    std::fs::write(&ca, authority).unwrap();
    let ran = doctor(&format!("https://localhost:{}", old.port), &["--ca-file", &ca_file]).await;
    assert_eq!(complaints(&ran), ["tls-expired"], "{}", ran.stdout);
    for (plain, id) in [("HTTP/1.1 400 Bad Request\r\n\r\n", "tls-not-spoken"), ("", "tls-failed")] {
        let ran = doctor(&format!("https://127.0.0.1:{}", says(plain).await), &[]).await;
        assert_eq!((complaints(&ran), ran.code), (vec![id.to_owned()], Some(1)), "{}", ran.stdout);
    }
    let ran = doctor(&site.url(""), &[]).await;
    assert_eq!(complaints(&ran), ["unreachable"], "http to a port of https: {}", ran.stdout);
}

#[tokio::test]
async fn a_wrong_base_path_is_answered_with_the_right_one() {
    let site = Server::start(well).await;
    let ran = doctor(&site.url(""), &["--base-path", "/skew"]).await;
    assert_eq!((complaints(&ran), ran.code), (vec!["wrong-base-path".to_owned()], Some(1)));
    assert!(ran.stdout.contains("--base-path /__skew"), "{}", ran.stdout);
}

/// The app at `/shop`, with its own base path and cookie, and nothing else on the host.
fn mounted(seen: &Seen, push: &Push) -> Answer {
    let settings = PAGE.replace(r"\u002F__skew", r"\u002Fshop\u002F__skew").replace("__nkpv", "__nkpv_shop");
    let Some(path) = seen.path.strip_prefix("/shop") else {
        return if seen.path == "/" { page(&settings) } else { Answer::not_found() };
    };
    if path.is_empty() { page(&settings) } else { well(&Seen { path: path.to_owned(), ..seen.clone() }, push) }
}

#[tokio::test]
async fn an_app_on_a_path_of_its_own_is_found_from_the_root_by_its_page() {
    let site = Server::start(mounted).await;
    let ran = doctor(&site.url("/shop"), &[]).await;
    assert_eq!((complaints(&ran), ran.code), (vec![], Some(0)), "{}", ran.stdout);
    // The invalidation recipe lies below the app's path, too.
    let ran = doctor(&site.url(""), &["--invalidate-path", "/shop/api/admin/invalidate-route"]).await;
    assert_eq!(complaints(&ran), ["mount-path", "no-release-list"], "{}", ran.stdout);
    assert!(ran.stdout.contains("--base-path /shop/__skew"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_site_without_endpoints_is_told_from_one_that_polls() {
    let nothing = Server::start(|_, _| Answer::page()).await;
    let ran = doctor(&nothing.url(""), &[]).await;
    assert_eq!((complaints(&ran), ran.code), (vec!["no-endpoints".into(), "no-version-cookie".into()], Some(1)));
    let polling = Server::start(|seen, push| match seen.line().as_str() {
        "GET /__skew/sse" | "GET /__skew/ws" => Answer::not_found(),
        _ => well(seen, push),
    });
    finds(&polling.await, "polling-strategy", 1).await;
}

#[tokio::test]
async fn a_stream_that_is_kept_back_is_told_from_a_server_that_is_silent() {
    let mute = but("GET /__skew/sse", || Answer::Events(Vec::new())).await;
    // Not even the headers come.
    let headless = but("GET /__skew/sse", || Answer::JsonAfter("GET /never", "")).await;
    let hung = Server::start(|seen, push| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(Vec::new()),
        "GET /__skew/health" => Answer::JsonAfter("GET /never", ""),
        _ => well(seen, push),
    });
    let hung = hung.await;
    let broken = but("GET /__skew/sse", || Answer::EventsThenEnd(Vec::new())).await;
    tokio::join!(
        finds(&mute, "sse-buffered", 1),
        finds(&headless, "sse-buffered", 1),
        finds(&hung, "server-silent", 1),
        finds(&broken, "stream-broken", 1),
    );
}

#[tokio::test]
async fn a_question_that_is_not_answered_is_told_by_how_it_is_not() {
    let subscribe = "POST /__skew/subscribe-stats";
    let untracked = but(subscribe, Answer::not_found).await;
    let throwing = but(subscribe, || Answer::json(500, "{}")).await;
    let endless = but(subscribe, || Answer::JsonAfter("GET /never", "")).await;
    let silent = but(subscribe, ok).await;
    let first = AtomicUsize::new(0);
    let unsticky = Server::start(move |seen, push| match seen.line().as_str() {
        "POST /__skew/subscribe-stats" if first.fetch_add(1, Ordering::Relaxed) == 0 => ok(),
        _ => well(seen, push),
    });
    let unsticky = unsticky.await;
    let (_, _, _, never, sometimes) = tokio::join!(
        finds(&untracked, "tracking-off", 1),
        finds(&throwing, "hook-throws", 1),
        finds(&endless, "hook-throws", 1),
        finds(&silent, "subscription-silent", 1),
        finds(&unsticky, "subscription-silent", 1),
    );
    assert!(never.stdout.contains("sticky") && never.stdout.contains("skew:authorize-stats"), "{}", never.stdout);
    assert!(sometimes.stdout.contains("sticky") && !sometimes.stdout.contains("skew:authorize-stats"));
}

/// [`well`] on the other transport. `answer` is what a question for stats is answered with.
async fn over_ws(stats_endpoint: u16, answer: &'static str) -> Server {
    Server::start(move |seen, push| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::not_found(),
        "GET /__skew/ws" if seen.header("upgrade").is_some() => {
            Answer::WebSocket(Some(connected(0)), answer.to_owned())
        }
        "GET /__skew/admin/stats" => Answer::json(stats_endpoint, "{}"),
        // Its settings do not show whether connections are tracked.
        "GET /" => page(&PAGE.replace("connectionTracking:true,", "")),
        _ => well(seen, push),
    })
    .await
}

#[tokio::test]
async fn silence_on_a_web_socket_is_the_hook_or_no_tracking() {
    let pong = r#"{"type":"pong"}"#;
    let ran = doctor(&over_ws(503, STATS).await.url(""), &[]).await;
    assert_eq!((complaints(&ran), ran.code), (vec![], Some(0)), "{}", ran.stdout);
    let (throwing, untracked) = (over_ws(503, pong).await, over_ws(404, pong).await);
    tokio::join!(finds(&throwing, "hook-throws", 1), finds(&untracked, "tracking-off", 1));
    let blocked = Server::start(|seen, push| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::not_found(),
        "GET /__skew/ws" => Answer::json(426, "{}"),
        _ => well(seen, push),
    });
    finds(&blocked.await, "websocket-blocked", 1).await;
}

#[tokio::test]
async fn figures_that_are_not_what_they_seem_are_warned_of() {
    let at_root = STATS.replace(r#""/shop""#, r#""/""#).replace(r#""/":1,"/":1"#, r#""/":2"#);
    let site = Server::start(move |seen, push| match seen.line().as_str() {
        "POST /__skew/subscribe-stats" => {
            let _ = push.send(at_root.clone());
            ok()
        }
        _ => well(seen, push),
    });
    finds(&site.await, "route-tracking-off", 0).await;

    let starts = AtomicUsize::new(0);
    let site = Server::start(move |seen, push| match seen.line().as_str() {
        "GET /__skew/health" => {
            let uptime = 100 + 5_000 * (starts.fetch_add(1, Ordering::Relaxed) % 2);
            Answer::json(200, &json!({"ok": true, "version": "b2", "uptime": uptime}).to_string())
        }
        _ => well(seen, push),
    });
    finds(&site.await, "several-processes", 0).await;
    for ahead_ms in [3_600_000, -3_600_000] {
        let site = but("GET /__skew/sse", move || Answer::Events(vec![connected(ahead_ms)])).await;
        finds(&site, "clock-skew", 0).await;
    }
}

#[tokio::test]
async fn a_page_that_marks_nobody_is_warned_of_unless_a_cache_sent_it() {
    let bare = |cache: &'static [(&'static str, &'static str)]| {
        but("GET /", move || {
            let headers = cache.iter().map(|(name, value)| (*name, (*value).to_owned()));
            Answer::Whole(200, headers.collect(), PAGE.to_owned())
        })
    };
    finds(&bare(&[]).await, "no-version-cookie", 0).await;
    finds(&bare(&[("age", "90")]).await, "cached-page", 0).await;
    // The script of skew-server marks the browser by itself.
    let script = r#"<script src="/__skew/client.js" data-build="b2" defer></script>"#;
    let site = but("GET /", move || Answer::Whole(200, Vec::new(), script.to_owned())).await;
    assert_eq!(complaints(&doctor(&site.url(""), &[]).await), Vec::<String>::new());
}

#[tokio::test]
async fn an_old_module_is_known_by_what_it_says() {
    let told = but("GET /", || page(&PAGE.replace("1.3.0", "1.1.0"))).await;
    finds(&told, "old-module", 0).await;
    let without_id = r#"{"type":"connected","version":"b2","timestamp":1}"#;
    let site = Server::start(move |seen, push| match seen.line().as_str() {
        "GET /__skew/sse" | "GET /__skew/health" => Answer::not_found(),
        "GET /_skew/sse" => Answer::Events(vec![without_id.to_owned()]),
        _ => well(seen, push),
    });
    finds(&site.await, "old-module", 1).await;
}

#[tokio::test]
async fn the_endpoint_of_invalidations_is_told_by_how_it_takes_a_wrong_secret() {
    let endpoint = "POST /api/admin/invalidate-route";
    finds(&but(endpoint, Answer::not_found).await, "invalidation-missing", 0).await;
    finds(&but(endpoint, Answer::page).await, "invalidation-missing", 0).await;
    finds(&but(endpoint, || Answer::json(500, "{}")).await, "invalidation-failing", 0).await;
    finds(&but(endpoint, ok).await, "invalidation-open", 1).await;
}

#[tokio::test]
async fn a_skew_server_is_asked_for_a_dry_run_with_the_real_secret() {
    use skew_server::{Config, Edge, Secret};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = Config { admin_secrets: vec![Secret::new("s3cret-token").unwrap()], ..Config::new("b2") };
    let (router, handle) = skew_server::router(config, ()).unwrap();
    tokio::spawn(async move {
        skew_server::serve(listener, router, &handle, Edge::default(), std::future::pending()).await;
    });
    for (secret, id, code) in [("s3cret-token", None, 0), ("an0ther-secret", Some("invalidation-refused"), 4)] {
        let mut command = skew_tui(&["doctor", "--json", &url]);
        command.env("SKEW_ADMIN_SECRET", secret);
        let ran = run(command).await;
        // There is no page: this is the server alone.
        let found =
            complaints(&ran).into_iter().filter(|id| !["page-failing", "nobody-connected"].contains(&id.as_str()));
        assert_eq!((found.collect::<Vec<_>>(), ran.code), (id.map(str::to_owned).into_iter().collect(), Some(code)));
        assert!(!(ran.stdout + &ran.stderr).contains("an0ther"));
    }
}
