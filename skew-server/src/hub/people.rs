//! Who is here: users, each counted once however many connections they have, and connections without one.
//!
//! A user is here by connections of this instance, by other instances that have them, or by both. What it costs grows with the users, not with
//! the connections.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// One user who is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Presence {
    /// Number of connections of this instance.
    pub(crate) own: u32,
    /// Number of other instances that have them.
    pub(crate) elsewhere: u32,
    /// Since when, in milliseconds since 1970: the earliest time that any instance told while they were here.
    pub(crate) since: u64,
}

/// What is another for a user than it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// What this instance tells of them: whether it has them, and since when they are here.
    pub(crate) own: bool,
    /// Whether they are here at all.
    pub(crate) anywhere: bool,
}

/// All who are here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct People {
    /// In the order of their ids, so that they can be told page by page.
    users: BTreeMap<Arc<str>, Presence>,
    /// Number of those who have connections of this instance.
    own_users: u64,
    own_anonymous: u64,
    anonymous_elsewhere: i64,
}

impl People {
    /// Somebody opens a connection of this instance.
    pub(crate) fn open(&mut self, user: Option<&Arc<str>>, now_ms: u64) -> Turn {
        let Some(user) = user else {
            self.own_anonymous += 1;
            return Turn::default();
        };
        let absent = Presence { own: 0, elsewhere: 0, since: now_ms };
        let presence = self.users.entry(user.clone()).or_insert(absent);
        presence.own += 1;
        let turn = Turn { own: presence.own == 1, anywhere: presence.own == 1 && presence.elsewhere == 0 };
        self.own_users += u64::from(turn.own);
        turn
    }

    /// One of the connections of this instance closes.
    pub(crate) fn close(&mut self, user: Option<&str>) -> Turn {
        let Some(user) = user else {
            self.own_anonymous -= 1;
            return Turn::default();
        };
        let Some(presence) = self.users.get_mut(user).filter(|presence| presence.own > 0) else {
            return Turn::default();
        };
        presence.own -= 1;
        let turn = Turn { own: presence.own == 0, anywhere: presence.own == 0 && presence.elsewhere == 0 };
        self.own_users -= u64::from(turn.own);
        if turn.anywhere {
            self.users.remove(user);
        }
        turn
    }

    /// One more of the other instances has a user, since then.
    pub(crate) fn came(&mut self, user: &Arc<str>, since: u64) -> Turn {
        let absent = Presence { own: 0, elsewhere: 0, since };
        let presence = self.users.entry(user.clone()).or_insert(absent);
        presence.elsewhere += 1;
        let earlier = since < presence.since;
        presence.since = presence.since.min(since);
        Turn { own: earlier && presence.own > 0, anywhere: presence.elsewhere == 1 && presence.own == 0 }
    }

    /// One of the other instances has a user no more.
    pub(crate) fn left(&mut self, user: &str) -> Turn {
        let Some(presence) = self.users.get_mut(user).filter(|presence| presence.elsewhere > 0) else {
            return Turn::default();
        };
        presence.elsewhere -= 1;
        let gone = presence.elsewhere == 0 && presence.own == 0;
        if gone {
            self.users.remove(user);
        }
        Turn { own: false, anywhere: gone }
    }

    /// By how much the connections without a user have changed in the other instances.
    pub(crate) fn add_anonymous(&mut self, elsewhere: i64) {
        self.anonymous_elsewhere += elsewhere;
    }

    /// Number of distinct users.
    pub(crate) fn users(&self) -> u64 {
        self.users.len() as u64
    }

    /// Number of distinct users of this instance.
    pub(crate) fn own_users(&self) -> u64 {
        self.own_users
    }

    /// Number of connections without a user.
    pub(crate) fn anonymous(&self) -> u64 {
        self.own_anonymous.saturating_add_signed(self.anonymous_elsewhere)
    }

    /// The same of this instance's connections.
    pub(crate) fn own_anonymous(&self) -> u64 {
        self.own_anonymous
    }

    /// A user, where they are here.
    pub(crate) fn of(&self, user: &str) -> Option<Presence> {
        self.users.get(user).copied()
    }

    /// The id as it is held, so that a thousand connections of one user share one copy of it.
    pub(crate) fn share(&self, user: Arc<str>) -> Arc<str> {
        self.users.get_key_value(&user).map_or(user, |(shared, _)| shared.clone())
    }

