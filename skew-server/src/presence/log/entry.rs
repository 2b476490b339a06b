//! An entry of the log, and a base of it, as they are written.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::record::{EntryId, FORMAT, MAX_NAME_BYTES, MAX_NUMBER, MAX_TEXT_BYTES, MIN, Unread, decode, encode};

/// Who came and who left. An entry is one field of the stream, named `e`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name of the leader.
    pub(crate) by: Arc<str>,
    /// The entry before it.
    pub(crate) after: EntryId,
    /// When it was noticed, by the leader's clock.
    pub(crate) at: u64,
    pub(crate) came: Vec<Arc<str>>,
    pub(crate) left: Vec<Arc<str>>,
}

/// Users' ids are not for a log.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} came, {} left after {}", self.came.len(), self.left.len(), self.after)
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    min: u32,
    by: String,
    after: EntryId,
    at: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    came: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left: Vec<String>,
}

impl Entry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let texts = |users: &[Arc<str>]| users.iter().map(|user| (**user).into()).collect();
        encode(&Wire {
            v: FORMAT,
            min: MIN,
            by: (*self.by).into(),
            after: self.after,
            at: self.at,
            came: texts(&self.came),
            left: texts(&self.left),
        })
    }

    /// Reads an entry.
    ///
    /// # Errors
    ///
    /// When it can't be used.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unread> {
        let Wire { by, after, at, came, left, .. } = decode(bytes)?;
        let texts = came.iter().chain(&left).all(|user| user.len() <= MAX_TEXT_BYTES);
        if !texts || by.len() > MAX_NAME_BYTES || at > MAX_NUMBER {
            return Err(Unread::Damaged);
        }
        let users = |users: Vec<String>| users.into_iter().map(Into::into).collect();
        Ok(Self { by: by.into(), after, at, came: users(came), left: users(left) })
    }
}

/// Who was announced at one entry.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) at: EntryId,
    /// The name of the leader that wrote it, and when by its clock.
    pub(crate) by: Arc<str>,
    pub(crate) time: u64,
    pub(crate) users: HashSet<Arc<str>>,
}

/// Users' ids are not for a log.
impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} users at {}", self.users.len(), self.at)
    }
}

/// The field of the base that is no user.
const HEAD: &str = "@";

#[derive(Serialize, Deserialize)]
struct BaseHead {
    v: u32,
    min: u32,
    at: EntryId,
    by: String,
    time: u64,
    len: u64,
}

impl Base {
    /// The fields of its hash.
    pub(crate) fn encode(&self) -> Vec<(String, Vec<u8>)> {
        let Self { at, by, time, users } = self;
        let head = BaseHead { v: FORMAT, min: MIN, at: *at, by: (**by).into(), time: *time, len: users.len() as u64 };
        let users = users.iter().map(|user| (format!("u:{user}"), Vec::new()));
        [(HEAD.into(), encode(&head))].into_iter().chain(users).collect()
    }

    /// Reads a base.
    ///
    /// # Errors
    ///
    /// When there is none, or not the whole of it.
    pub(crate) fn decode(fields: &[(Vec<u8>, Vec<u8>)]) -> Result<Self, Unread> {
        let head = fields.iter().find(|(name, _)| name == HEAD.as_bytes()).ok_or(Unread::Damaged)?;
        let BaseHead { at, by, time, len, .. } = decode(&head.1)?;
        let user = |name: &[u8]| Some(Arc::from(std::str::from_utf8(name).ok()?.strip_prefix("u:")?));
        let users: HashSet<Arc<str>> = fields.iter().filter_map(|(name, _)| user(name)).collect();
        let sound = users.len() as u64 == len && by.len() <= MAX_NAME_BYTES && time <= MAX_NUMBER;
        if sound && users.iter().all(|user| user.len() <= MAX_TEXT_BYTES) {
            Ok(Self { at, by: by.into(), time, users })
        } else {
            Err(Unread::Damaged)
        }
    }
}
