//! What is to be written of an instance's own: one transaction at a time, made of what the hub shares.
//!
//! Each transaction looks first at what the one before it left: the head must be the one written last, and each section must have as many
//! fields as it had. Where that is not so (Redis was emptied, has failed over, has lost a key, or has carried out an old transaction late)
//! everything is written whole in the next one, under new numbers, so that everybody reads it again. The same goes for a transaction of
//! which nobody knows what became of it.

use std::collections::HashSet;

use super::exchange::{Extent, Figures, Share, SharedRow, Wants};
use super::knowledge::Knowledge;
use super::record::field::{Figure, encode_row};
use super::record::hint::{Delta, Hint};
use super::record::{EntryId, FORMAT, Head, MIN, Mark, Section};
use crate::id::PublicId;
use crate::instance::Me;

/// How long a head lives.
pub(crate) const HEAD_LIFE_MS: u64 = 7_000;

/// How long a section lives.
pub(crate) const SECTION_LIFE_MS: u64 = 900_000;

/// How often a head is written at least.
const HEAD_MS: u64 = 1_000;

/// How often a section is written whole, and with it for another life.
const WHOLE_MS: u64 = 300_000;

/// How often the ages of open invalidations are written.
const AGES_MS: u64 = 5_000;

/// What an instance says of itself besides its figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Face {
    pub(crate) wants: Wants,
    /// How far it has read the log of users' events.
    pub(crate) log: EntryId,
}

/// How much is to be asked of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) figures: Extent,
    pub(crate) rows: Extent,
}

/// One `MULTI`: it reads the head and the lengths of both sections, then writes the sections, then the head for [`HEAD_LIFE_MS`], then
/// publishes the hint, where there is one.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) figures: Write,
    pub(crate) rows: Write,
    pub(crate) head: Vec<u8>,
    pub(crate) hint: Option<Vec<u8>>,
}

/// What becomes of a section.
#[derive(PartialEq, Eq)]
pub(crate) enum Write {
    Nothing,
    /// `HSET` and `HDEL`.
    Changes {
        set: Vec<(String, String)>,
        del: Vec<String>,
    },
    /// `DEL`, `HSET`, `PEXPIRE` by [`SECTION_LIFE_MS`]. There may be no field at all.
    Whole(Vec<(String, String)>),
    /// `DEL`.
    Gone,
}

/// Names of fields are users' ids, too.
impl std::fmt::Debug for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Changes { set, del } => write!(f, "{} set, {} gone", set.len(), del.len()),
            Self::Whole(set) => write!(f, "{} whole", set.len()),
            Self::Gone => f.write_str("gone"),
        }
    }
}

/// What a transaction found before it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) head: Option<Vec<u8>>,
    pub(crate) figures: u64,
    pub(crate) rows: u64,
}

/// Whether what was written before is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    /// It is not: the next transaction writes everything anew. Others may have lost theirs, too.
    Lost,
}

/// What one instance has written, and what comes next.
#[derive(Debug)]
pub(crate) struct Writer {
    me: Me,
    figures: Written,
    rows: Written,
    /// The last head, where it is known that it was written.
    head: Option<Vec<u8>>,
    /// What is true once the transaction under way is done.
    under_way: Option<UnderWay>,
    nth: u64,
    head_at: Option<u64>,
    told: Told,
}

/// A section as it was written.
#[derive(Debug, Default)]
struct Written {
    seq: u64,
    names: HashSet<Box<str>>,
    /// How many of them are users.
    users: u64,
    state: State,
    whole_at: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// What is in Redis is not known.
    #[default]
    Unknown,
    /// It is there.
    There,
    /// It is not shared, and is known to be gone.
    Gone,
}

/// What a transaction expects to find.
#[derive(Debug)]
struct UnderWay {
    expected: Option<Found>,
    head: Vec<u8>,
}

/// What the last head and the fields outside of tables said.
#[derive(Debug, Default)]
struct Told {
    face: Face,
    connections: u64,
    anonymous: Option<u64>,
    knowledge: u64,
    knowledge_at: u64,
    ages: Ages,
}

