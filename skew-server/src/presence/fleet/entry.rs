//! One of the other instances.

use skew_proto::InstanceState;

use super::kept::{Change, Figures, Kept, Rows};
use super::{Heard, UNREAD_MS};
use crate::instance::InstanceId;
use crate::presence::record::hint::Delta;
use crate::presence::record::{Head, Section};

/// What is known of an instance, and since when it is not heard from.
#[derive(Debug)]
pub(super) struct Entry {
    id: InstanceId,
    pub(super) face: Face,
    /// When it was first heard of.
    born: u64,
    /// Since when its figures may be old.
    silent: Option<u64>,
    /// The first of the looks that its head was missing in, up to the last one.
    missing: Option<u64>,
    figures: Kept<Figures>,
    rows: Kept<Rows>,
}

/// What an instance has said of itself.
#[derive(Debug)]
pub(super) enum Face {
    /// Nothing yet: only hints have been heard, or not even they.
    Unknown,
    Readable(Box<Head>),
    /// Something that this program is too old for.
    Unreadable {
        since: u64,
    },
}

impl Entry {
    pub(super) fn new(id: InstanceId, now: u64) -> Self {
        Self {
            id,
            face: Face::Unknown,
            born: now,
            silent: None,
            missing: None,
            figures: Kept::default(),
            rows: Kept::default(),
        }
    }

    pub(super) fn away(&mut self, now: u64) {
        self.silent.get_or_insert(now);
        self.missing = None;
    }

    pub(super) fn forget_misses(&mut self) {
        self.missing = None;
    }

    /// Its head is not there. Returns for how long.
    pub(super) fn missed(&mut self, now: u64) -> u64 {
        self.silent.get_or_insert(now);
        now.saturating_sub(*self.missing.get_or_insert(now))
    }

    pub(super) fn hint(&mut self, head: Head, deltas: Vec<Delta>, heard: &mut Heard, now: u64) {
        for delta in deltas {
            match delta.section {
                Section::Figures => self.figures.delta(delta, &self.id, heard, now),
                Section::Rows => self.rows.delta(delta, &self.id, heard, now),
            }
        }
        // What is not covered by its deltas was written whole.
        self.figures.expect(head.figures.seq, now);
        if let Some(rows) = head.rows {
            self.rows.expect(rows.seq, now);
        }
        self.face(head, heard);
    }

    /// Its head is there.
    pub(super) fn seen(&mut self, head: Head, heard: &mut Heard, now: u64) {
        self.missing = None;
        self.figures.compare(head.figures.seq, self.silent.is_some(), now);
        if let Some(rows) = head.rows {
            self.rows.compare(rows.seq, self.silent.is_some(), now);
        }
        if self.figures.is_even() {
            self.silent = None;
        }
        self.face(head, heard);
    }

    /// Its head is there and can't be read. What was known of it before is not what is true now.
    pub(super) fn unreadable(&mut self, heard: &mut Heard, now: u64) {
        self.clear(heard);
        self.missing = None;
        if !matches!(self.face, Face::Unreadable { .. }) {
            self.face = Face::Unreadable { since: now };
        }
    }

    /// Takes a section as it was read, where it is what its head says it is.
    pub(super) fn whole(
        &mut self,
        section: Section,
        head: Option<Head>,
        len: u64,
        fields: Vec<Change>,
        heard: &mut Heard,
        now: u64,
    ) {
        let mark = head.as_ref().and_then(|head| head.mark(section)).filter(|mark| mark.len == len);
        let (Some(head), Some(mark)) = (head, mark) else {
            match section {
                Section::Figures => self.figures.read_again(now),
                Section::Rows => self.rows.read_again(now),
            }
            return;
        };
        match section {
            Section::Figures => {
                self.figures.whole(mark.seq, fields, &self.id, heard, now);
                (self.silent, self.missing) = (None, None);
            }
            Section::Rows => self.rows.whole(mark.seq, fields, &self.id, heard, now),
        }
        self.face(head, heard);
    }

    pub(super) fn wants(&mut self, section: Section, now: u64) -> bool {
        match (section, &self.face) {
            (_, Face::Unreadable { .. }) => false,
            (Section::Figures, _) => self.figures.wants(now),
            (Section::Rows, Face::Readable(head)) if head.rows.is_some() => self.rows.wants(now),
            (Section::Rows, _) => false,
        }
    }

    pub(super) fn drop_rows(&mut self, heard: &mut Heard) {
        self.rows.clear(&self.id, heard);
    }

    pub(super) fn clear(&mut self, heard: &mut Heard) {
        self.figures.clear(&self.id, heard);
        self.rows.clear(&self.id, heard);
    }

    pub(super) fn head(&self) -> Option<&Head> {
        match &self.face {
            Face::Readable(head) => Some(head),
            Face::Unknown | Face::Unreadable { .. } => None,
        }
    }

    pub(super) fn is_read(&self) -> bool {
        self.figures.is_read()
    }

    pub(super) fn has_rows(&self) -> bool {
        self.rows.is_read()
    }

    /// Its connections and its users, as they are in the sums.
    pub(super) fn numbers(&self) -> (u64, u64) {
        self.figures.table.numbers()
    }

    /// Whether its figures are those of now, and since when they are not. Nothing while it is too new to be told of.
    pub(super) fn state(&self, now: u64) -> Option<(InstanceState, Option<u64>)> {
        if let Face::Unreadable { since } = self.face {
            return Some((InstanceState::Unreadable, Some(since)));
        }
        let overdue = |since: &u64| now.saturating_sub(*since) >= UNREAD_MS;
        if !self.figures.is_read() {
            // A late hint of one that is gone makes nobody wait.
            self.head().filter(|_| self.missing.is_none())?;
            return overdue(&self.born).then_some((InstanceState::Silent, Some(self.born)));
        }
        let since = self.silent.or(self.figures.behind_since().filter(overdue));
        let state = if since.is_some() { InstanceState::Silent } else { InstanceState::Live };
        Some((state, since))
    }

    /// Hints and looks overtake each other: the newest head counts.
    fn face(&mut self, head: Head, heard: &mut Heard) {
        if self.head().is_some_and(|known| known.nth >= head.nth) {
            return;
        }
        if head.rows.is_none() {
            self.rows.clear(&self.id, heard);
        }
        self.face = Face::Readable(Box::new(head));
    }
}
