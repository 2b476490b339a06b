//! A Redis of the model: values that expire, and a stream that takes ids in order.

use std::collections::{BTreeMap, BTreeSet};

use crate::instance::InstanceId;
use crate::presence::record::{EntryId, Section};
use crate::presence::writer::{Found, HEAD_LIFE_MS, SECTION_LIFE_MS, Transaction, Write};

type Hash = BTreeMap<String, String>;

#[derive(Debug, Clone, Default)]
pub(super) struct Redis {
    pub(super) names: BTreeSet<InstanceId>,
    heads: BTreeMap<InstanceId, (Vec<u8>, u64)>,
    sections: BTreeMap<(InstanceId, Section), (Hash, u64)>,
    pub(super) stream: Vec<(EntryId, Vec<u8>)>,
    pub(super) base: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) lease: Option<(InstanceId, u64)>,
}

impl Redis {
    pub(super) fn expire(&mut self, now: u64) {
        self.heads.retain(|_, (_, until)| *until > now);
        self.sections.retain(|_, (hash, until)| *until > now && !hash.is_empty());
        self.lease = self.lease.take().filter(|(_, until)| *until > now);
    }

    pub(super) fn head(&self, id: &InstanceId) -> Option<Vec<u8>> {
        self.heads.get(id).map(|(head, _)| head.clone())
    }

    pub(super) fn fields(&self, id: &InstanceId, section: Section) -> Vec<(Vec<u8>, Vec<u8>)> {
        let fields = self.sections.get(&(id.clone(), section)).into_iter().flat_map(|(hash, _)| hash);
        fields.map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes())).collect()
    }

    pub(super) fn run(&mut self, id: &InstanceId, transaction: &Transaction, now: u64) -> Found {
        let len = |section| self.sections.get(&(id.clone(), section)).map_or(0, |(hash, _)| hash.len() as u64);
        let found = Found { head: self.head(id), figures: len(Section::Figures), rows: len(Section::Rows) };
        for (section, write) in [(Section::Figures, &transaction.figures), (Section::Rows, &transaction.rows)] {
            let key = (id.clone(), section);
            match write {
                Write::Nothing => {}
                Write::Changes { set, del } => {
                    let (hash, _) = self.sections.entry(key).or_insert((Hash::new(), u64::MAX));
                    hash.extend(set.iter().cloned());
                    hash.retain(|name, _| !del.contains(name));
                }
                Write::Whole(set) => {
                    self.sections.insert(key, (set.iter().cloned().collect(), now + SECTION_LIFE_MS));
                }
                Write::Gone => drop(self.sections.remove(&key)),
            }
        }
        self.heads.insert(id.clone(), (transaction.head.clone(), now + HEAD_LIFE_MS));
        self.names.insert(id.clone());
        found
    }

    /// One key is lost.
    pub(super) fn evict(&mut self, id: &InstanceId) {
        self.sections.remove(&(id.clone(), Section::Figures));
    }

    /// An instance takes its keys away.
    pub(super) fn remove(&mut self, id: &InstanceId) {
        self.names.remove(id);
        self.heads.remove(id);
        self.sections.retain(|(of, _), _| of != id);
    }

    /// `XADD` under an id.
    pub(super) fn append(&mut self, id: EntryId, entry: &[u8]) -> bool {
        let fits = self.stream.last().is_none_or(|(last, _)| *last < id);
        if fits {
            self.stream.push((id, entry.to_vec()));
        }
        fits
    }
}
