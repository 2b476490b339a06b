//! The log: what it never holds, and what can't hold anything up.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::process::Stdio;

use serde_json::{Value, json};
use skew_proto::text::is_harmful;
use tempfile::TempDir;
use tokio::process::Command;

use super::operate::{figure, get, until_status};
use super::spawned::{Program, command};
use super::support::{Answer, Sse, answer, client, soon, with};

const ARGUMENTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--build-id", "b1"];

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(http: &reqwest::Client, url: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    answer(with(http.post(url).header(JSON.0, JSON.1).body(body.to_string()), headers)).await
}

async fn lost_lines(operator: &str) -> f64 {
    soon("a lost line", async {
        loop {
            let lost = figure(&get(&format!("{operator}/metrics")).await.2, "skew_log_lost_lines_total");
            if lost > 0.0 {
                return lost;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await
}

/// Has the program write a line. What it does is done in any case.
async fn write_a_line(program: &str) {
    let body = json!({"route": "/", "secret": "adm1n"});
    assert_eq!(post(&client(), &format!("{program}/admin/invalidate-route"), &[], &body).await.status, 200);
}

/// A program whose log nobody reads any more, with more lines in it than wait anywhere: it was told of so many wrong settings.
#[cfg(unix)]
async fn stuck() -> (Program, String, f64) {
    let settings = tempfile::NamedTempFile::new().unwrap();
    let mut command = command(&ARGUMENTS);
    command.env("SKEW_CONFIG", settings.path());
    let (program, operator) = Program::start_with_operator(command).await;
    let wrong: String = (0..2000).map(|n| format!("{n} = 1\n")).collect();
    std::fs::write(settings.path(), wrong).unwrap();
    program.signal("HUP").await;
    let lost = lost_lines(&operator).await;
    (program, operator, lost)
}

#[cfg(unix)]
#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing_and_tells_what_was_lost_when_it_is_read_again() {
    let (mut program, operator, lost) = stuck().await;
    let _sse = Sse::open(&format!("{}/sse", program.url), &[]).await;
    assert!(lost >= 1.0 && lost_lines(&operator).await >= lost);
    let line = program.logged("lines of the log were lost").await;
    assert!(line.contains("WARN") && line.contains("lines="), "{line}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_log_that_nobody_reads_does_not_hold_up_the_end() {
    let (mut program, _, _) = stuck().await;
    program.signal("TERM").await;
    assert_eq!(soon("the exit", program.child.wait()).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn lines_for_a_closed_pipe_are_counted() {
    let mut command = command(&ARGUMENTS);
    command.env("SKEW_ADMIN_SECRET", "adm1n");
    let (Program { child: _child, log, url }, operator) = Program::start_with_operator(command).await;
    drop(log);
    write_a_line(&url).await;
    lost_lines(&operator).await;
}

/// A program whose log tells nobody where it listens, so it is told where to.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_stops_nothing() {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let at = |port| SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(127, 77, high, low), port)).to_string();
    let (listen, admin_listen) = (at(4400), at(4401));
    let mut command =
        command(&["--listen", &listen, "--admin-listen", &admin_listen, "--build-id", "b1", "--log-level", "debug"]);
    command.env("SKEW_ADMIN_SECRET", "adm1n");
    command.stderr(Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap()));
    let mut child = command.spawn().unwrap();
    let (url, operator) = (format!("http://{listen}/__skew"), format!("http://{admin_listen}"));
    soon("the server", async {
        while tokio::net::TcpStream::connect(&listen).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    until_status(&format!("{operator}/readyz"), 200).await;
    write_a_line(&url).await;
    lost_lines(&operator).await;
    let _sse = Sse::open(&format!("{url}/sse"), &[]).await;
    assert!(child.try_wait().unwrap().is_none());
}

/// What a visitor or an identity provider may put into a text: ends of lines, colours, controls of either kind, text from right to
/// left, and what is not seen.
const HOSTILE: &str =
    "x\n2026-01-01T00:00:00Z ERROR forged\r\n{\"level\":\"ERROR\"}\u{1b}[2J\u{9b}2J\u{202e}\u{200b}\u{7f}\"}";

/// A token of somebody with a hostile name.
fn token(secret: &str) -> String {
    let claims = json!({"sub": HOSTILE, "groups": "ops", "exp": super::auth_jwt::seconds() + 3600});
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn no_line_can_be_forged_in_either_form() {
    let secret = "a-shared-secret-of-32-bytes-or-more";
    for form in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("jwt"), secret).unwrap();
        let mut command = command(&ARGUMENTS);
        command.args(["--route-tracking", "--log-level", "debug", "--log-format", form]);
        command.args(["--jwt-algorithm", "HS256", "--jwt-admin", "groups=ops", "--jwt-key-file"]);
        command.arg(folder.path().join("jwt"));
        let mut program = Program::start(command).await;
        let http = client();
        let (who, agent) = (format!("Bearer {}", token(secret)), "a\u{9b}2J".as_bytes().to_vec());
        let headers = [("authorization", who.as_str())];
        let agent = reqwest::header::HeaderValue::from_bytes(&agent).unwrap();
        let route: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
        let open = http.get(format!("{}/sse?route={route}", program.url)).header("user-agent", agent);
        let _sse = soon("a stream", open.send()).await.unwrap();
        let invalidate = format!("{}/admin/invalidate-route", program.url);
        let released = format!("{}/admin/release", program.url);
        assert_eq!(post(&http, &invalidate, &headers, &json!({"route": HOSTILE})).await.status, 200);
        assert_eq!(post(&http, &invalidate, &[], &json!({"route": HOSTILE, "secret": HOSTILE})).await.status, 401);
        assert_eq!(post(&http, &released, &headers, &json!({"version": HOSTILE})).await.status, 400);
        assert_eq!(post(&http, &released, &headers, &json!({"version": "b2"})).await.status, 200);
        program.signal("TERM").await;

        let mut lines = Vec::new();
        while let Some(line) = soon("a line", program.log.next_line()).await.unwrap() {
            lines.push(line);
        }
        assert!(lines.iter().any(|line| line.contains("forged") && line.contains("invalidated a route")), "{lines:#?}");
        for line in &lines {
            assert!(!line.contains(is_harmful), "{line:?}");
            match form {
                "json" => assert!(serde_json::from_str::<Value>(line).unwrap()["timestamp"].is_string(), "{line}"),
                // A line of ours begins with its time, and a forged one would have the other.
                _ => assert!(line.starts_with("20") && !line.starts_with("2026-01-01"), "{line}"),
            }
        }
    }
}

const PASSWORD: &str = "the-session-password-of-32-chars-or-more";
const KEY: &str = "the-shared-key-of-32-bytes-or-more";

/// Everything that nobody but the operator may know, and what clients send to prove that they do.
const SECRETS: [&str; 7] = ["adm1n-s3cret", "st4ts-s3cret", PASSWORD, KEY, "wr0ng-s3cret", "us3r-p4ss", "qu3ry-t0ken"];

/// How a program is given its secrets.
fn from_files(command: &mut Command, folder: &TempDir) {
    for (option, secret) in [
        ("--admin-secret-file", SECRETS[0]),
        ("--stats-secret-file", SECRETS[1]),
        ("--nuxt-session-password-file", PASSWORD),
    ] {
        let path = folder.path().join(option.trim_start_matches('-'));
        std::fs::write(&path, secret).unwrap();
        command.arg(option).arg(path);
    }
}

fn from_the_environment(command: &mut Command, _: &TempDir) {
    command.env("SKEW_ADMIN_SECRET", SECRETS[0]).env("SKEW_STATS_SECRET", SECRETS[1]);
    command.env("NUXT_SESSION_PASSWORD", PASSWORD);
}

#[cfg(unix)]
#[tokio::test]
async fn no_secret_is_in_the_log_the_metrics_or_the_arguments() {
    for given in [from_files, from_the_environment] {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, KEY).unwrap();
        let mut command = command(&ARGUMENTS);
        command.args(["--log-level", "debug", "--jwt-algorithm", "HS256", "--jwt-admin", "groups=ops"]);
        command.arg("--jwt-key-file").arg(&key);
        // Nobody answers there: that is told, and by which name.
        command.args(["--manifest", &format!("http://us3r-p4ss:{}@127.0.0.1:1/x.json?t={}", SECRETS[5], SECRETS[6])]);
        given(&mut command, &folder);
        let (mut program, operator) = Program::start_with_operator(command).await;
        program.logged("can't read the manifest").await;
        let (http, url) = (client(), program.url.clone());
        let stats = format!("{url}/admin/stats");
        let tokens = [token(KEY), token("another-key-of-32-bytes-or-more--")];
        let bearers =
            [SECRETS[0], SECRETS[1], "wr0ng-s3cret", &tokens[0], &tokens[1]].map(|token| format!("Bearer {token}"));
        let mut answers = String::new();
        for bearer in &bearers {
            let answer = with(http.get(&stats), &[("authorization", bearer), ("cookie", "nuxt-session=wr0ng-s3cret")]);
            answers += &soon("an answer", answer.send()).await.unwrap().text().await.unwrap();
            let release = json!({"version": "b2", "secret": "wr0ng-s3cret"});
            post(&http, &format!("{url}/admin/release"), &[("authorization", bearer)], &release).await;
            let invalidate = json!({"route": "/", "secret": bearer.trim_start_matches("Bearer ")});
            post(&http, &format!("{url}/admin/invalidate-route"), &[], &invalidate).await;
        }
        answers += &get(&format!("{operator}/metrics")).await.2;
        if cfg!(target_os = "linux") {
            let pid = program.child.id().unwrap();
            answers += &String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap()).replace(
                // This one was given on the command line, which no secret should be.
                &format!("us3r-p4ss:{}@127.0.0.1:1/x.json?t={}", SECRETS[5], SECRETS[6]),
                "",
            );
        }
        // A file that is read again and can't be used is told without what stands in it.
        std::fs::write(&key, "sh0rt").unwrap();
        program.signal("HUP").await;
        answers += &program.logged("configuration").await;
        program.signal("TERM").await;
        while let Some(line) = soon("a line", program.log.next_line()).await.unwrap() {
            answers += &line;
        }
        assert!(answers.contains("skew_connections") && answers.contains("stopped"), "{answers}");
        for secret in SECRETS.iter().copied().chain(["sh0rt"]).chain(tokens.iter().map(String::as_str)) {
            assert!(!answers.contains(secret), "{secret} is in {answers}");
        }
    }
}
