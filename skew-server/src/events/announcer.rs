//! Who is here against who is said to be here, and from that who is to be said to have come or left.
//!
//! A user comes at once and leaves when they have been gone for a moment, so that a reload is neither. For each user it is said that they
//! came, left, came, and so on: never the same twice. Whoever came is said to have come, also where they are gone before it is said.
//!
//! What is due is only told here. It counts as said once it is [committed](Announcer::commit), by whoever has said it: it may be said by
//! another process, and saying it may fail.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Whether somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Here,
    Gone,
}

/// What is said of a user.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum News {
    Came(Arc<str>),
    Left(Arc<str>),
}

/// Users' ids are not for a log.
impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Came(_) => "Came(…)",
            Self::Left(_) => "Left(…)",
        })
    }
}

impl News {
    fn user(&self) -> &Arc<str> {
        match self {
            Self::Came(user) | Self::Left(user) => user,
        }
    }
}

/// A time in milliseconds, by any clock that is the same for all calls and does not go back.
type Ms = u64;

/// Where a user stands who is here, or is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Here, and it is not said yet.
    New { came: Ms },
    /// Here, and it is said.
    Known,
    /// Gone before it was said that they came: both are still to be said.
    Missed { came: Ms, leaves: Ms },
    /// Gone, and said to be here.
    Leaving { leaves: Ms },
}

impl Standing {
    /// When the next thing about them is to be said.
    fn due(self) -> Option<Ms> {
        match self {
            Self::New { came } | Self::Missed { came, .. } => Some(came),
            Self::Leaving { leaves } => Some(leaves),
            Self::Known => None,
        }
    }
}

/// Decides who is to be announced. See the module.
pub(crate) struct Announcer {
    users: HashMap<Arc<str>, Standing>,
    /// Those of whom something is to be said, by when.
    due: BTreeSet<(Ms, Arc<str>)>,
    grace: Ms,
}

impl fmt::Debug for Announcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcer")
            .field("users", &self.users.len())
            .field("due", &self.due.len())
            .finish_non_exhaustive()
    }
}

impl Announcer {
    /// Nobody is here and nobody is said to be. Who is gone for as long as `grace` has left.
    pub(crate) fn new(grace: Duration) -> Self {
        let mut announcer = Self { users: HashMap::new(), due: BTreeSet::new(), grace: 0 };
        announcer.set_grace(grace);
        announcer
    }

    /// Changes the grace for those who go from now on.
    pub(crate) fn set_grace(&mut self, grace: Duration) {
        self.grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
    }

    /// Somebody is here, or is not any more. To hear what is known already changes nothing.
    pub(crate) fn note(&mut self, user: &Arc<str>, presence: Presence, now: Ms) {
        use Standing::{Known, Leaving, Missed, New};
        let leaves = now.saturating_add(self.grace);
        let standing = self.users.get(user).copied();
        let next = match (presence, standing) {
            (Presence::Here, None) => New { came: now },
            (Presence::Here, Some(Missed { came, .. })) => New { came },
            (Presence::Here, Some(Leaving { .. })) => Known,
            (Presence::Gone, Some(New { came })) => Missed { came, leaves },
            (Presence::Gone, Some(Known)) => Leaving { leaves },
            (Presence::Here, Some(New { .. } | Known))
            | (Presence::Gone, None | Some(Missed { .. } | Leaving { .. })) => {
                return;
            }
        };
        self.stand(user, Some(next));
    }

    /// What is to be said now, in order, at most so much of it. It stays due until it is committed; of a user there is only the next thing.
    pub(crate) fn due(&self, now: Ms, most: usize) -> Vec<News> {
        let due = self.due.iter().take_while(|(due, _)| *due <= now).take(most);
        due.filter_map(|(_, user)| match self.users.get(user)? {
            Standing::New { .. } | Standing::Missed { .. } => Some(News::Came(user.clone())),
            Standing::Leaving { .. } => Some(News::Left(user.clone())),
            Standing::Known => None,
        })
        .collect()
    }

    /// When there is next something to be said.
    pub(crate) fn next_due(&self) -> Option<Ms> {
        self.due.first().map(|(due, _)| *due)
    }

    /// This has been said, by whomever. What has been said already changes nothing.
    pub(crate) fn commit(&mut self, news: &News, now: Ms) {
        use Standing::{Known, Leaving, Missed, New};
        let user = news.user();
        let next = match (news, self.users.get(user).copied()) {
            (News::Came(_), Some(New { .. })) => Some(Known),
            (News::Came(_), Some(Missed { leaves, .. })) => Some(Leaving { leaves }),
            // Said by somebody who knows them to be here. If they are not, they have left.
            (News::Came(_), None) => Some(Leaving { leaves: now.saturating_add(self.grace) }),
            (News::Left(_), Some(Known)) => Some(New { came: now }),
            (News::Left(_), Some(Leaving { .. })) => None,
            (News::Came(_), Some(Known | Leaving { .. }))
            | (News::Left(_), None | Some(New { .. } | Missed { .. })) => {
                return;
            }
        };
        self.stand(user, next);
    }

    fn stand(&mut self, user: &Arc<str>, next: Option<Standing>) {
        let before = match next {
            Some(next) => self.users.insert(user.clone(), next),
            None => self.users.remove(user),
        };
        if let Some(due) = before.and_then(Standing::due) {
            self.due.remove(&(due, user.clone()));
        }
        if let Some(due) = next.and_then(Standing::due) {
            self.due.insert((due, user.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
