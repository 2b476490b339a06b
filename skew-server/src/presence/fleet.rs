//! The other instances, as this one knows them: what each has last said of itself, and whether it is heard from.
//!
//! Values are the truth and hints are only faster. A hint that fits is applied; one that does not, or a head with another number than what
//! is known here, leads to reading the section whole. Whether an instance lives is said by Redis alone, which lets the head of a dead one
//! expire: clocks are not compared. While Redis does not answer nobody is dropped.
//!
//! All times are milliseconds since 1970 by a clock that only goes forward while the process runs.

mod entry;
mod kept;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use skew_proto::{Instance, InstanceState, Partial};

use self::entry::{Entry, Face};
use self::kept::Change;
use self::sums::Sums;
use super::exchange::{Elsewhere, FleetNow, Wants};
use super::knowledge::Knowledge;
use super::record::field::Names;
use super::record::hint::Hint;
use super::record::{EntryId, Head, Section, Unread};
use crate::instance::InstanceId;

/// An instance whose head is missing in every look for so long, while Redis answers, is gone.
pub(crate) const MISSING_MS: u64 = 3_000;

/// Looks that are further apart say nothing of the time between them.
const PAUSE_MS: u64 = 2_500;

/// How long a head may differ from what is known here before the section is read: a hint may be under way.
const DIFFERS_MS: u64 = 1_000;

/// How long an instance may be new, or behind, without being called silent.
const UNREAD_MS: u64 = 3_000;

/// A name whose head is missing for so long may be taken from the list of instances by anybody.
const DEPARTED_MS: u64 = 60_000;

/// Instances that are kept track of.
const INSTANCES: usize = 1_000;

/// The other instances.
#[derive(Debug)]
pub(crate) struct Fleet {
    me: InstanceId,
    entries: BTreeMap<InstanceId, Entry>,
    line: Line,
    looked_at: Option<u64>,
    rows_wanted: bool,
    told: Option<FleetNow>,
    departed: HashMap<InstanceId, u64>,
    heard: Heard,
}

/// What has come in and was not taken yet.
#[derive(Debug, Default)]
struct Heard {
    sums: Sums,
    knowledge: Vec<Knowledge>,
    names: Names,
    damaged: u64,
}

/// Whether Redis answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// It does not, since then.
    Away {
        since: u64,
    },
    /// It does again, since `at`, and not all was read yet.
    Back {
        since: u64,
        at: u64,
        looked: bool,
    },
    Fine,
}

impl Fleet {
    /// Nobody is known, and Redis has not answered yet.
    pub(crate) fn new(me: InstanceId, now: u64) -> Self {
        Self {
            me,
            entries: BTreeMap::new(),
            line: Line::Away { since: now },
            looked_at: None,
            rows_wanted: false,
            told: None,
            departed: HashMap::new(),
            heard: Heard::default(),
        }
    }

    /// Redis does not answer. May be called again and again.
    pub(crate) fn away(&mut self, now: u64) {
        let since = match self.line {
            Line::Away { since } | Line::Back { since, .. } => since,
            Line::Fine => now,
        };
        self.line = Line::Away { since };
        for entry in self.entries.values_mut() {
            entry.away(now);
        }
    }

    /// Redis answers. Call it before the first look after a time away; otherwise it changes nothing.
    pub(crate) fn back(&mut self, now: u64) {
        if let Line::Away { since } = self.line {
            self.line = Line::Back { since, at: now, looked: false };
            self.looked_at = None;
        }
    }

    /// An instance has said what it has written.
    pub(crate) fn hint(&mut self, hint: Hint, now: u64) {
        match hint {
            Hint::Written(head, mut deltas) => {
                deltas.retain(|delta| delta.section == Section::Figures || self.rows_wanted);
                if let Some((entry, heard)) = self.entry(&head.id.clone(), now) {
                    entry.hint(*head, deltas, heard, now);
                }
            }
            Hint::Gone(id) => self.remove(&id),
            Hint::Log => {}
        }
    }

