//! `wait`: each way it ends, and how it is told.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::program::{PATIENCE, Ran, bare, ended, rest, run, skew_tui};
use crate::server::{Answer, Push, Seen, Server, sse_with_stats, stock_sse};

/// Stats of visitors on builds, and this `skew-tui`.
fn stats(versions: &[(&str, usize)]) -> String {
    let mut connections = vec![serde_json::json!({ "id": "c-own", "version": "b2", "route": "/__skew/tui" })];
    for (version, count) in versions {
        for number in 0..*count {
            let id = format!("{version}-{number}");
            connections.push(serde_json::json!({ "id": id, "version": version, "route": "/shop" }));
        }
    }
    let mut counts = serde_json::Map::new();
    for connection in &connections {
        let version = connection["version"].as_str().unwrap();
        let count = counts.get(version).and_then(Value::as_u64).unwrap_or(0) + 1;
        counts.insert(version.to_owned(), count.into());
    }
    let (total, visitors) = (connections.len(), connections.len() - 1);
    serde_json::json!({
        "type": "stats", "total": total, "versions": counts, "routes": { "/shop": visitors, "/__skew/tui": 1 },
        "yourId": "c-own", "connections": connections,
    })
    .to_string()
}

/// A stock site on which `versions` are connected.
async fn site(versions: &'static [(&'static str, usize)]) -> Server {
    Server::start(move |seen, push| sse_with_stats(seen, push, &stats(versions))).await
}

async fn wait(site: &Server, arguments: &[&str]) -> Ran {
    let mut command = skew_tui(&["wait"]);
    command.arg(site.url("")).args(arguments);
    run(command).await
}

/// A wait that goes on, and the JSON it prints.
struct Waiting {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Waiting {
    fn start(site: &Server, arguments: &[&str]) -> Self {
        let mut command = skew_tui(&["wait", "--json", "--interval", "10ms"]);
        let mut child = command.arg(site.url("")).args(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads lines until one is as it should be.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line comes").unwrap();
            let line: Value = serde_json::from_str(&line.expect("the output goes on")).unwrap();
            if wanted(&line) {
                return line;
            }
        }
    }

