//! The client side of *skew*: who is still on the old build, live, in a terminal or as JSON for scripts.
//!
//! Facts travel one way: a [`source`] turns bytes into [`SourceEvent`]s, [`state`] takes them in without any I/O, and the
//! dashboard's views and the `--json` output are both read from that state, so they can't disagree.

mod event;
mod now;
pub mod source;
pub mod state;

pub use event::{SourceEvent, Transport};
pub use now::Now;
