//! The events of a recording in their order, from wherever one wants to be.

use std::collections::VecDeque;
use std::path::Path;

use super::marks::{Kind, Marks, Way, detail_ms};
use crate::recording::thin::{Held, Thin};
use crate::recording::{Entry, Header, Place, Reader, RecordingError, total_ms};

/// Bytes that are read before a person's keys are looked at again.
const AT_ONCE_BYTES: u64 = 16 << 20;

/// How a recording ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Its last moment, in milliseconds from the start.
    pub(crate) at_ms: u64,
    /// What is wrong there, where it does not end as it should.
    pub(crate) error: Option<String>,
}

/// Where the next event comes from.
#[derive(Debug)]
enum Course {
    /// The next line.
    Along,
    /// On the way to a moment.
    Jump(Jump),
    /// There is none.
    Over,
}

/// A way to a moment that is being gone.
#[derive(Debug)]
struct Jump {
    goal_ms: u64,
    lines: VecDeque<Place>,
    /// Where to read on behind the lines, as long as one is not there.
    then: Option<Place>,
    thin: Thin<Entry>,
}

/// A recording and a place in it.
#[derive(Debug)]
pub(super) struct Player {
    reader: Reader,
    begin: Place,
    marks: Marks,
    course: Course,
    /// Events that were read and are next.
    ahead: VecDeque<Entry>,
    ending: Option<Ending>,
    total_ms: Option<u64>,
}

impl Player {
    pub(super) fn open(path: &Path) -> Result<Self, RecordingError> {
        let reader = Reader::open(path)?;
        let begin = reader.place();
        let mut player = Self {
            reader,
            begin,
            marks: Marks::new(begin),
            course: Course::Along,
            ahead: VecDeque::new(),
            ending: None,
            // A pipe has no end to look at, and is played all the same.
            total_ms: total_ms(path).unwrap_or_default(),
        };
        player.read_on();
        Ok(player)
    }

    pub(super) fn header(&self) -> &Header {
        self.reader.header()
    }

    /// The last moment of the recording, in milliseconds from the start, where it is known.
    pub(super) fn total_ms(&self) -> Option<u64> {
        self.ending.as_ref().map(|ending| ending.at_ms).or(self.total_ms)
    }

