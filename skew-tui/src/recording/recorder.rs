//! Writing a recording.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::hide::Veil;
use super::thin::{Held, Thin};
use super::{Addresses, Header, MAX_LINE_BYTES, RecordingError, Users, line};
use crate::{Now, SourceEvent};

/// Longest time that what was written stays in memory, in milliseconds.
const FLUSH_EVERY_MS: u64 = 1_000;

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and recording is refused.
    #[default]
    Never,
    /// It goes.
    Regular,
}

/// How to record.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the whole is called.
    pub site: String,
    /// What each site is called.
    pub targets: Vec<String>,
    /// Whether visitors' addresses are kept.
    pub addresses: Addresses,
    /// Whether users' ids are kept.
    pub users: Users,
    /// Shortest time between two stats of a site, in milliseconds; 0 keeps every one.
    pub interval_ms: u64,
    /// What becomes of a file that is there already.
    pub overwrite: Overwrite,
}

/// A recording that is being made. What was said is in the file a second later, and at the latest when this is dropped; only
/// [`Recorder::finish`] tells the reader that it is complete.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    out: BufWriter<File>,
    veil: Veil,
    thin: Thin<String>,
    interval_ms: u64,
    started: Now,
    flushed_ms: u64,
    events: u64,
    bytes: u64,
}

impl Recorder {
    /// Makes the file, which only its owner can read, and writes its first line.
    ///
    /// # Errors
    ///
    /// When there is such a file already, or it can't be made.
    pub fn create(path: &Path, settings: Settings, now: Now) -> Result<Self, RecordingError> {
        if settings.overwrite == Overwrite::Regular {
            make_way(path)?;
        }
        let file = private(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => RecordingError::Exists { path: path.to_owned() },
            _ => RecordingError::Create { path: path.to_owned(), source },
        })?;
        let mut recorder = Self {
            path: path.to_owned(),
            out: BufWriter::new(file),
            veil: Veil::new(settings.addresses, settings.users),
            thin: Thin::new(),
            interval_ms: settings.interval_ms,
            started: now,
            flushed_ms: 0,
            events: 0,
            bytes: 0,
        };
        let header = Header {
            started_at_ms: now.unix_ms,
            site: settings.site,
            targets: settings.targets,
            addresses: settings.addresses,
            users: settings.users,
        };
        recorder.write(&header.encode().map_err(io::Error::from).map_err(|error| recorder.failed(error))?)?;
        recorder.flush(0)?;
        Ok(recorder)
    }

    /// Takes in what happened to a site.
    ///
    /// # Errors
    ///
    /// When the file can't be written on.
    pub fn record(&mut self, target: usize, event: &SourceEvent, now: Now) -> Result<(), RecordingError> {
        let at_ms = now.since(self.started);
        match event {
            SourceEvent::Frame(message) if event.is_stats() => {
                self.thin.hold(Held { at_ms, target, stats: message.clone() });
            }
            other => {
                self.release(at_ms)?;
                self.event(at_ms, target, other)?;
            }
        }
        self.tick(now)
    }

    /// Writes what is due. To be called at [`Recorder::due_ms`] though nothing happened.
    ///
    /// # Errors
    ///
    /// When the file can't be written on.
    pub fn tick(&mut self, now: Now) -> Result<(), RecordingError> {
        let at_ms = now.since(self.started);
        if self.thin.due_ms(self.interval_ms).is_some_and(|due| due <= at_ms) {
            self.release(at_ms)?;
        }
        if at_ms >= self.flushed_ms.saturating_add(FLUSH_EVERY_MS) {
            self.flush(at_ms)?;
        }
        Ok(())
    }

    /// When [`Recorder::tick`] has something to do next, on [`Now::monotonic_ms`]; nothing while all is in the file.
    #[must_use]
    pub fn due_ms(&self) -> Option<u64> {
        let unflushed = !self.out.buffer().is_empty();
        let flush = unflushed.then(|| self.flushed_ms.saturating_add(FLUSH_EVERY_MS));
        let due = [flush, self.thin.due_ms(self.interval_ms)].into_iter().flatten().min()?;
        Some(self.started.monotonic_ms.saturating_add(due))
    }

    /// Ends the recording as it should end.
    ///
    /// # Errors
    ///
    /// When the file can't be written on.
    pub fn finish(mut self, now: Now) -> Result<(), RecordingError> {
        let at_ms = now.since(self.started);
        self.release(at_ms)?;
        let end = line::end(at_ms).map_err(|error| self.failed(error.into()))?;
        self.write(&end)?;
        self.flush(at_ms)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of events that were written.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Size of the file in bytes, what is still in memory included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// For how long it has been going on at `now`, in milliseconds.
    #[must_use]
    pub fn lasted_ms(&self, now: Now) -> u64 {
        now.since(self.started)
    }

    fn release(&mut self, at_ms: u64) -> Result<(), RecordingError> {
        for held in self.thin.release(at_ms) {
            self.event(held.at_ms, held.target, &SourceEvent::Frame(held.stats))?;
        }
        Ok(())
    }

    fn event(&mut self, at_ms: u64, target: usize, event: &SourceEvent) -> Result<(), RecordingError> {
        let encoded = line::encode(at_ms, target, event, &self.veil);
        let encoded = match encoded {
            Ok(line) if line.len() as u64 >= MAX_LINE_BYTES => line::omitted(at_ms, target, line.len()),
            other => other,
        };
        let line = encoded.map_err(|error| self.failed(error.into()))?;
        self.events += 1;
        self.write(&line)
    }

    fn write(&mut self, line: &str) -> Result<(), RecordingError> {
        self.bytes += line.len() as u64 + 1;
        let written = self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|error| self.failed(error))
    }

    fn flush(&mut self, at_ms: u64) -> Result<(), RecordingError> {
        self.flushed_ms = at_ms;
        self.out.flush().map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> RecordingError {
        RecordingError::Write { path: self.path.clone(), source }
    }
}

