//! The server over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod abuse;
mod admin;
mod auth;
mod auth_jwt;
mod changes;
mod embed;
mod events;
mod faults;
mod lessons;
mod lifecycle;
mod limits;
mod logs;
mod manifest;
mod operate;
mod origins;
mod people;
mod posts;
mod program;
mod recordings;
mod settings;
mod spawned;
mod support;
mod takeover;
mod tls;
mod users;
mod users_identity;
mod webhooks;
