//! The numbers of events.

use std::sync::Arc;

use skew_proto::{Event, Happening};

/// Numbers events one after the other, also those that nobody hears: who listens again sees what they have missed.
#[derive(Debug)]
pub(crate) struct Sequence {
    instance: Arc<str>,
    epoch: u64,
    last: u64,
}

impl Sequence {
    /// Its first number is 1.
    pub(crate) fn new(instance: Arc<str>, epoch: u64) -> Self {
        Self { instance, epoch, last: 0 }
    }

    /// An event with the next number.
    pub(crate) fn event(&mut self, at: u64, what: Happening) -> Event {
        self.pass();
        Event { instance: (*self.instance).to_owned(), epoch: self.epoch, seq: self.last, at, what }
    }

    /// The next number goes to an event that nobody hears.
    pub(crate) fn pass(&mut self) {
        self.last += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_with_1_and_what_nobody_hears_has_one() {
        let mut sequence = Sequence::new("web-1".into(), 7);
        let came = || Happening::UserCame { user: "u".into() };
        let first = sequence.event(9, came());
        assert_eq!((&*first.instance, first.epoch, first.seq, first.at), ("web-1", 7, 1, 9));
        sequence.pass();
        assert_eq!(sequence.event(9, came()).seq, 3);
    }
}
