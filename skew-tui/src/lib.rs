//! The client side of *skew*: who is still on the old build, live, in a terminal or as JSON for scripts.
//!
//! Facts travel one way: a [`source`] turns bytes into [`SourceEvent`]s, [`state`] takes them in without any I/O, and the
//! dashboard's views and the `--json` output are both read from that state, so they can't disagree.

mod acting;
pub mod action;
mod admin;
pub mod app;
pub mod audit;
pub mod cli;
mod clock;
pub mod command;
pub mod config;
pub mod credentials;
pub mod demo;
pub mod doctor;
mod event;
pub mod feed;
pub mod glyphs;
mod http;
pub mod invalidate;
pub mod keymap;
mod now;
mod output;
pub mod people;
pub mod playback;
pub mod recording;
pub mod release;
mod replay;
pub mod source;
pub mod state;
pub mod target;
pub mod terminal;
pub mod theme;
pub mod view;
pub mod wait;

pub use event::{SourceEvent, Transport};
pub use now::Now;
