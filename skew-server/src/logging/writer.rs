//! The way of a line from whoever says something to stderr.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::line::{Form, harmless};

/// Lines that may wait to be written. What comes to a thousand while nobody reads is not read by anybody.
const WAITING: usize = 1024;

/// How long to wait for a pipe of another's making, which does not wait itself.
const PIPE_TIME: Duration = Duration::from_millis(20);

enum Entry {
    Line(Box<str>),
    /// Answers when everything before it is written.
    Flush(SyncSender<()>),
}

/// Where lines wait to be written. Nobody waits for it.
#[derive(Clone)]
pub(super) struct Queue {
    entries: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    form: Form,
}

impl Queue {
    pub(super) fn start(form: Form) -> Self {
        let (entries, waiting) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { lost: lost.clone(), told: 0, is_torn: false };
        thread::spawn(move || writer.run(&waiting, &mut io::stderr()));
        Self { entries, lost, form }
    }

    pub(super) fn push(&self, line: &str) {
        let line = harmless(line, self.form).into();
        if self.entries.try_send(Entry::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written, at most for a time.
    pub(super) fn flush(&self, time: Duration) {
        let (done, written) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        // A full queue is worth a moment: there may be a reader after all.
        for _ in 0..10 {
            match self.entries.try_send(entry) {
                Ok(()) => break,
                Err(TrySendError::Full(returned)) => entry = returned,
                Err(TrySendError::Disconnected(_)) => return,
            }
            thread::sleep(time / 10);
        }
        let _ = written.recv_timeout(time);
    }

    pub(super) fn lost_lines(&self) -> Arc<AtomicU64> {
        self.lost.clone()
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Event;

    fn make_writer(&'a self) -> Event {
        Event { queue: self.clone(), text: Vec::new() }
    }
}

/// One event as it is written. It goes when it is whole.
pub(super) struct Event {
    queue: Queue,
    text: Vec<u8>,
}

impl Write for Event {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.queue.push(&String::from_utf8_lossy(&self.text));
        }
    }
}

/// The one that writes.
struct Writer {
    lost: Arc<AtomicU64>,
    /// Of the lost lines, those that were told of.
    told: u64,
    /// Whether half a line was written last.
    is_torn: bool,
}

impl Writer {
    fn run(mut self, waiting: &Receiver<Entry>, out: &mut impl Write) {
        while let Ok(entry) = waiting.recv() {
            match entry {
                Entry::Line(line) => self.write(&line, out),
                Entry::Flush(done) => drop(done.send(())),
            }
        }
    }

    fn write(&mut self, line: &str, out: &mut impl Write) {
        let torn = if self.is_torn { "\n" } else { "" };
        if write_all(out, torn.as_bytes()).is_ok() {
            self.is_torn = false;
            match write_all(out, line.as_bytes()) {
                Ok(()) => return self.tell(),
                Err(written) => self.is_torn = written > 0,
            }
        }
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// It goes on: says what was lost meanwhile, in the queue like everything else.
    fn tell(&mut self) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > self.told {
            let lines = lost - self.told;
            self.told = lost;
            tracing::warn!(lines, "lines of the log were lost, since they could not be written");
        }
    }
}

/// Writes everything, or says how much it was.
fn write_all(out: &mut impl Write, bytes: &[u8]) -> Result<(), usize> {
    let mut written = 0;
    while written < bytes.len() {
        match out.write(&bytes[written..]) {
            Ok(0) => return Err(written),
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A terminal or pipe shared with a program that has set it so.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PIPE_TIME),
            Err(_) => return Err(written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with so many bytes of room.
    struct Disk {
        room: usize,
        text: String,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.room);
            if fits == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= fits;
            self.text.push_str(std::str::from_utf8(&bytes[..fits]).unwrap());
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_a_full_disk_the_next_line_is_a_line_of_its_own() {
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer = Writer { lost: lost.clone(), told: 0, is_torn: false };
        let mut disk = Disk { room: 9, text: String::new() };
        for line in ["one\n", "two and more\n", "three\n"] {
            writer.write(line, &mut disk);
        }
        assert_eq!((&*disk.text, lost.load(Ordering::Relaxed)), ("one\ntwo a", 2));
        disk.room = 100;
        writer.write("four\n", &mut disk);
        writer.write("five\n", &mut disk);
        assert_eq!(disk.text, "one\ntwo a\nfour\nfive\n");
        assert_eq!(writer.told, 2);
    }

    #[test]
    fn a_queue_that_is_full_loses_lines_and_waits_for_nobody() {
        let (entries, _waiting) = sync_channel(1);
        let queue = Queue { entries, lost: Arc::default(), form: Form::Text };
        for line in ["one", "two", "three"] {
            queue.push(line);
        }
        assert_eq!(queue.lost_lines().load(Ordering::Relaxed), 2);
        queue.flush(Duration::from_millis(10));
    }
}
