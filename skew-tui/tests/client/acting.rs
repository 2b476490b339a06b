//! What acts on users: followed to its end, held to a limit, and written down.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde_json::{Value, json};
use skew_server::{Config, Edge, Handle, Secret};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::program::{Ran, bare, ended, rest, run, skew_tui};
use crate::schemas::assert_fits;
use crate::server::{Answer, Seen, Server, stock_sse};

/// Where a test's audit log is.
pub(crate) struct Log {
    _folder: TempDir,
    path: PathBuf,
}

impl Log {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        Self { _folder: folder, path }
    }

    /// Lets a command write to this log.
    pub(crate) fn of(&self, mut command: Command) -> Command {
        command.env("SKEW_NO_AUDIT", "0").env("SKEW_AUDIT_FILE", &self.path);
        command
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.iter().for_each(|line| assert_fits("audit", line));
        lines
    }

    pub(crate) fn outcomes(&self) -> Vec<String> {
        self.lines().iter().map(|line| line["outcome"].as_str().unwrap().to_owned()).collect()
    }

    async fn shown(&self, arguments: &[&str]) -> Ran {
        run(self.of(bare(&[&["audit"], arguments].concat()))).await
    }
}

/// A stock app with the recipe, that sends `stats` behind an invalidation.
async fn stock(after: Option<&'static str>) -> Server {
    Server::start(move |seen: &Seen, push| match seen.line().as_str() {
        "POST /api/admin/invalidate-route" => {
            let body: Value = serde_json::from_str(&seen.body).unwrap();
            if body["secret"] != "s3cret-token" {
                return Answer::json(401, r#"{"error":true,"statusCode":401}"#);
            }
            if let Some(stats) = after {
                let _ = push.send(stats.to_owned());
            }
            Answer::json(200, &json!({"ok": true, "route": body["route"]}).to_string())
        }
        _ => stock_sse(seen, push),
    })
    .await
}

/// `/shop` has reloaded: another connection, on the current build.
const RELOADED: &str = r#"{"type":"stats","total":3,"versions":{"b2":3},"routes":{"/__skew/tui":1,"/":1,"/shop":1},"yourId":"c-own","connections":[{"id":"c-own","version":"b2","route":"/__skew/tui"},{"id":"v","version":"b2","route":"/"},{"id":"x","version":"b2","route":"/shop"}]}"#;

#[tokio::test]
async fn who_reloads_is_followed_to_the_end_and_that_is_told_and_written() {
    let (site, log) = (stock(Some(RELOADED)).await, Log::new());
    let mut command = log.of(skew_tui(&["invalidate", "--yes", "--json", &site.url(""), "/shop"]));
    command.env("SKEW_FOLLOW", "30s");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_fits("invalidation", &ran.json()[0]);
    let followed = &ran.json()[0]["followed"];
    let counts = ["hit", "left", "unchanged", "reconnected", "reconnectedOnCurrent"].map(|name| &followed[name]);
    assert_eq!(counts, [1, 1, 0, 1, 1].map(Value::from).each_ref(), "{followed}");
    assert_eq!((&followed["end"], &followed["connections"]), (&json!("done"), &json!([])));
    assert_eq!(log.outcomes(), ["started", "sent", "followed"]);
    assert_eq!(site.count("GET /__skew/sse"), 1, "the stream that was looked at is the one that follows");
}

#[tokio::test]
async fn who_does_not_act_on_it_is_listed_with_the_remedy() {
    let site = stock(None).await;
    let ran = run(skew_tui(&["invalidate", "--yes", "--follow", "100ms", &site.url(""), "/"])).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for said in [
        "0 of 2 left or reconnected, 2 still there unchanged after 0 s",
        "  v             b2            /\n",
        "  w             b1            /shop\n",
        "a stock client does not reload on force by itself",
        "skew-force.client.ts",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    let json = run(skew_tui(&["invalidate", "--yes", "--json", "--follow", "100ms", "--top", "1", &site.url(""), "/"]));
    let followed = &json.await.json()[0]["followed"];
    assert_eq!((&followed["end"], &followed["unchanged"]), (&json!("time-up"), &json!(2)));
    assert_eq!(followed["connections"], json!([{"route": "/", "id": "v", "version": "b2"}]));
    assert_eq!(followed["omitted"], 1);
}

#[tokio::test]
async fn whom_a_site_does_not_show_nobody_follows_and_that_is_said() {
    let site = stock(None).await;
    let mut command = bare(&["invalidate", "--yes", "--json", "--follow", "30s", &site.url(""), "/"]);
    command.env("SKEW_ADMIN_SECRET", "s3cret-token");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let outcome = &ran.json()[0];
    assert_eq!(outcome["followed"], Value::Null);
    assert!(outcome["notFollowed"].as_str().unwrap().contains("no live stats"), "{outcome}");
}

#[tokio::test]
async fn who_interrupts_the_following_has_what_is_known_by_then() {
    let (site, log) = (stock(None).await, Log::new());
    let mut command = log.of(skew_tui(&["invalidate", "--yes", "--json", "--follow", "10m", &site.url(""), "/"]));
    let mut child = command.spawn().unwrap();
    site.until("POST /api/admin/invalidate-route", 1).await;
    // What it answered is written down before anybody is followed.
    while log.outcomes() != ["started", "sent"] {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let stdout = child.stdout.take().unwrap();
    // The signal may come before the program listens to it: it is sent until the end.
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    let status = loop {
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        tokio::select! {
            status = ended(&mut child) => break status,
            () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
        }
    };
    assert_eq!(status.code(), Some(130));
    let line: Value = serde_json::from_str(&rest(stdout).await).unwrap();
    assert_eq!((&line["followed"]["end"], &line["followed"]["unchanged"]), (&json!("stopped"), &json!(2)));
    assert_eq!(log.outcomes(), ["started", "sent", "followed"]);
}

#[tokio::test]
async fn above_the_limit_and_where_nobody_knows_nothing_is_sent() {
    let (site, log) = (stock(None).await, Log::new());
    let url = site.url("");
    let over = run(log.of(skew_tui(&["invalidate", "--yes", "--max-affected", "1", &url, "/"]))).await;
    assert_eq!(over.code, Some(1));
    assert!(over.stderr.contains("reaches 2 connections and --max-affected allows 1"), "{}", over.stderr);
    let mut blind = log.of(bare(&["invalidate", "--yes", "--max-affected", "1", &url, "/"]));
    blind.env("SKEW_ADMIN_SECRET", "s3cret-token");
    let blind = run(blind).await;
    assert_eq!(blind.code, Some(1));
    assert!(blind.stderr.contains("not known and --max-affected allows 1"), "{}", blind.stderr);
    assert_eq!(site.count("POST /api/admin/invalidate-route"), 0);
    assert_eq!(log.outcomes(), ["started", "refused", "started", "refused"]);

    let mut within = log.of(skew_tui(&["invalidate", "--yes", &url, "/"]));
    within.env("SKEW_MAX_AFFECTED", "2");
    assert_eq!(run(within).await.code, Some(0));
    assert_eq!(site.count("POST /api/admin/invalidate-route"), 1);
}

#[tokio::test]
async fn what_can_not_be_written_down_is_not_done() {
    let site = stock(None).await;
    let nowhere = tempfile::tempdir().unwrap();
    let nowhere = nowhere.path().to_str().unwrap();
    let url = site.url("");
    for arguments in [["invalidate", "--yes", &url, "/"], ["release", "--yes", &url, "b3"]] {
        let mut command = skew_tui(&arguments);
        command.args(["--audit-file", nowhere]).env("SKEW_NO_AUDIT", "0");
        let ran = run(command).await;
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains("nothing was sent") && ran.stderr.contains("--no-audit"), "{}", ran.stderr);
    }
    assert!(site.lines().iter().all(|line| !line.contains("admin")), "{:?}", site.lines());
}

#[tokio::test]
async fn the_log_lies_where_xdg_puts_it_and_says_who_did_what() {
    let (site, home) = (stock(None).await, tempfile::tempdir().unwrap());
    let at_home = |arguments: &[&str]| {
        let mut command = skew_tui(arguments);
        command.env_remove("SKEW_NO_AUDIT").env("HOME", home.path()).env("XDG_STATE_HOME", home.path().join("state"));
        command
    };
    let none = run(at_home(&["audit"])).await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    assert!(none.stderr.contains("nobody has acted yet"), "{}", none.stderr);

    assert_eq!(run(at_home(&["invalidate", "--yes", &site.url(""), "/shop"])).await.code, Some(0));
    let mut wrong = at_home(&["invalidate", "--yes", &site.url(""), "/a\u{1b}[2Jb"]);
    wrong.env("SKEW_ADMIN_SECRET", "wr0ng-secret");
    assert_eq!(run(wrong).await.code, Some(4));
    let path = home.path().join("state/skew/audit.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("s3cret") && !text.contains("wr0ng"), "{text}");
    text.push_str("half a li");
    std::fs::write(&path, text).unwrap();

    let shown = run(at_home(&["audit"])).await;
    let rows: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!(rows.len(), 4, "{}", shown.stdout);
    assert!(rows[0].starts_with("time (UTC)"), "{}", shown.stdout);
    for said in ["invalidate", &format!("127.0.0.1:{}", site.port), "/shop (prefix)", "1 expected", "sent"] {
        assert!(rows[1].contains(said), "{said}: {}", rows[1]);
    }
    assert!(rows[2].contains("/a\u{fffd}[2Jb") && rows[2].ends_with("refused"), "{}", rows[2]);
    assert!(rows[3].contains("--admin-secret-file"), "{}", rows[3]);
    assert!(shown.stderr.contains("line 5 is damaged"), "{}", shown.stderr);

    let lines = run(at_home(&["audit", "--json", "--last", "1"])).await.json();
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["started", "refused"]);
    assert_eq!(run(at_home(&["audit", "--json", "https://other.test"])).await.json(), Vec::<Value>::new());
    assert_eq!(run(at_home(&["audit", "--json", &site.url("/")])).await.json().len(), 4);
}

#[tokio::test]
async fn every_target_is_acted_on_and_who_did_not_is_told() {
    let (one, other, log) = (stock(None).await, stock(None).await, Log::new());
    let (first, second) = (one.url(""), other.url(""));
    let both = log.of(skew_tui(&["invalidate", "--yes", "--json", &first, "/", "--target", &second]));
    let ran = run(both).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for site in [&one, &other] {
        assert_eq!(site.count("POST /api/admin/invalidate-route"), 1);
    }
    assert_eq!(log.outcomes(), ["started", "started", "sent", "sent"]);

    let deaf = Server::start(stock_sse).await;
    let log = Log::new();
    let partly = log.of(skew_tui(&["invalidate", "--yes", &first, "/", "--target", &deaf.url("")]));
    let ran = run(partly).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("1 of 2 targets did it; 127.0.0.1:"), "{}", ran.stderr);
    assert_eq!(log.outcomes(), ["started", "started", "sent", "refused"]);
}

/// A `skew-server` whose current build is `b1`.
async fn ours() -> (String, Handle, JoinSet<()>) {
    let config =
        Config { route_tracking: true, admin_secrets: vec![Secret::new("s3cret-token").unwrap()], ..Config::new("b1") };
    let (router, handle) = skew_server::router(config, ()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let served = handle.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(
        async move { skew_server::serve(listener, router, &served, Edge::default(), std::future::pending()).await },
    );
    (url, handle, tasks)
}

async fn tab(url: &str, route: &str) -> reqwest::Response {
    let tab = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    tab.get(format!("{url}/__skew/sse?route={route}")).send().await.unwrap()
}

#[tokio::test]
async fn on_skew_server_a_tab_that_reloads_and_one_that_ignores_it_are_told_apart() {
    let ((url, handle, mut tasks), log) = (ours().await, Log::new());
    let _deaf = tab(&url, "/shop/deaf").await;
    let mut obedient = tab(&url, "/shop/obedient").await;
    while handle.stats().await.unwrap().total < 2 {
        tokio::task::yield_now().await;
    }
    let reopened = url.clone();
    tasks.spawn(async move {
        while let Some(bytes) = obedient.chunk().await.unwrap() {
            if String::from_utf8_lossy(&bytes).contains(r#""force":true"#) {
                break;
            }
        }
        drop(obedient);
        let _again = tab(&reopened, "/shop/obedient").await;
        std::future::pending::<()>().await;
    });
    let ran = run(log.of(skew_tui(&["invalidate", "--yes", "--json", "--follow", "3s", &url, "/shop"]))).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_fits("invalidation", &ran.json()[0]);
    let followed = &ran.json()[0]["followed"];
    let counts = ["hit", "left", "unchanged", "reconnected", "reconnectedOnCurrent"].map(|name| &followed[name]);
    assert_eq!(counts, [2, 1, 1, 1, 1].map(Value::from).each_ref(), "{followed}");
    assert_eq!(followed["connections"][0]["route"], "/shop/deaf");
    assert_eq!(log.lines()[2]["followed"]["unchanged"], 1);
    let shown = log.shown(&[]).await.stdout;
    assert!(shown.contains("1 of 2 left or reconnected") && shown.contains("1 still there unchanged"), "{shown}");
}

#[tokio::test]
async fn a_release_is_told_to_skew_server_and_written_down() {
    let ((url, handle, _tasks), log) = (ours().await, Log::new());
    let ran = run(log.of(skew_tui(&["release", "--yes", "--json", &url, "b2"]))).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let line = &ran.json()[0];
    assert_fits("release", line);
    assert_eq!((&line["type"], &line["version"], &line["previous"]), (&json!("release"), &json!("b2"), &json!("b1")));
    assert_eq!(log.outcomes(), ["started", "sent"]);
    assert_eq!((&log.lines()[1]["action"], &log.lines()[1]["version"]), (&json!("release"), &json!("b2")));
    drop(handle);

    let again = run(log.of(skew_tui(&["release", "--yes", &url, "b3"]))).await;
    assert!(again.stdout.ends_with(": b3 is current, b2 was; 0 connections told\n"), "{}", again.stdout);
    let unasked = run(skew_tui(&["release", &url, "b4"])).await;
    assert_eq!((unasked.code, unasked.stderr.contains("--yes")), (Some(2), true), "{}", unasked.stderr);
    assert_eq!(run(skew_tui(&["release", "--yes", "--readonly", &url, "b4"])).await.code, Some(2));
    let mut wrong = log.of(bare(&["release", "--yes", &url, "b4"]));
    wrong.env("SKEW_ADMIN_SECRET", "wr0ng");
    assert_eq!(run(wrong).await.code, Some(4));
    assert_eq!(run(bare(&["release", "--yes", &url, "b4"])).await.code, Some(4), "there is no secret");
}

#[tokio::test]
async fn a_stock_app_is_not_told_of_a_release() {
    let site = stock(None).await;
    let ran = run(skew_tui(&["release", "--yes", &site.url(""), "b3"])).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("a stock app knows its build by itself"), "{}", ran.stderr);
}
