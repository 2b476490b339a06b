//! What instances write for each other, as bytes: the head of each, the fields of its sections, hints, orders, the log.
//!
//! Everything that is read was written by another process, perhaps by another version of this one, perhaps by nobody's friend. What is
//! unknown is ignored; what is damaged costs itself and nothing else; lengths and numbers have bounds, so that sums can't overflow.

pub(crate) mod field;
pub(crate) mod hint;
pub(crate) mod letter;
pub(crate) mod target;

use std::str::FromStr;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::exchange::Wants;
use crate::instance::InstanceId;

/// The format that this program writes. Fields are only added to it.
pub(crate) const FORMAT: u32 = 1;

/// The oldest format whose readers understand what this program writes.
pub(crate) const MIN: u32 = 1;

/// Longest name of an instance, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 128;

/// Longest text of any other kind: a build, a route, a user.
pub(crate) const MAX_TEXT_BYTES: usize = 1_024;

/// Longest message and longest value, in bytes.
pub(crate) const MAX_RECORD_BYTES: usize = 8 << 20;

/// Highest count that is believed: sums of many of them still fit.
pub(crate) const MAX_COUNT: u64 = 1 << 40;

/// Highest other number: what JSON holds exactly everywhere.
pub(crate) const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Why a record is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// Whoever wrote it says that this program is too old for it.
    #[error("a record is in a newer format; update this instance")]
    TooNew,
    #[error("a record is damaged")]
    Damaged,
}

/// The parts of what an instance shares. Each is a hash of its own and is numbered by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Section {
    /// Counts, users, and what the instance knows of builds and invalidations.
    Figures,
    /// Its connections one by one, while somebody wants them.
    Rows,
}

impl Section {
    pub(crate) const ALL: [Self; 2] = [Self::Figures, Self::Rows];

    /// The last part of its key.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Figures => "figures",
            Self::Rows => "rows",
        }
    }
}

/// Which state of a section is the newest, and how many fields it has: who has read another number of them has read something else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) seq: u64,
    pub(crate) len: u64,
}

/// What an instance says of itself. It lives a few seconds and is rewritten all the time: that it is there is the only sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    /// The format it is in.
    pub(crate) v: u32,
    /// The oldest format whose readers understand the instance.
    pub(crate) min: u32,
    pub(crate) id: InstanceId,
    /// Which of its heads this is, so that no two are the same bytes.
    pub(crate) nth: u64,
    /// Part of the ids of its connections, and the name of the channel it hears on.
    pub(crate) tag: u32,
    /// The build that it was started with.
    #[serde(default)]
    pub(crate) build: String,
    /// The program's version.
    #[serde(default)]
    pub(crate) server: String,
    #[serde(default)]
    pub(crate) connections: u64,
    #[serde(default)]
    pub(crate) users: u64,
    #[serde(default)]
    pub(crate) wants_rows: bool,
    #[serde(default)]
    pub(crate) wants_events: bool,
    pub(crate) figures: Mark,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<Mark>,
    /// How far it has read the log of users' events.
    #[serde(default)]
    pub(crate) log: EntryId,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the head of one instance.
    ///
    /// # Errors
    ///
    /// When it can't be used; it may be another instance's, too.
    pub(crate) fn decode(bytes: &[u8], id: &InstanceId) -> Result<Self, Unread> {
        let head: Self = decode(bytes)?;
        if head.id == *id { head.checked() } else { Err(Unread::Damaged) }
    }

    fn checked(self) -> Result<Self, Unread> {
        let texts = [&self.build, &self.server].iter().all(|text| text.len() <= MAX_TEXT_BYTES);
        let marks = [Some(self.figures), self.rows].into_iter().flatten();
        let mut numbers = marks.flat_map(|mark| [mark.seq, mark.len]).chain([self.nth, self.connections, self.users]);
        if texts && numbers.all(|number| number <= MAX_NUMBER) { Ok(self) } else { Err(Unread::Damaged) }
    }

    pub(crate) fn wants(&self) -> Wants {
        Wants { rows: self.wants_rows, events: self.wants_events }
    }

    /// Where a section is, if it is shared at all.
    pub(crate) fn mark(&self, section: Section) -> Option<Mark> {
        match section {
            Section::Figures => Some(self.figures),
            Section::Rows => self.rows,
        }
    }
}

