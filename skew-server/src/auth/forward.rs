//! Readers whom an endpoint of the operator's admits: it gets a request's credentials and says yes or no.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::config::ConfigError;
use crate::hooks::Credentials;
use crate::visitor::SESSION_HEADER;
use crate::{cookies, outbound};

/// How long the endpoint may take, and how long a request may wait for its turn.
const TIME: Duration = Duration::from_secs(3);

/// How long an answer holds.
const YES_TIME: Duration = Duration::from_secs(30);
const NO_TIME: Duration = Duration::from_secs(5);

/// Requests to the endpoint at a time, whatever comes in here.
const AT_A_TIME: usize = 4;

/// Answers that are remembered.
const CACHE_LIMIT: usize = 4096;

type Digest = [u8; 32];

/// Asks the endpoint, and remembers what it has said.
pub(super) struct Forward {
    client: reqwest::Client,
    url: Url,
    /// The cookie that says a visitor's build, which is nobody's credential.
    build_cookie: String,
    answers: Mutex<HashMap<Digest, Arc<OnceCell<Answer>>>>,
    permits: Semaphore,
    /// Whether the last request had no answer, so that the log says once that it is down.
    failing: AtomicBool,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    admits: bool,
    until: Instant,
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward").field("url", &outbound::name_of(&self.url)).finish_non_exhaustive()
    }
}

impl Forward {
    pub(super) fn new(url: &str, build_cookie: &str) -> Result<Self, ConfigError> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let url = url.ok_or(ConfigError::ForwardAuthUrl)?;
        // A redirect leads to a form for logging in, which answers 200 to everybody.
        let client = outbound::client(&url, TIME, Policy::none).map_err(ConfigError::Client)?;
        Ok(Self {
            client,
            url,
            build_cookie: build_cookie.to_owned(),
            answers: Mutex::default(),
            permits: Semaphore::new(AT_A_TIME),
            failing: AtomicBool::new(false),
        })
    }

    /// Whether the endpoint admits who has sent these. It is not asked about one who has sent none. Equal ones that come while it is asked
    /// wait for the same answer.
    pub(super) async fn admits(&self, credentials: &Credentials) -> bool {
        let headers = self.headers(credentials);
        if headers.is_empty() {
            return false;
        }
        let answer = self.remembered(digest_of(&headers));
        answer.get_or_init(|| self.ask(headers)).await.admits
    }

    /// What the endpoint gets of a request: its credentials and nothing else.
    fn headers(&self, credentials: &Credentials) -> HeaderMap {
        let cookie = credentials.cookie.as_deref().and_then(|text| cookies::without(text, &self.build_cookie));
        let sent: [(HeaderName, Option<&str>); 3] = [
            (COOKIE, cookie.as_deref()),
            (AUTHORIZATION, credentials.authorization.as_deref()),
            (SESSION_HEADER, credentials.session.as_deref()),
        ];
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).ok().filter(|value| !value.is_empty());
        sent.into_iter().filter_map(|(name, text)| Some((name, value(text?)?))).collect()
    }

    /// The answer that still holds, or the place of the one to come.
    fn remembered(&self, key: Digest) -> Arc<OnceCell<Answer>> {
        let now = Instant::now();
        let holds = |answer: &Arc<OnceCell<Answer>>| answer.get().is_none_or(|answer| answer.until > now);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= CACHE_LIMIT {
            answers.retain(|_, answer| holds(answer));
        }
        if answers.len() >= CACHE_LIMIT {
            // So many hold that some are made up, and those are not the ones that were admitted.
            answers.retain(|_, answer| answer.get().is_some_and(|answer| answer.admits));
        }
        if answers.len() >= CACHE_LIMIT {
            answers.clear();
        }
        let answer = answers.entry(key).or_default();
        if !holds(answer) {
            *answer = Arc::default();
        }
        answer.clone()
    }

    async fn ask(&self, headers: HeaderMap) -> Answer {
        let admits = match self.request(headers).await {
            Ok(admits) => {
                self.failing.store(false, Ordering::Relaxed);
                admits
            }
            Err(reason) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let url = outbound::name_of(&self.url);
                    tracing::warn!(reason, "{url} does not say who may read stats; nobody may by it until it does");
                }
                false
            }
        };
        Answer { admits, until: Instant::now() + if admits { YES_TIME } else { NO_TIME } }
    }

    async fn request(&self, headers: HeaderMap) -> Result<bool, String> {
        let permit = timeout(TIME, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| "too many wait for it".to_owned())?.map_err(|error| error.to_string())?;
        let answer = self.client.get(self.url.clone()).headers(headers).send().await.map_err(outbound::describe)?;
        match answer.status() {
            status if status.is_success() => Ok(true),
            status if status.is_client_error() || status.is_redirection() => Ok(false),
            status => Err(format!("it answers {}", status.as_u16())),
        }
    }
}

fn digest_of(headers: &HeaderMap) -> Digest {
    let mut context = Context::new(&SHA256);
    for (name, value) in headers {
        // With its length, so that no two different sets are written alike.
        for part in [name.as_str().as_bytes(), value.as_bytes()] {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
    }
    let mut key = Digest::default();
    key.copy_from_slice(context.finish().as_ref());
    key
}

#[cfg(test)]
mod tests;
