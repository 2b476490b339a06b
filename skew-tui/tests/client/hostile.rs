//! Sites that send whatever harms a terminal, seen through a real one: no byte of theirs comes out as anything but text.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::server::{Answer, Push, Seen, Server};
use crate::terminal::{Terminal, foreign};

/// Sites that are tried in each way. Every run tries others.
const SITES: usize = 4;

/// Texts that hold what terminals act on.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "\u{1b}[6666;6666H",
            "\u{1b}[3J",
            "\u{1b}c",
            "\u{1b}]0;owned\u{7}",
            "\u{1b}]52;c;b3duZWQ=\u{7}",
            "\u{1b}]8;;http://x\u{1b}\\",
            "\u{1b}P+q544e\u{1b}\\",
            "\u{1b}_Gi=1\u{1b}\\",
            "\u{1b}[6n",
            "\u{9b}31m",
            "\u{9d}0;x\u{9c}",
            "\u{90}",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{feff}",
            "\r\n",
            "\n",
            "\t",
            "\u{8}",
            "\u{7}",
            "\u{7f}",
            "\u{2028}",
            "\u{e0041}",
            "東京",
            "/checkout",
            "a b",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 1..10).prop_map(|pieces| pieces.concat())
}

fn sites() -> Vec<Vec<String>> {
    let mut runner = TestRunner::new(Config::default());
    let texts = prop::collection::vec(nasty(), 4..8);
    (0..SITES).map(|_| texts.new_tree(&mut runner).unwrap().current()).collect()
}

/// A site all of whose texts are these.
async fn site(texts: &[String]) -> Server {
    let texts = texts.to_vec();
    Server::start(move |seen, push| answer(&texts, seen, push)).await
}