/// The place of an entry in the log of users' events: an id of a Redis stream. Its first part is the term of a leader, its second the number
/// of the last event in the entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EntryId {
    pub(crate) term: u64,
    pub(crate) seq: u64,
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.term, self.seq)
    }
}

impl FromStr for EntryId {
    type Err = Unread;

    fn from_str(text: &str) -> Result<Self, Unread> {
        let (term, seq) = text.split_once('-').ok_or(Unread::Damaged)?;
        Ok(Self { term: number(term)?, seq: number(seq)? })
    }
}

impl Serialize for EntryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// `NAME/EPOCH`, as in keys.
impl FromStr for InstanceId {
    type Err = Unread;

    fn from_str(text: &str) -> Result<Self, Unread> {
        let (name, epoch) = text.rsplit_once('/').ok_or(Unread::Damaged)?;
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(Unread::Damaged);
        }
        Ok(Self { name: name.into(), epoch: number(epoch)? })
    }
}

impl Serialize for InstanceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A number as we write it: `+7` and `007` would be second names of one thing.
fn number(text: &str) -> Result<u64, Unread> {
    let number: u64 = text.parse().map_err(|_| Unread::Damaged)?;
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    if canonical && number <= MAX_NUMBER { Ok(number) } else { Err(Unread::Damaged) }
}

/// A record as JSON. Ours have only keys that are text, so that this does not fail.
pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

/// The only field that is looked at before a record is read.
#[derive(Deserialize)]
struct Readable {
    #[serde(default)]
    min: u32,
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unread> {
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(Unread::Damaged);
    }
    let readable: Readable = serde_json::from_slice(bytes).map_err(|_| Unread::Damaged)?;
    if readable.min > FORMAT {
        return Err(Unread::TooNew);
    }
    serde_json::from_slice(bytes).map_err(|_| Unread::Damaged)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn id(name: &str, epoch: u64) -> InstanceId {
        InstanceId { name: name.into(), epoch }
    }

    pub(crate) fn head(id: &InstanceId, seq: u64, len: u64) -> Head {
        Head {
            v: FORMAT,
            min: MIN,
            id: id.clone(),
            nth: seq,
            tag: 7,
            build: "b1".into(),
            server: "0".into(),
            connections: 0,
            users: 0,
            wants_rows: false,
            wants_events: false,
            figures: Mark { seq, len },
            rows: None,
            log: EntryId::default(),
        }
    }

    proptest! {
        #[test]
        fn a_head_survives_a_round_trip(name in "\\PC{1,20}", epoch in 0..=MAX_NUMBER, seq in 0..=MAX_NUMBER, rows: bool, tag: u32) {
            let id = id(&name, epoch);
            let log = EntryId { term: epoch, seq };
            let rows = rows.then_some(Mark { seq: 1, len: 2 });
            let head = Head { rows, tag, log, wants_events: rows.is_some(), ..head(&id, seq, 3) };
            prop_assert_eq!(Head::decode(&head.encode(), &id), Ok(head));
        }

        #[test]
        fn an_instance_has_one_name(text in "[a-z/]{0,3}/[0-9+]{0,4}") {
            if let Ok(id) = text.parse::<InstanceId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn a_head_that_is_too_new_is_told_from_a_damaged_one() {
        let id = id("web-1", 5);
        let text = String::from_utf8(head(&id, 1, 1).encode()).unwrap();
        let newer = text.replace(r#""v":1"#, r#""v":9,"more":{"x":[]}"#);
        assert!(Head::decode(newer.as_bytes(), &id).is_ok(), "{newer}");
        let too_new = newer.replace(r#""min":1"#, r#""min":2"#).replace("figures", "numbers");
        assert_eq!(Head::decode(too_new.as_bytes(), &id), Err(Unread::TooNew));
        assert_eq!(Head::decode(b"{}", &id), Err(Unread::Damaged));
        assert_eq!(Head::decode(text.as_bytes(), &super::tests::id("web-2", 5)), Err(Unread::Damaged));
        let vast = text.replace(r#""seq":1"#, r#""seq":18446744073709551615"#);
        assert_eq!(Head::decode(vast.as_bytes(), &id), Err(Unread::Damaged));
    }
}
