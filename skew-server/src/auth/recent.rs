//! What was found out about texts that were sent, within a bound.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

pub(super) type Digest = [u8; 32];

pub(super) fn digest_of(text: &str) -> Digest {
    let mut key = Digest::default();
    key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    key
}

/// Forgets what was not looked at for longest, in halves: whatever is looked at moves to the newer one, and when that is full it becomes
/// the older one.
#[derive(Debug)]
pub(super) struct Recent<V> {
    half: usize,
    newer: HashMap<Digest, V>,
    older: HashMap<Digest, V>,
}

impl<V: Clone> Recent<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { half: (most / 2).max(1), newer: HashMap::new(), older: HashMap::new() }
    }

    pub(super) fn get(&mut self, key: &Digest) -> Option<V> {
        if let Some(value) = self.newer.get(key) {
            return Some(value.clone());
        }
        let value = self.older.remove(key)?;
        self.insert(*key, value.clone());
        Some(value)
    }

    pub(super) fn insert(&mut self, key: Digest, value: V) {
        if self.newer.len() >= self.half {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, value);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.newer.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_at_outlives_what_is_not() {
        let mut recent = Recent::new(8);
        recent.insert(digest_of("looked at"), 0);
        for n in 1..1000 {
            recent.insert(digest_of(&n.to_string()), n);
            assert_eq!(recent.get(&digest_of("looked at")), Some(0));
            assert!(recent.len() <= 8);
        }
        assert_eq!(recent.get(&digest_of("1")), None);
        assert_eq!(recent.get(&digest_of("999")), Some(999));
    }
}