    /// A look at all heads: those of every instance in the list, as they are in Redis now.
    pub(crate) fn heads(&mut self, looked: Vec<(InstanceId, Option<Vec<u8>>)>, now: u64) {
        if self.looked_at.is_none_or(|at| now.saturating_sub(at) > PAUSE_MS) {
            self.entries.values_mut().for_each(Entry::forget_misses);
        }
        self.looked_at = Some(now);
        let mut missing: HashSet<InstanceId> = self.entries.keys().cloned().collect();
        let mut departed = HashMap::new();
        for (id, head) in looked {
            let head = head.map(|bytes| Head::decode(&bytes, &id));
            match head {
                Some(Ok(head)) => {
                    missing.remove(&id);
                    if let Some((entry, heard)) = self.entry(&id, now) {
                        entry.seen(head, heard, now);
                    }
                }
                Some(Err(Unread::TooNew)) => {
                    missing.remove(&id);
                    if let Some((entry, heard)) = self.entry(&id, now) {
                        entry.unreadable(heard, now);
                    }
                }
                // Its owner writes a damaged one anew, or does not live.
                Some(Err(Unread::Damaged)) => self.heard.damaged += 1,
                None => {
                    let since = self.departed.get(&id).copied().unwrap_or(now);
                    departed.insert(id, since);
                }
            }
        }
        self.departed = departed;
        for id in missing {
            if self.entries.get_mut(&id).is_some_and(|entry| entry.missed(now) >= MISSING_MS) {
                self.remove(&id);
            }
        }
        if let Line::Back { looked, .. } = &mut self.line {
            *looked = true;
        }
        self.settle(now);
    }

    /// Sections that are to be read now: the head and all fields in one transaction, for [`whole`](Self::whole). What was asked for is not
    /// asked for again for a second.
    pub(crate) fn wanted(&mut self, now: u64) -> Vec<(InstanceId, Section)> {
        if matches!(self.line, Line::Away { .. }) {
            return Vec::new();
        }
        let mut wanted = Vec::new();
        for (id, entry) in &mut self.entries {
            for section in Section::ALL {
                if (section == Section::Figures || self.rows_wanted) && entry.wants(section, now) {
                    wanted.push((id.clone(), section));
                }
            }
        }
        wanted
    }

    /// A section as it is in Redis, and the head that was there in the same moment.
    pub(crate) fn whole(
        &mut self,
        id: &InstanceId,
        section: Section,
        head: Option<&[u8]>,
        fields: Vec<(Vec<u8>, Vec<u8>)>,
        now: u64,
    ) {
        // An instance that is not known any more was dropped meanwhile, or has ended.
        let Some(entry) = self.entries.get_mut(id) else { return };
        let head = head.and_then(|bytes| Head::decode(bytes, id).ok());
        let mut changes = Vec::with_capacity(fields.len());
        let len = fields.len() as u64;
        for (name, value) in fields {
            let (Ok(name), Ok(value)) = (String::from_utf8(name), String::from_utf8(value)) else {
                self.heard.damaged += 1;
                continue;
            };
            changes.push(Change { name, value: Some(value) });
        }
        entry.whole(section, head, len, changes, &mut self.heard, now);
        if section == Section::Rows && !self.rows_wanted {
            entry.drop_rows(&mut self.heard);
        }
        self.settle(now);
    }

    /// Whether the connections of the others are to be known one by one.
    pub(crate) fn want_rows(&mut self, wanted: bool) {
        if self.rows_wanted && !wanted {
            for entry in self.entries.values_mut() {
                entry.drop_rows(&mut self.heard);
            }
        }
        self.rows_wanted = wanted;
    }

    /// What has changed since it was last taken; nothing where nothing has.
    pub(crate) fn take_elsewhere(&mut self, now: u64) -> Option<Elsewhere> {
        let fleet = self.now(now);
        let news = self.told.as_ref() != Some(&fleet);
        if !news && self.heard.sums.is_empty() {
            return None;
        }
        let fleet = news.then(|| {
            self.told = Some(FleetNow { instances: fleet.instances.clone(), partial: fleet.partial.clone(), ..fleet });
            fleet
        });
        Some(self.heard.sums.take(fleet))
    }

    /// What others know of builds and invalidations, as it has come in.
    pub(crate) fn take_knowledge(&mut self) -> Vec<Knowledge> {
        std::mem::take(&mut self.heard.knowledge)
    }

    /// Entries that could not be read, in all.
    pub(crate) fn damaged(&self) -> u64 {
        self.heard.damaged
    }

