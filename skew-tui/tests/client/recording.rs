//! Recordings: made of a site, and read in its place.

use std::fs;
use std::path::Path;

use serde_json::Value;
use skew_proto::text;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use crate::program::{PATIENCE, Ran, bare, ended, run, skew_tui};
use crate::server::{Answer, CONNECTED, Server, sse_with_stats, stock_sse};

fn stats(total: u64, route: &str) -> String {
    let route = serde_json::to_string(route).unwrap();
    format!(
        r#"{{"type":"stats","total":{total},"versions":{{"b2":{total}}},"routes":{{{route}:{total}}},"connections":[
        {{"id":"u","version":"b2","route":{route},"ip":"203.0.113.9"}}]}}"#
    )
    .replace('\n', "")
}

/// Records a site until `told` is in the file, and then ends it as a person does.
async fn record(site: &Server, file: &Path, arguments: &[&str], told: &str) {
    let mut command = skew_tui(&["record", &site.url(""), file.to_str().unwrap()]);
    let mut child = command.args(arguments).spawn().unwrap();
    until_told(file, told).await;
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::INT).unwrap();
    assert_eq!(ended(&mut child).await.code(), Some(130));
}

/// What is written is in the file a second later.
async fn until_told(file: &Path, told: &str) {
    let looking = async {
        while !fs::read_to_string(file).is_ok_and(|content| content.contains(told)) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("no {told:?} in {:?}", fs::read_to_string(file)));
}

async fn on(file: &Path, arguments: &[&str]) -> Ran {
    run({
        let mut command = bare(arguments);
        command.args(["--replay", file.to_str().unwrap()]);
        command
    })
    .await
}

#[tokio::test]
async fn a_recording_is_private_complete_and_says_what_the_site_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.ndjson");
    let site = Server::start(stock_sse).await;
    record(&site, &file, &[], r#""total":3"#).await;

    let content = fs::read_to_string(&file).unwrap();
    assert!(content.ends_with("\"event\":\"end\"}\n"), "{content}");
    assert!(content.contains(r#""connectionId":"""#) && !content.contains("s3cret"), "{content}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let live = run(skew_tui(&["stats", "--json", &site.url("")])).await.json().remove(0);
    let recorded = on(&file, &["stats", "--json"]).await;
    assert_eq!((recorded.code, &*recorded.stderr), (Some(0), ""));
    let recorded = recorded.json().remove(0);
    for field in
        ["site", "link", "transport", "authorized", "current", "total", "versions", "routes", "rollout", "yourId"]
    {
        assert_eq!(recorded[field], live[field], "{field}");
    }

    let again = run(skew_tui(&["record", &site.url(""), file.to_str().unwrap()])).await;
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), content, "nothing was overwritten");
}

