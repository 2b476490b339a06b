//! More than anybody needs: messages, lines, tables and nestings without measure. The program says what is the matter, goes on, and
//! does not grow without bound.

use std::fmt::Write;

use serde_json::json;

use crate::server::{Answer, CONNECTED, STATS, Server, sse_with_stats};
use crate::terminal::Terminal;

/// Longest message that is read, in bytes.
const LIMIT: usize = 64 << 20;

/// A stock site that sends this before its stats.
async fn behind(message: String) -> Server {
    Server::start(move |seen, push| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![message.clone(), CONNECTED.into()]),
        _ => sse_with_stats(seen, push, STATS),
    })
    .await
}

fn table(prefix: &str, entries: usize) -> String {
    let mut table = String::from("{");
    for entry in 0..entries {
        let comma = if entry == 0 { "" } else { "," };
        let _ = write!(table, r#"{comma}"{prefix}{entry}":1"#);
    }
    table + "}"
}

/// Watches a site in a terminal, both as a dashboard and in lines, until it says so; answers the most memory either had.
async fn watched(site: &Server, dashboard: &str, lines: &str) -> u64 {
    let mut peak = 0;
    for (arguments, text) in [(&[][..], dashboard), (&["--plain"][..], lines)] {
        let mut terminal = Terminal::open(&[arguments, &[&site.url("")]].concat(), &[]);
        terminal.until(text).await;
        peak = peak.max(terminal.peak_mib());
        terminal.send("\u{3}");
        assert_eq!(terminal.ended().await, if arguments.is_empty() { 0 } else { 130 });
    }
    peak
}

#[tokio::test]
async fn a_message_just_under_the_limit_is_read_and_the_next_one_too() {
    let rest = LIMIT - 1_000;
    let site = behind(format!(r#"{{"type":"welcome","x":"{}"}}"#, "x".repeat(rest))).await;
    let peak = watched(&site, "2 connections", "of 2 connections").await;
    assert!(peak < 250, "{peak} MiB");
}

#[tokio::test]
async fn a_message_over_the_limit_is_not_kept_and_the_cause_is_said() {
    let site = behind(format!(r#"{{"type":"welcome","x":"{}"}}"#, "x".repeat(LIMIT))).await;
    let peak = watched(&site, "larger than 67108864 bytes", "larger than 67108864 bytes").await;
    assert!(peak < 400, "{peak} MiB");
}

#[tokio::test]
async fn a_line_without_end_is_not_kept_and_the_cause_is_said() {
    let site = Server::start(|_, _| Answer::EndlessLine).await;
    let peak = watched(&site, "larger than 67108864 bytes", "larger than 67108864 bytes").await;
    assert!(peak < 400, "{peak} MiB");
}

#[tokio::test]
async fn a_million_builds_and_a_million_routes_are_shown() {
    let million = 1_000_000;
    for (versions, routes) in [(table("b", million), table("/", 1)), (table("b", 1), table("/", million))] {
        let stats =
            format!(r#"{{"type":"stats","total":{million},"versions":{versions},"routes":{routes},"connections":[]}}"#);
        let site = Server::start(move |seen, push| sse_with_stats(seen, push, &stats)).await;
        let peak = watched(&site, "1,000,000 connections", "1000000 connections").await;
        assert!(peak < 400, "{peak} MiB");
    }
}

#[tokio::test]
async fn what_is_nested_without_measure_is_passed_over_and_said() {
    let site = behind(format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000))).await;
    let peak = watched(&site, "2 connections", "can't be read").await;
    assert!(peak < 60, "{peak} MiB");
    let deep = format!(
        r#"{{"type":"stats","total":1,"versions":{{"b2":1}},"routes":{{"/":1}},"connections":[{{"id":"a","version":"b2","route":{}{}}}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let site = Server::start(move |seen, push| sse_with_stats(seen, push, &deep)).await;
    let peak = watched(&site, "1 connection", "1 connection").await;
    assert!(peak < 60, "{peak} MiB");
}

#[tokio::test]
async fn numbers_that_are_no_counts_are_counted_anew_and_that_is_said() {
    for number in ["-1", "1.5", "-0.0", "18446744073709551616", "\"NaN\"", "null"] {
        let stats = STATS
            .replace(r#""total":3"#, &format!(r#""total":{number}"#))
            .replace(r#""b1":1"#, &format!(r#""b1":{number}"#));
        let site = Server::start(move |seen, push| sse_with_stats(seen, push, &stats)).await;
        watched(&site, "2 connections", "hold what is no figure").await;
    }
}

#[tokio::test]
async fn a_number_beyond_all_numbers_costs_its_message_and_that_is_said() {
    let stats = STATS.replace(r#""total":3"#, r#""total":1e999"#);
    let site = Server::start(move |seen, push| sse_with_stats(seen, push, &stats)).await;
    watched(&site, "number out of range", "number out of range").await;
}

#[tokio::test]
async fn a_total_that_contradicts_the_builds_is_called_so() {
    let stats =
        json!({"type": "stats", "total": 90, "versions": {"b2": 4}, "routes": {"/": 4}, "connections": []}).to_string();
    let site = Server::start(move |seen, push| sse_with_stats(seen, push, &stats)).await;
    watched(&site, "90 connections", "contradicts itself").await;
}
