//! Where in a recording what stands, as far as it was read: to go back without reading it all again.

use std::collections::VecDeque;

use crate::recording::Place;
use crate::recording::thin::{Held, Thin};

/// Most marks of either kind. A mark is 40 bytes.
const MOST: usize = 16 * 1024;

/// Stats that lie closer together than this share of their distance to where one wants to be are passed over: the past is shown
/// in less detail the longer ago it is, and a day costs little more than an hour.
const DETAIL: u64 = 60;

/// What a line is about, as far as it matters to going back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stats of a target: a whole snapshot, of which the newest matters most.
    Stats(usize),
    /// Anything else. All of it matters.
    Other,
}

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    /// Where it begins.
    place: Place,
    /// Its time.
    at_ms: u64,
    kind: Kind,
}

/// Lines of a recording, in their order. Their number is bounded: the longer the recording, the fewer stats are marked.
#[derive(Debug)]
pub(super) struct Marks {
    marks: Vec<Mark>,
    /// Stats that are marked only where something else follows, or enough time.
    thin: Thin<Mark>,
    every_ms: u64,
    /// Up to here lines were read and marked.
    reached: Place,
}

/// How to get from one place to a moment: single lines, and from there on every line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) lines: VecDeque<Place>,
    pub(super) then: Place,
}

/// Time between two stats that are worth a look, for who wants to be at `goal_ms`.
pub(super) fn detail_ms(at_ms: u64, goal_ms: u64) -> u64 {
    goal_ms.saturating_sub(at_ms) / DETAIL
}

impl Marks {
    /// Nothing was read behind `begin`.
    pub(super) fn new(begin: Place) -> Self {
        Self { marks: Vec::new(), thin: Thin::new(), every_ms: 0, reached: begin }
    }

    /// Takes in a line that was read: it begins at `place` and ends at `behind`. Lines that were read before change nothing.
    pub(super) fn read(&mut self, place: Place, behind: Place, kind: Kind) {
        if place.offset != self.reached.offset {
            return;
        }
        self.reached = behind;
        let mark = Mark { place, at_ms: behind.at_ms, kind };
        match kind {
            Kind::Stats(target) => {
                self.thin.hold(Held { at_ms: mark.at_ms, target, stats: mark });
                if self.thin.due_ms(self.every_ms).is_some_and(|due| due <= mark.at_ms) {
                    self.release(mark.at_ms);
                }
            }
            Kind::Other => {
                self.release(mark.at_ms);
                self.marks.push(mark);
            }
        }
        if self.marks.len() > MOST {
            self.thin_out();
        }
    }

    fn release(&mut self, at_ms: u64) {
        self.marks.extend(self.thin.release(at_ms).into_iter().map(|held| held.stats));
    }

    /// Doubles the time between stats. Where even that does not help, the newest marks go: what they marked is read again then.
    fn thin_out(&mut self) {
        self.every_ms = (self.every_ms * 2).max(250);
        let mut thin = Thin::new();
        let mut kept = Vec::new();
        for mark in std::mem::take(&mut self.marks) {
            sift(&mut thin, mark, self.every_ms, &mut kept);
        }
        kept.extend(thin.release(0).into_iter().map(|held| held.stats));
        if let Some(first) = kept.get(MOST / 2).copied() {
            self.reached = first.place;
            self.thin = Thin::new();
            kept.truncate(MOST / 2);
        }
        self.marks = kept;
    }

    /// The way from a place to a moment. It leads over all lines but stats that lie too close together.
    pub(super) fn way(&self, from: Place, goal_ms: u64) -> Way {
        let begin = self.marks.partition_point(|mark| mark.place.offset < from.offset);
        let end = self.marks.partition_point(|mark| mark.at_ms <= goal_ms);
        let marks = self.marks.get(begin..end).unwrap_or_default();
        let Some((last, before)) = marks.split_last() else { return Way { lines: VecDeque::new(), then: from } };
        let mut thin = Thin::new();
        let mut kept = Vec::new();
        for mark in before {
            sift(&mut thin, *mark, detail_ms(mark.at_ms, goal_ms), &mut kept);
        }
        kept.extend(thin.release(0).into_iter().map(|held| held.stats));
        // Behind the last mark there may be lines without one.
        Way { lines: kept.into_iter().map(|mark| mark.place).collect(), then: last.place }
    }
}