#[tokio::test]
async fn states_of_a_recording_have_its_times_and_come_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("times.ndjson");
    let lines = [
        r#"{"skew":"recording","version":1,"startedAt":"2026-11-22T05:28:30.000Z","site":"shop.test","targets":["shop.test"]}"#.to_owned(),
        r#"{"at":0,"event":"connecting","transport":"sse"}"#.to_owned(),
        r#"{"at":10,"event":"open","transport":"sse"}"#.to_owned(),
        format!(r#"{{"at":20,"event":"frame","data":{}}}"#, stats(1, "/")),
        format!(r#"{{"at":100,"event":"frame","data":{}}}"#, stats(2, "/")),
        format!(r#"{{"at":3600000,"event":"frame","data":{}}}"#, stats(3, "/")),
        r#"{"at":7200000,"event":"end"}"#.to_owned(),
    ];
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let ran = on(&file, &["--json"]).await;
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    let told: Vec<_> = ran.json().iter().map(|line| (line["at"].clone(), line["total"].clone())).collect();
    let expected = [
        ("2026-11-22T05:28:30.000Z", Value::Null),
        ("2026-11-22T05:28:30.250Z", 2.into()),
        ("2026-11-22T06:28:30.000Z", 3.into()),
    ];
    assert_eq!(told, expected.map(|(at, total)| (at.into(), total)));
    assert_eq!(ran.json()[2]["statsAt"], "2026-11-22T06:28:30.000Z");
    let summary = on(&file, &["stats"]).await;
    assert!(summary.stdout.starts_with("shop.test: 3 connections"), "{}", summary.stdout);
}

#[tokio::test]
async fn a_wait_on_a_recording_goes_by_its_clock() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wait.ndjson");
    let stats = |total: u64, current: u64| {
        serde_json::json!({"type": "stats", "total": total, "versions": {"b2": current, "b1": total - current},
            "routes": {"/": total}, "current": "b2"})
    };
    let line = |at: u64, data: &Value| format!(r#"{{"at":{at},"event":"frame","data":{data}}}"#);
    let connected = serde_json::json!({"type": "connected", "version": "b2", "connectionId": "", "timestamp": 1});
    let keepalive = serde_json::json!({"type": "keepalive"});
    let mut lines = vec![
        r#"{"skew":"recording","version":1,"startedAt":"2026-11-22T05:28:30.000Z","site":"shop.test","targets":["shop.test"]}"#.to_owned(),
        r#"{"at":0,"event":"connecting","transport":"sse"}"#.to_owned(),
        r#"{"at":10,"event":"open","transport":"sse"}"#.to_owned(),
        line(20, &connected),
        line(30, &stats(4, 1)),
    ];
    lines.extend((1..40).map(|half_minute| line(half_minute * 30_000, &keepalive)));
    lines.push(line(1_200_000, &stats(4, 4)));
    lines.extend((41..44).map(|half_minute| line(half_minute * 30_000, &keepalive)));
    let whole = lines.join("\n") + "\n{\"at\":1320000,\"event\":\"end\"}\n";
    fs::write(&file, &whole).unwrap();
    for (arguments, code) in [
        (&["wait", "--json"][..], 0),
        (&["wait", "--json", "--timeout", "10m"], 124),
        (&["wait", "--json", "--version", "b9"], 1),
    ] {
        let ran = on(&file, arguments).await;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {} {}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("2026-11-22T05:"), "its own times: {}", ran.stdout);
    }
    // What breaks off before it was decided is no success.
    fs::write(&file, whole.split(r#"{"at":1200000"#).next().unwrap()).unwrap();
    let ran = on(&file, &["wait", "--json"]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(ran.stderr.contains("breaks off"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_damaged_recording_says_what_was_known_and_where_it_breaks_off() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.ndjson");
    let site = Server::start(stock_sse).await;
    record(&site, &file, &[], r#""total":3"#).await;
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 9]).unwrap();
    let last = whole.lines().count();
    for (arguments, lines) in [(&["stats", "--json"][..], 1), (&["--json"], 1), (&["messages"], 2)] {
        let ran = on(&file, arguments).await;
        assert_eq!(ran.code, Some(1), "{arguments:?}");
        assert!(ran.json().len() >= lines, "{arguments:?}: {}", ran.stdout);
        assert!(ran.stderr.contains(&format!("line {last}")) && ran.stderr.contains("breaks off"), "{}", ran.stderr);
    }
    fs::write(&file, "something else").unwrap();
    let ran = on(&file, &["stats"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("no recording"), "{}", ran.stderr);
}

#[tokio::test]
async fn hostile_text_is_harmless_in_the_file_and_whole_behind_it() {
    const HOSTILE: &str = "/\u{1b}[2J\u{202e}\u{9b}31m\u{7f}";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.ndjson");
    let message = stats(1, HOSTILE);
    let site = Server::start(move |seen, push| sse_with_stats(seen, push, &message)).await;
    record(&site, &file, &["--mask"], "stats").await;
    let content = fs::read_to_string(&file).unwrap();
    assert!(!content.contains(|c| c != '\n' && text::is_harmful(c)), "{content:?}");
    assert!(content.contains("203.0.•.•") && !content.contains("203.0.113.9"), "{content}");
    for arguments in [&["stats"][..], &["stats", "--json"], &["--json"], &["messages"]] {
        let ran = on(&file, arguments).await;
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(!(ran.stdout.clone() + &ran.stderr).contains(|c| c != '\n' && text::is_harmful(c)), "{:?}", ran.stdout);
    }
    let line = on(&file, &["stats", "--json"]).await.json().remove(0);
    assert_eq!((&line["routes"][HOSTILE], &line["connections"][0]["ip"]), (&1.into(), &"203.0.•.•".into()));
}

#[tokio::test]
async fn recording_ends_by_itself_and_where_there_is_nothing_to_record() {
    let folder = tempfile::tempdir().unwrap();
    let site = Server::start(stock_sse).await;
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let timed = run(skew_tui(&["record", &site.url(""), &path("timed"), "--for", "300ms"])).await;
    assert_eq!((timed.code, &*timed.stdout), (Some(0), ""));
    assert!(timed.stderr.contains("events") && timed.stderr.contains(&path("timed")), "{}", timed.stderr);
    assert!(!timed.stderr.contains('\u{1b}'), "nobody looks at a pipe");

    let refused = Server::start(|seen, _| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED.into(), r#"{"type":"stats-unauthorized"}"#.into()]),
        _ => Answer::not_found(),
    })
    .await;
    let ran = run(skew_tui(&["record", &refused.url(""), &path("refused")])).await;
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(fs::read_to_string(path("refused")).unwrap().contains("\"event\":\"end\""));
    let replayed = on(Path::new(&path("refused")), &["stats"]).await;
    assert_eq!(replayed.code, Some(4), "{}", replayed.stderr);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_regular_file_is_refused_and_left_in_place() {
    let site = Server::start(stock_sse).await;
    // What is no regular file is refused also with --force, so that no device is ever taken away.
    let ran = run(skew_tui(&["record", &site.url(""), "/dev/full", "--force"])).await;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(Path::new("/dev/full").exists());
}

#[tokio::test]
async fn a_site_and_a_recording_are_one_too_many() {
    for arguments in [&["stats", "http://x.test", "--replay", "x"][..], &["--replay", "x", "--target", "http://x.test"]]
    {
        let ran = run(bare(arguments)).await;
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_signal_ends_it_in_the_middle_of_a_long_recording() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.ndjson");
    let first = r#"{"skew":"recording","version":1,"startedAt":"2026-11-22T05:28:30.000Z","targets":["x"]}"#;
    let line = format!("{{\"at\":1,\"event\":\"frame\",\"data\":{}}}\n", stats(1, "/"));
    fs::write(&file, format!("{first}\n{}", line.repeat(20_000))).unwrap();
    let mut command = bare(&["messages", "--replay", file.to_str().unwrap()]);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().is_some());
    // Whoever reads has had enough, as with head.
    drop(lines);
    assert_eq!(ended(&mut child).await.code(), Some(0));
}
