//! The program itself: arguments, exit codes, signals.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::spawned::{Program, command, run};
use super::support::{Sse, answer, client, soon, with};

#[tokio::test]
async fn the_help_is_what_is_written_down() {
    let (code, help, _) = run(command(&["--help"])).await;
    assert_eq!(code, 0);
    insta::assert_snapshot!("help", help);
}

#[tokio::test]
async fn wrong_usage_is_two_and_says_what_is_missing() {
    let (code, _, error) = run(command(&[])).await;
    assert!(code == 2 && error.contains("--build-id") && error.contains("--manifest"), "{error}");
    let (code, _, error) = run(command(&["--build-id", "b", "--trusted-proxy", "localhost"])).await;
    assert!(code == 2 && error.contains("10.0.0.0/8"), "{error}");
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_one_clear_line_and_one() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let empty = tempfile::NamedTempFile::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    let (code, _, error) = run(command(&["--build-id", "b", "--listen", &taken])).await;
    assert!(code == 1 && error.lines().count() == 1, "{error}");
    for (arguments, expected) in [
        (vec!["--listen", &taken], format!("can't listen on {taken}: ")),
        (vec!["--admin-secret-file", "/nowhere/secret"], "can't read the secret file /nowhere/secret: ".to_owned()),
        (vec!["--stats-secret-file", empty], format!("the secret file {empty} holds no secret: ")),
        (vec!["--nuxt-session-password-file", "/nowhere/p"], "can't read the secret file /nowhere/p: ".to_owned()),
        (vec!["--base-path", "skew"], "the base path \"skew\" must begin with /".to_owned()),
        (vec!["--allow-origin", "example.com"], "the origin \"example.com\" must look like".to_owned()),
    ] {
        let mut command = command(&["--build-id", "b", "--log-level", "error"]);
        command.args(arguments);
        let (code, stdout, error) = run(command).await;
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(error.starts_with(&format!("skew-server: {expected}")) && error.lines().count() == 1, "{error}");
    }
    let (code, _, error) = run(command(&["--manifest", "/nowhere/latest.json"])).await;
    assert!(
        code == 1 && error.contains("can't read the manifest /nowhere/latest.json") && error.contains("--build-id")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_secret_that_is_no_text_is_not_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let mut command = command(&["--build-id", "b", "--listen", "127.0.0.1:0"]);
    command.env("SKEW_ADMIN_SECRET", std::ffi::OsStr::from_bytes(b"s3cret\xff"));
    let (code, _, error) = run(command).await;
    assert!(code == 1 && error.contains("SKEW_ADMIN_SECRET is not UTF-8 text"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn every_line_of_a_secret_file_is_a_secret() {
    for (content, expected) in [("adm1n\r\n", 200), ("# old and new\nadm0n\n\nadm1n\n", 200), ("adm2n", 401)] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let arguments = ["--build-id", "b", "--listen", "127.0.0.1:0", "--admin-secret-file"];
        let mut command = command(&arguments);
        command.arg(file.path());
        let program = Program::start(command).await;
        let stats = client().get(format!("{}/admin/stats", program.url)).header("authorization", "Bearer adm1n");
        assert_eq!(answer(stats).await.status, expected, "{content:?}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), " adm1n\n").unwrap();
    let mut command = command(&["--build-id", "b", "--admin-secret-file"]);
    command.arg(file.path());
    let (code, _, error) = run(command).await;
    assert!(code == 1 && error.contains("white space"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_streams_in_order_and_the_program_with_zero() {
    for signal in ["INT", "TERM"] {
        let mut program = Program::start(command(&["--listen", "127.0.0.1:0", "--build-id", "b1"])).await;
        let mut sse = Sse::open(&format!("{}/sse", program.url), &[]).await;
        program.signal(signal).await;
        assert_eq!(sse.next_or_end().await, None);
        assert_eq!(soon("the exit", program.child.wait()).await.unwrap().code(), Some(0));
        let mut stdout = String::new();
        program.child.stdout.take().unwrap().read_to_string(&mut stdout).await.unwrap();
        assert_eq!(stdout, "");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_manifest_that_never_comes_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("latest.json");
    let pipe = pipe.to_str().unwrap();
    assert!(Command::new("mkfifo").arg(pipe).status().await.unwrap().success());
    let arguments = ["--listen", "127.0.0.1:0", "--build-id", "b1", "--manifest", pipe];
    let mut program = Program::start(command(&arguments)).await;
    program.logged("no regular file").await;
    program.signal("TERM").await;
    assert_eq!(soon("the exit", program.child.wait()).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn everything_can_be_set_by_the_environment() {
    let mut command = command(&[]);
    command.envs([
        ("SKEW_LISTEN", "127.0.0.1:0"),
        ("SKEW_BUILD_ID", "b7"),
        ("SKEW_BASE_PATH", "/shop/__skew"),
        ("SKEW_ROUTE_TRACKING", "1"),
        ("SKEW_IP_TRACKING", "true"),
        ("SKEW_TRUSTED_PROXY", "127.0.0.1,10.0.0.0/8"),
        ("SKEW_ADMIN_SECRET", "adm1n"),
        ("SKEW_LOG_FORMAT", "json"),
    ]);
    let mut program = Program::start(command).await;
    assert!(program.url.ends_with("/shop/__skew"), "{}", program.url);
    let mut sse = Sse::open(&format!("{}/sse?route=/a", program.url), &[("x-forwarded-for", "203.0.113.9")]).await;
    let stats = client().get(format!("{}/admin/stats", program.url)).header("authorization", "Bearer adm1n");
    let stats = answer(stats).await.body;
    assert_eq!((&stats["current"], &stats["routes"]), (&json!("b7"), &json!({"/a": 1})));
    assert_eq!(stats["connections"][0]["ip"], "203.0.113.9");

    let body = json!({"route": "/\u{1b}[2J", "secret": "adm1n", "match": "regex"}).to_string();
    let post = client().post(format!("{}/admin/invalidate-route", program.url)).body(body);
    assert_eq!(answer(with(post, &[("content-type", "application/json")])).await.status, 400);
    let body = json!({"route": "/a", "secret": "adm1n"}).to_string();
    let post = client().post(format!("{}/admin/invalidate-route", program.url)).body(body);
    assert_eq!(answer(with(post, &[("content-type", "application/json")])).await.status, 200);
    assert_eq!(sse.next().await["force"], true);
    let line: Value = serde_json::from_str(&program.logged("invalidated").await).unwrap();
    assert_eq!((&line["fields"]["who"], &line["fields"]["reached"]), (&json!("admin secret"), &json!(1)));
    assert!(!line.to_string().contains("adm1n"));
}

#[tokio::test]
async fn without_credentials_the_log_says_what_to_set() {
    let mut command = command(&["--listen", "127.0.0.1:0", "--build-id", "b1"]);
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = soon("the warning", log.next_line()).await.unwrap().unwrap();
    assert!(line.contains("WARN") && line.contains("--admin-secret-file"), "{line}");
}

#[tokio::test]
async fn the_log_tells_who_was_refused_and_can_not_be_forged_by_a_route() {
    let mut command = command(&["--listen", "127.0.0.1:0", "--build-id", "b1"]);
    command.env("SKEW_ADMIN_SECRET", "adm1n");
    let mut program = Program::start(command).await;
    let body = json!({"route": "/a\nERROR forged\u{202e}\u{1b}[2J", "secret": "adm1n"}).to_string();
    let post = client().post(format!("{}/admin/invalidate-route", program.url)).body(body);
    assert_eq!(answer(with(post, &[("content-type", "application/json")])).await.status, 200);
    let wrong = json!({"route": "/", "secret": "s3same"}).to_string();
    let post = client().post(format!("{}/admin/invalidate-route", program.url)).body(wrong);
    assert_eq!(answer(with(post, &[("content-type", "application/json")])).await.status, 401);
    let line = program.logged("invalidated a route").await;
    assert!(line.contains("forged") && !line.contains(skew_proto::text::is_harmful), "{line:?}");
    let line = program.logged("refused").await;
    assert!(line.contains("WARN") && line.contains("invalidate a route") && !line.contains("s3same"), "{line}");
}

#[tokio::test]
async fn a_broken_log_pipe_stops_nothing() {
    let mut command = command(&["--listen", "127.0.0.1:0", "--build-id", "b1"]);
    command.env("SKEW_ADMIN_SECRET", "adm1n");
    let Program { mut child, log, url } = Program::start(command).await;
    drop(log);
    for version in ["b2", "b3"] {
        let body = json!({ "version": version }).to_string();
        let post = client().post(format!("{url}/admin/release")).body(body);
        let headers = [("content-type", "application/json"), ("authorization", "Bearer adm1n")];
        assert_eq!(answer(with(post, &headers)).await.body["version"], version);
    }
    assert_eq!(Sse::open(&format!("{url}/sse"), &[]).await.connected["version"], "b3");
    assert!(child.try_wait().unwrap().is_none());
}

#[tokio::test]
async fn a_manifest_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latest.json");
    let publish = |id: &str, timestamp: u64| {
        // In one step, as a deploy does it: a reader must never see half a file.
        let next = folder.path().join("next.json");
        std::fs::write(&next, json!({"id": id, "timestamp": timestamp}).to_string()).unwrap();
        std::fs::rename(&next, &path).unwrap();
    };
    publish("b1", 17);
    let arguments = ["--listen", "127.0.0.1:0", "--manifest-interval", "20ms", "--manifest", path.to_str().unwrap()];
    let mut program = Program::start(command(&arguments)).await;
    program.logged("released a build").await;
    let mut sse = Sse::open(&format!("{}/sse", program.url), &[]).await;
    assert_eq!(sse.connected["version"], "b1");

    publish("b2", 18);
    let message = sse.next().await;
    assert_eq!((&message["type"], &message["version"]), (&json!("version"), &json!("b2")));
    std::fs::remove_file(&path).unwrap();
    program.logged("can't read the manifest").await;
    publish("b3", 19);
    assert_eq!(sse.next().await["version"], "b3");
}
