//! What the benchmarks measure: the state of a server without its sockets. No part of the interface.

pub use crate::hub::crowd::{Crowd, Newcomer};