    /// What any of the others needs of this instance.
    pub(crate) fn wants(&self) -> Wants {
        let wants = self.readable().map(|(_, head)| head.wants());
        wants.fold(Wants::default(), |all, one| Wants { rows: all.rows || one.rows, events: all.events || one.events })
    }

    /// The instances that are there, by the tag of their connections.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (u32, &InstanceId)> {
        self.readable().map(|(id, head)| (head.tag, id))
    }

    /// How far that one of the others has read the log of users' events which has read most of it.
    pub(crate) fn log(&self) -> EntryId {
        self.readable().map(|(_, head)| head.log).max().unwrap_or_default()
    }

    /// The same of that one which has read least. Nothing where there are no others.
    pub(crate) fn least_log(&self) -> Option<EntryId> {
        self.readable().map(|(_, head)| head.log).min()
    }

    /// Whether all that is elsewhere is known here, as it is now: only then may this instance say who has left.
    pub(crate) fn is_settled(&self, now: u64) -> bool {
        let known = |entry: &Entry| entry.state(now).is_none_or(|(state, _)| state == InstanceState::Live);
        self.partial_by_line(now).is_none()
            && self.entries.values().all(|entry| known(entry) && (entry.is_read() || entry.head().is_none()))
    }

    /// Names in the list of instances that nobody has answered to for long. Each may be deleted by whoever notices: an instance that returns
    /// writes its own again.
    pub(crate) fn departed(&self, now: u64) -> Vec<InstanceId> {
        let long_gone = self.departed.iter().filter(|(_, since)| now.saturating_sub(**since) >= DEPARTED_MS);
        long_gone.map(|(id, _)| id.clone()).collect()
    }

    fn readable(&self) -> impl Iterator<Item = (&InstanceId, &Head)> {
        self.entries.iter().filter_map(|(id, entry)| Some((id, entry.head()?)))
    }

    /// Another instance, also one that is new.
    fn entry(&mut self, id: &InstanceId, now: u64) -> Option<(&mut Entry, &mut Heard)> {
        if *id == self.me || (!self.entries.contains_key(id) && self.entries.len() >= INSTANCES) {
            return None;
        }
        Some((self.entries.entry(id.clone()).or_insert_with(|| Entry::new(id.clone(), now)), &mut self.heard))
    }

    fn remove(&mut self, id: &InstanceId) {
        if let Some(mut entry) = self.entries.remove(id) {
            entry.clear(&mut self.heard);
        }
    }

    fn now(&self, now: u64) -> FleetNow {
        let mut fleet = FleetNow { rows_whole: self.rows_wanted, ..FleetNow::default() };
        let mut missing = Vec::new();
        let mut since = self.partial_by_line(now);
        for (id, entry) in &self.entries {
            let Some((state, state_since)) = entry.state(now) else { continue };
            if state != InstanceState::Live {
                missing.push(id.name.to_string());
                since = since.into_iter().chain(state_since).min();
            }
            fleet.rows_whole &= entry.has_rows();
            fleet.instances.push(instance(id, entry, state, state_since));
        }
        missing.dedup();
        fleet.partial = since.map(|since| Partial { instances: missing, since });
        fleet
    }

    fn settle(&mut self, now: u64) {
        if self.partial_by_line(now).is_none() {
            self.line = Line::Fine;
        }
    }

    /// Since when it is not known who there is, where it is not.
    fn partial_by_line(&self, now: u64) -> Option<u64> {
        match self.line {
            Line::Away { since } => Some(since),
            Line::Back { since, at, looked } => {
                let unread = self.entries.values().any(|entry| entry.head().is_some() && !entry.is_read());
                (!looked || (unread && now.saturating_sub(at) < UNREAD_MS)).then_some(since)
            }
            Line::Fine => None,
        }
    }
}

fn instance(id: &InstanceId, entry: &Entry, state: InstanceState, since: Option<u64>) -> Instance {
    let (connections, users) = entry.numbers();
    let (build, server) = match &entry.face {
        Face::Readable(head) => (head.build.clone(), head.server.clone()),
        Face::Unknown | Face::Unreadable { .. } => (String::new(), String::new()),
    };
    Instance { name: id.name.to_string(), epoch: id.epoch, build, server, connections, users, state, since }
}
