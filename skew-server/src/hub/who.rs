//! Who is here, as an operator's requests are answered.

use std::time::Duration;

use bytes::Bytes;
use skew_proto::{Connection, Extra, Partial, UserPresence, UsersPage};
use tokio::time::Instant;

use super::Hub;
use super::command::Reply;
use super::people::Presence;
use super::registry::{Entry, Key};
use super::state::State;
use crate::clock::now_ms;

/// So long a request waits for the connections of other instances.
const PATIENCE: Duration = Duration::from_secs(2);

/// So long others go on to tell their connections, since whoever has asked for one page asks for the next.
const ROWS_FOR: Duration = Duration::from_secs(30);

/// What an operator asks.
#[derive(Debug)]
pub(super) enum Question {
    Users {
        after: Option<String>,
        limit: usize,
        reply: Reply<UsersPage>,
    },
    User {
        id: String,
        reply: Reply<UserPresence>,
    },
    /// The whole state, with the connections of all instances.
    Stats(Reply<Bytes>),
}

/// Questions that connections of other instances are needed for.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// With the time when they are answered in any case.
    questions: Vec<(Instant, Question)>,
    /// Until when the connections of others are wanted.
    pub(super) rows_until: Option<Instant>,
}

impl Waiting {
    /// When there is next something to be done.
    pub(super) fn due(&self) -> Option<Instant> {
        self.questions.iter().map(|(until, _)| *until).chain(self.rows_until).min()
    }
}

impl Question {
    /// Whether it can be answered by what is here.
    fn is_known<P>(&self, state: &State<P>) -> bool {
        if state.fleet.as_ref().is_none_or(|fleet| fleet.rows_whole) {
            return true;
        }
        let is_own = |presence: Presence| presence.elsewhere == 0;
        match self {
            Self::Users { after, limit, .. } => {
                state.people.after(after.as_deref()).take(*limit).all(|(_, presence)| is_own(presence))
            }
            Self::User { id, .. } => state.people.of(id).is_none_or(is_own),
            // Who is not heard from is not waited for: the sums are what is asked for first.
            Self::Stats(_) => state.fleet.as_ref().is_some_and(|fleet| fleet.partial.is_some()),
        }
    }
}

impl Hub {
    pub(super) fn ask(&mut self, question: Question) {
        let now = Instant::now();
        if self.state.fleet.is_some() {
            self.waiting.rows_until = Some(now + ROWS_FOR);
            self.want();
        }
        if question.is_known(&self.state) {
            self.answer(question, self.missing());
        } else {
            self.waiting.questions.push((now + PATIENCE, question));
        }
    }

    /// Answers those who wait, where the connections of all are here or they have waited for long enough.
    pub(super) fn answer_waiting(&mut self, now: Instant) {
        if self.waiting.rows_until.is_some_and(|until| until <= now) {
            self.waiting.rows_until = None;
            self.want();
        }
        let whole = self.state.fleet.as_ref().is_none_or(|fleet| fleet.rows_whole);
        let answered: Vec<_> = self.waiting.questions.extract_if(.., |(until, _)| whole || *until <= now).collect();
        if answered.is_empty() {
            return;
        }
        let partial = match &self.state.fleet {
            Some(fleet) if !whole => Some(fleet.without_rows(now_ms())),
            _ => self.missing(),
        };
        for (_, question) in answered {
            self.answer(question, partial.clone());
        }
    }

    fn answer(&mut self, question: Question, partial: Option<Partial>) {
        let state = &self.state;
        // Who does not wait any more needs no answer.
        match question {
            Question::Users { after, limit, reply } => drop(reply.send(page(state, after.as_deref(), limit, partial))),
            Question::User { id, reply } => drop(reply.send(UserPresence { partial, ..of(state, &id) })),
            Question::Stats(reply) => self.tell(|subscribers, scene| subscribers.ask(reply, scene)),
        }
    }

    fn missing(&self) -> Option<Partial> {
        self.state.fleet.as_ref().and_then(|fleet| fleet.partial.clone())
    }
}

/// Number of somebody's connections, as far as it is known. Of an instance that does not tell its connections it is one.
pub(super) fn connections<P>(state: &State<P>, user: &str) -> u64 {
    let at_least = state.people.of(user).map_or(0, |presence| u64::from(presence.own) + u64::from(presence.elsewhere));
    at_least.max(state.registry.of_user(user).count() as u64)
}

/// So many of those who are here, behind one of them or from the first.
fn page<P>(state: &State<P>, after: Option<&str>, limit: usize, partial: Option<Partial>) -> UsersPage {
    let mut users: Vec<UserPresence> = Vec::new();
    let mut behind = state.people.after(after);
    for (user, presence) in behind.by_ref().take(limit.max(1)) {
        users.push(here(state, user, presence));
    }
    let next = behind.next().and(users.last()).map(|last| last.user.clone());
    UsersPage { total: state.people.users(), users, next, partial }
}

fn of<P>(state: &State<P>, user: &str) -> UserPresence {
    match state.people.of(user) {
        Some(presence) => here(state, user, presence),
        None => UserPresence { user: user.to_owned(), ..UserPresence::default() },
    }
}

fn here<P>(state: &State<P>, user: &str, presence: Presence) -> UserPresence {
    let mut connections: Vec<Connection> =
        state.registry.of_user(user).map(|(key, entry)| connection(key, entry, state)).collect();
    // Those that are connected longest come first, as in stats.
    connections.reverse();
    UserPresence { user: user.to_owned(), here: true, since: Some(presence.since), connections, partial: None }
}

fn connection<P>(key: Key, entry: &Entry<P>, state: &State<P>) -> Connection {
    let mut extra = Extra::new();
    if let Some(name) = state.instance_of(key, entry) {
        extra.insert("instance".into(), name.into());
    }
    Connection {
        id: entry.id.to_string(),
        version: entry.version.to_string(),
        route: entry.route.to_string(),
        ip: entry.ip.map(|ip| ip.to_string()),
        extra,
        damaged: false,
    }
}