    /// Users in the order of their ids, behind one of them or from the first.
    pub(crate) fn after(&self, user: Option<&str>) -> impl Iterator<Item = (&Arc<str>, Presence)> {
        let from = user.map_or(Bound::Unbounded, Bound::Excluded);
        self.users.range::<str, _>((from, Bound::Unbounded)).map(|(user, presence)| (user, *presence))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Open(Option<String>),
        Close(usize),
        /// One of the other instances has a user, or has them no more.
        Turn(usize, String),
        Anonymous(usize, u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => prop::option::weighted(0.8, "[abc]").prop_map(Step::Open),
            4 => (0..20_usize).prop_map(Step::Close),
            4 => (0..3_usize, "[abc]").prop_map(|(instance, user)| Step::Turn(instance, user)),
            1 => (0..3_usize, 0..5_u64).prop_map(|(instance, count)| Step::Anonymous(instance, count)),
        ]
    }

    /// What is connected, and since when the others have whom.
    #[derive(Default)]
    struct Model {
        open: Vec<Option<Arc<str>>>,
        others: [HashMap<Arc<str>, u64>; 3],
        anonymous: [u64; 3],
        since: HashMap<Arc<str>, u64>,
    }

    impl Model {
        fn recount(&self) -> BTreeMap<Arc<str>, Presence> {
            let mut users: BTreeMap<Arc<str>, Presence> = BTreeMap::new();
            let here = self.open.iter().flatten().map(|user| (user, true));
            for (user, own) in here.chain(self.others.iter().flat_map(HashMap::keys).map(|user| (user, false))) {
                let absent = Presence { own: 0, elsewhere: 0, since: self.since[user] };
                let presence = users.entry(user.clone()).or_insert(absent);
                presence.own += u32::from(own);
                presence.elsewhere += u32::from(!own);
            }
            users
        }
    }

    proptest! {
        #[test]
        fn who_is_here_equals_a_recount(steps in prop::collection::vec(step(), 0..120)) {
            let (mut people, mut model) = (People::default(), Model::default());
            for (nth, step) in steps.into_iter().enumerate() {
                let now = 1_000 - nth as u64 % 7;
                let before = model.recount();
                let (user, turn) = match step {
                    Step::Open(user) => {
                        let user: Option<Arc<str>> = user.map(Into::into);
                        if let Some(user) = &user {
                            model.since.entry(user.clone()).or_insert(now);
                        }
                        model.open.push(user.clone());
                        let turn = people.open(user.as_ref(), now);
                        (user, turn)
                    }
                    Step::Close(nth) => {
                        if nth >= model.open.len() {
                            continue;
                        }
                        let user = model.open.swap_remove(nth);
                        let turn = people.close(user.as_deref());
                        (user, turn)
                    }
                    Step::Turn(instance, user) => {
                        let user: Arc<str> = user.into();
                        let others = &mut model.others[instance];
                        let turn = if others.remove(&user).is_some() {
                            people.left(&user)
                        } else {
                            others.insert(user.clone(), now);
                            let since = model.since.entry(user.clone()).or_insert(now);
                            *since = now.min(*since);
                            people.came(&user, now)
                        };
                        (Some(user), turn)
                    }
                    Step::Anonymous(instance, count) => {
                        let was = std::mem::replace(&mut model.anonymous[instance], count);
                        people.add_anonymous(count as i64 - was as i64);
                        (None, Turn::default())
                    }
                };
                let after = model.recount();
                model.since.retain(|user, _| after.contains_key(user));
                prop_assert_eq!(&people.users, &after);
                prop_assert_eq!(people.users(), after.len() as u64);
                prop_assert_eq!(people.own_users(), after.values().filter(|presence| presence.own > 0).count() as u64);
                let own = model.open.iter().filter(|user| user.is_none()).count() as u64;
                prop_assert_eq!(people.own_anonymous(), own);
                prop_assert_eq!(people.anonymous(), own + model.anonymous.iter().sum::<u64>());
                let told = |users: &BTreeMap<Arc<str>, Presence>, user: &Arc<str>| {
                    users.get(user).filter(|presence| presence.own > 0).map(|presence| presence.since)
                };
                let expected = user.map_or(Turn::default(), |user| Turn {
                    own: told(&before, &user) != told(&after, &user),
                    anywhere: before.contains_key(&user) != after.contains_key(&user),
                });
                prop_assert_eq!(turn, expected);
            }
        }
    }

    #[test]
    fn users_are_told_page_by_page() {
        let mut people = People::default();
        for user in ["b", "a", "c"] {
            people.open(Some(&user.into()), 7);
        }
        let after = |user| people.after(user).map(|(user, _)| &**user).collect::<Vec<_>>();
        assert_eq!(after(None), ["a", "b", "c"]);
        assert_eq!(after(Some("a")), ["b", "c"]);
        assert_eq!(after(Some("bb")), ["c"], "also behind one who is gone");
    }
}
