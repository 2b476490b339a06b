//! Users' events of all instances together: one sequence, kept in a Redis stream, that exactly one instance at a time adds to.
//!
//! Every instance reads the stream and knows from it who is announced, so that any of them can go on. Nobody trusts a lease: each leader
//! writes under a term of its own, and its first act is an entry of that term, behind which the stream refuses the entries of every earlier
//! one. An entry's number is that of the last event in it, and it names the entry before it, so that whoever has missed one notices.
//!
//! Whoever is new, or has missed something, reads the *base*: who was announced at some entry, as the leader writes it down from time to
//! time. Of one that has missed something the difference is what it tells.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

pub(crate) use self::entry::{Base, Entry};
use super::record::{EntryId, MAX_NUMBER, Unread};
use crate::events::announcer::News;

/// How many entries the stream keeps.
pub(crate) const KEPT: usize = 2_000;

/// A base is written after so many entries, so that those after it are in the stream.
const BASE_ENTRIES: u64 = 500;

/// And after so long: it may have been lost.
const BASE_MS: u64 = 60_000;

/// But so soon, where somebody has not got as far as the last one: they may wait for it in vain.
const BEHIND_MS: u64 = 5_000;

/// Most events in one entry.
pub(crate) const MOST: usize = 1_000;

/// By how many numbers terms that follow the same one may differ.
const STRIDES: u64 = 4_096;

/// How long somebody new waits for the others to show themselves before it takes an empty log for a new one.
const PATIENCE_MS: u64 = 3_000;

/// How long nobody may know who is announced before somebody goes on from what it knows.
const STUCK_MS: u64 = 15_000;

/// What has been announced, as it is to be told here.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The name of the instance that announced it.
    pub(crate) by: Arc<str>,
    /// The term it belongs to: the epoch of the events.
    pub(crate) term: u64,
    /// When it was noticed, by that instance's clock.
    pub(crate) at: u64,
    /// Who has come and who has left, each with its number. After a gap all have the number of the last that was missed.
    pub(crate) news: Vec<(u64, News)>,
    pub(crate) age: Age,
}

/// Whom it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Everybody here.
    New,
    /// It was announced before this instance came. Only the [announcer](crate::events::announcer) is to know.
    Before,
}

/// Users' ids are not for a log.
impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} events of {} in term {}", self.news.len(), self.by, self.term)
    }
}

/// What a leader adds: `XADD` under this very id, with [`KEPT`] as `MAXLEN ~`. When Redis refuses the id there is another leader; read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Append {
    pub(crate) id: EntryId,
    pub(crate) entry: Entry,
}

/// The log as one instance knows it.
#[derive(Debug)]
pub(crate) struct Log {
    /// The last entry that was read.
    cursor: EntryId,
    /// The last entry that was seen, also where it could not be taken.
    seen: EntryId,
    announced: HashSet<Arc<str>>,
    footing: Footing,
    /// The first entry of the term that this instance has claimed.
    claimed: Option<EntryId>,
    base: Written,
}

/// What is known of what came before the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Footing {
    /// Nothing yet.
    New {
        since: u64,
        stream: Stream,
    },
    /// All of it, and it happened before this instance came.
    CatchingUp,
    Sound,
    /// Something was missed.
    Lost {
        since: u64,
    },
}

/// What somebody new has seen of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Unread,
    /// Nothing was in it: an entry that begins the log was announced afterwards.
    Empty,
}

/// The last base that this instance wrote in its term.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    at: Option<(EntryId, u64)>,
    entries: u64,
}

impl Log {
    pub(crate) fn new(now: u64) -> Self {
        Self {
            cursor: EntryId::default(),
            seen: EntryId::default(),
            announced: HashSet::new(),
            footing: Footing::New { since: now, stream: Stream::Unread },
            claimed: None,
            base: Written::default(),
        }
    }

    /// Entries behind this one are to be read next. A leader reads from this one on, itself included; see [`holds`](Self::holds).
    pub(crate) fn cursor(&self) -> EntryId {
        self.cursor
    }

    /// Who is announced, as far as was read.
    pub(crate) fn announced(&self) -> &HashSet<Arc<str>> {
        &self.announced
    }

