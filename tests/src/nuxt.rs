//! The Nuxt app of `tests/nuxt-app`, as `tests/run` built it: a stock peer.

pub mod pages;

use std::path::PathBuf;

use reqwest::header::SET_COOKIE;
use serde_json::json;
use tokio::process::Command;

use crate::http;
use crate::process::{Process, free_port};

/// What seals the app's sessions (`NUXT_SESSION_PASSWORD`).
pub const SESSION_PASSWORD: &str = "a-session-password-of-the-tests-and-of-nobody-else";
/// The app's admin secret (`SKEW_ADMIN_SECRET`): a bearer token for stats, and the `secret` of an invalidation.
pub const ADMIN_SECRET: &str = "an-admin-secret-of-the-tests";
const LOGIN_PASSWORD: &str = "a-login-password-of-the-tests";

/// Which of the two builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// `updateStrategy: 'sse'`
    Sse,
    /// `updateStrategy: 'ws'`
    Ws,
}

impl Strategy {
    /// The app's build id, when nothing else is asked for.
    pub fn build_id(self) -> &'static str {
        match self {
            Self::Sse => "build-sse",
            Self::Ws => "build-ws",
        }
    }

    /// Whether this build of the app is here.
    pub fn is_built(self) -> bool {
        self.path().is_file()
    }

    fn entry(self) -> PathBuf {
        let entry = self.path();
        assert!(entry.is_file(), "the Nuxt app is not built (no {}): run tests/run first", entry.display());
        entry
    }

    fn path(self) -> PathBuf {
        let output = match self {
            Self::Sse => ".output-sse",
            Self::Ws => ".output-ws",
        };
        [env!("CARGO_MANIFEST_DIR"), "nuxt-app", output, "server", "index.mjs"].iter().collect()
    }
}

/// A running app.
#[derive(Debug)]
pub struct NuxtApp {
    /// The process.
    pub process: Process,
    strategy: Strategy,
    /// The loopback port it listens on.
    pub port: u16,
}

impl NuxtApp {
    /// Starts the app on a free port. `env` is added to its environment: `NUXT_APP_BUILD_ID` plays another release,
    /// `NUXT_PUBLIC_RELOAD_ON_FORCE=false` leaves the stock client alone with `force`.
    pub async fn start(strategy: Strategy, env: &[(&str, &str)]) -> Self {
        // Nitro knows no port 0. Between our look and its bind another process can take the port: then once more.
        for _ in 0..5 {
            if let Some(app) = Self::start_on(free_port(), strategy, env).await {
                return app;
            }
        }
        panic!("five free ports were all taken before the Nuxt app could bind them");
    }

    /// Kills the app and starts it again on the same port. Of the environment it had, only `env` is kept.
    pub async fn restart(&mut self, env: &[(&str, &str)]) {
        self.process.kill();
        let app = Self::start_on(self.port, self.strategy, env).await;
        *self = app.expect("the port of the app that was killed is free");
    }

    /// None where the port is taken.
    async fn start_on(port: u16, strategy: Strategy, env: &[(&str, &str)]) -> Option<Self> {
        let mut command = Command::new("node");
        command
            .arg(strategy.entry())
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .env("NUXT_SESSION_PASSWORD", SESSION_PASSWORD)
            .env("SKEW_ADMIN_SECRET", ADMIN_SECRET)
            .env("TEST_LOGIN_PASSWORD", LOGIN_PASSWORD)
            .envs(env.iter().copied());
        let mut process = Process::spawn("the Nuxt app", command);
        let outcome = tokio::select! {
            () = process.stdout.until("word that the Nuxt app listens", |line| line.contains("Listening on").then_some(())) => true,
            () = process.stderr.until("a taken port", |line| line.contains("EADDRINUSE").then_some(())) => false,
        };
        outcome.then_some(Self { process, strategy, port })
    }

    /// A URL of the app.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Logs in with nuxt-auth-utils and answers the sealed `nuxt-session` cookie's value.
    pub async fn login(&self, role: &str) -> String {
        let body = json!({ "role": role, "password": LOGIN_PASSWORD });
        let answer =
            http::client().post(self.url("/api/login")).json(&body).send().await.expect("the Nuxt app answers");
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let session = cookies.filter_map(|cookie| cookie.split(';').next()?.strip_prefix("nuxt-session=")).next_back();
        session.unwrap_or_else(|| panic!("no session came of the login: {answer:?}")).to_owned()
    }
}
