//! The harness: programs as processes, the Nuxt app, a browser, a terminal, Redis and proxies, for tests that show
//! the real thing.
//!
//! Everything here waits for an event with a deadline ([`PATIENCE`]) and panics with what was seen instead; nothing
//! sleeps and hopes. Whatever a test started ends with it.

use std::time::Duration;

pub mod binaries;
pub mod browser;
pub mod cost;
pub mod crowd;
pub mod faults;
pub mod http;
pub mod load;
pub mod nginx;
pub mod nuxt;
pub mod page;
pub mod peers;
pub mod process;
pub mod proxy;
pub mod pty;
pub mod recipe;
pub mod redis;
pub mod server;
pub mod site;

/// How long a test waits for anything before it fails: long, since it costs nothing where things go well and a busy
/// machine must not make tests fail.
pub const PATIENCE: Duration = Duration::from_secs(60);
