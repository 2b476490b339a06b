//! The program as a process of its own.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::support::soon;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_skew-server");

/// The program with an environment that holds nothing of ours.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    // Nobody waits for a proxy to learn that it ends.
    command
        .env_clear()
        .env("SKEW_DRAIN", "0s")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// A run that ends by itself: its exit code, stdout and stderr.
pub(crate) async fn run(mut command: Command) -> (i32, String, String) {
    let output = soon("the end of the program", command.output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) log: Lines<BufReader<ChildStderr>>,
    /// With the base path.
    pub(crate) url: String,
}

impl Program {
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut program = Self { child, log, url: String::new() };
        program.url = url_in(&program.logged("listening on ").await);
        program
    }

    /// The next line of the log that holds `text`.
    pub(crate) async fn logged(&mut self, text: &str) -> String {
        soon("a line in the log", async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("the program has ended without {text:?}");
        })
        .await
    }

    /// The address of `/metrics` and the probes, which is told before that of the public endpoints.
    pub(crate) async fn start_with_operator(mut command: Command) -> (Self, String) {
        command.args(["--admin-listen", "127.0.0.1:0"]);
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut program = Self { child, log, url: String::new() };
        let operator = url_in(&program.logged("operator's endpoints").await);
        program.url = url_in(&program.logged("listening on ").await);
        (program, operator)
    }

    #[cfg(unix)]
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().await.unwrap().success());
    }
}

/// The URL in a line of the log.
fn url_in(line: &str) -> String {
    let url = line.find("http://").map(|at| &line[at..]).unwrap();
    url.split(['"', ' ']).next().unwrap().to_owned()
}
