//! The terminal: taken for the dashboard, and given back whatever happens.

mod osc;

use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use osc::Between;

/// Whether the terminal is taken. There is one terminal for the whole process, and a panic on any thread must find it.
static TAKEN: AtomicBool = AtomicBool::new(false);

static PANIC_HOOK: Once = Once::new();

/// Reports of buttons and the wheel, with positions of any size (1000, 1006). Crossterm's own command also asks for every move
/// of the pointer, which would wake the program all the time.
const MOUSE_ON: &str = "\u{1b}[?1000h\u{1b}[?1006h";
const MOUSE_OFF: &str = "\u{1b}[?1006l\u{1b}[?1000l";

/// Whether the terminal reports what a mouse does. It then selects no text by itself, but with Shift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mouse {
    /// It does.
    #[default]
    On,
    /// It keeps the mouse to itself.
    Off,
}

/// The terminal while the dashboard has it. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Terminal {
    shown: Buffer,
    mouse: Mouse,
    between: Between,
}

impl Terminal {
    /// Takes the terminal.
    pub(crate) fn take(mouse: Mouse) -> io::Result<Self> {
        PANIC_HOOK.call_once(|| {
            let print = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                print(panic);
            }));
        });
        // The theme decides about colours; crossterm would read NO_COLOR over `--color always`.
        crossterm::style::force_color_output(true);
        let term = std::env::var("TERM").unwrap_or_default();
        let between = Between::of(std::env::var_os("TMUX").is_some(), &term);
        let mut terminal = Self { shown: Buffer::empty(Rect::ZERO), mouse, between };
        terminal.enter()?;
        Ok(terminal)
    }

    /// Takes the terminal again after [`Self::leave`], or after somebody else wrote to it. The next frame is a whole one.
    pub(crate) fn enter(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        let entered = enable_raw_mode()
            .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide))
            .and_then(|()| if self.mouse == Mouse::On { execute!(io::stdout(), Print(MOUSE_ON)) } else { Ok(()) });
        if entered.is_err() {
            give_back();
        }
        entered?;
        let (width, height) = crossterm::terminal::size()?;
        self.resize(width, height)
    }

    /// Gives the terminal back for a while.
    pub(crate) fn leave(&mut self) {
        give_back();
    }

    /// Follows the terminal's size, and makes the next frame a whole one.
    pub(crate) fn resize(&mut self, width: u16, height: u16) -> io::Result<()> {
        self.shown = Buffer::empty(Rect::new(0, 0, width, height));
        if TAKEN.load(Ordering::SeqCst) { execute!(io::stdout(), Clear(ClearType::All)) } else { Ok(()) }
    }

    /// The screen.
    pub(crate) fn area(&self) -> Rect {
        self.shown.area
    }

    /// Draws what differs from the frame before, in one write. Nothing is written where nothing differs, or while the
    /// terminal is given back.
    pub(crate) fn show(&mut self, frame: Buffer) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        let bytes = difference(&self.shown, &frame)?;
        self.shown = frame;
        if bytes.is_empty() {
            return Ok(());
        }
        write(&bytes)
    }

    /// Puts a text into the clipboard of whoever looks at this terminal, which may stand on another machine.
    pub(crate) fn copy(&self, text: &str) -> io::Result<()> {
        self.tell(&osc::copy(text, self.between).map_err(io::Error::other)?)
    }

    /// Rings the bell and, where the terminal knows how, notifies with a text. It must be cleaned.
    pub(crate) fn notify(&self, text: &str) -> io::Result<()> {
        self.tell(&osc::notify(text, self.between))
    }

    fn tell(&self, sequence: &str) -> io::Result<()> {
        if TAKEN.load(Ordering::SeqCst) { write(sequence.as_bytes()) } else { Ok(()) }
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// What makes one frame of another, as a synchronized update; empty where they are equal.
fn difference(shown: &Buffer, frame: &Buffer) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let updates = shown.diff(frame);
    if !updates.is_empty() {
        queue!(bytes, BeginSynchronizedUpdate)?;
        CrosstermBackend::new(&mut bytes).draw(updates.into_iter())?;
        queue!(bytes, EndSynchronizedUpdate)?;
    }
    Ok(bytes)
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once. Errors are of no use any more: the terminal may be gone.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), Print(MOUSE_OFF), DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};

    use super::*;

    #[test]
    fn an_equal_frame_costs_no_byte_and_a_changed_one_is_synchronized() {
        let area = Rect::new(0, 0, 20, 2);
        let shown = Buffer::empty(area);
        let mut frame = Buffer::empty(area);
        assert!(difference(&shown, &frame).unwrap().is_empty());
        frame.set_string(3, 1, "new", Style::new().fg(Color::Green));
        let bytes = String::from_utf8(difference(&shown, &frame).unwrap()).unwrap();
        assert!(bytes.starts_with("\u{1b}[?2026h") && bytes.ends_with("\u{1b}[?2026l"), "{bytes:?}");
        assert!(bytes.contains("\u{1b}[2;4H") && bytes.contains("new"), "{bytes:?}");
    }

    /// Not a test of its own: what the next one runs in a terminal.
    #[test]
    #[ignore = "needs a terminal, and panics in it"]
    fn panic_while_the_terminal_is_taken() {
        let _terminal = Terminal::take(Mouse::On).unwrap();
        panic!("deliberate");
    }

    #[cfg(unix)]
    #[test]
    fn a_panic_is_printed_after_the_terminal_was_given_back() {
        use std::io::Read;

        let pty = portable_pty::native_pty_system().openpty(portable_pty::PtySize::default()).unwrap();
        let mut command = portable_pty::CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "terminal::tests::panic_while_the_terminal_is_taken"]);
        let mut child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut output = Vec::new();
        // Linux ends a PTY whose other side is closed with an error.
        let _ = pty.master.try_clone_reader().unwrap().read_to_end(&mut output);
        child.wait().unwrap();
        let output = String::from_utf8_lossy(&output);
        let place = |words: &str| output.find(words).unwrap_or_else(|| panic!("{words:?} is not in {output:?}"));
        let (taken, given_back) = (place("\u{1b}[?1049h"), place("\u{1b}[?1049l"));
        assert!(taken < given_back && given_back < place("deliberate"), "{output:?}");
        assert!(place(MOUSE_ON) < place(MOUSE_OFF) && place(MOUSE_OFF) < given_back, "{output:?}");
        assert!(place("\u{1b}[?25h") < place("deliberate"), "the cursor is shown again: {output:?}");
    }
}
