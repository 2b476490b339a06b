//! The Nuxt app of `tests/nuxt-app`, as `tests/run` built it: a stock peer.

pub mod pages;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use reqwest::header::{CONTENT_TYPE, SET_COOKIE};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::Process;

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

    fn entry(self) -> PathBuf {
        let output = match self {
            Self::Sse => ".output-sse",
            Self::Ws => ".output-ws",
        };
        let entry: PathBuf = [env!("CARGO_MANIFEST_DIR"), "nuxt-app", output, "server", "index.mjs"].iter().collect();
        assert!(entry.is_file(), "the Nuxt app is not built (no {}): run tests/run first", entry.display());
        entry
    }
}

/// A running app.
#[derive(Debug)]
pub struct NuxtApp {
    process: Process,
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

    /// Starts the app on `port`, as after a deploy; none where the port is taken.
    pub async fn start_on(port: u16, strategy: Strategy, env: &[(&str, &str)]) -> Option<Self> {
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
        outcome.then_some(Self { process, port })
    }

    /// A URL of the app.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What the documented endpoint `GET /api/admin/stats` says.
    pub async fn stats(&self) -> Value {
        let answer = reqwest::Client::new().get(self.url("/api/admin/stats")).bearer_auth(ADMIN_SECRET).send().await;
        let body = answer.expect("the Nuxt app answers").text().await.expect("the answer has a body");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("these are no stats: {error}: {body}"))
    }

    /// The documented `POST /api/admin/invalidate-route`: the answer's status and body.
    pub async fn invalidate(&self, route: &str, secret: &str) -> (u16, Value) {
        let answer = self.post("/api/admin/invalidate-route", &json!({ "route": route, "secret": secret })).await;
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("the answer has a body");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Logs in with nuxt-auth-utils and answers the sealed `nuxt-session` cookie's value.
    pub async fn login(&self, role: &str) -> String {
        let answer = self.post("/api/login", &json!({ "role": role, "password": LOGIN_PASSWORD })).await;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let session = cookies.filter_map(|cookie| cookie.split(';').next()?.strip_prefix("nuxt-session=")).next_back();
        session.unwrap_or_else(|| panic!("no session came of the login: {answer:?}")).to_owned()
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        let request = reqwest::Client::new().post(self.url(path)).header(CONTENT_TYPE, "application/json");
        request.body(body.to_string()).send().await.expect("the Nuxt app answers")
    }

    /// Stops the app at once, as a crash or a deploy does.
    pub fn stop(self) {
        drop(self.process);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    listener.local_addr().expect("a bound socket has an address").port()
}
