//! A terminal that is closed takes the dashboard with it, as a lost SSH connection does.

use std::io::Read;
use std::thread::sleep;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::program::PATIENCE;

#[test]
fn a_dashboard_ends_when_its_terminal_is_closed() {
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_skew-tui"));
    command.args(["demo", "--connections", "1"]);
    command.env("TERM", "xterm-256color");
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);

    let mut screen = pair.master.try_clone_reader().unwrap();
    let (mut bytes, mut seen) = ([0; 4096], Vec::new());
    // What is drawn once the terminal was taken and its keys are read.
    while !String::from_utf8_lossy(&seen).contains("skew") {
        let length = screen.read(&mut bytes).unwrap();
        seen.extend_from_slice(&bytes[..length]);
    }
    drop((screen, pair.master));

    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it goes on without a terminal");
        }
        sleep(Duration::from_millis(20));
    }
}
