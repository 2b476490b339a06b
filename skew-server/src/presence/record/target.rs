//! Whom something is meant for, as JSON.

use serde::{Deserialize, Serialize};
use skew_proto::{MatchKind, RoutePattern};

use super::{MAX_TEXT_BYTES, Unread};
use crate::presence::exchange::Target;

/// [`Target`], as it is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TargetRecord {
    All,
    Route(Kind, String),
    User(String),
    Connection(String),
}

/// [`MatchKind`], with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Prefix,
    Exact,
    Segment,
    Regex,
}

/// A user's id is not for a log.
impl std::fmt::Debug for TargetRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Route(kind, pattern) => write!(f, "{kind:?} {pattern:?}"),
            Self::User(_) => f.write_str("a user"),
            Self::Connection(id) => write!(f, "connection {id:?}"),
        }
    }
}

impl From<&Target> for TargetRecord {
    fn from(target: &Target) -> Self {
        match target {
            Target::All => Self::All,
            Target::Route(pattern) => Self::Route(pattern.kind().into(), pattern.text().into()),
            Target::User(user) => Self::User((&**user).into()),
            Target::Connection(id) => Self::Connection(id.to_string()),
        }
    }
}

impl TargetRecord {
    /// Reads whom it is.
    ///
    /// # Errors
    ///
    /// When the pattern is none that this program can use, or the id is none.
    pub(crate) fn read(&self) -> Result<Target, Unread> {
        Ok(match self {
            Self::All => Target::All,
            Self::Route(kind, text) => {
                Target::Route(RoutePattern::new((*kind).into(), text).map_err(|_| Unread::Damaged)?)
            }
            Self::User(user) if user.len() > MAX_TEXT_BYTES => return Err(Unread::Damaged),
            Self::User(user) => Target::User(user.as_str().into()),
            Self::Connection(id) => Target::Connection(id.parse().map_err(|_| Unread::Damaged)?),
        })
    }
}

impl From<MatchKind> for Kind {
    fn from(kind: MatchKind) -> Self {
        match kind {
            MatchKind::Prefix => Self::Prefix,
            MatchKind::Exact => Self::Exact,
            MatchKind::Segment => Self::Segment,
            MatchKind::Regex => Self::Regex,
        }
    }
}

impl From<Kind> for MatchKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Prefix => Self::Prefix,
            Kind::Exact => Self::Exact,
            Kind::Segment => Self::Segment,
            Kind::Regex => Self::Regex,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PublicId;

    #[test]
    fn a_target_survives_a_round_trip() {
        let route = |kind| Target::Route(RoutePattern::new(kind, "/a").unwrap());
        let targets = MatchKind::ALL.map(route).into_iter();
        for target in targets.chain([Target::All, Target::User("ann".into()), Target::Connection(PublicId::random())]) {
            let record = TargetRecord::from(&target);
            let text = serde_json::to_string(&record).unwrap();
            let back: TargetRecord = serde_json::from_str(&text).unwrap();
            assert_eq!(TargetRecord::from(&back.read().unwrap()), record, "{text}");
            assert!(!format!("{record:?}").contains("ann"));
        }
        assert!(TargetRecord::Route(Kind::Regex, "(".into()).read().is_err());
        assert!(TargetRecord::Connection("7".into()).read().is_err());
    }
}