/// Whether what was written of knowledge has ages in it, which go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Ages {
    #[default]
    None,
    Some,
}

impl Writer {
    pub(crate) fn new(me: Me) -> Self {
        Self {
            me,
            figures: Written::default(),
            rows: Written::default(),
            head: None,
            under_way: None,
            nth: 0,
            head_at: None,
            told: Told::default(),
        }
    }

    /// How much of the hub's share the next transaction is made of. `rows_wanted` is whether any other instance wants rows.
    pub(crate) fn ask(&self, rows_wanted: bool, now: u64) -> Ask {
        let rows = if rows_wanted { self.rows.ask(now) } else { Extent::Nothing };
        Ask { figures: self.figures.ask(now), rows }
    }

    /// The next transaction, made of the share that was asked for. Nothing where there is nothing to be written yet. After each one, call
    /// [`done`](Self::done) or [`failed`](Self::failed) before the next.
    pub(crate) fn next(
        &mut self,
        ask: Ask,
        share: Share,
        face: Face,
        knowledge: &Knowledge,
        now: u64,
    ) -> Option<Transaction> {
        let expected = self.head.as_ref().map(|head| Found {
            head: Some(head.clone()),
            figures: self.figures.names.len() as u64,
            rows: self.rows.names.len() as u64,
        });
        let connections =
            if ask.figures == Extent::Nothing { self.told.connections } else { share.figures.connections };
        let fields = self.figure_fields(ask, share.figures, knowledge, now);
        let figures = self.figures.write(ask.figures, fields, now);
        let rows = match ask.rows {
            Extent::Nothing => self.rows.drop_all(),
            extent => self.rows.write(extent, share.rows.iter().map(row_field).collect(), now),
        };
        // How far the log was read is no news: it goes with the next head.
        let news = figures != Write::Nothing
            || rows != Write::Nothing
            || (face.wants, connections) != (self.told.face.wants, self.told.connections);
        let due = self.head_at.is_none_or(|at| now.saturating_sub(at) >= HEAD_MS);
        if !news && !due {
            return None;
        }
        (self.told.face, self.told.connections) = (face, connections);
        self.nth += 1;
        self.head_at = Some(now);
        let head = self.head();
        let sections = [(Section::Figures, &figures, &self.figures), (Section::Rows, &rows, &self.rows)];
        let deltas = sections.into_iter().filter_map(|(section, write, written)| match write {
            Write::Changes { set, del } => {
                Some(Delta { section, since: written.seq - 1, seq: written.seq, set: set.clone(), del: del.clone() })
            }
            // What is written whole is read whole: it may not follow what was there.
            Write::Nothing | Write::Whole(_) | Write::Gone => None,
        });
        let deltas = deltas.collect();
        let bytes = head.encode();
        let hint = news.then(|| Hint::Written(Box::new(head), deltas).encode());
        self.under_way = Some(UnderWay { expected, head: bytes.clone() });
        Some(Transaction { figures, rows, head: bytes, hint })
    }

    /// The transaction was carried out.
    pub(crate) fn done(&mut self, found: &Found) -> Verdict {
        let Some(UnderWay { expected, head }) = self.under_way.take() else { return Verdict::Fine };
        if expected.is_some_and(|expected| expected != *found) {
            self.forget();
            return Verdict::Lost;
        }
        self.head = Some(head);
        Verdict::Fine
    }

    /// Nobody knows whether the transaction was carried out, or will be.
    pub(crate) fn failed(&mut self) {
        self.under_way = None;
        self.forget();
    }

    /// The hint that an instance ends with, once it has deleted its keys.
    pub(crate) fn gone(&self) -> Vec<u8> {
        Hint::Gone(self.me.id.clone()).encode()
    }

    fn forget(&mut self) {
        self.head = None;
        self.head_at = None;
        self.figures.state = State::Unknown;
        self.rows.state = State::Unknown;
    }

