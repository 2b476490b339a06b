//! The configuration file, and reading it again.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::spawned::{Program, command, run};
use super::support::{Sse, answer, client, soon, with};

/// A configuration with an admin secret in a file of its own.
struct Folder(TempDir);

impl Folder {
    fn new(settings: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("admin", "adm1n\n");
        folder.write("server.toml", settings);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("server.toml")
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = command(more);
        command.env("SKEW_CONFIG", self.file());
        command
    }
}

const GOOD: &str =
    "listen = \"127.0.0.1:0\"\nbuild_id = \"b1\"\nroute_tracking = true\nadmin_secret_file = \"admin\"\n";

async fn status(program: &Program, secret: &str) -> u16 {
    let stats =
        client().get(format!("{}/admin/stats", program.url)).header("authorization", format!("Bearer {secret}"));
    answer(stats).await.status
}

#[tokio::test]
async fn flags_come_before_the_environment_that_before_the_file_and_that_before_defaults() {
    let more = "base_path = \"/file\"\ncookie_name = \"from_file\"\n";
    let folder = Folder::new(&format!("{GOOD}{more}"));
    let mut command = folder.command(&["--base-path", "/flag"]);
    command.envs([("SKEW_BASE_PATH", "/environment"), ("SKEW_BUILD_ID", "b2"), ("SKEW_ROUTE_TRACKING", "false")]);
    let program = Program::start(command).await;
    assert!(program.url.ends_with("/flag"), "{}", program.url);
    let sse = Sse::open(&format!("{}/sse?route=/a", program.url), &[("cookie", "from_file=b0")]).await;
    assert_eq!(sse.connected["version"], "b2");
    let stats = client().get(format!("{}/admin/stats", program.url)).header("authorization", "Bearer adm1n");
    let stats = answer(stats).await.body;
    assert_eq!((&stats["versions"], &stats["routes"]), (&json!({"b0": 1}), &json!({"/": 1})));
}

#[tokio::test]
async fn a_secret_in_the_environment_comes_before_the_files() {
    let folder = Folder::new(GOOD);
    let mut command = folder.command(&[]);
    command.env("SKEW_ADMIN_SECRET", "0ther");
    let program = Program::start(command).await;
    assert_eq!((status(&program, "adm1n").await, status(&program, "0ther").await), (401, 200));
}