    /// Whether the base is to be read before the next entries. Who has seen the stream empty reads it from its beginning, as long as it has
    /// one: what is in the base would be no news.
    pub(crate) fn needs_base(&self) -> bool {
        matches!(self.footing, Footing::New { stream: Stream::Unread, .. } | Footing::Lost { .. })
    }

    /// Takes the base, where it leads further. Returns what was missed.
    pub(crate) fn base(&mut self, base: Base) -> Option<Told> {
        if !self.needs_base() || base.at < self.cursor {
            return None;
        }
        let Base { at, by, time, users } = base;
        let before = std::mem::replace(&mut self.announced, users);
        self.cursor = at;
        self.footing = match self.footing {
            Footing::New { .. } => Footing::CatchingUp,
            _ => Footing::Sound,
        };
        let left = before.difference(&self.announced).cloned().map(News::Left);
        let came = self.announced.difference(&before).cloned().map(News::Came);
        let news: Vec<_> = came.chain(left).map(|news| (at.seq, news)).collect();
        (!news.is_empty()).then(|| Told { by, term: at.term, at: time, news, age: self.age() })
    }

    /// Takes entries as they are in the stream. Returns what they tell.
    pub(crate) fn read(&mut self, entries: Vec<(EntryId, Result<Entry, Unread>)>, end: End, now: u64) -> Vec<Told> {
        let mut told = Vec::new();
        if let Footing::New { stream, .. } = &mut self.footing
            && entries.is_empty()
            && end == End::Reached
        {
            *stream = Stream::Empty;
        }
        for (id, entry) in entries {
            if id <= self.cursor {
                continue;
            }
            self.seen = self.seen.max(id);
            let entry = match entry {
                Ok(entry) => entry,
                // All skip it alike.
                Err(Unread::Damaged) if !matches!(self.footing, Footing::Lost { .. }) => {
                    self.cursor = id;
                    continue;
                }
                Err(Unread::Damaged | Unread::TooNew) => {
                    self.lose(now);
                    continue;
                }
            };
            let is_own_claim = self.claimed == Some(id);
            let follows = entry.after == self.cursor && !matches!(self.footing, Footing::Lost { .. });
            if !follows && !is_own_claim {
                // It may be that nobody knows what was before; then one goes on from what it knows.
                self.lose(now);
                continue;
            }
            match self.footing {
                // The log's first entry, or a base that nobody could read any more.
                Footing::New { stream: Stream::Unread, .. } => self.footing = Footing::CatchingUp,
                Footing::New { stream: Stream::Empty, .. } => self.footing = Footing::Sound,
                Footing::Lost { .. } => self.footing = Footing::Sound,
                Footing::CatchingUp | Footing::Sound => {}
            }
            if is_own_claim && self.footing == Footing::CatchingUp {
                self.footing = Footing::Sound;
            }
            let news = self.fold(id, &entry);
            if !news.is_empty() {
                told.push(Told { by: entry.by, term: id.term, at: entry.at, news, age: self.age() });
            }
        }
        if end == End::Reached && self.footing == Footing::CatchingUp {
            self.footing = Footing::Sound;
        }
        told
    }

    /// Whether this instance may try for the lease. `others` is the furthest that any other has read; it must be settled who there is and
    /// who is here, and the stream read to its end.
    pub(crate) fn may_lead(&self, others: EntryId, now: u64) -> bool {
        match self.footing {
            Footing::Sound => self.cursor >= others,
            Footing::CatchingUp => false,
            Footing::New { since, .. } => {
                let wait = if others == EntryId::default() { PATIENCE_MS } else { STUCK_MS };
                now.saturating_sub(since) >= wait
            }
            Footing::Lost { since } => now.saturating_sub(since) >= STUCK_MS,
        }
    }

    /// The first act of a leader, once it has the lease: the entry of a new term. It leads when it has read that entry.
    pub(crate) fn claim(&mut self, by: &Arc<str>, others: EntryId, now: u64) -> Append {
        // The time makes it new even where nobody knows the terms before. Where Redis has lost a term, two could count to the same one and
        // mean another: so none is simply the next.
        let newest = self.seen.max(others).term.max(self.cursor.term).max(now);
        let id = EntryId { term: (newest + 1 + stride(by, now)).min(MAX_NUMBER), seq: 0 };
        self.claimed = Some(id);
        self.base = Written::default();
        Append { id, entry: Entry { by: by.clone(), after: self.cursor, at: now, came: Vec::new(), left: Vec::new() } }
    }

