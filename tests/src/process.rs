//! A child process whose output is kept line by line, and that ends with the test.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub use rustix::process::Signal;

use crate::PATIENCE;

/// A running child. Dropped, it is killed and reaped; dropped by a failing test, it shows its output first.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// What it wrote to standard output.
    pub stdout: Output,
    /// What it wrote to standard error.
    pub stderr: Output,
}

impl Process {
    /// Starts `command` without input and with both outputs captured. `name` is what messages call it.
    pub fn spawn(name: &str, command: Command) -> Self {
        let mut command = command;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error} ({command:?})"));
        let stdout = Output::read(child.stdout.take().expect("standard output is piped"));
        let stderr = Output::read(child.stderr.take().expect("standard error is piped"));
        Self { name: name.to_owned(), child, stdout, stderr }
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_else(|| panic!("{} has ended already", self.name))
    }

    /// Sends a signal to the process, by its id.
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.unwrap_or_else(|| panic!("{} has ended already", self.name));
        kill_process(pid, signal).unwrap_or_else(|error| panic!("{} took no signal: {error}", self.name));
    }

    /// Kills the process, as a crash does, and reaps it: what it used (its port, its files) is free afterwards.
    pub fn kill(&mut self) {
        if self.child.start_kill().is_ok() {
            let deadline = Instant::now() + Duration::from_secs(5);
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// Waits until the process has ended and both outputs are read to their end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = async {
            let status = self.child.wait().await.expect("a child can be waited for");
            self.stdout.rest().await;
            self.stderr.rest().await;
            status
        };
        let ended = timeout(PATIENCE, ended).await;
        ended.unwrap_or_else(|_| panic!("{} did not end within {PATIENCE:?}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- {} wrote:\n{}{}---", self.name, self.stdout.text(), self.stderr.text());
        }
        self.kill();
    }
}

/// One output of a process: all of its lines are kept, and each is looked at once by [`Output::until`].
#[derive(Debug)]
pub struct Output {
    kept: Arc<Mutex<String>>,
    unseen: mpsc::UnboundedReceiver<String>,
}

impl Output {
    fn read(pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let kept = Arc::new(Mutex::new(String::new()));
        let (lines, unseen) = mpsc::unbounded_channel();
        let log = Arc::clone(&kept);
        tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(pipe.read_until(b'\n', &mut line).await, Ok(1..)) {
                let text = String::from_utf8_lossy(&line).into_owned();
                log.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                // Nobody waits any more: the log is still kept, and the pipe never fills.
                let _ = lines.send(text.trim_end_matches(['\r', '\n']).to_owned());
                line.clear();
            }
        });
        Self { kept, unseen }
    }

    /// Everything written so far.
    pub fn text(&self) -> String {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the first line, of those not looked at yet, that `pick` makes something of. `what` names it in the
    /// panic when the deadline or the end of the output comes first.
    pub async fn until<T>(&mut self, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        let found = async {
            while let Some(line) = self.unseen.recv().await {
                if let Some(found) = pick(&line) {
                    return Some(found);
                }
            }
            None
        };
        match timeout(PATIENCE, found).await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("the output ended without {what}; it was:\n{}", self.text()),
            Err(_) => panic!("within {PATIENCE:?} there was no {what}; the output was:\n{}", self.text()),
        }
    }

    /// Reads to the end of the output.
    async fn rest(&mut self) {
        while self.unseen.recv().await.is_some() {}
    }
}

/// A port that nobody has at the moment, for programs that know no port 0.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    listener.local_addr().expect("a bound socket has an address").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::spawn("a script", command)
    }

    #[tokio::test]
    async fn a_line_is_waited_for_and_each_line_is_seen_once() {
        let mut process = shell("echo one; echo two; echo three");
        let found = process.stdout.until("a line with an o", |line| line.contains('o').then(|| line.to_owned())).await;
        assert_eq!(found, "one");
        let found = process.stdout.until("a line with an o", |line| line.contains('o').then(|| line.to_owned())).await;
        assert_eq!(found, "two");
        assert!(process.ended().await.success());
        assert_eq!(process.stdout.text(), "one\ntwo\nthree\n");
    }

    #[tokio::test]
    async fn the_end_of_a_process_comes_with_all_that_it_wrote() {
        let mut process = shell("echo out; echo err >&2; exit 3");
        assert_eq!(process.ended().await.code(), Some(3));
        assert_eq!((process.stdout.text().as_str(), process.stderr.text().as_str()), ("out\n", "err\n"));
    }

    #[tokio::test]
    async fn a_signal_reaches_the_process() {
        let mut process = shell("trap 'echo told; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
        process.stdout.until("readiness", |line| (line == "ready").then_some(())).await;
        process.signal(Signal::TERM);
        assert_eq!(process.ended().await.code(), Some(7));
        assert!(process.stdout.text().ends_with("told\n"));
    }

    #[tokio::test]
    #[should_panic(expected = "ended without the answer")]
    async fn an_output_that_ends_too_early_is_a_failure_that_shows_it() {
        shell("echo something else").stdout.until("the answer", |line| (line == "42").then_some(())).await;
    }
}