    fn head(&self) -> Head {
        let mark = |written: &Written| Mark { seq: written.seq, len: written.names.len() as u64 };
        Head {
            v: FORMAT,
            min: MIN,
            id: self.me.id.clone(),
            nth: self.nth,
            tag: self.me.tag,
            build: (*self.me.build).into(),
            server: env!("CARGO_PKG_VERSION").into(),
            connections: self.told.connections,
            users: self.figures.users,
            wants_rows: self.told.face.wants.rows,
            wants_events: self.told.face.wants.events,
            figures: mark(&self.figures),
            rows: (self.rows.state == State::There).then(|| mark(&self.rows)),
            log: self.told.face.log,
        }
    }

    fn figure_fields(&mut self, ask: Ask, figures: Figures, knowledge: &Knowledge, now: u64) -> Vec<Field> {
        let Figures { versions, routes, users, anonymous, .. } = figures;
        let count = |figure: Figure, count: u64| (figure.name(), (count > 0).then(|| count.to_string()));
        let mut fields: Vec<Field> = Vec::with_capacity(versions.len() + routes.len() + users.len() + 2);
        fields.extend(versions.into_iter().map(|(version, number)| count(Figure::Version(version), number)));
        fields.extend(routes.into_iter().map(|(route, number)| count(Figure::Route(route), number)));
        fields
            .extend(users.into_iter().map(|(user, since)| (Figure::User(user).name(), since.map(|at| at.to_string()))));
        let whole = ask.figures == Extent::Whole;
        if whole || (ask.figures == Extent::Changes && self.told.anonymous != Some(anonymous)) {
            self.told.anonymous = Some(anonymous);
            fields.push(count(Figure::Anonymous, anonymous));
        }
        // Also once more when the last one has closed: whoever reads it later must not take it for open.
        let aged = self.told.ages == Ages::Some && now.saturating_sub(self.told.knowledge_at) >= AGES_MS;
        if whole || aged || self.told.knowledge != knowledge.revision() {
            (self.told.knowledge, self.told.knowledge_at) = (knowledge.revision(), now);
            self.told.ages = if knowledge.has_open(now) { Ages::Some } else { Ages::None };
            fields.push((Figure::Knowledge.name(), Some(knowledge.encode(now))));
        }
        fields
    }
}

/// A field, and its value where it has one.
type Field = (String, Option<String>);

fn row_field((id, row): &(PublicId, Option<SharedRow>)) -> Field {
    (id.to_string(), row.as_ref().map(encode_row))
}

fn is_user(name: &str) -> bool {
    name.starts_with("u:")
}

impl Written {
    fn ask(&self, now: u64) -> Extent {
        let whole = self.state != State::There || now.saturating_sub(self.whole_at) >= WHOLE_MS;
        if whole { Extent::Whole } else { Extent::Changes }
    }

    fn write(&mut self, extent: Extent, fields: Vec<Field>, now: u64) -> Write {
        if extent == Extent::Whole {
            let set: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            self.names = set.iter().map(|(name, _)| name.as_str().into()).collect();
            self.users = self.names.iter().filter(|name| is_user(name)).count() as u64;
            (self.state, self.whole_at) = (State::There, now);
            self.seq += 1;
            return Write::Whole(set);
        }
        let (mut set, mut del) = (Vec::new(), Vec::new());
        for (name, value) in fields {
            match value {
                Some(value) => {
                    if !self.names.contains(name.as_str()) {
                        self.names.insert(name.as_str().into());
                        self.users += u64::from(is_user(&name));
                    }
                    set.push((name, value));
                }
                // One that came and went between two ticks was never written.
                None if self.names.remove(name.as_str()) => {
                    self.users -= u64::from(is_user(&name));
                    del.push(name);
                }
                None => {}
            }
        }
        if set.is_empty() && del.is_empty() {
            return Write::Nothing;
        }
        self.seq += 1;
        Write::Changes { set, del }
    }

    fn drop_all(&mut self) -> Write {
        self.names.clear();
        if std::mem::replace(&mut self.state, State::Gone) == State::Gone { Write::Nothing } else { Write::Gone }
    }
}

#[cfg(test)]
mod tests;
