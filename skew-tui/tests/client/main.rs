//! The client against servers that behave, and such that don't: real sockets, real processes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod doctor;
mod exits;
mod invalidation;
mod output;
mod program;
mod reconnecting;
mod recording;
mod server;
mod tls;
mod transports;
mod trust;
mod wait;
