//! Who is here, as an operator's requests are answered.

use skew_proto::{Connection, Extra, UserPresence, UsersPage};

use super::people::Presence;
use super::registry::Entry;
use super::state::State;

/// So many of those who are here, behind one of them or from the first.
pub(super) fn page<P>(state: &State<P>, after: Option<&str>, limit: usize) -> UsersPage {
    let mut users: Vec<UserPresence> = Vec::new();
    let mut behind = state.people.after(after);
    for (user, presence) in behind.by_ref().take(limit.max(1)) {
        users.push(here(state, user, presence));
    }
    let next = behind.next().and(users.last()).map(|last| last.user.clone());
    UsersPage { total: state.people.users(), users, next, partial: None }
}

/// Whether somebody is here, and where.
pub(super) fn of<P>(state: &State<P>, user: &str) -> UserPresence {
    match state.people.of(user) {
        Some(presence) => here(state, user, presence),
        None => UserPresence { user: user.to_owned(), ..UserPresence::default() },
    }
}

/// Number of somebody's connections, as far as it is known. Of an instance that does not tell its connections it is one.
pub(super) fn connections<P>(state: &State<P>, user: &str) -> u64 {
    let at_least = state.people.of(user).map_or(0, |presence| u64::from(presence.own) + u64::from(presence.elsewhere));
    at_least.max(state.registry.of_user(user).count() as u64)
}

fn here<P>(state: &State<P>, user: &str, presence: Presence) -> UserPresence {
    let mut connections: Vec<Connection> = state.registry.of_user(user).map(|(_, entry)| connection(entry)).collect();
    // Those that are connected longest come first, as in stats.
    connections.reverse();
    UserPresence { user: user.to_owned(), here: true, since: Some(presence.since), connections, partial: None }
}

fn connection<P>(entry: &Entry<P>) -> Connection {
    Connection {
        id: entry.id.to_string(),
        version: entry.version.to_string(),
        route: entry.route.to_string(),
        ip: entry.ip.map(|ip| ip.to_string()),
        extra: Extra::new(),
        damaged: false,
    }
}
