//! The client against servers that behave, and such that don't: real sockets, real processes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acting;
mod changes;
mod configuration;
mod doctor;
mod exits;
#[cfg(unix)]
mod hangup;
#[cfg(target_os = "linux")]
mod hostile;
mod invalidation;
mod output;
mod people;
mod program;
mod reconnecting;
mod recording;
mod schemas;
mod server;
#[cfg(target_os = "linux")]
mod sizes;
#[cfg(target_os = "linux")]
mod terminal;
mod tls;
mod transports;
mod trust;
mod wait;
