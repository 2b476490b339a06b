//! The key set at an address that the operator names.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::Jwk;
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use url::Url;

use super::key::Key;
use crate::config::{ConfigError, JwtError};
use crate::outbound;

/// How long one look at the set may take.
const TIME: Duration = Duration::from_secs(5);

/// Looks are at least this far apart, however many tokens name keys that nobody has.
const PAUSE: Duration = Duration::from_secs(10);

/// Sets are a few kilobytes.
const MAX_BYTES: usize = 256 * 1024;

/// A token that names no key is tried with each.
const MAX_KEYS: usize = 32;

/// The keys of a set, fetched when a token needs them. A set that can't be read leaves those that are known as they are.
pub(super) struct Jwks {
    client: reqwest::Client,
    url: Url,
    refresh: Duration,
    algorithms: Vec<Algorithm>,
    known: RwLock<Known>,
    /// One look at a time, and when the last one began.
    turn: Arc<Mutex<Option<Instant>>>,
}

#[derive(Default, Clone)]
struct Known {
    keys: Arc<[Arc<Key>]>,
    since: Option<Instant>,
}

impl std::fmt::Debug for Jwks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwks").field("url", &outbound::name_of(&self.url)).finish_non_exhaustive()
    }
}

impl Jwks {
    pub(super) fn new(url: &str, refresh: Duration, algorithms: &[Algorithm]) -> Result<Self, ConfigError> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http")).ok_or(JwtError::Url)?;
        // A redirect would be another's word for where keys come from.
        let client = outbound::client(&url, TIME, Policy::none).map_err(ConfigError::Client)?;
        let (known, turn) = (RwLock::default(), Arc::default());
        Ok(Self { client, url, refresh, algorithms: algorithms.to_vec(), known, turn })
    }

    /// Whether it is the one that [`Self::new`] would make of these.
    pub(super) fn is_for(&self, url: &str, refresh: Duration, algorithms: &[Algorithm]) -> bool {
        Url::parse(url).is_ok_and(|url| url == self.url) && self.refresh == refresh && self.algorithms == algorithms
    }

    /// The keys that a token with this key id may be signed with.
    pub(super) async fn find(self: &Arc<Self>, id: Option<&str>, algorithm: Algorithm) -> Vec<Arc<Key>> {
        let known = self.known();
        let found = known.find(id, algorithm);
        if !found.is_empty() {
            if known.since.is_none_or(|since| since.elapsed() >= self.refresh)
                && let Ok(turn) = self.turn.clone().try_lock_owned()
            {
                // Nobody waits for it: a key that is known is good until the set says otherwise.
                drop(self.look(turn));
            }
            return found;
        }
        let turn = self.turn.clone().lock_owned().await;
        // Whoever had the turn before may have brought it.
        let found = self.known().find(id, algorithm);
        if !found.is_empty() {
            return found;
        }
        if let Some(look) = self.look(turn) {
            let _ = look.await;
        }
        self.known().find(id, algorithm)
    }

    /// Looks at the set, on a task of its own: one who asks and leaves at once must not keep others from their keys.
    fn look(self: &Arc<Self>, mut turn: OwnedMutexGuard<Option<Instant>>) -> Option<JoinHandle<()>> {
        if turn.is_some_and(|begun| begun.elapsed() < PAUSE) {
            return None;
        }
        *turn = Some(Instant::now());
        let jwks = self.clone();
        Some(tokio::spawn(async move {
            match jwks.fetch().await {
                Ok(keys) => {
                    let known = Known { keys: keys.into(), since: Some(Instant::now()) };
                    *jwks.known.write().unwrap_or_else(PoisonError::into_inner) = known;
                }
                Err(reason) => {
                    let url = outbound::name_of(&jwks.url);
                    tracing::warn!(reason, "can't read the key set {url}; the keys that are known stay");
                }
            }
            drop(turn);
        }))
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Vec<Arc<Key>>, String> {
        let answer = self.client.get(self.url.clone()).send().await.map_err(outbound::describe)?;
        if !answer.status().is_success() {
            return Err(format!("it answers {}", answer.status().as_u16()));
        }
        keys(&outbound::read(answer, MAX_BYTES).await?, &self.algorithms)
    }
}

impl Known {
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Arc<Key>> {
        self.keys.iter().filter(|key| key.is_for(algorithm) && key.is_named(id)).cloned().collect()
    }
}

/// The keys of a set that are for any of the algorithms. Of others there may be any number and kind.
fn keys(bytes: &[u8], algorithms: &[Algorithm]) -> Result<Vec<Arc<Key>>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(bytes).map_err(|_| "it is no key set".to_owned())?;
    let keys =
        set.keys.into_iter().filter_map(|key| Key::of_set(&serde_json::from_value::<Jwk>(key).ok()?, algorithms));
    Ok(keys.take(MAX_KEYS).map(Arc::new).collect())
}