    /// The verdict, which is the last line, and the exit code.
    async fn verdict(mut self) -> (Value, Option<i32>) {
        let verdict = self.until(|line| line["type"] == "verdict").await;
        assert_eq!(timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap(), None, "nothing follows it");
        (verdict, ended(&mut self.child).await.code())
    }
}

#[tokio::test]
async fn a_share_that_holds_exits_with_0() {
    let site = site(&[("b2", 2)]).await;
    let mut waiting = Waiting::start(&site, &["--stable-for", "10ms"]);
    let state = waiting.until(|line| line["phase"] == "holding").await;
    assert_eq!((&state["type"], &state["schema"], &state["current"]), (&"wait".into(), &1.into(), &"b2".into()));
    assert_eq!((&state["rollout"]["current"], &state["rollout"]["percent"]), (&2.into(), &100.0.into()));
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let _ = site.push.send(r#"{"type":"keepalive","timestamp":5}"#.into());
    let (verdict, code) = waiting.verdict().await;
    assert_eq!((&verdict["outcome"], &verdict["code"], code), (&"met".into(), &0.into(), Some(0)));
    assert!(verdict["message"].as_str().unwrap().contains("connected tabs only"), "{verdict}");
}

#[tokio::test]
async fn without_time_to_hold_it_is_met_at_once_and_told_in_text() {
    let site = site(&[("b2", 2)]).await;
    let ran = wait(&site, &["--stable-for", "0"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.lines().last().unwrap().contains("100 % on b2: 2 of 2 connected tabs"), "{}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
}

#[tokio::test]
async fn time_that_is_over_exits_with_124() {
    let site = site(&[("b2", 999), ("b1", 1)]).await;
    let ran = wait(&site, &["--timeout", "300ms", "--json"]).await;
    assert_eq!(ran.code, Some(124), "{}", ran.stderr);
    let lines = ran.json();
    let verdict = lines.last().unwrap();
    assert_eq!((&verdict["outcome"], &verdict["code"]), (&"timedOut".into(), &124.into()));
    let error: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(error["code"], 124);
    assert!(error["message"].as_str().unwrap().starts_with("timed out after"), "{error}");
}

#[tokio::test]
async fn nobody_connected_is_no_success_unless_it_is_let_pass() {
    let site = site(&[]).await;
    let ran = wait(&site, &["--timeout", "0"]).await;
    assert_eq!(ran.code, Some(8));
    assert!(ran.stderr.contains("nobody is connected"), "{}", ran.stderr);
    assert_eq!(wait(&site, &["--stable-for", "0", "--min-connections", "0"]).await.code, Some(0));
}

#[tokio::test]
async fn asked_once_it_exits_with_0_or_8() {
    let reached = site(&[("b2", 2)]).await;
    assert_eq!(wait(&reached, &["--timeout", "0"]).await.code, Some(0));
    let rolling = site(&[("b2", 1), ("b1", 1)]).await;
    for arguments in [&["--timeout", "0"][..], &["--timeout", "0", "--version", "b3", "--percent", "1"]] {
        let ran = wait(&rolling, arguments).await;
        assert_eq!(ran.code, Some(8), "{}", ran.stderr);
        assert!(ran.stderr.contains("not met"), "{}", ran.stderr);
    }
    assert_eq!(wait(&rolling, &["--timeout", "0", "--percent", "50"]).await.code, Some(0));
    let url = rolling.url("");
    rolling.stop().await;
    assert_eq!(run(skew_tui(&["wait", &url, "--timeout", "0"])).await.code, Some(1));
}

#[tokio::test]
async fn a_later_release_exits_with_8_and_is_named() {
    let site = site(&[("b2", 1), ("b1", 1)]).await;
    let mut waiting = Waiting::start(&site, &["--version", "b2"]);
    waiting.until(|line| line["phase"] == "rolling").await;
    let _ = site.push.send(r#"{"type":"version","version":"b3"}"#.into());
    let (verdict, code) = waiting.verdict().await;
    assert_eq!((&verdict["outcome"], &verdict["supersededBy"], code), (&"superseded".into(), &"b3".into(), Some(8)));
}

#[tokio::test]
async fn wrong_credentials_exit_with_4_and_wrong_usage_with_2() {
    let site = Server::start(stock_sse).await;
    let mut command = bare(&["wait", "--json"]);
    command.arg(site.url(""));
    let ran = run(command).await;
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert_eq!(ran.json().last().unwrap()["outcome"], "unauthorized");
    for arguments in [
        &["--percent", "101"][..],
        &["--percent", "0"],
        &["--version", ""],
        &["--route", ""],
        &["--route", "(", "--match", "regex"],
        &["--min-connections", "-1"],
        &["--stable-for", "soon"],
    ] {
        let ran = wait(&site, arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.stderr);
    }
}

/// A site that answers 502 to the first streams, as a proxy does while a deploy goes on.
fn starting(tries: &AtomicUsize, status: u16, seen: &Seen, push: &Push) -> Answer {
    match seen.line().as_str() {
        "GET /__skew/sse" | "GET /__skew/ws" if tries.fetch_add(1, Ordering::Relaxed) < 2 => Answer::json(status, "{}"),
        _ => sse_with_stats(seen, push, &stats(&[("b2", 2)])),
    }
}

#[tokio::test]
async fn a_site_that_is_starting_is_waited_for() {
    let tries = AtomicUsize::new(0);
    let site = Server::start(move |seen, push| starting(&tries, 502, seen, push)).await;
    let ran = wait(&site, &["--stable-for", "0"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("no connection") && ran.stdout.contains("502"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_restart_in_the_middle_is_no_success() {
    let before = site(&[("b1", 6)]).await;
    let mut waiting = Waiting::start(&before, &["--stable-for", "0", "--settle", "1h"]);
    waiting.until(|line| line["phase"] == "rolling").await;
    let port = before.stop().await;
    waiting.until(|line| line["unknown"] == "disconnected").await;
    let after = Server::start_on(port, |seen, push| sse_with_stats(seen, push, &stats(&[("b2", 2)]))).await;
    let state = waiting.until(|line| line["unknown"] == "settling").await;
    assert_eq!(state["rollout"]["percent"], 100.0, "the figures alone would pass: {state}");
    let _ = after.push.send(stats(&[("b2", 3)]));
    let (verdict, code) = waiting.verdict().await;
    assert_eq!((&verdict["outcome"], code), (&"met".into(), Some(0)), "half are back");
}

#[tokio::test]
async fn a_page_without_a_version_cookie_is_warned_of() {
    let with_page = |page: fn() -> Answer| {
        Server::start(move |seen, push| match seen.line().as_str() {
            "GET /" if seen.header("sec-fetch-dest") == Some("document") => page(),
            _ => sse_with_stats(seen, push, &stats(&[("b2", 2)])),
        })
    };
    let bare_page = with_page(Answer::page).await;
    let ran = wait(&bare_page, &["--timeout", "0", "--json"]).await;
    assert_eq!((ran.code, &ran.json().last().unwrap()["versionCookie"]), (Some(0), &false.into()));
    assert!(ran.stderr.contains("no version cookie"), "{}", ran.stderr);

    let cookie = || Answer::Whole(200, vec![("set-cookie", "__nkpv=b2; Path=/".into())], "<p>".into());
    let ran = wait(&with_page(cookie).await, &["--timeout", "0", "--json"]).await;
    assert_eq!((ran.code, &ran.json().last().unwrap()["versionCookie"]), (Some(0), &true.into()));
    assert_eq!(ran.stderr, "");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_exits_with_130_and_a_verdict() {
    use rustix::process::{Pid, Signal, kill_process};

    let site = site(&[("b2", 1), ("b1", 1)]).await;
    let mut waiting = Waiting::start(&site, &[]);
    waiting.until(|line| line["phase"] == "rolling").await;
    kill_process(Pid::from_raw(waiting.child.id().unwrap().cast_signed()).unwrap(), Signal::INT).unwrap();
    let (verdict, code) = waiting.verdict().await;
    assert_eq!((&verdict["outcome"], &verdict["code"], code), (&"interrupted".into(), &130.into(), Some(130)));
}

#[tokio::test]
async fn a_reader_that_has_gone_is_never_taken_for_success() {
    let site = site(&[("b2", 1), ("b1", 1)]).await;
    let mut waiting = Waiting::start(&site, &[]);
    waiting.until(|line| line["phase"] == "rolling").await;
    drop(waiting.lines);
    let _ = site.push.send(stats(&[("b2", 2)]));
    let stderr = waiting.child.stderr.take().unwrap();
    assert_eq!(ended(&mut waiting.child).await.code(), Some(1));
    assert!(rest(stderr).await.contains("has gone"));
}
