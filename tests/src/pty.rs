//! A program in a real terminal: a PTY whose output a terminal emulator draws.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::{PATIENCE, binaries};

/// A running program and the screen it draws on. Dropped, the terminal hangs up and the program is killed; dropped
/// by a failing test, it shows the last screen first.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    emulator: Arc<Mutex<vt100::Parser>>,
    written: Arc<Mutex<Vec<u8>>>,
    drawn: watch::Receiver<()>,
    exit: watch::Receiver<Option<ExitStatus>>,
    killer: Box<dyn portable_pty::ChildKiller + Send + Sync>,
    pid: Option<u32>,
}

impl Terminal {
    /// Starts `program` with `args` in a terminal of `columns` × `rows`. `env` is added to the environment, in which
    /// `TERM` is `xterm-256color` and there are no variables that our programs read.
    pub fn spawn(program: &Path, args: &[&str], env: &[(&str, &str)], (columns, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("the system has a free PTY");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        for variable in binaries::environment() {
            command.env_remove(variable);
        }
        command.env(binaries::NO_CONFIGURATION.0, binaries::NO_CONFIGURATION.1);
        command.env("TERM", "xterm-256color");
        command.env("XDG_STATE_HOME", binaries::state_home(program));
        for (name, value) in env {
            command.env(name, value);
        }
        command.cwd(std::env::current_dir().expect("a test runs somewhere"));
        let mut child = pair.slave.spawn_command(command).expect("the program can be started in a terminal");
        // Ours would keep the PTY open after the program has ended.
        drop(pair.slave);

        let emulator = Arc::new(Mutex::new(vt100::Parser::new(side(rows), side(columns), 0)));
        let (draws, drawn) = watch::channel(());
        let mut output = pair.master.try_clone_reader().expect("a PTY can be read");
        let screen = Arc::clone(&emulator);
        let written = Arc::new(Mutex::new(Vec::new()));
        let bytes_written = Arc::clone(&written);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                bytes_written.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..length]);
                screen.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..length]);
                draws.send_replace(());
            }
        });

        let (killer, pid) = (child.clone_killer(), child.process_id());
        let (exits, exit) = watch::channel(None);
        thread::spawn(move || {
            let status = child.wait().ok();
            // What it drew last is on the screen before its end is known.
            let _ = reader.join();
            exits.send_replace(status);
        });
        let keyboard = pair.master.take_writer().expect("a PTY can be written");
        Self { master: pair.master, keyboard, emulator, written, drawn, exit, killer, pid }
    }

    /// The text on the screen, row by row, without trailing blanks.
    pub fn screen(&self) -> String {
        self.emulate(|emulator| emulator.screen().contents())
    }

    /// Everything that was written so far, escape sequences included.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Number of bytes that were written so far.
    pub fn written_bytes(&self) -> usize {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What `look` reads off the emulator: modes, colours, the cursor.
    pub fn emulate<T>(&self, look: impl FnOnce(&vt100::Parser) -> T) -> T {
        look(&self.emulator.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.pid.expect("a running program has a process id")
    }

    /// Types `keys`, escape sequences included.
    pub fn send(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).and_then(|()| self.keyboard.flush()).expect("the terminal takes keys");
    }

    /// Makes the terminal `columns` × `rows`, as a user does who drags its corner.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.emulator.lock().unwrap_or_else(PoisonError::into_inner).screen_mut().set_size(side(rows), side(columns));
        self.master.resize(size(columns, rows)).expect("a PTY can be resized");
    }

    /// Waits until `text` is on the screen, and answers the screen.
    pub async fn wait_for(&mut self, text: &str) -> String {
        self.wait_until(&format!("{text:?}"), |screen| screen.contains(text)).await
    }

    /// Waits until `holds` is true of the screen's text, and answers the screen. `what` names it in the panic.
    pub async fn wait_until(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let found = async {
            loop {
                self.drawn.mark_unchanged();
                let screen = self.screen();
                if holds(&screen) {
                    return Some(screen);
                }
                // An error says that the program has ended: what it drew last has just been looked at, or is now.
                if self.drawn.changed().await.is_err() {
                    let screen = self.screen();
                    return holds(&screen).then_some(screen);
                }
            }
        };
        match timeout(PATIENCE, found).await {
            Ok(Some(screen)) => screen,
            Ok(None) => panic!("the program ended without {what} on its screen:\n{}", self.screen()),
            Err(_) => panic!("within {PATIENCE:?} the screen had no {what}:\n{}", self.screen()),
        }
    }

    /// Waits until the program has ended, and answers how.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.exit.wait_for(Option::is_some)).await;
        let status = ended.ok().and_then(|status| status.ok()?.clone());
        status.unwrap_or_else(|| panic!("the program did not end within {PATIENCE:?}:\n{}", self.screen()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the terminal shows:\n{}\n---", self.screen());
        }
        if self.exit.borrow().is_none() {
            // It can have ended just now; then there is nothing left to kill.
            let _ = self.killer.kill();
        }
    }
}

fn side(length: u16) -> NonZero<u16> {
    NonZero::new(length).expect("a terminal has rows and columns")
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, env: &[(&str, &str)]) -> Terminal {
        Terminal::spawn(Path::new("/bin/sh"), &["-c", script], env, (80, 24))
    }

    #[tokio::test]
    async fn a_program_sees_a_terminal_takes_keys_and_ends_with_its_code() {
        let mut terminal =
            shell("test -t 1 && echo \"$TERM $NAME $(stty size)\"; read key; echo got $key; exit 3", &[("NAME", "x")]);
        terminal.wait_for("xterm-256color x 24 80").await;
        terminal.send("hello\n");
        terminal.wait_for("got hello").await;
        assert_eq!(terminal.ended().await.exit_code(), 3);
    }

    #[tokio::test]
    async fn the_screen_is_what_a_user_sees_after_all_escapes() {
        let mut terminal = shell("printf 'gone\\033[2J\\033[3;5Hhere\\033[31m!'", &[]);
        terminal.ended().await;
        assert_eq!(terminal.screen().trim_end(), "\n\n    here!");
    }

    #[tokio::test]
    async fn a_new_size_reaches_the_program() {
        let mut terminal = shell("trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done", &[]);
        terminal.wait_for("ready").await;
        terminal.resize(100, 30);
        terminal.wait_for("30 100").await;
    }

    #[tokio::test]
    #[should_panic(expected = "ended without \"never\"")]
    async fn a_text_that_never_comes_is_a_failure_that_shows_the_screen() {
        shell("echo something else", &[]).wait_for("never").await;
    }
}
