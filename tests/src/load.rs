//! Load: thousands of connections on raw sockets, held by several processes, and what a subscriber hears of them.
//!
//! Nothing here knows an HTTP library: what is measured is the server, and a client's own cost is as small as it can be. The
//! clients speak to any server of the protocol, and to plain event streams that are no part of it.

pub mod caller;
pub mod fleet;
mod h2;
pub mod orders;
pub mod subscriber;
pub mod target;
mod tls;
pub mod wire;
pub mod worker;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process and those it starts hold so many open files.
///
/// # Panics
///
/// Where the system does not allow that many.
pub fn allow_open_files(count: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < count) {
        let wanted = Rlimit { current: maximum, maximum };
        let enough = maximum.is_none_or(|maximum| maximum >= count);
        assert!(enough, "{count} open files are needed and {maximum:?} are allowed: raise the hard limit (ulimit -Hn)");
        setrlimit(Resource::Nofile, wanted).expect("the soft limit may be raised up to the hard one");
    }
}