    /// This instance does not lead any more: the lease is not its own, or its entries are not there.
    pub(crate) fn resign(&mut self) {
        self.claimed = None;
    }

    /// Whether the last entry is one of this instance's own term.
    pub(crate) fn leads(&self) -> bool {
        self.footing == Footing::Sound && self.claimed.is_some_and(|claimed| claimed.term == self.cursor.term)
    }

    /// Whether the stream still has what this leader has read, given the first entry from its cursor on. Where not, Redis has lost
    /// something: resign and claim again.
    pub(crate) fn holds(&self, first: Option<EntryId>) -> bool {
        first == Some(self.cursor)
    }

    /// What a leader adds to have this said. Nothing where all of it has been said. One at a time: read it before the next.
    pub(crate) fn append(&self, news: &[News], by: &Arc<str>, now: u64) -> Option<Append> {
        if !self.leads() {
            return None;
        }
        let (mut came, mut left) = (Vec::new(), Vec::new());
        let mut said = HashSet::new();
        for news in news.iter().take(MOST) {
            match news {
                News::Came(user) if !self.announced.contains(user) && said.insert(user) => came.push(user.clone()),
                News::Left(user) if self.announced.contains(user) && said.insert(user) => left.push(user.clone()),
                News::Came(_) | News::Left(_) => {}
            }
        }
        let count = said.len() as u64;
        let id = EntryId { seq: self.cursor.seq + count, ..self.cursor };
        (count > 0).then(|| Append { id, entry: Entry { by: by.clone(), after: self.cursor, at: now, came, left } })
    }

    /// Who is announced, to be written down by the leader where that is due: `DEL` and `HSET` in one transaction. Call
    /// [`base_written`](Self::base_written) after it. `least` is how far that one of the others has read which has read least, where there are
    /// others.
    pub(crate) fn due_base(&self, by: &Arc<str>, least: Option<EntryId>, now: u64) -> Option<Base> {
        let due = self.base.at.is_none_or(|(at, written)| {
            let wait = if least.is_some_and(|least| least < at) { BEHIND_MS } else { BASE_MS };
            self.base.entries >= BASE_ENTRIES || now.saturating_sub(written) >= wait
        });
        let base = || Base { at: self.cursor, by: by.clone(), time: now, users: self.announced.clone() };
        (self.leads() && due).then(base)
    }

    /// The base of this entry was written.
    pub(crate) fn base_written(&mut self, at: EntryId, now: u64) {
        self.base = Written { at: Some((at, now)), entries: 0 };
    }

    fn age(&self) -> Age {
        if self.footing == Footing::CatchingUp { Age::Before } else { Age::New }
    }

    fn lose(&mut self, now: u64) {
        match self.footing {
            Footing::New { since, .. } => self.footing = Footing::New { since, stream: Stream::Unread },
            Footing::Lost { .. } => {}
            Footing::CatchingUp => self.footing = Footing::New { since: now, stream: Stream::Unread },
            Footing::Sound => self.footing = Footing::Lost { since: now },
        }
    }

    /// What everybody knows already is not told again, so that for each user the events alternate whatever the entries say.
    fn fold(&mut self, id: EntryId, entry: &Entry) -> Vec<(u64, News)> {
        self.cursor = id;
        self.base.entries += 1;
        let count = (entry.came.len() + entry.left.len()) as u64;
        let came = entry.came.iter().cloned().map(News::Came);
        let left = entry.left.iter().cloned().map(News::Left);
        let numbered = (id.seq.saturating_sub(count) + 1..).zip(came.chain(left));
        numbered
            .filter(|(_, news)| match news {
                News::Came(user) => self.announced.insert(user.clone()),
                News::Left(user) => self.announced.remove(user),
            })
            .collect()
    }
}

/// A number that differs by who claims and when, of a few seconds at most.
fn stride(by: &str, now: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (by, now).hash(&mut hasher);
    hasher.finish() % STRIDES
}

/// Whether what was read of the stream reaches to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Reached,
    /// There may be more.
    Ahead,
}
