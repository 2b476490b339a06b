//! Stats as changes: asked for where the server has them, by who does not need them whole.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use skew_tui::feed::by_changes;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::program::{PATIENCE, run, skew_tui};
use crate::server::{Answer, CONNECTED, CONNECTED_OURS, Push, STATS, Seen, Server};

const COUNTED: &str = r#"{"type":"stats","seq":5,"granted":{"changes":true,"list":"all"},"total":2,"versions":{"b2":2},"routes":{"/__skew/tui":1,"/":1},"yourId":"me","connections":[{"id":"me","version":"b2","route":"/__skew/tui"},{"id":"v","version":"b2","route":"/"}]}"#;

const SUBSCRIBE: &str = "POST /__skew/subscribe-stats";

/// `skew-server` in so many words: who asks for changes gets `stats` with a number.
fn ours(seen: &Seen, push: &Push, stats: &str) -> Answer {
    match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED_OURS.into()]),
        SUBSCRIBE => {
            let _ = push.send(stats.to_owned());
            Answer::json(200, r#"{"ok":true}"#)
        }
        _ => Answer::not_found(),
    }
}

/// What was asked for in each subscription.
fn asked(site: &Server) -> Vec<Value> {
    let seen = site.seen.borrow();
    let subscriptions = seen.iter().filter(|seen| seen.body.contains("connectionId") || seen.method == "MESSAGE");
    subscriptions.map(|seen| serde_json::from_str(&seen.body).unwrap()).collect()
}

/// The lines of `--json`.
struct States {
    lines: Lines<BufReader<ChildStdout>>,
    _program: Child,
}

impl States {
    fn of(site: &Server) -> Self {
        let mut program = skew_tui(&["--json", "--interval", "10ms", &site.url("")]).spawn().unwrap();
        Self { lines: BufReader::new(program.stdout.take().unwrap()).lines(), _program: program }
    }

    /// The next state that is so.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let looking = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("another line");
                let state: Value = serde_json::from_str(&line).unwrap();
                if wanted(&state) {
                    return state;
                }
            }
        };
        timeout(PATIENCE, looking).await.expect("a state that is so")
    }
}

#[tokio::test]
async fn changes_are_asked_for_and_followed() {
    let site = Server::start(|seen, push| ours(seen, push, COUNTED)).await;
    let mut states = States::of(&site);
    states.until(|state| state["total"] == 1).await;
    let mut expected = by_changes().fields();
    expected.insert("connectionId".into(), "c-own".into());
    assert_eq!(asked(&site), [Value::from(expected)]);

    let opened = r#"{"type":"stats-changes","since":5,"seq":6,"total":3,"versions":{"b1":1},"routes":{"/shop":1},"opened":[{"id":"w","version":"b1","route":"/shop"}]}"#;
    let _ = site.push.send(opened.into());
    let state = states.until(|state| state["total"] == 2).await;
    assert_eq!((&state["routes"], &state["rollout"]["outdated"]), (&json!({"/": 1, "/shop": 1}), &json!(1)));
    let left = r#"{"type":"stats-changes","since":6,"seq":8,"total":2,"versions":{"b1":0},"routes":{"/shop":0,"/":0,"/cart":1},"closed":["w"],"moved":{"v":"/cart"}}"#;
    let _ = site.push.send(left.into());
    let state = states.until(|state| state["total"] == 1).await;
    assert_eq!((&state["routes"], &state["versions"]), (&json!({"/cart": 1}), &json!({"b2": 1})));
    assert_eq!(site.count(SUBSCRIBE), 1);
}

#[tokio::test]
async fn figures_are_old_behind_a_gap_until_whole_ones_come() {
    let subscriptions = AtomicUsize::new(0);
    let site = Server::start(move |seen, push| match seen.line().as_str() {
        // The second answer is the test's own.
        SUBSCRIBE if subscriptions.fetch_add(1, Ordering::Relaxed) > 0 => Answer::json(200, r#"{"ok":true}"#),
        _ => ours(seen, push, COUNTED),
    })
    .await;
    let mut states = States::of(&site);
    states.until(|state| state["total"] == 1).await;
    let late = r#"{"type":"stats-changes","since":7,"seq":8,"total":9,"versions":{"b2":9},"routes":{"/":9}}"#;
    let _ = site.push.send(late.into());
    let state = states.until(|state| state["link"] == "stale").await;
    assert_eq!((&state["total"], &state["stale"]), (&json!(1), &json!(true)));
    site.until(SUBSCRIBE, 2).await;
    let _ = site.push.send(late.into());
    let whole = r#"{"type":"stats","seq":8,"total":1,"versions":{"b2":1},"routes":{"/__skew/tui":1},"yourId":"me","connections":[{"id":"me","version":"b2","route":"/__skew/tui"}]}"#;
    let _ = site.push.send(whole.into());
    let state = states.until(|state| state["link"] == "live").await;
    assert_eq!((&state["total"], &state["routes"]), (&json!(0), &json!({})));
    assert_eq!(site.count(SUBSCRIBE), 2);
}

#[tokio::test]
async fn a_stock_server_is_asked_as_ever_over_both_transports() {
    let site = Server::start(|seen, push| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED.into()]),
        _ => ours(seen, push, STATS),
    })
    .await;
    assert_eq!(run(skew_tui(&["stats", &site.url("")])).await.code, Some(0));
    assert_eq!(asked(&site), [json!({ "connectionId": "c-own" })]);

    for (connected, expected) in [(CONNECTED, json!({})), (CONNECTED_OURS, Value::from(by_changes().fields()))] {
        let site = Server::start(move |seen, _| match seen.line().as_str() {
            "GET /__skew/ws" => Answer::WebSocket(Some(connected.into()), STATS.into()),
            _ => Answer::not_found(),
        })
        .await;
        assert_eq!(run(skew_tui(&["stats", "--transport", "ws", &site.url("")])).await.code, Some(0));
        let mut expected = expected;
        expected["type"] = "subscribe-stats".into();
        assert_eq!(asked(&site), [expected]);
    }
}

/// What a recorder asks for; a stock server knows none of its fields but the id.
fn whole() -> Value {
    json!({ "connectionId": "c-own", "changes": false, "list": "all", "users": true })
}

#[tokio::test]
async fn who_records_or_prints_messages_gets_them_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whole.ndjson");
    for arguments in [
        &["record", "--for", "1s", file.to_str().unwrap()][..],
        &["record", "--for", "1s", "--force", "--every", "0s", file.to_str().unwrap()],
    ] {
        let site = Server::start(|seen, push| ours(seen, push, STATS)).await;
        let mut arguments = arguments.to_vec();
        let url = site.url("");
        arguments.insert(1, &url);
        let ran = run(skew_tui(&arguments)).await;
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(asked(&site), [whole()]);
    }
    let site = Server::start(|seen, push| ours(seen, push, STATS)).await;
    let _messages = skew_tui(&["messages", &site.url("")]).spawn().unwrap();
    site.until(SUBSCRIBE, 1).await;
    assert_eq!(asked(&site), [json!({ "connectionId": "c-own" })]);
}