    /// How it ends, once that is known.
    pub(super) fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// The time of the next event; nothing where there is none, or more has to be read first.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.ahead.front().map(|entry| entry.at_ms)
    }

    /// Whether it is on the way to a moment: events up to there are due at once.
    pub(super) fn is_jumping(&self) -> bool {
        matches!(self.course, Course::Jump(_))
    }

    /// Takes the next event.
    pub(super) fn take(&mut self) -> Option<Entry> {
        let entry = self.ahead.pop_front();
        self.read_on();
        entry
    }

    /// Goes on the way to a moment behind the present one.
    pub(super) fn forward(&mut self, goal_ms: u64) {
        let beyond = self.ahead.back().is_some_and(|entry| entry.at_ms > goal_ms);
        if beyond || matches!(self.course, Course::Over) {
            return;
        }
        let thin = match std::mem::replace(&mut self.course, Course::Along) {
            Course::Jump(jump) => jump.thin,
            Course::Along | Course::Over => Thin::new(),
        };
        self.jump(self.reader.place(), goal_ms, thin);
    }

    /// Goes on the way to a moment from the beginning. All that was said is to be forgotten.
    pub(super) fn back(&mut self, goal_ms: u64) {
        self.ahead.clear();
        self.jump(self.begin, goal_ms, Thin::new());
    }

    fn jump(&mut self, from: Place, goal_ms: u64, thin: Thin<Entry>) {
        let Way { lines, then } = self.marks.way(from, goal_ms);
        self.course = Course::Jump(Jump { goal_ms, lines, then: Some(then), thin });
        self.read_on();
    }

    /// Reads on, until an event is ahead or so much is read that a person might wait.
    pub(super) fn read_on(&mut self) {
        let mut read = 0;
        while self.ahead.is_empty() && read < AT_ONCE_BYTES {
            let before = self.reader.place().offset;
            match std::mem::replace(&mut self.course, Course::Over) {
                Course::Over => return,
                Course::Along => {
                    if let Some(entry) = self.read() {
                        self.ahead.push_back(entry);
                        self.course = Course::Along;
                    }
                }
                Course::Jump(jump) => self.step(jump),
            }
            // A step back costs what one line does.
            read += self.reader.place().offset.saturating_sub(before);
        }
    }

    fn step(&mut self, mut jump: Jump) {
        if let Some(place) = jump.lines.pop_front() {
            if self.go_to(place)
                && let Some(entry) = self.read()
            {
                self.ahead.push_back(entry);
                self.course = Course::Jump(jump);
            }
            return;
        }
        if jump.then.take().is_some_and(|place| !self.go_to(place)) {
            return;
        }
        let Some(entry) = self.read() else {
            return self.ahead.extend(jump.thin.release(jump.goal_ms).into_iter().map(|held| held.stats));
        };
        let at_ms = entry.at_ms;
        let arrived = at_ms > jump.goal_ms;
        let held = if entry.event.is_stats() && !arrived {
            jump.thin.hold(Held { at_ms, target: entry.target, stats: entry });
            None
        } else {
            Some(entry)
        };
        let due = jump.thin.due_ms(detail_ms(at_ms, jump.goal_ms)).is_some_and(|due| due <= at_ms);
        if due || held.is_some() {
            self.ahead.extend(jump.thin.release(at_ms).into_iter().map(|held| held.stats));
        }
        self.ahead.extend(held);
        self.course = if arrived { Course::Along } else { Course::Jump(jump) };
    }

    /// Whether that worked; else the recording ends here.
    fn go_to(&mut self, place: Place) -> bool {
        let gone = self.reader.go_to(place);
        if let Err(error) = gone {
            self.ending = Some(Ending { at_ms: place.at_ms, error: Some(error.to_string()) });
            return false;
        }
        true
    }

    /// The next line; nothing where the recording is over.
    fn read(&mut self) -> Option<Entry> {
        let place = self.reader.place();
        let error = match self.reader.next() {
            Some(Ok(entry)) => {
                let kind = if entry.event.is_stats() { Kind::Stats(entry.target) } else { Kind::Other };
                self.marks.read(place, self.reader.place(), kind);
                return Some(entry);
            }
            Some(Err(error)) => Some(error.to_string()),
            None => None,
        };
        self.ending = Some(Ending { at_ms: self.reader.place().at_ms, error });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recorder;
    use crate::replay::tests::settings;
    use crate::{Now, SourceEvent};

    fn stats(total: u64) -> SourceEvent {
        SourceEvent::Frame(format!(r#"{{"type":"stats","total":{total}}}"#))
    }

    /// An hour with stats each second and something else each minute, which ends at 3,600,000.
    fn hour(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("hour.ndjson");
        let mut recorder = Recorder::create(&path, settings(), Now::default()).unwrap();
        for second in 0..3_600 {
            let now = Now { monotonic_ms: second * 1_000, unix_ms: 0 };
            recorder.record(0, &stats(second), now).unwrap();
            if second % 60 == 30 {
                recorder.record(0, &SourceEvent::Stale, now).unwrap();
            }
        }
        recorder.finish(Now { monotonic_ms: 3_600_000, unix_ms: 0 }).unwrap();
        path
    }

    /// Everything up to a moment, as who jumps there gets it.
    fn until(player: &mut Player, goal_ms: u64) -> Vec<Entry> {
        let mut entries = Vec::new();
        while player.is_jumping() || player.next_ms().is_some_and(|next| next <= goal_ms) {
            if player.next_ms().is_none_or(|next| next <= goal_ms) {
                entries.extend(player.take());
            } else {
                break;
            }
        }
        assert!(entries.is_sorted_by_key(|entry| entry.at_ms));
        entries
    }

    fn stale(entries: &[Entry]) -> usize {
        entries.iter().filter(|entry| entry.event == SourceEvent::Stale).count()
    }

    #[test]
    fn it_is_played_whole_and_its_length_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut player = Player::open(&hour(folder.path())).unwrap();
        assert_eq!((player.total_ms(), player.ending()), (Some(3_600_000), None));
        let mut entries = Vec::new();
        while let Some(entry) = player.take() {
            entries.push(entry);
        }
        assert_eq!(entries.len(), 3_660);
        assert_eq!(player.ending(), Some(&Ending { at_ms: 3_600_000, error: None }));
    }

    #[test]
    fn wherever_one_jumps_the_newest_stats_come_last_and_nothing_else_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let mut player = Player::open(&hour(folder.path())).unwrap();
        // Forward where nothing was read yet, back, forward where all was read, and into what was not.
        for (goal, back) in [(1_800_500, false), (600_000, true), (1_200_999, false), (3_000_000, false), (5, true)] {
            if back {
                player.back(goal);
            } else {
                player.forward(goal);
            }
            let entries = until(&mut player, goal);
            let newest = entries.iter().rfind(|entry| entry.event.is_stats()).unwrap();
            assert_eq!(newest.event, stats(goal / 1_000), "at {goal}");
            assert!(entries.len() < 500, "{} at {goal}", entries.len());
            assert_eq!(player.next_ms(), Some(goal / 1_000 * 1_000 + 1_000), "{goal}");
        }
        player.back(3_599_000);
        assert_eq!(stale(&until(&mut player, 3_599_000)), 60);
        player.forward(9_999_999);
        assert_eq!(until(&mut player, 9_999_999), []);
        assert_eq!(player.ending().map(|ending| ending.at_ms), Some(3_600_000));
        player.back(30_000);
        assert_eq!((stale(&until(&mut player, 30_000)), player.next_ms()), (1, Some(31_000)));
    }

    #[test]
    fn a_second_jump_takes_the_place_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut player = Player::open(&hour(folder.path())).unwrap();
        player.forward(2_000_000);
        let mut entries = vec![player.take().unwrap()];
        player.forward(3_000_000);
        entries.extend(until(&mut player, 3_000_000));
        assert_eq!((stale(&entries), entries.last().unwrap().event.clone()), (50, stats(3_000)));
    }

    #[test]
    fn a_file_that_breaks_off_is_played_up_to_there_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = hour(folder.path());
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut player = Player::open(&path).unwrap();
        player.forward(3_000_000);
        let last = until(&mut player, 3_000_000).pop().unwrap();
        let ending = player.ending().cloned().unwrap();
        assert_eq!(ending.at_ms, last.at_ms);
        assert!(ending.error.unwrap().contains("breaks off"));
        player.back(0);
        assert_eq!(until(&mut player, 0).len(), 1);
    }
}
