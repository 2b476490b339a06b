//! Who is here, by nothing but the events that one was told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use skew_proto::{Event, Events, Happening};

/// Users' events, by their number, and those of one number (what was missed is told in one) as they came. One that is told again is the
/// same.
#[derive(Debug, Default)]
pub(crate) struct Book {
    events: BTreeMap<(u64, u64), Vec<Happening>>,
    /// Who tells each sequence.
    tellers: BTreeMap<u64, String>,
    wrong: Vec<String>,
    /// Who was here before the first of them.
    before: BTreeSet<String>,
}

impl Book {
    /// One for events that come from now on.
    pub(crate) fn beginning_with(present: BTreeSet<String>) -> Self {
        Self { before: present, ..Self::default() }
    }

    /// Writes down the users' events of a message or a request.
    pub(crate) fn write(&mut self, body: &Value) {
        let Events { events, .. } = Events::deserialize(body).expect("events are told as they should be");
        for Event { instance, epoch, seq, what, .. } in events.into_iter().filter(|event| event.what.is_of_user()) {
            let teller = self.tellers.entry(epoch).or_insert_with(|| instance.clone());
            if *teller != instance {
                self.wrong.push(format!("the sequence {epoch} is told by {teller} and {instance}"));
            }
            let told = self.events.entry((epoch, seq)).or_default();
            if !told.contains(&what) {
                told.push(what);
            }
        }
    }

    /// Who is here, or what can't be: one who comes twice or leaves twice.
    pub(crate) fn present(&self) -> Result<BTreeSet<String>, String> {
        if let Some(wrong) = self.wrong.first() {
            return Err(wrong.clone());
        }
        let mut present = self.before.clone();
        for ((epoch, seq), told) in &self.events {
            for what in told {
                let (alternates, user) = match what {
                    Happening::UserCame { user } => (present.insert(user.clone()), user),
                    Happening::UserLeft { user } => (present.remove(user), user),
                    _ => continue,
                };
                if !alternates {
                    return Err(format!("{user} did twice the same, at last at {epoch}-{seq}: {what:?}"));
                }
            }
        }
        Ok(present)
    }

    /// Numbers that nobody was told, between two of a sequence that were.
    pub(crate) fn missing(&self) -> u64 {
        let numbers = self.events.keys().zip(self.events.keys().skip(1));
        numbers.filter(|(one, next)| one.0 == next.0).map(|(one, next)| next.1 - one.1 - 1).sum()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// How often each came or left, from the event with that number on.
    pub(crate) fn turns_since(&self, at: usize) -> BTreeMap<String, usize> {
        let mut turns = BTreeMap::new();
        for what in self.events.values().skip(at).flatten() {
            if let Happening::UserCame { user } | Happening::UserLeft { user } = what {
                *turns.entry(user.clone()).or_default() += 1;
            }
        }
        turns
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn book(events: &[(u64, u64, &str, &str)]) -> Book {
        let mut book = Book::default();
        for (epoch, seq, event, user) in events {
            let event = json!({"instance": "a", "epoch": epoch, "seq": seq, "at": 1, "event": event, "user": user});
            book.write(&json!({"events": [event]}));
        }
        book
    }

    #[test]
    fn who_came_and_has_not_left_is_here_in_whatever_order_it_was_told_and_how_often() {
        let told = book(&[
            (2, 1, "user-left", "u"),
            (1, 1, "user-came", "u"),
            (1, 1, "user-came", "u"),
            (2, 2, "user-came", "v"),
        ]);
        assert_eq!(told.present(), Ok(["v".to_owned()].into()));
        assert_eq!(told.turns_since(1), [("u".to_owned(), 1), ("v".to_owned(), 1)].into());
    }

    #[test]
    fn a_hole_and_one_who_comes_twice_are_seen() {
        assert_eq!(book(&[(1, 2, "user-came", "u"), (1, 4, "user-left", "u")]).missing(), 1);
        let twice = book(&[(1, 1, "user-came", "u"), (2, 1, "user-came", "u")]);
        assert!(twice.present().unwrap_err().contains("twice the same"));
    }
}
