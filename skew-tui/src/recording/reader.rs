//! Reading a recording, line by line: a file may be larger than memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::line::{Line, Refused};
use super::{Damage, Entry, Header, MAX_LINE_BYTES, RecordingError, line};

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// What every recording begins with.
const BEGINNING: &[u8] = br#"{"skew":"recording""#;

/// A recording that is being read.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    place: Place,
    state: Progress,
    line: Vec<u8>,
}

/// Between two lines of a recording: where a reader can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub offset: u64,
    /// Lines before it.
    pub lines: u64,
    /// The time of the event before it, in milliseconds from the start.
    pub at_ms: u64,
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Reading,
    /// At the end, or at a line that can't be used. Either has been told.
    Over,
}

impl Reader {
    /// Opens a recording and reads its first line.
    ///
    /// # Errors
    ///
    /// When the file can't be read, holds something else, or is of a later format.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let file = File::open(path).map_err(|source| RecordingError::Open { path: path.to_owned(), source })?;
        let nothing = Header {
            started_at_ms: 0,
            site: String::new(),
            targets: Vec::new(),
            addresses: super::Addresses::Kept,
            users: super::Users::Hidden,
        };
        let mut reader = Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(BUFFER_BYTES, file),
            header: nothing,
            place: Place { offset: 0, lines: 0, at_ms: 0 },
            state: Progress::Reading,
            line: Vec::new(),
        };
        let first = reader.text().map(|text| text.map(Header::decode));
        reader.header = match first {
            Ok(Some(header)) => header.map_err(|refused| reader.refused(refused))?,
            Err(damage @ Damage::Unreadable(_)) => return Err(reader.damaged(damage)),
            Err(Damage::CutOff) if reader.line.starts_with(BEGINNING) => return Err(reader.damaged(Damage::CutOff)),
            Ok(None) | Err(_) => return Err(reader.refused(Refused::Foreign)),
        };
        reader.passed();
        Ok(reader)
    }

    /// What the first line says.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The place behind the last line that was read.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Goes to a place that this recording has, to read on from there.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn go_to(&mut self, place: Place) -> Result<(), RecordingError> {
        let moved = self.file.seek(SeekFrom::Start(place.offset));
        self.place = place;
        self.state = Progress::Reading;
        moved.map(drop).map_err(|error| self.damaged(Damage::Unreadable(error)))
    }

    fn read(&mut self) -> Result<Line, Damage> {
        let earliest = self.place.at_ms;
        let targets = self.header.targets.len();
        let text = self.text()?.ok_or(Damage::CutOff)?;
        let line = line::decode(text).map_err(|refused| match refused {
            Refused::NotAnEvent(reason) => Damage::NotAnEvent(reason),
            Refused::Foreign | Refused::Newer(_) => Damage::NotAnEvent("it is a first line".to_owned()),
        })?;
        let at_ms = match &line {
            Line::Entry(entry) if entry.target >= targets => return Err(Damage::UnknownTarget),
            Line::Entry(entry) => entry.at_ms,
            Line::Unknown { at_ms } | Line::End { at_ms } => *at_ms,
        };
        if at_ms < earliest {
            return Err(Damage::Backwards);
        }
        self.passed();
        self.place.at_ms = at_ms;
        Ok(line)
    }

    /// The next line without its end; nothing behind the last one.
    fn text(&mut self) -> Result<Option<&str>, Damage> {
        self.line.clear();
        let read = self.file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        let whole = match read {
            Err(error) => return Err(Damage::Unreadable(error)),
            Ok(0) => return Ok(None),
            Ok(_) => self.line.strip_suffix(b"\n"),
        };
        let too_long = self.line.len() as u64 == MAX_LINE_BYTES;
        let line = whole.ok_or(if too_long { Damage::TooLong } else { Damage::CutOff })?;
        std::str::from_utf8(line).map(Some).map_err(|_| Damage::NotText)
    }

    /// The line that was read last is behind the place.
    fn passed(&mut self) {
        self.place.offset += self.line.len() as u64;
        self.place.lines += 1;
    }

    fn refused(&self, refused: Refused) -> RecordingError {
        let path = self.path.clone();
        match refused {
            Refused::Foreign => RecordingError::Foreign { path },
            Refused::Newer(version) => RecordingError::Newer { path, version },
            Refused::NotAnEvent(reason) => self.damaged(Damage::NotAnEvent(reason)),
        }
    }

    fn damaged(&self, damage: Damage) -> RecordingError {
        RecordingError::Damaged { path: self.path.clone(), line: self.place.lines + 1, damage }
    }
}

