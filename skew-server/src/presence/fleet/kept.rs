//! A section of another instance, as it is known here, and whether that is the newest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{DIFFERS_MS, Heard};
use crate::id::PublicId;
use crate::instance::InstanceId;
use crate::presence::exchange::SharedRow;
use crate::presence::knowledge::Knowledge;
use crate::presence::record::field::{Figure, count, read_row, time};
use crate::presence::record::hint::Delta;

/// Deltas that are kept while a section is read.
const LATE: usize = 200;

/// What was asked for and has not come is asked for again after this.
const READ_MS: u64 = 1_000;

/// What was read and did not fit is read again after this.
const AGAIN_MS: u64 = 200;

/// One field, and its value where it has one.
pub(super) struct Change {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// What is kept of a section. Whatever changes in it changes the sums by as much.
pub(super) trait Table: Default {
    /// Takes one field over.
    fn change(&mut self, change: &Change, of: &InstanceId, heard: &mut Heard, now: u64);
    /// Takes all of these fields over, and forgets every other.
    fn replace(&mut self, fields: Vec<Change>, of: &InstanceId, heard: &mut Heard, now: u64);
}

/// A section and its number.
#[derive(Debug)]
pub(super) struct Kept<T> {
    /// Nothing as long as it was not read.
    seq: Option<u64>,
    pub(super) table: T,
    behind: Option<Behind>,
    /// The highest number that a hint told of, until a look agrees.
    expected: u64,
    /// It is not asked for before.
    read_after: u64,
    /// What was heard while it is to be read: it may follow what will be read.
    late: Vec<Delta>,
}

impl<T: Default> Default for Kept<T> {
    fn default() -> Self {
        Self { seq: None, table: T::default(), behind: None, expected: 0, read_after: 0, late: Vec::new() }
    }
}

/// There is something newer, or at least something else.
#[derive(Debug, Clone, Copy)]
struct Behind {
    since: u64,
    /// The number it had then: if it has another, something has come meanwhile.
    seq: Option<u64>,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// A hint may be under way.
    Later,
    Now,
}

impl<T: Table> Kept<T> {
    pub(super) fn is_read(&self) -> bool {
        self.seq.is_some()
    }

    /// Whether it is what it was last compared with.
    pub(super) fn is_even(&self) -> bool {
        self.seq.is_some() && self.behind.is_none()
    }

    pub(super) fn behind_since(&self) -> Option<u64> {
        self.behind.map(|behind| behind.since)
    }

    /// Applies what fits and notices what does not.
    pub(super) fn delta(&mut self, delta: Delta, of: &InstanceId, heard: &mut Heard, now: u64) {
        let fits = self.seq.is_some_and(|seq| delta.since <= seq && seq < delta.seq);
        let known = self.seq.is_some_and(|seq| delta.seq <= seq);
        if fits {
            self.apply(&delta, of, heard, now);
        } else if !known {
            self.fall_behind(Reading::Now, now);
        }
        if !self.is_even() {
            if self.late.len() >= LATE {
                self.late.clear();
            }
            self.late.push(delta);
        }
    }

    /// There is a state with this number.
    pub(super) fn expect(&mut self, seq: u64, now: u64) {
        self.expected = self.expected.max(seq);
        if self.seq.is_some_and(|own| own < seq) {
            self.fall_behind(Reading::Now, now);
        }
    }

    /// The state in Redis has this number, or had it a moment ago. After a time in which nothing was heard there is no hint to wait for.
    pub(super) fn compare(&mut self, seq: u64, was_silent: bool, now: u64) {
        if self.seq == Some(seq) {
            (self.behind, self.expected) = (None, 0);
            self.late.clear();
            return;
        }
        if self.behind.is_some_and(|behind| behind.reading == Reading::Later && behind.seq != self.seq) {
            self.behind = None;
        }
        self.fall_behind(if was_silent { Reading::Now } else { Reading::Later }, now);
    }

    pub(super) fn wants(&mut self, now: u64) -> bool {
        let wanted = match self.behind {
            _ if self.seq.is_none() => true,
            None => false,
            Some(Behind { reading: Reading::Now, .. }) => true,
            Some(Behind { since, seq, .. }) => seq == self.seq && now.saturating_sub(since) >= DIFFERS_MS,
        };
        let asks = wanted && now >= self.read_after;
        if asks {
            self.read_after = now + READ_MS;
        }
        asks
    }

    pub(super) fn read_again(&mut self, now: u64) {
        self.read_after = now + AGAIN_MS;
    }

    /// Takes what was read, and what was heard meanwhile and follows it.
    pub(super) fn whole(&mut self, seq: u64, fields: Vec<Change>, of: &InstanceId, heard: &mut Heard, now: u64) {
        self.table.replace(fields, of, heard, now);
        (self.seq, self.behind, self.read_after) = (Some(seq), None, now);
        for delta in std::mem::take(&mut self.late) {
            self.delta(delta, of, heard, now);
        }
        // What is known to be newer, and was not in what was read, was on its way. Once only: after that the looks tell.
        if self.seq.is_some_and(|seq| seq < std::mem::take(&mut self.expected)) {
            self.fall_behind(Reading::Now, now);
            self.read_again(now);
        }
    }

    pub(super) fn clear(&mut self, of: &InstanceId, heard: &mut Heard) {
        self.table.replace(Vec::new(), of, heard, 0);
        *self = Self::default();
    }