#[tokio::test]
async fn a_wrong_file_is_told_whole_by_file_and_line_and_starts_nothing() {
    let folder = Folder::new("listen = 1\nlissten = 2\nstats_interval = \"often\"\nadmin_secret = \"s3cret\"\n");
    let file = folder.file();
    let file = file.to_str().unwrap();
    for more in [&["--config", file, "--build-id", "b1"][..], &["--config", file, "--build-id", "b1", "--check"]] {
        let (code, stdout, error) = run(command(more)).await;
        assert_eq!((code, &*stdout), (1, ""));
        let begins = [2, 3, 4].map(|line| format!("skew-server: {file}:{line}: "));
        assert_eq!(error.lines().count(), begins.len(), "{error}");
        assert!(error.lines().zip(&begins).all(|(line, begin)| line.starts_with(begin)), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    // What is wrong is not in the file, so no line of it is blamed.
    let folder = Folder::new(GOOD);
    let mut command = folder.command(&["--check"]);
    command.env("SKEW_STATS_SECRET", " ");
    let (code, _, error) = run(command).await;
    assert!(code == 1 && error.starts_with("skew-server: SKEW_STATS_SECRET") && error.lines().count() == 1, "{error}");
    let (code, _, error) = run(super::spawned::command(&["--config", "/nowhere/server.toml"])).await;
    assert!(code == 1 && error.starts_with("skew-server: /nowhere/server.toml: the configuration can't be"), "{error}");
}

#[tokio::test]
async fn a_good_file_is_said_to_be_so_and_nothing_is_started() {
    let (code, stdout, error) = run(Folder::new(GOOD).command(&["--check"])).await;
    assert_eq!((code, &*stdout, &*error), (0, "the configuration is good\n", ""));
    let (code, _, error) = run(Folder::new("route_tracking = true\n").command(&["--check"])).await;
    assert!(code == 2 && error.contains("--build-id"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_reads_files_again_and_ends_no_stream() {
    let folder = Folder::new(GOOD);
    let mut program = Program::start(folder.command(&[])).await;
    let mut sse = Sse::open(&format!("{}/sse", program.url), &[]).await;
    assert_eq!(status(&program, "adm1n").await, 200);

    folder.write("admin", "adm2n\n");
    program.signal("HUP").await;
    program.logged("reloaded the configuration").await;
    assert_eq!((status(&program, "adm1n").await, status(&program, "adm2n").await), (401, 200));

    let body = json!({"version": "b2"}).to_string();
    let post = client().post(format!("{}/admin/release", program.url)).body(body);
    let headers = [("content-type", "application/json"), ("authorization", "Bearer adm2n")];
    assert_eq!(answer(with(post, &headers)).await.status, 200);
    assert_eq!(sse.next().await["version"], "b2");
    // What was released since is not taken back by reading the file again.
    program.signal("HUP").await;
    program.logged("reloaded the configuration").await;
    assert_eq!(Sse::open(&format!("{}/sse", program.url), &[]).await.connected["version"], "b2");
}

#[cfg(unix)]
#[tokio::test]
async fn what_takes_a_restart_is_told_by_name_and_left() {
    let folder = Folder::new(GOOD);
    let mut program = Program::start(folder.command(&[])).await;
    let fixed = "listen = \"127.0.0.1:1\"\nbuild_id = \"b9\"\nbase_path = \"/new\"\nadmin_secret_file = \"admin\"\n\
                 log_format = \"json\"\nlog_level = \"debug\"\n";
    folder.write("server.toml", fixed);
    program.signal("HUP").await;
    let line = program.logged("at a restart only").await;
    for name in ["listen", "build-id", "base-path", "log-format"] {
        assert!(line.contains(name), "{line}");
    }
    assert!(!line.contains("log-level") && !line.contains("manifest"), "{line}");
    assert_eq!(status(&program, "adm1n").await, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn a_wrong_file_changes_nothing_and_the_log_says_what_is_wrong() {
    let folder = Folder::new(GOOD);
    let mut program = Program::start(folder.command(&[])).await;
    folder.write("admin", "adm2n\n");
    folder.write("server.toml", &format!("{GOOD}rout_tracking = false\nstats_interval = \"often\"\n"));
    program.signal("HUP").await;
    let line = program.logged("nothing has changed").await;
    assert!(line.contains("server.toml:5: ") && line.contains("rout_tracking"), "{line}");
    let line = program.logged("nothing has changed").await;
    assert!(line.contains("server.toml:6: ") && line.contains("often"), "{line}");
    assert_eq!((status(&program, "adm1n").await, status(&program, "adm2n").await), (200, 401));

    // A secret that can't be read is no reason to let nobody in.
    folder.write("server.toml", GOOD);
    fs::remove_file(folder.0.path().join("admin")).unwrap();
    program.signal("HUP").await;
    let line = program.logged("nothing has changed").await;
    assert!(line.contains("can't read the secret file"), "{line}");
    assert_eq!(status(&program, "adm1n").await, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn the_level_of_the_log_can_be_changed_while_it_runs() {
    let folder = Folder::new(GOOD);
    let mut program = Program::start(folder.command(&[])).await;
    folder.write("server.toml", &format!("{GOOD}log_level = \"error\"\n"));
    program.signal("HUP").await;
    program.logged("reloaded the configuration").await;
    // From here on only errors are told, such as those of this file.
    folder.write("server.toml", &format!("{GOOD}log_level = \"loud\"\n"));
    program.signal("HUP").await;
    let line = program.logged("loud").await;
    assert!(line.contains("ERROR"), "{line}");
    assert_eq!(status(&program, "wrong").await, 401);
    program.signal("TERM").await;
    soon("the end", program.child.wait()).await.unwrap();
    while let Some(line) = program.log.next_line().await.unwrap() {
        assert!(line.contains("ERROR"), "{line}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_is_none_is_found_by_a_look_and_by_a_reload_that_changes_nothing() {
    let folder = Folder::new(GOOD);
    let mut program = Program::start(folder.command(&[])).await;
    folder.write("key", "no key\n");
    let token = "jwt_algorithm = [\"RS256\"]\njwt_key_file = \"key\"\njwt_read = [\"role=viewer\"]\n";
    folder.write("server.toml", &format!("{GOOD}{token}"));
    let (code, _, error) = run(folder.command(&["--check"])).await;
    assert!(code == 1 && error.contains("key"), "{code} {error}");
    folder.write("admin", "0ther\n");
    program.signal("HUP").await;
    program.logged("nothing has changed").await;
    assert_eq!((status(&program, "adm1n").await, status(&program, "0ther").await), (200, 401));
}
