//! Readers whom an endpoint of the operator's admits: it gets a request's credentials and says yes or no, and may say whose they are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::Response;
use reqwest::redirect::Policy;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::config::ConfigError;
use crate::hooks::Credentials;
use crate::user::{self, Ids};
use crate::visitor::SESSION_HEADER;
use crate::{cookies, outbound};

/// How long the endpoint may take, and how long a request may wait for its turn.
const TIME: Duration = Duration::from_secs(3);

/// How long an answer holds.
const YES_TIME: Duration = Duration::from_secs(30);
const NO_TIME: Duration = Duration::from_secs(5);

/// Requests to the endpoint at a time, whatever comes in here: about readers, and about visitors.
const AT_A_TIME: usize = 4;
const VISITORS_AT_A_TIME: usize = 16;

/// How long a visitor's request may take, its turn included: less than visitors wait, so that it is learnt that there is no answer.
const VISITOR_TIME: Duration = Duration::from_millis(1500);

/// Answers that are remembered: visitors' for the time that they hold, at a thousand new ones a second.
const CACHE_LIMIT: usize = 32_768;

type Digest = [u8; 32];

/// Asks the endpoint, and remembers what it has said.
pub(super) struct Forward {
    client: reqwest::Client,
    url: Url,
    /// The cookie that says a visitor's build, which is nobody's credential.
    build_cookie: String,
    answers: Mutex<HashMap<Digest, Arc<OnceCell<Answer>>>>,
    readers: Semaphore,
    visitors: Semaphore,
    /// The one visitor's request that finds out whether an endpoint that has not answered does again.
    probe: Semaphore,
    names: Option<Names>,
    /// Whether the last request had no answer, so that the log says once that it is down.
    failing: AtomicBool,
}

/// How the endpoint says whose the credentials are.
struct Names {
    header: HeaderName,
    ids: Arc<Ids>,
}

/// For whom it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Reader,
    Visitor,
}

#[derive(Clone)]
struct Answer {
    admits: bool,
    user: Option<Arc<str>>,
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
            readers: Semaphore::new(AT_A_TIME),
            visitors: Semaphore::new(VISITORS_AT_A_TIME),
            probe: Semaphore::new(1),
            names: None,
            failing: AtomicBool::new(false),
        })
    }

    /// The same where a header of an answer names the user.
    pub(super) fn naming_users(self, header: HeaderName, ids: Arc<Ids>) -> Self {
        Self { names: Some(Names { header, ids }), ..self }
    }

    /// Whether the endpoint admits who has sent these. It is not asked about one who has sent none. Equal ones that come while it is asked
    /// wait for the same answer.
    pub(super) async fn admits(&self, credentials: &Credentials) -> bool {
        self.answer(credentials, Asker::Reader).await.is_some_and(|answer| answer.admits)
    }

    /// Whose these are by the endpoint's word. Nobody's, and it is not asked, where it is not told how it says so.
    pub(super) async fn user(&self, credentials: &Credentials) -> Option<Arc<str>> {
        self.names.as_ref()?;
        self.answer(credentials, Asker::Visitor).await?.user
    }

    async fn answer(&self, credentials: &Credentials, asker: Asker) -> Option<Answer> {
        let headers = self.headers(credentials);
        if headers.is_empty() {
            return None;
        }
        let answer = self.remembered(digest_of(&headers));
        Some(answer.get_or_init(|| self.ask(headers, asker)).await.clone())
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
            // A quarter is to be free then: every entry is looked at, which is not to happen each time.
            let is_crowded = |answers: &HashMap<_, _>| answers.len() > CACHE_LIMIT / 4 * 3;
            answers.retain(|_, answer| holds(answer));
            if is_crowded(&answers) {
                // So many hold that some are made up, and those are not the ones that were admitted or named.
                answers.retain(|_, answer| answer.get().is_some_and(|answer| answer.admits || answer.user.is_some()));
            }
            if is_crowded(&answers) {
                answers.clear();
            }
        }
        let answer = answers.entry(key).or_default();
        if !holds(answer) {
            *answer = Arc::default();
        }
        answer.clone()
    }

    async fn ask(&self, headers: HeaderMap, asker: Asker) -> Answer {
        let time = match asker {
            Asker::Reader => TIME * 2,
            Asker::Visitor => VISITOR_TIME,
        };
        // While it is not answered nobody else's page waits for it.
        let probe = match asker {
            Asker::Visitor if self.failing.load(Ordering::Relaxed) => match self.probe.try_acquire() {
                Ok(probe) => Some(probe),
                Err(_) => return Answer { admits: false, user: None, until: Instant::now() },
            },
            Asker::Visitor | Asker::Reader => None,
        };
        let asked = timeout(time, self.request(headers, asker)).await;
        drop(probe);
        let (admits, user) = match asked.unwrap_or_else(|_| Err("it takes too long".to_owned())) {
            Ok(said) => {
                self.failing.store(false, Ordering::Relaxed);
                said
            }
            Err(reason) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let url = outbound::name_of(&self.url);
                    tracing::warn!(reason, "{url} does not say who may read stats; nobody may by it until it does");
                }
                (false, None)
            }
        };
        let time = if admits || user.is_some() { YES_TIME } else { NO_TIME };
        Answer { admits, user, until: Instant::now() + time }
    }

    /// Whether they are admitted, and who they are.
    async fn request(&self, headers: HeaderMap, asker: Asker) -> Result<(bool, Option<Arc<str>>), String> {
        let turns = match asker {
            Asker::Reader => &self.readers,
            Asker::Visitor => &self.visitors,
        };
        let permit = timeout(TIME, turns.acquire()).await;
        let _permit = permit.map_err(|_| "too many wait for it".to_owned())?.map_err(|error| error.to_string())?;
        let answer = self.client.get(self.url.clone()).headers(headers).send().await.map_err(outbound::describe)?;
        match answer.status() {
            status if status.is_success() => Ok((true, self.named(&answer))),
            // It is known who they are, and they may not.
            StatusCode::FORBIDDEN => Ok((false, self.named(&answer))),
            status if status.is_client_error() || status.is_redirection() => Ok((false, None)),
            status => Err(format!("it answers {}", status.as_u16())),
        }
    }

    fn named(&self, answer: &Response) -> Option<Arc<str>> {
        let Names { header, ids } = self.names.as_ref()?;
        ids.user(user::named(answer.headers(), header)?)
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