    fn apply(&mut self, delta: &Delta, of: &InstanceId, heard: &mut Heard, now: u64) {
        for (name, value) in &delta.set {
            self.table.change(&Change { name: name.clone(), value: Some(value.clone()) }, of, heard, now);
        }
        for name in &delta.del {
            self.table.change(&Change { name: name.clone(), value: None }, of, heard, now);
        }
        self.seq = Some(delta.seq);
    }

    fn fall_behind(&mut self, reading: Reading, now: u64) {
        let behind = self.behind.get_or_insert(Behind { since: now, seq: self.seq, reading });
        if reading == Reading::Now {
            behind.reading = reading;
        }
    }
}

/// The counts and the users of an instance.
#[derive(Debug, Default)]
pub(super) struct Figures {
    versions: HashMap<Arc<str>, u64>,
    routes: HashMap<Arc<str>, u64>,
    users: HashMap<Arc<str>, u64>,
    anonymous: u64,
}

impl Figures {
    pub(super) fn numbers(&self) -> (u64, u64) {
        (self.versions.values().sum(), self.users.len() as u64)
    }

    fn set(&mut self, figure: Figure, value: u64, heard: &mut Heard) {
        let sums = &mut heard.sums;
        match figure {
            Figure::Version(version) => {
                let before = replace_count(&mut self.versions, &version, value);
                sums.version(version, before, value);
            }
            Figure::Route(route) => {
                let before = replace_count(&mut self.routes, &route, value);
                sums.route(route, before, value);
            }
            Figure::User(user) => {
                if self.users.insert(user.clone(), value).is_none() {
                    sums.came(user, value);
                }
            }
            Figure::Anonymous => {
                sums.anonymous(self.anonymous, value);
                self.anonymous = value;
            }
            Figure::Knowledge => {}
        }
    }

    fn unset(&mut self, figure: Figure, heard: &mut Heard) {
        match figure {
            Figure::User(user) => {
                if self.users.remove(&user).is_some() {
                    heard.sums.left(user);
                }
            }
            figure => self.set(figure, 0, heard),
        }
    }
}

/// A count of nothing has no entry.
fn replace_count(counts: &mut HashMap<Arc<str>, u64>, name: &Arc<str>, count: u64) -> u64 {
    let before = if count == 0 { counts.remove(name) } else { counts.insert(name.clone(), count) };
    before.unwrap_or(0)
}

impl Table for Figures {
    fn change(&mut self, change: &Change, _: &InstanceId, heard: &mut Heard, now: u64) {
        let figure = match Figure::read(&change.name, &mut heard.names) {
            Ok(Some(figure)) => figure,
            Ok(None) => return,
            Err(_) => {
                heard.damaged += 1;
                return;
            }
        };
        let Some(value) = &change.value else { return self.unset(figure, heard) };
        let read = match &figure {
            Figure::Knowledge => Knowledge::decode(value, now).map(|knowledge| {
                heard.knowledge.push(knowledge);
                0
            }),
            Figure::User(_) => time(value),
            Figure::Version(_) | Figure::Route(_) | Figure::Anonymous => count(value),
        };
        match read {
            Ok(value) => self.set(figure, value, heard),
            // What was known of it before is not true any more, either.
            Err(_) => {
                heard.damaged += 1;
                self.unset(figure, heard);
            }
        }
    }

    fn replace(&mut self, fields: Vec<Change>, of: &InstanceId, heard: &mut Heard, now: u64) {
        let kept: HashSet<&str> = fields.iter().map(|field| &*field.name).collect();
        let gone = |figure: Figure| (!kept.contains(&*figure.name())).then_some(figure);
        let versions = self.versions.keys().cloned().map(Figure::Version);
        let routes = self.routes.keys().cloned().map(Figure::Route);
        let users = self.users.keys().cloned().map(Figure::User);
        let gone: Vec<Figure> =
            versions.chain(routes).chain(users).chain([Figure::Anonymous]).filter_map(gone).collect();
        for figure in gone {
            self.unset(figure, heard);
        }
        for field in &fields {
            self.change(field, of, heard, now);
        }
    }
}

/// The connections of an instance.
#[derive(Debug, Default)]
pub(super) struct Rows(HashMap<PublicId, SharedRow>);

impl Rows {
    fn close(&mut self, name: &str, heard: &mut Heard) {
        if let Ok(id) = name.parse()
            && self.0.remove(&id).is_some()
        {
            heard.sums.closed(id);
        }
    }
}

impl Table for Rows {
    fn change(&mut self, change: &Change, of: &InstanceId, heard: &mut Heard, _: u64) {
        let Some(value) = &change.value else { return self.close(&change.name, heard) };
        match read_row(&change.name, value, &mut heard.names) {
            Ok((id, row)) => {
                if self.0.insert(id, row.clone()).as_ref() != Some(&row) {
                    heard.sums.row(of, id, row);
                }
            }
            Err(_) => {
                heard.damaged += 1;
                self.close(&change.name, heard);
            }
        }
    }

    fn replace(&mut self, fields: Vec<Change>, of: &InstanceId, heard: &mut Heard, now: u64) {
        let kept: HashSet<PublicId> = fields.iter().filter_map(|field| field.name.parse().ok()).collect();
        let gone: Vec<PublicId> = self.0.keys().filter(|id| !kept.contains(id)).copied().collect();
        for id in gone {
            self.0.remove(&id);
            heard.sums.closed(id);
        }
        for field in &fields {
            self.change(field, of, heard, now);
        }
    }
}