/// The events. Once there is an error in their place, at a line that can't be used, and nothing comes after it. At the end of the
/// recording [`Reader::place`] has the time of that end.
impl Iterator for Reader {
    type Item = Result<Entry, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.state == Progress::Reading {
            match self.read() {
                Ok(Line::Entry(entry)) => return Some(Ok(entry)),
                Ok(Line::Unknown { .. }) => {}
                Ok(Line::End { .. }) => self.state = Progress::Over,
                Err(damage) => {
                    self.state = Progress::Over;
                    return Some(Err(self.damaged(damage)));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::recording::{Recorder, Settings};
    use crate::{Now, SourceEvent, Transport};

    const STATS: &str = r#"{"type":"stats","total":1,"versions":{"b":1},"routes":{"/größe":1},"connections":[]}"#;

    fn at(ms: u64) -> Now {
        Now { monotonic_ms: 500 + ms, unix_ms: 1_795_325_310_321 + ms }
    }

    fn events() -> Vec<(u64, SourceEvent)> {
        vec![
            (0, SourceEvent::Connecting(Transport::Sse)),
            (5, SourceEvent::Open(Transport::Sse)),
            (7, SourceEvent::Frame(STATS.to_owned())),
            (7, SourceEvent::Frame("no JSON \u{1b}[2J".to_owned())),
            (90, SourceEvent::Lost { reason: "reset".to_owned(), retry_ms: 500 }),
        ]
    }

    /// A recording of [`events`], which ends at 100.
    fn recording(folder: &Path) -> PathBuf {
        let path = folder.join("recording.ndjson");
        let settings = Settings {
            site: "shop".to_owned(),
            targets: vec!["shop.example.com".to_owned()],
            addresses: Default::default(),
            users: Default::default(),
            interval_ms: 0,
            overwrite: Default::default(),
        };
        let mut recorder = Recorder::create(&path, settings, at(0)).unwrap();
        for (ms, event) in events() {
            recorder.record(0, &event, at(ms)).unwrap();
        }
        recorder.finish(at(100)).unwrap();
        path
    }

    /// Everything up to the end or an error.
    fn read(path: &Path) -> (Vec<(u64, SourceEvent)>, Result<Place, RecordingError>) {
        let mut entries = Vec::new();
        let mut reader = match Reader::open(path) {
            Ok(reader) => reader,
            Err(error) => return (entries, Err(error)),
        };
        while let Some(entry) = reader.next() {
            match entry {
                Ok(entry) => entries.push((entry.at_ms, entry.event)),
                Err(error) => {
                    assert!(reader.next().is_none(), "an error is told once");
                    return (entries, Err(error));
                }
            }
        }
        (entries, Ok(reader.place()))
    }

    #[test]
    fn what_was_recorded_is_read_and_ends_when_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = recording(folder.path());
        let header = Reader::open(&path).unwrap().header().clone();
        assert_eq!((header.started_at_ms, &*header.targets), (at(0).unix_ms, &["shop.example.com".to_owned()][..]));
        let (entries, end) = read(&path);
        assert_eq!((entries, end.unwrap().at_ms), (events(), 100));
        let bytes = fs::read_to_string(&path).unwrap();
        assert!(!bytes.contains(|c: char| c != '\n' && skew_proto::text::is_harmful(c)), "{bytes:?}");
    }

    #[test]
    fn a_file_cut_off_anywhere_is_read_to_its_last_whole_line_and_names_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let whole = fs::read(recording(folder.path())).unwrap();
        let path = folder.path().join("cut.ndjson");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
            let (entries, end) = read(&path);
            let expected: Vec<_> = events().into_iter().take(lines.saturating_sub(1)).collect();
            assert_eq!(entries, expected, "{length} bytes");
            match end.unwrap_err() {
                RecordingError::Foreign { .. } => assert!(length < BEGINNING.len(), "{length} bytes"),
                RecordingError::Damaged { line, damage: Damage::CutOff, .. } => assert_eq!(line, lines as u64 + 1),
                other => panic!("{length} bytes: {other}"),
            }
        }
    }

