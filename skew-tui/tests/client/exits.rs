//! Exit codes, and how errors are said.

use serde_json::Value;

use crate::program::{bare, ended, rest, run, skew_tui};
use crate::server::{Answer, Server, stock_sse};

#[tokio::test]
async fn stats_that_are_shown_exit_with_0() {
    let site = Server::start(stock_sse).await;
    let text = run(skew_tui(&["stats", &site.url("")])).await;
    assert_eq!(text.code, Some(0), "{}", text.stderr);
    assert!(text.stdout.contains("2 connections, 1 watching") && text.stdout.contains("50 %"), "{}", text.stdout);

    let json = run(skew_tui(&["stats", "--json", &site.url("/")])).await;
    let [line] = &json.json()[..] else { panic!("{}", json.stdout) };
    assert_eq!((&line["schema"], &line["authorized"], &line["total"]), (&1.into(), &true.into(), &2.into()));
    assert_eq!(line["rollout"]["outdated"], 1);
    assert!(json.stderr.is_empty(), "{}", json.stderr);
}

#[tokio::test]
async fn an_unreachable_or_wrong_site_exits_with_1_and_says_what_to_do() {
    let site = Server::start(|_, _| Answer::not_found()).await;
    let wrong = run(skew_tui(&["--json", &site.url("")])).await;
    assert_eq!(wrong.code, Some(1));
    let error: Value = serde_json::from_str(wrong.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((&error["type"], &error["code"]), (&"error".into(), &1.into()));
    assert!(error["message"].as_str().unwrap().contains("--base-path"), "{error}");

    let url = site.url("");
    site.stop().await;
    let gone = run(skew_tui(&["stats", &url])).await;
    assert_eq!((gone.code, gone.stdout.as_str()), (Some(1), ""));
    assert!(gone.stderr.contains("no connection to 127.0.0.1"), "{}", gone.stderr);
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    for arguments in [
        &["stats"][..],
        &["stats", "shop.example.com"],
        &["stats", "https://me:pa55word@x.test"],
        &["stats", "http://shop.example.com"],
        &["stats", "https://x.test", "--base-path", "skew"],
        &["stats", "https://x.test", "--token-file", "/nonexistent/token"],
        &["invalidate", "https://x.test", "", "--yes"],
        &["invalidate", "https://x.test", "(", "--match", "regex", "--yes"],
        &["invalidate", "https://x.test", "/a"],
        &["invalidate", "https://x.test", "/a", "--yes", "--readonly"],
    ] {
        let ran = run(skew_tui(arguments)).await;
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty() && !ran.stderr.contains("pa55word") && !ran.stderr.contains("s3cret"));
    }
    let json = run(skew_tui(&["--json", "stats", "--nonsense"])).await;
    assert_eq!(json.code, Some(2));
    assert!(serde_json::from_str::<Value>(json.stderr.trim()).is_ok(), "{}", json.stderr);
}

#[tokio::test]
async fn a_refusal_exits_with_4_and_names_the_hook() {
    let site = Server::start(stock_sse).await;
    for arguments in [&["stats"][..], &["--json"], &["stats", "--json"]] {
        let mut command = bare(arguments);
        command.arg(site.url(""));
        let ran = run(command).await;
        assert_eq!(ran.code, Some(4), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("skew:authorize-stats"), "{}", ran.stderr);
        assert!(ran.stdout.is_empty() || ran.json().last().unwrap()["authorized"] == false, "{}", ran.stdout);
    }
}

#[tokio::test]
async fn a_refusal_by_status_exits_with_4_too() {
    let site = Server::start(|_, _| Answer::json(403, r#"{"message":"members only, not s3cret-token"}"#)).await;
    let ran = run(skew_tui(&["stats", &site.url("")])).await;
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("members only") && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_server_that_never_answers_ends_with_the_time_out() {
    let site = Server::start(|seen, _| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![crate::server::CONNECTED.into()]),
        "POST /__skew/subscribe-stats" => Answer::json(200, r#"{"ok":true}"#),
        _ => Answer::not_found(),
    })
    .await;
    let ran = run(skew_tui(&["stats", "--timeout", "300ms", &site.url("")])).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("never answered"), "{}", ran.stderr);
}

#[tokio::test]
async fn help_says_the_exit_codes_and_no_secret() {
    let mut command = skew_tui(&["--help"]);
    command.env("SKEW_ADMIN_SECRET", "adm1n-secret").env("SKEW_COOKIE", "c00kie=1");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0));
    for code in ["0  ", "1  ", "2  ", "4  ", "130"] {
        assert!(ran.stdout.lines().any(|line| line.trim_start().starts_with(code)), "{code}: {}", ran.stdout);
    }
    assert!(!["s3cret-token", "adm1n", "c00kie"].iter().any(|secret| ran.stdout.contains(secret)));
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_exits_with_130_and_the_last_state_is_not_lost() {
    use rustix::process::{Pid, Signal, kill_process};
    use tokio::io::{AsyncBufReadExt, BufReader};

    for signal in [Signal::INT, Signal::TERM] {
        let site = Server::start(stock_sse).await;
        // The first line is printed at once, and the next one not before an hour.
        let mut child = skew_tui(&["--json", "--interval", "1h", &site.url("")]).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).await.unwrap();
        site.until("POST /__skew/subscribe-stats", 1).await;
        // The answer to the POST is on its way with the stats before it; the next request shows that both have been read.
        let _ = site.push.send(r#"{"type":"version","version":"b3"}"#.into());
        site.until("GET /_nuxt/builds/latest.json", 2).await;
        kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), signal).unwrap();
        assert_eq!(ended(&mut child).await.code(), Some(130));
        let last = rest(stdout).await;
        let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
        assert_eq!((&last["total"], &last["current"]), (&2.into(), &"b3".into()));
    }
}