/// Lets a mark through, or holds it back until it is known whether it lies too close to the next.
fn sift(thin: &mut Thin<Mark>, mark: Mark, every_ms: u64, kept: &mut Vec<Mark>) {
    let due = match mark.kind {
        Kind::Stats(target) => {
            thin.hold(Held { at_ms: mark.at_ms, target, stats: mark });
            thin.due_ms(every_ms).is_some_and(|due| due <= mark.at_ms)
        }
        Kind::Other => true,
    };
    if due {
        kept.extend(thin.release(mark.at_ms).into_iter().map(|held| held.stats));
    }
    if mark.kind == Kind::Other {
        kept.push(mark);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line of 10 bytes, the first at 100.
    fn place(number: u64, at_ms: u64) -> Place {
        Place { offset: 100 + number * 10, lines: 1 + number, at_ms }
    }

    /// Marks of lines at these times.
    fn marks(lines: &[(u64, Kind)]) -> Marks {
        let mut marks = Marks::new(place(0, 0));
        let mut before = 0;
        for (number, (at_ms, kind)) in (0..).zip(lines) {
            marks.read(place(number, before), place(number + 1, *at_ms), *kind);
            before = *at_ms;
        }
        marks
    }

    fn numbers(way: &Way) -> Vec<u64> {
        way.lines.iter().map(|place| place.lines - 1).collect()
    }

    #[test]
    fn far_from_the_goal_stats_are_passed_over_and_near_it_none_are() {
        let lines: Vec<_> = (0..7_200).map(|second| (second * 1_000, Kind::Stats(0))).collect();
        let way = marks(&lines).way(place(0, 0), 7_199_000);
        let numbers = numbers(&way);
        assert!(numbers.len() < 400, "{}", numbers.len());
        assert_eq!(numbers[..3], [0, 119, 236]);
        assert_eq!(numbers[numbers.len() - 50..], (7_149..7_199).collect::<Vec<_>>());
        assert_eq!(way.then.lines - 1, 7_199);
    }

    #[test]
    fn what_is_no_stats_is_never_passed_over_nor_are_the_stats_before_it() {
        let mut lines: Vec<_> = (0..1_000).map(|second| (second * 1_000, Kind::Stats(second as usize % 2))).collect();
        lines[11].1 = Kind::Other;
        let numbers = numbers(&marks(&lines).way(place(0, 0), 999_000));
        assert_eq!(numbers[..4], [0, 9, 10, 11]);
    }

    #[test]
    fn lines_read_again_are_not_marked_again() {
        let lines = [(0, Kind::Other), (1, Kind::Stats(0)), (2, Kind::Other)];
        let mut marks = marks(&lines);
        marks.read(place(0, 0), place(1, 0), Kind::Other);
        assert_eq!(marks.marks.len(), 3);
        let way = marks.way(place(1, 0), 2);
        assert_eq!((numbers(&way), way.then), (vec![1], place(2, 1)));
        assert_eq!(marks.way(place(3, 2), 9), Way { lines: VecDeque::new(), then: place(3, 2) });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn memory_is_bounded_and_every_way_ends_with_all_that_matters(
            kinds in prop::collection::vec(0usize..12, 1..200), goal in 0u64..60_000_000,
        ) {
            let kind = |n: u64| match kinds[n as usize % kinds.len()] {
                target @ 0..3 => Kind::Stats(target),
                3 => Kind::Other,
                _ => Kind::Stats(0),
            };
            let lines: Vec<_> = (0..60_000).map(|n| (n * 1_000, kind(n))).collect();
            let marks = marks(&lines);
            prop_assert!(marks.marks.len() <= MOST);
            let way = marks.way(place(0, 0), goal);
            let mut shown = numbers(&way);
            shown.extend(way.then.lines - 1..60_000);
            prop_assert!(shown.is_sorted());
            let until = goal / 1_000;
            shown.retain(|line| *line <= until);
            let seen: std::collections::HashSet<u64> = shown.into_iter().collect();
            for line in 0..=until.min(59_999) {
                if kind(line) == Kind::Other {
                    prop_assert!(seen.contains(&line));
                }
            }
            for target in 0..3 {
                let newest = (0..=until.min(59_999)).rev().find(|line| kind(*line) == Kind::Stats(target));
                prop_assert!(newest.is_none_or(|line| seen.contains(&line)), "the newest stats of {target}");
            }
        }
    }
}
