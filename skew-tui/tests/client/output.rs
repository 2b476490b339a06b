//! What reaches standard output and standard error.

use skew_proto::text;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::time::timeout;

use crate::program::{PATIENCE, bare, ended, run, skew_tui};
use crate::server::{Answer, CONNECTED, Server, sse_with_stats, stock_sse};

async fn line<R: AsyncRead + Unpin>(lines: &mut Lines<BufReader<R>>) -> serde_json::Value {
    let line = timeout(PATIENCE, lines.next_line()).await.expect("a line comes").unwrap().expect("the output goes on");
    serde_json::from_str(&line).unwrap()
}

#[tokio::test]
async fn a_state_is_printed_when_it_changes_and_not_else() {
    let site = Server::start(stock_sse).await;
    let mut child = skew_tui(&["--json", "--interval", "10ms", &site.url("")]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while line(&mut lines).await["total"] != 2 {}
    let _ = site.push.send(r#"{"type":"keepalive","timestamp":5}"#.into());
    let _ = site.push.send(r#"{"type":"welcome"}"#.into());
    let _ = site.push.send(r#"{"type":"version","version":"b3"}"#.into());
    let next = line(&mut lines).await;
    assert_eq!((&next["current"], &next["rollout"]["current"]), (&"b3".into(), &0.into()));
}

#[tokio::test]
async fn a_reader_that_has_had_enough_ends_it_quietly() {
    let site = Server::start(stock_sse).await;
    // Nothing changes on this site after the first states: only a look at the pipe can tell.
    for arguments in [&["--json"][..], &["messages"]] {
        let mut command = skew_tui(arguments);
        let mut child = command.arg(site.url("")).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        line(&mut lines).await;
        drop(lines);
        let stderr = child.stderr.take().unwrap();
        assert_eq!(ended(&mut child).await.code(), Some(0), "{arguments:?}");
        assert_eq!(crate::program::rest(stderr).await, "");
    }
}

const HOSTILE: &str = r#"{"type":"stats","total":2,"versions":{"\u001b]0;pwn\u0007":1,"b2":1},
    "routes":{"/\u001b[2J\u202e":1,"/__skew/tui":1},"yourId":"c-own","connections":[
    {"id":"c-own","version":"b2","route":"/__skew/tui"},
    {"id":"\u009b31m","version":"\u001b]0;pwn\u0007","route":"/\u001b[2J\u202e","ip":"\u007f\u200b"}]}"#;

#[tokio::test]
async fn hostile_text_is_harmless_in_every_mode() {
    let hostile = HOSTILE.replace('\n', "");
    let site = Server::start(move |seen, push| sse_with_stats(seen, push, &hostile)).await;
    for arguments in [&["stats"][..], &["stats", "--json"]] {
        let ran = run({
            let mut command = skew_tui(arguments);
            command.arg(site.url(""));
            command
        })
        .await;
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let harmful = |c: char| text::is_harmful(c) && c != '\n';
        assert!(!ran.stdout.contains(harmful) && !ran.stderr.contains(harmful), "{:?}", ran.stdout);
        if arguments.len() == 2 {
            let connection = &ran.json()[0]["connections"][1];
            assert_eq!(connection["route"], "/\u{1b}[2J\u{202e}", "nothing of the text is lost");
        }
    }
}

#[tokio::test]
async fn messages_are_printed_as_they_come_and_escaped() {
    let raw = "{\"type\":\"\u{202e}welcome\",\"z\":1.50,\"a\":[\"\u{9b}\"]}";
    let site = Server::start(move |seen, _| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED.into(), raw.into(), "not json \u{9b}".into()]),
        _ => Answer::not_found(),
    })
    .await;
    let mut child = bare(&["messages", &site.url("")]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = async || timeout(PATIENCE, lines.next_line()).await.expect("a line comes").unwrap().unwrap();
    assert_eq!(next().await, CONNECTED);
    assert_eq!(next().await, r#"{"type":"\u202ewelcome","z":1.50,"a":["\u009b"]}"#);
    assert_eq!(next().await, r#"{"invalid":"not json \u009b"}"#);
}

#[tokio::test]
async fn an_error_of_the_server_is_harmless_on_standard_error() {
    let body = "{\"message\":\"\\u001b]0;x\\u0007 no\"}";
    let site = Server::start(move |_, _| Answer::json(500, body)).await;
    let ran = run(skew_tui(&["stats", &site.url("")])).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("500") && !ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
}

#[tokio::test]
async fn the_time_of_release_is_told_though_it_comes_behind_the_stats() {
    let site = Server::start(|seen, push| match seen.line().as_str() {
        "GET /_nuxt/builds/latest.json" => {
            Answer::JsonAfter("POST /__skew/subscribe-stats", r#"{"id":"b2","timestamp":1700000000000}"#)
        }
        _ => stock_sse(seen, push),
    })
    .await;
    let ran = run(skew_tui(&["stats", "--json", &site.url("")])).await;
    assert_eq!(ran.json()[0]["releasedAt"], "2023-11-14T22:13:20.000Z", "{}", ran.stdout);
}