    #[test]
    fn reading_goes_on_from_any_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Reader::open(&recording(folder.path())).unwrap();
        let begin = reader.place();
        reader.next().unwrap().unwrap();
        let place = reader.place();
        let second = reader.next().unwrap().unwrap();
        assert_eq!(reader.by_ref().count(), events().len() - 2);
        reader.go_to(place).unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), second);
        reader.go_to(begin).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().event, events()[0].1);
    }

    /// A recording with these lines behind its first.
    fn lines(folder: &Path, lines: &[&str]) -> PathBuf {
        let path = folder.join("lines.ndjson");
        let first = r#"{"skew":"recording","version":1,"startedAt":"2026-11-22T05:28:30.321Z","targets":["x"]}"#;
        fs::write(&path, format!("{first}\n{}\n", lines.join("\n"))).unwrap();
        path
    }

    #[test]
    fn a_damaged_line_is_named_with_what_is_wrong_and_nothing_of_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let good = r#"{"at":5,"event":"stale"}"#;
        for (line, wrong) in [
            ("", "not valid JSON"),
            ("\u{1b}[2J", "not valid JSON"),
            ("[]", "of the wrong type"),
            (r#"{"event":"stale"}"#, "missing"),
            (r#"{"at":-1,"event":"stale"}"#, "of the wrong type"),
            (r#"{"at":1e99,"event":"stale"}"#, "of the wrong type"),
            (r#"{"at":"\u001b[2J","event":"stale"}"#, "of the wrong type"),
            (r#"{"at":6,"event":["stale"]}"#, "of the wrong type"),
            (r#"{"at":6,"event":"frame"}"#, "data is missing"),
            (r#"{"at":6,"event":"lost","reason":"x"}"#, "retryMs is missing"),
            (r#"{"at":6,"event":"open","transport":"\u001b[2J"}"#, "transport is missing or unknown"),
            (r#"{"at":6,"event":"refused","status":70000,"reason":""}"#, "of the wrong type"),
            (r#"{"at":6,"event":"releases","data":7}"#, "of the wrong type"),
            (r#"{"at":6,"target":1,"event":"stale"}"#, "does not list"),
            (r#"{"at":4,"event":"stale"}"#, "before that of the line before"),
            (r#"{"at":4,"event":"end"}"#, "before that of the line before"),
        ] {
            let (entries, end) = read(&lines(folder.path(), &[good, line, good]));
            assert_eq!(entries, [(5, SourceEvent::Stale)], "{line}");
            let error = end.unwrap_err().to_string();
            assert!(error.contains("line 3") && error.contains(wrong), "{line}: {error}");
            assert!(!error.contains("[2J"), "{line}: {error}");
        }
    }

    #[test]
    fn what_a_later_program_adds_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = lines(
            folder.path(),
            &[
                r#"{"at":5,"event":"weather","data":{"sun":1}}"#,
                r#"{"at":6,"event":"stale","more":[1]}"#,
                r#"{"at":9,"event":"end"}"#,
            ],
        );
        let (entries, end) = read(&path);
        assert_eq!((entries, end.unwrap().at_ms), (vec![(6, SourceEvent::Stale)], 9));
    }

    #[test]
    fn bytes_that_are_no_text_and_lines_without_an_end_are_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = lines(folder.path(), &[]);
        let first = fs::read(&path).unwrap();
        for (bytes, wrong) in [
            (b"\xff\n".to_vec(), "no UTF-8"),
            (vec![b'['; usize::try_from(MAX_LINE_BYTES).unwrap() + 9], "longer than 64 MiB"),
            (b"{\"at\":5,\"event\":\"frame\",\"data\":".iter().copied().chain([b'['; 100_000]).collect(), "breaks off"),
        ] {
            fs::write(&path, [first.trim_ascii(), b"\n", &bytes].concat()).unwrap();
            let error = read(&path).1.unwrap_err().to_string();
            assert!(error.contains("line 2") && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn something_else_is_no_recording_and_a_later_format_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other");
        for other in ["", "\n", "hello", "{}\n", "{\"skew\":\"recording\",\"version\":0}\n", "\u{1b}[2J\n"] {
            fs::write(&path, other).unwrap();
            assert!(matches!(read(&path).1, Err(RecordingError::Foreign { .. })), "{other:?}");
        }
        fs::write(&path, "{\"skew\":\"recording\",\"version\":2,\"all\":\"else\"}\n").unwrap();
        assert!(read(&path).1.unwrap_err().to_string().contains("format 2"));
        assert!(matches!(read(folder.path()).1, Err(RecordingError::Damaged { line: 1, .. })), "a directory");
        assert!(matches!(read(&folder.path().join("none")).1, Err(RecordingError::Open { .. })));
    }
}
