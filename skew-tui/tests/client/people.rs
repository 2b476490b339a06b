//! Commands about users: who is here, a refresh or a message for one of them, and what a server says that does not know any.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::acting::Log;
use crate::program::{PATIENCE, Ran, run, skew_tui};
use crate::schemas::assert_fits;
use crate::server::{Answer, CONNECTED_OURS, PEOPLE, Push, Seen, Server, stock_sse};

/// A `skew-server` with two tabs of one user, and two pages of users.
fn ours(seen: &Seen, push: &Push) -> Answer {
    if seen.line() == "GET /__skew/sse" {
        return Answer::Events(vec![CONNECTED_OURS.into()]);
    }
    if seen.header("authorization") != Some("Bearer s3cret-token") {
        return Answer::json(401, r#"{"error":true,"statusCode":401}"#);
    }
    let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    match seen.line().as_str() {
        "POST /__skew/subscribe-stats" => {
            let _ = push.send(PEOPLE.replace(r#""partial":{"instances":["web-2"],"since":1795341600000},"#, ""));
            Answer::json(200, r#"{"ok":true}"#)
        }
        "POST /__skew/admin/invalidate-user" => {
            let matched = if body["user"] == "ann@example.com" { 2 } else { 0 };
            let answer = json!({"ok": true, "user": body["user"], "matched": matched, "dryRun": body["dryRun"] == true});
            Answer::json(200, &answer.to_string())
        }
        "POST /__skew/admin/message" => Answer::json(200, r#"{"ok":true,"reached":2}"#),
        "GET /__skew/admin/users" => Answer::json(
            200,
            &match seen.path.contains("after=ann") {
                false => json!({"total": 2, "next": "ann", "users": [{"user": "ann", "here": true, "since": 1_795_341_600_000u64,
                    "connections": [{"id": "v", "version": "b2", "route": "/", "instance": "web-1"}]}]}),
                true => json!({"total": 2, "users": [{"user": "bob\u{1b}[2J", "here": true, "connections": []}],
                    "partial": {"instances": ["web-2"], "since": 1}}),
            }
            .to_string(),
        ),
        _ => Answer::not_found(),
    }
}

async fn with_input(mut command: Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("the program ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[tokio::test]
async fn a_user_is_invalidated_by_id_and_that_is_written_down() {
    let (site, log) = (Server::start(ours).await, Log::new());
    let id = ["--user", "ann@example.com"];
    let ran = run(skew_tui(&[&["invalidate", "--json", "--dry-run", &site.url("")], &id[..]].concat())).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_fits("invalidation", &ran.json()[0]);
    let dry = &ran.json()[0];
    assert_eq!((&dry["user"], &dry["route"], &dry["expected"]), (&json!(id[1]), &Value::Null, &json!(2)));

    let command = log.of(skew_tui(&[&["invalidate", "--yes", "--follow", "100ms", &site.url("")], &id[..]].concat()));
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("user ann@example.com sent to 2 connections"), "{}", ran.stdout);
    assert!(ran.stdout.contains("0 of 2 left or reconnected, 2 still there unchanged"), "{}", ran.stdout);
    assert_eq!(log.outcomes(), ["started", "sent", "followed"]);
    let begun = &log.lines()[0];
    assert_eq!((&begun["action"], &begun["userId"]), (&json!("invalidate-user"), &json!(id[1])));

    let over = run(skew_tui(&[&["invalidate", "--yes", "--max-affected", "1", &site.url("")], &id[..]].concat())).await;
    assert!(over.code == Some(1) && over.stderr.contains("reaches 2 connections"), "{}", over.stderr);
}

#[tokio::test]
async fn an_id_may_come_by_standard_input_where_no_other_process_can_read_it() {
    let site = Server::start(ours).await;
    let command = skew_tui(&["invalidate", "--dry-run", &site.url(""), "--user", "-"]);
    let ran = with_input(command, "ann@example.com\n").await;
    assert!(ran.stdout.contains("user ann@example.com would reach 2 connections"), "{} {}", ran.stdout, ran.stderr);
}

#[tokio::test]
async fn a_server_that_knows_no_users_is_told_from_one_that_refuses() {
    let stock = Server::start(stock_sse).await;
    let old = Server::start(|seen, push| match seen.line().as_str() {
        "POST /__skew/admin/invalidate-user" | "GET /__skew/admin/users" | "POST /__skew/admin/message" => {
            Answer::not_found()
        }
        _ => ours(seen, push),
    })
    .await;
    for site in [&stock, &old] {
        let url = site.url("");
        for arguments in [
            &["invalidate", "--yes", &url, "--user", "ann"][..],
            &["users", &url],
            &["message", &url, "{}", "--user", "ann"],
        ] {
            let ran = run(skew_tui(arguments)).await;
            assert_eq!(ran.code, Some(1), "{arguments:?} {}", ran.stderr);
            assert!(ran.stderr.contains("only skew-server"), "{arguments:?} {}", ran.stderr);
        }
    }
    let mut stranger = skew_tui(&["users", &old.url("")]);
    stranger.env_remove("SKEW_TOKEN");
    assert_eq!(run(stranger).await.code, Some(4));
}

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let site = Server::start(ours).await;
    let ran = run(skew_tui(&["users", "--json", &site.url("")])).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines = ran.json();
    lines.iter().for_each(|line| assert_fits("user", line));
    let names: Vec<&Value> = lines.iter().map(|line| &line["user"]).collect();
    assert_eq!(names, [&json!("ann"), &json!("bob\u{1b}[2J")]);
    assert!(ran.stderr.contains("not heard from web-2") && ran.stderr.starts_with("{"), "{}", ran.stderr);
    let text = run(skew_tui(&["users", &site.url("")])).await.stdout;
    assert!(text.contains("ann  1 connection, since 2026-11-22T10:00:00.000Z"), "{text}");
    assert!(text.contains("on web-1") && text.contains(": 2 users") && !text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn a_message_goes_to_whom_it_is_for_and_only_its_type_is_written_down() {
    let (site, log) = (Server::start(ours).await, Log::new());
    let message = r#"{"type":"offer","secret":"x1y2"}"#;
    let ran = run(log.of(skew_tui(&["message", "--json", &site.url(""), message, "--user", "ann"]))).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_fits("sent", &ran.json()[0]);
    assert_eq!((&ran.json()[0]["to"], &ran.json()[0]["reached"]), (&json!("user"), &json!(2)));
    let sent = site.seen.borrow().iter().find(|seen| seen.line() == "POST /__skew/admin/message").unwrap().body.clone();
    let sent: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!((&sent["message"]["secret"], &sent["user"], sent.get("route")), (&json!("x1y2"), &json!("ann"), None));
    assert_eq!(log.outcomes(), ["started", "sent"]);
    let line = &log.lines()[0];
    assert_eq!(
        (&line["action"], &line["name"], &line["messageType"]),
        (&json!("message"), &json!("ann"), &json!("offer"))
    );
    assert!(!line.to_string().contains("x1y2"), "{line}");

    let piped =
        with_input(skew_tui(&["message", &site.url(""), "-", "--route", "/shop", "--match", "exact"]), message).await;
    assert!(piped.stdout.contains("2 connections took it"), "{} {}", piped.stdout, piped.stderr);
}

#[tokio::test]
async fn what_is_no_message_or_for_nobody_is_refused_before_anything_is_sent() {
    let site = Server::start(ours).await;
    let url = site.url("");
    for arguments in [
        &["message", &url, "{}"][..],
        &["message", &url, "{}", "--user", "ann", "--all"],
        &["message", &url, "[]", "--user", "ann"],
        &["message", &url, "no JSON", "--user", "ann"],
        &["message", &url, "{}", "--user", ""],
        &["message", &url, "-", "--user", "-"],
        &["message", &url, "{}", "--all"],
        &["message", &url, "{}", "--all", "--yes", "--readonly"],
        &["message", &url, "{}", "--route", "(", "--match", "regex"],
        &["invalidate", &url, "--yes", "--user", ""],
        &["invalidate", &url, "/", "--yes", "--user", "ann"],
        &["invalidate", &url, "--yes"],
    ] {
        assert_eq!(run(skew_tui(arguments)).await.code, Some(2), "{arguments:?}");
    }
    assert_eq!(site.count("POST /__skew/admin/message"), 0);
}

#[tokio::test]
async fn events_are_asked_for_where_somebody_wants_them() {
    let site = Server::start(ours).await;
    let mut child = skew_tui(&["messages", "--events", "users", &site.url("")]).spawn().unwrap();
    site.until("POST /__skew/subscribe-stats", 1).await;
    child.kill().await.unwrap();
    let asked =
        site.seen.borrow().iter().find(|seen| seen.line() == "POST /__skew/subscribe-stats").unwrap().body.clone();
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert_eq!((&asked["events"], &asked["changes"]), (&json!("users"), &json!(false)));
}
