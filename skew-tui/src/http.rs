//! Requests to one site: one TLS stack and one set of rules for streams, upgrades and plain requests alike.

mod client;
mod error;

pub(crate) use client::{Answer, Http, redirection};
pub(crate) use error::{HttpError, words};
