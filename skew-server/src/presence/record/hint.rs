//! What is published when something was written. Whoever misses it finds the same in the values.

use serde::{Deserialize, Serialize};

use super::{FORMAT, Head, MIN, Section, Unread, decode, encode};
use crate::instance::InstanceId;

/// What has changed in a section from one state to another. It says what is, not by how much it differs: whoever has any state from `since`
/// up to `seq` has that of `seq` after it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delta {
    pub(crate) section: Section,
    pub(crate) since: u64,
    pub(crate) seq: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) set: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) del: Vec<String>,
}

/// Names of fields are users' ids, too.
impl std::fmt::Debug for Delta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { section, since, seq, set, del } = self;
        write!(f, "{section:?} {since} to {seq}: {} set, {} gone", set.len(), del.len())
    }
}

/// A hint to all instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hint {
    /// An instance has written something. A section whose number has grown and of which there is no delta was written whole, and is to be
    /// read whole.
    Written(Box<Head>, Vec<Delta>),
    /// An instance has ended in order, and has taken its keys with it.
    Gone(InstanceId),
    /// There is more in the log of users' events.
    Log,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    min: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<Box<Head>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deltas: Vec<Delta>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<InstanceId>,
}

impl Hint {
    pub(crate) fn encode(self) -> Vec<u8> {
        let empty = Wire { v: FORMAT, min: MIN, head: None, deltas: Vec::new(), gone: None };
        encode(&match self {
            Self::Written(head, deltas) => Wire { head: Some(head), deltas, ..empty },
            Self::Gone(id) => Wire { gone: Some(id), ..empty },
            Self::Log => empty,
        })
    }

    /// Reads a hint.
    ///
    /// # Errors
    ///
    /// When it can't be used.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unread> {
        let Wire { head, deltas, gone, .. } = decode(bytes)?;
        match (head, gone) {
            (Some(head), _) => Ok(Self::Written(Box::new(head.checked()?), deltas)),
            (None, Some(id)) => Ok(Self::Gone(id)),
            (None, None) => Ok(Self::Log),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{head, id};
    use super::*;

    proptest! {
        #[test]
        fn a_hint_survives_a_round_trip(set in prop::collection::vec(("\\PC*", "\\PC*"), 0..4), del in prop::collection::vec("\\PC*", 0..4)) {
            let id = id("web/1", 3);
            let delta = Delta { section: Section::Figures, since: 3, seq: 4, set, del };
            for hint in [Hint::Written(Box::new(head(&id, 4, 2)), vec![delta]), Hint::Gone(id), Hint::Log] {
                prop_assert_eq!(Hint::decode(&hint.clone().encode()), Ok(hint));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60), at: prop::sample::Index, byte: u8) {
            let _ = Hint::decode(&bytes);
            let mut hint = Hint::Written(Box::new(head(&id("web-1", 3), 4, 2)), Vec::new()).encode();
            let at = at.index(hint.len());
            hint[at] = byte;
            let _ = Hint::decode(&hint);
        }
    }
}
