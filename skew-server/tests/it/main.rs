//! The server over real sockets.

mod admin;
mod embed;
mod lifecycle;
mod limits;
mod posts;
mod program;
mod recordings;
mod support;