/// A new file that its owner alone can read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes a file away, so that the new one has rights of its own. A device or a directory is never taken away.
fn make_way(path: &Path) -> Result<(), RecordingError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(RecordingError::Create { path: path.to_owned(), source }),
        Ok(found) if !found.is_file() => Err(RecordingError::NoFile { path: path.to_owned() }),
        Ok(_) => fs::remove_file(path).map_err(|source| RecordingError::Create { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Entry, Reader};

    fn at(ms: u64) -> Now {
        Now { monotonic_ms: 500 + ms, unix_ms: 1_795_325_310_321 + ms }
    }

    fn settings(interval_ms: u64) -> Settings {
        Settings {
            site: "s".to_owned(),
            targets: vec!["a".to_owned(), "b".to_owned()],
            addresses: Addresses::Kept,
            users: Users::Hidden,
            interval_ms,
            overwrite: Overwrite::Never,
        }
    }

    fn stats(total: u64) -> SourceEvent {
        SourceEvent::Frame(format!(r#"{{"type":"stats","total":{total}}}"#))
    }

    fn entries(path: &Path) -> Vec<Entry> {
        Reader::open(path).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn stats_are_thinned_out_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thin.ndjson");
        let mut recorder = Recorder::create(&path, settings(1_000), at(0)).unwrap();
        for ms in 0..10 {
            recorder.record(0, &stats(ms), at(ms * 50)).unwrap();
        }
        assert_eq!(recorder.due_ms(), Some(at(1_000).monotonic_ms));
        recorder.record(1, &stats(99), at(900)).unwrap();
        recorder.tick(at(1_000)).unwrap();
        recorder.record(0, &stats(10), at(1_100)).unwrap();
        // What comes next must not overtake the stats before it.
        recorder.record(0, &SourceEvent::Stale, at(1_200)).unwrap();
        recorder.record(0, &stats(11), at(1_300)).unwrap();
        recorder.finish(at(1_400)).unwrap();
        let expected = [
            (0, 0, stats(0)),
            (450, 0, stats(9)),
            (900, 1, stats(99)),
            (1_100, 0, stats(10)),
            (1_200, 0, SourceEvent::Stale),
            (1_300, 0, stats(11)),
        ];
        assert_eq!(entries(&path), expected.map(|(at_ms, target, event)| Entry { at_ms, target, event }));
    }

    #[test]
    fn what_was_said_is_in_the_file_a_second_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flush.ndjson");
        let mut recorder = Recorder::create(&path, settings(0), at(0)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1, "the first line is there at once");
        recorder.record(0, &SourceEvent::Stale, at(10)).unwrap();
        assert_eq!(recorder.due_ms(), Some(at(1_000).monotonic_ms));
        recorder.tick(at(1_000)).unwrap();
        assert_eq!(recorder.due_ms(), None);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        assert_eq!(fs::metadata(&path).unwrap().len(), recorder.bytes());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it_and_nothing_is_overwritten_unasked() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.ndjson");
        fs::write(&path, "something else").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = Recorder::create(&path, settings(0), at(0)).unwrap_err();
        assert!(refused.to_string().contains("--force"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "something else");

        let forced = |path| Recorder::create(path, Settings { overwrite: Overwrite::Regular, ..settings(0) }, at(0));
        forced(&path).unwrap().finish(at(1)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(entries(&path).is_empty());
        assert!(matches!(forced(folder.path()), Err(RecordingError::NoFile { .. })));
        assert!(matches!(forced(&folder.path().join("none/x")), Err(RecordingError::Create { .. })));
    }

    #[test]
    fn a_message_that_no_line_can_hold_is_left_out_and_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.ndjson");
        let mut recorder = Recorder::create(&path, settings(0), at(0)).unwrap();
        let long = "\u{1}".repeat(usize::try_from(MAX_LINE_BYTES / 6).unwrap());
        recorder.record(0, &SourceEvent::Frame(long), at(1)).unwrap();
        recorder.record(0, &SourceEvent::Stale, at(2)).unwrap();
        recorder.finish(at(3)).unwrap();
        assert_eq!(entries(&path), [Entry { at_ms: 2, target: 0, event: SourceEvent::Stale }]);
        assert!(fs::read_to_string(&path).unwrap().contains("omitted"));
    }
}
