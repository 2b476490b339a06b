//! The program itself, as a child process.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than anything here takes, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What a finished run left behind.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The lines of standard output as JSON.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The program with nothing of this environment, and with the token that the test server takes.
pub(crate) fn skew_tui(arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command.env("SKEW_TOKEN", "s3cret-token");
    command
}

/// The program with nothing of this environment. It follows nobody and writes no audit log, unless a test wants that.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skew-tui"));
    command.args(arguments).env_clear().kill_on_drop(true);
    // Without a home the system still knows the user's, where a configuration may be.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("SKEW_FOLLOW", "0").env("SKEW_NO_AUDIT", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end.
pub(crate) async fn run(mut command: Command) -> Ran {
    let output = timeout(PATIENCE, command.output()).await.expect("the program ends").unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits for the end of a child.
pub(crate) async fn ended(child: &mut Child) -> ExitStatus {
    timeout(PATIENCE, child.wait()).await.expect("the program ends").unwrap()
}

/// Everything that is left in a pipe.
pub(crate) async fn rest(pipe: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut pipe = pipe;
    let mut text = String::new();
    timeout(PATIENCE, pipe.read_to_string(&mut text)).await.expect("the pipe ends").unwrap();
    text
}