fn answer(texts: &[String], seen: &Seen, push: &Push) -> Answer {
    let text = |at: usize| texts[at % texts.len()].clone();
    match seen.line().as_str() {
        "GET /__skew/sse" => {
            let hello = json!({"type": "connected", "version": text(0), "connectionId": "c-own"});
            let other = json!({"type": text(1), text(2): text(3)});
            let raw = text(2).replace(['\r', '\n'], " ");
            Answer::Events(vec![hello.to_string(), other.to_string(), raw])
        }
        "POST /__skew/subscribe-stats" => {
            let mut people: Vec<_> = (0..6)
                .map(|n| json!({"id": text(n), "version": text(n), "route": text(n + 1), "ip": text(n + 2), text(n + 3): text(n + 4)}))
                .collect();
            people.push(json!({"id": "v", "version": "b2", "route": ["/", text(1)]}));
            let stats =
                json!({"type": "stats", "total": 7, "versions": {text(0): "x"}, "routes": {}, "connections": people});
            let _ = push.send(stats.to_string());
            Answer::json(200, r#"{"ok":true}"#)
        }
        "GET /_nuxt/builds/latest.json" => {
            Answer::json(200, &json!({"id": text(3), "timestamp": 1_700_000_000_000u64}).to_string())
        }
        "POST /api/admin/invalidate-route" => {
            Answer::json(500, &json!({"error": true, "message": format!("outoforder {}", text(1))}).to_string())
        }
        "GET /" => {
            Answer::Whole(200, vec![("content-type", "text/html".into())], format!("<!doctype html><p>{}", text(0)))
        }
        _ => Answer::json(404, &json!({"message": text(2)}).to_string()),
    }
}

fn assert_own(bytes: &[u8], what: &str, texts: &[String]) {
    let found = foreign(bytes);
    assert!(found.is_empty(), "{what}: {found:?} came out for {texts:?}");
}

#[tokio::test]
async fn no_byte_of_a_site_s_comes_out_of_the_dashboard() {
    for texts in sites() {
        let (site, home) = (site(&texts).await, tempfile::tempdir().unwrap());
        let log = home.path().join("log");
        let home = home.path().to_str().unwrap();
        let arguments = ["--log", "trace", "--log-file", log.to_str().unwrap(), &site.url("")];
        let mut terminal = Terminal::open(&arguments, &[("HOME", home)]);
        terminal.until("7 connections").await;
        // Every pane, what lies within, copied, sorted, filtered, frozen; help; a question; back again.
        const KEYS: &str = "1\r\r\rc\u{7f}\u{7f}\u{7f}2sSc\r\r\u{7f}\u{7f}3Gpc\rc\u{7f}4?qwffr/a\r\u{7f}2inI/\r";
        KEYS.chars().for_each(|key| terminal.send(&key.to_string()));
        terminal.send("\u{3}");
        terminal.ended().await;
        let sent = terminal.sent();
        assert_own(&sent, "the dashboard", &texts);
        let end = String::from_utf8_lossy(&sent);
        assert!(end.contains("\u{1b}[?1049l") && end.contains("\u{1b}[?25h"), "the terminal is given back: {end:?}");
        assert_own(&std::fs::read(&log).unwrap(), "the log", &texts);
    }
}

#[tokio::test]
async fn no_byte_of_a_site_s_comes_out_of_any_command() {
    for texts in sites() {
        let site = site(&texts).await;
        let home = tempfile::tempdir().unwrap();
        let env = [("HOME", home.path().to_str().unwrap()), ("SKEW_LOG", "debug")];
        let url = site.url("");
        for arguments in [
            &["stats", &url][..],
            &["stats", "--json", &url],
            &["doctor", &url],
            &["doctor", "--json", &url],
            &["wait", "--timeout", "0", &url],
            &["wait", "--timeout", "500ms", &url],
            &["wait", "--json", "--timeout", "0", &url],
            &["invalidate", "--yes", &url, "/"],
            &["invalidate", "--yes", "--json", &url, "/"],
            &["invalidate", "--dry-run", &url, "/"],
        ] {
            let mut terminal = Terminal::open(arguments, &env);
            terminal.ended().await;
            let sent = terminal.sent();
            assert!(!sent.is_empty(), "{arguments:?} says something");
            assert_own(&sent, &format!("{arguments:?}"), &texts);
        }
        for (arguments, last) in [
            (&["--plain", &url][..], "7 connections"),
            (&["--json", &url], "\"total\":7"),
            (&["messages", &url], "\"total\":7"),
        ] {
            let mut terminal = Terminal::open(arguments, &env);
            terminal.until(last).await;
            terminal.send("\u{3}");
            assert_eq!(terminal.ended().await, 130, "{arguments:?}");
            assert_own(&terminal.sent(), &format!("{arguments:?}"), &texts);
        }
    }
}

#[tokio::test]
async fn no_byte_of_a_refusal_comes_out() {
    for texts in sites() {
        let words = json!({"message": texts.concat(), "error": texts[0]}).to_string();
        for status in [401, 403, 500, 503] {
            let words = words.clone();
            let site = Server::start(move |_, _| Answer::json(status, &words)).await;
            for arguments in
                [&["stats"][..], &["stats", "--json"], &["doctor"], &["wait", "--timeout", "0"], &["--plain"]]
            {
                let mut terminal = Terminal::open(&[arguments, &[&site.url("")]].concat(), &[("SKEW_LOG", "debug")]);
                if arguments == ["--plain"] && status >= 500 {
                    terminal.until("Trying again").await;
                    terminal.send("\u{3}");
                }
                terminal.ended().await;
                assert_own(&terminal.sent(), &format!("{arguments:?} of {status}"), &texts);
            }
        }
    }
}

#[tokio::test]
async fn an_error_is_said_on_a_terminal_that_was_given_back() {
    let site = Server::start(|_, _| Answer::not_found()).await;
    let mut terminal = Terminal::open(&[&site.url("")], &[]);
    assert_eq!(terminal.ended().await, 1);
    let sent = String::from_utf8(terminal.sent()).unwrap();
    let place = |text: &str| sent.find(text).unwrap_or_else(|| panic!("{text:?} is not in {sent:?}"));
    assert!(
        place("\u{1b}[?1049h") < place("\u{1b}[?1049l") && place("\u{1b}[?1049l") < place("--base-path"),
        "{sent:?}"
    );
    assert!(place("\u{1b}[?25h") < place("--base-path"), "the cursor is shown again: {sent:?}");
}

/// A recording that somebody else has written: header, reasons, messages and a broken line are theirs.
fn recording(texts: &[String]) -> String {
    let text = |at: usize| texts[at % texts.len()].clone();
    let people: Vec<_> =
        (0..6).map(|n| json!({"id": text(n), "version": text(n), "route": text(n + 1), "ip": text(n + 2)})).collect();
    let lines = [
        json!({"skew": "recording", "version": 1, "startedAt": "2026-11-22T05:28:30.321Z", "site": text(0), "targets": [text(1)], "masked": false, "client": text(2)}),
        json!({"at": 0, "target": 0, "event": "connecting", "transport": "sse"}),
        json!({"at": 1, "target": 0, "event": "open", "transport": "sse"}),
        json!({"at": 2, "target": 0, "event": "frame", "data": {"type": "connected", "version": text(3), "connectionId": ""}}),
        json!({"at": 3, "target": 0, "event": "frame", "text": text(1)}),
        json!({"at": 4, "target": 0, "event": "releases", "data": {"current": text(0), "releases": [{"version": text(0), "releasedAt": 1}]}}),
        json!({"at": 5, "target": 0, "event": "frame", "data": {"type": "stats", "total": 6, "versions": {}, "routes": {}, "connections": people}}),
        json!({"at": 6, "target": 0, "event": text(2)}),
        json!({"at": 9, "target": 0, "event": "lost", "reason": text(3), "retryMs": 5}),
    ];
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    // Past its end, with what no JSON may hold.
    format!("{}\n{{\"at\": {}", lines.join("\n"), text(0))
}

#[tokio::test]
async fn no_byte_of_a_file_comes_out() {
    for texts in sites() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("recording.ndjson");
        std::fs::write(&file, recording(&texts)).unwrap();
        let file = file.to_str().unwrap();
        let env = [("HOME", home.path().to_str().unwrap())];
        for arguments in [
            &["replay", file, "--json"][..],
            &["replay", file, "--plain"],
            &["stats", "--replay", file],
            &["messages", "--replay", file],
            &["wait", "--replay", file],
            &["wait", "--json", "--replay", file],
            &["--config", file, "stats", "https://x.test"],
            &["--token-file", file, "stats", "https://x.test"],
            &["--header-file", file, "stats", "https://x.test"],
        ] {
            let mut terminal = Terminal::open(arguments, &env);
            terminal.ended().await;
            let sent = terminal.sent();
            assert!(!sent.is_empty(), "{arguments:?} says something");
            assert_own(&sent, &format!("{arguments:?}"), &texts);
        }
        let mut terminal = Terminal::open(&["replay", file], &env);
        terminal.until("6 connections").await;
        "1\r2\r3\r4?q".chars().for_each(|key| terminal.send(&key.to_string()));
        terminal.send("\u{3}");
        terminal.ended().await;
        assert_own(&terminal.sent(), "a replay", &texts);
    }
}
