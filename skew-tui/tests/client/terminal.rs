//! The program in a real terminal, and every byte that it sends there.

use std::io::{Read, Write};
use std::num::NonZero;
use std::thread;

use portable_pty::{ChildKiller, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::program::PATIENCE;

const ROWS: NonZero<u16> = NonZero::new(40).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(120).unwrap();

/// A running program. Dropped, it is killed.
pub(crate) struct Terminal {
    _master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    sent: watch::Receiver<Vec<u8>>,
    killer: Box<dyn ChildKiller + Send + Sync>,
    code: watch::Receiver<Option<u32>>,
    pid: u32,
}

impl Terminal {
    /// Starts the program with nothing of this environment but `env`.
    pub(crate) fn open(arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_skew-tui"));
        command.args(arguments);
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("SKEW_TOKEN", "s3cret-token")].iter().chain(env) {
            command.env(name, value);
        }
        command.cwd(std::env::temp_dir());
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (pid, killer) = (child.process_id().unwrap(), child.clone_killer());
        let mut output = pair.master.try_clone_reader().unwrap();
        let (sender, sent) = watch::channel(Vec::new());
        let (exits, code) = watch::channel(None);
        thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                sender.send_modify(|sent| sent.extend_from_slice(&bytes[..length]));
            }
            let _ = exits.send(child.wait().ok().map(|status| status.exit_code()));
        });
        let keyboard = pair.master.take_writer().unwrap();
        Self { _master: pair.master, keyboard, sent, killer, code, pid }
    }

    /// Types keys.
    pub(crate) fn send(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).and_then(|()| self.keyboard.flush()).unwrap();
    }

    /// Waits until a text is on the screen.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        let mut screen = String::new();
        let mut drawn = 0;
        let mut emulator = vt100::Parser::new(ROWS, COLUMNS, 0);
        let shows = |sent: &Vec<u8>| {
            emulator.process(&sent[drawn..]);
            drawn = sent.len();
            screen = emulator.screen().contents();
            screen.contains(text)
        };
        let came = timeout(PATIENCE, self.sent.wait_for(shows)).await.map(|waited| waited.is_ok());
        assert_eq!(came, Ok(true), "{text:?} did not come on the screen:\n{screen}");
        screen
    }

    /// Waits for the program's end, and answers its code.
    pub(crate) async fn ended(&mut self) -> u32 {
        let ended = timeout(PATIENCE, self.code.wait_for(Option::is_some)).await.expect("the program ends").unwrap();
        ended.unwrap()
    }

    /// Everything that came.
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.sent.borrow().clone()
    }

    /// The most memory that the program ever had, in MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        peak_mib(self.pid)
    }
}

/// The most memory that a process ever had, in MiB.
pub(crate) fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.code.borrow().is_none() {
            let _ = self.killer.kill();
        }
    }
}

/// What a hostile text would put on the clipboard, in base64. Anything else there was copied by a key.
pub(crate) const PLANTED: &str = "b3duZWQ=";

/// What in these bytes the program has no reason to send: sequences that are not its own, and characters that a terminal, or a
/// person's eye, could take for something else.
pub(crate) fn foreign(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{error}"));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\u{1b}' => {
                let length = own_sequence(after);
                if length.is_none() {
                    found.push(rest.chars().take(20).collect());
                }
                &after[length.unwrap_or(0)..]
            }
            '\r' | '\n' => after,
            c => {
                if skew_proto::text::is_harmful(c) {
                    found.push(rest.chars().take(20).collect());
                }
                after
            }
        };
    }
    found
}

/// Length behind the escape of a sequence that the program itself writes.
fn own_sequence(text: &str) -> Option<usize> {
    if let Some(copied) = text.strip_prefix("]52;c;") {
        let end = copied.find(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c))?;
        let own = &copied[..end] != PLANTED && copied[end..].starts_with("\u{1b}\\");
        return own.then_some("]52;c;".len() + end + 2);
    }
    let body = text.strip_prefix('[')?;
    let end = body.find(|c: char| ('@'..='~').contains(&c))?;
    let (parameters, last) = (&body[..end], &body[end..=end]);
    let small = |text: &str| text.is_empty() || text.parse::<u8>().is_ok();
    let own = match last {
        // Colours and attributes, places on the screen.
        "m" | "H" => parameters.split([';', ':']).all(small),
        "J" => parameters == "2",
        "K" => parameters.is_empty(),
        // Cursor, paste, synchronized updates, the other screen, the mouse.
        "h" | "l" => {
            ["?25", "?2004", "?2026", "?1049", "?1000", "?1002", "?1003", "?1006", "?1015"].contains(&parameters)
        }
        _ => false,
    };
    own.then_some(1 + end + 1)
}

#[test]
fn what_is_foreign_is_found() {
    assert!(
        foreign("\u{1b}[2;4H\u{1b}[38;5;12mtext\u{1b}[0m\r\n\u{1b}]52;c;QQ==\u{1b}\\\u{1b}[?2026l".as_bytes())
            .is_empty()
    );
    for bad in [
        "\u{1b}]52;c;b3duZWQ=\u{7}",
        "\u{1b}]52;c;b3duZWQ=\u{1b}\\",
        "\u{1b}]52;c;QQ==\u{7}",
        "\u{1b}P1$q",
        "\u{1b}[6666;1H",
        "\u{1b}c",
        "\u{9b}2J",
        "\u{7}",
        "\u{202e}",
        "\u{200b}",
        "\u{1b}[5n",
    ] {
        assert!(!foreign(format!("a{bad}b").as_bytes()).is_empty(), "{bad:?}");
    }
}
