//! Users of the application, known by their sealed session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::seal::{self, CLOCK_SKEW_MS, MAX_SEAL_BYTES};
use crate::clock::now_ms;
use crate::config::SessionConfig;
use crate::cookies;
use crate::hooks::Credentials;

/// The name that nuxt-auth-utils gives its cookie.
const COOKIE: &str = "nuxt-session";

/// Where a cookie in chunks says how many there are.
const CHUNKED: &str = "__chunked__";

const MAX_CHUNKS: usize = 16;

/// Sessions that are remembered. Past it all are forgotten, which costs a few milliseconds for each that comes again.
const CACHE_LIMIT: usize = 1024;

/// Seals that are opened at a time, so that a flood of false ones leaves the processors to others.
const AT_A_TIME: usize = 2;

/// Someone with a session that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    /// Who it is, for the log.
    pub(super) name: String,
    pub(super) standing: Standing,
    /// In milliseconds since 1970, the allowance for clocks included.
    pub(super) expires_at: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Admin,
    Visitor,
}

type Digest = [u8; 32];

/// Opens sessions and remembers those that hold, by a digest of the sealed text. What was refused is not remembered: a flood of
/// false seals must not push out the sessions of admins.
#[derive(Debug)]
pub(super) struct Sessions {
    config: Arc<SessionConfig>,
    cache: Mutex<HashMap<Digest, User>>,
    permits: Arc<Semaphore>,
}

impl Sessions {
    pub(super) fn new(config: SessionConfig) -> Self {
        Self { config: Arc::new(config), cache: Mutex::default(), permits: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// The user whose session the request carries.
    pub(super) async fn user(&self, credentials: &Credentials) -> Option<User> {
        let sealed = sealed_session(credentials).filter(|sealed| sealed.len() <= MAX_SEAL_BYTES)?;
        let key = digest_of(&sealed);
        let known = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let user = match known {
            Some(user) => user,
            None => self.open(key, sealed).await?,
        };
        user.expires_at.is_none_or(|expires_at| expires_at > now_ms()).then_some(user)
    }

    async fn open(&self, key: Digest, sealed: String) -> Option<User> {
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        let config = self.config.clone();
        let opening = tokio::task::spawn_blocking(move || {
            // Held until the work is done: a request that is given up meanwhile does not stop it.
            let _permit = permit;
            let opened = seal::open(&sealed, config.password.bytes(), now_ms())
                .inspect_err(|error| tracing::debug!(%error, "a session was refused"))
                .ok()?;
            user_of(&opened.content, opened.expires_at, &config)
        });
        let user = opening.await.ok()??;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_LIMIT {
            cache.clear();
        }
        cache.insert(key, user.clone());
        Some(user)
    }
}

fn digest_of(sealed: &str) -> Digest {
    let mut key = Digest::default();
    key.copy_from_slice(digest(&SHA256, sealed.as_bytes()).as_ref());
    key
}

/// The sealed text: the header before the cookie, as h3 has it, and a cookie in chunks put together.
fn sealed_session(credentials: &Credentials) -> Option<String> {
    if let Some(header) = credentials.session.as_deref().filter(|header| !header.is_empty()) {
        return decoded(header);
    }
    let cookies = credentials.cookie.as_deref()?;
    let value = cookies::find(cookies, COOKIE)?;
    let Some(count) = value.strip_prefix(CHUNKED) else { return decoded(value) };
    let count: usize = count.parse().ok().filter(|count| *count <= MAX_CHUNKS)?;
    let chunks: Option<String> = (1..=count).map(|n| cookies::find(cookies, &format!("{COOKIE}.{n}"))).collect();
    decoded(&chunks?)
}

fn decoded(value: &str) -> Option<String> {
    cookies::decode(value).map(std::borrow::Cow::into_owned)
}

/// `{"id":…,"createdAt":MS,"data":{"user":{"role":…,"roles":[…],"email":…}}}`, where every field may be anything.
fn user_of(content: &[u8], expires_at: Option<u64>, config: &SessionConfig) -> Option<User> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Session {
        created_at: Option<Value>,
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        user: Value,
    }
    let Session { created_at, data: Data { user } } = serde_json::from_slice(content).ok()?;
    // Like h3, which has no session without the time where there is an age limit. Clocks may differ here as they may for the seal.
    let too_old_at = match config.max_age {
        None => None,
        Some(max_age) => {
            let limit = u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX).saturating_add(CLOCK_SKEW_MS);
            Some(created_at?.as_u64()?.saturating_add(limit))
        }
    };
    let expires_at = expires_at.into_iter().chain(too_old_at).min();
    let text = |field: &str| user.get(field).and_then(Value::as_str);
    let many = user.get("roles").and_then(Value::as_array).into_iter().flatten();
    let listed = user.get("role").and_then(Value::as_array).into_iter().flatten();
    let mut roles = many.chain(listed).filter_map(Value::as_str).chain(text("role"));
    let has_role = roles.any(|role| config.roles.iter().any(|admin| admin == role));
    let email = text("email");
    // Of ASCII alone: in Unicode the case of a look-alike letter folds onto another's (the Kelvin sign onto k).
    let has_email = email.is_some_and(|email| config.emails.iter().any(|admin| admin.eq_ignore_ascii_case(email)));
    let id = user.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let name = id.or_else(|| email.map(str::to_owned)).or_else(|| text("name").map(str::to_owned));
    Some(User {
        name: name.unwrap_or_else(|| "without an id".to_owned()),
        standing: if has_role || has_email { Standing::Admin } else { Standing::Visitor },
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::config::Secret;

    fn config() -> SessionConfig {
        SessionConfig {
            password: Secret::new("an-example-password-of-32-chars-or-more").unwrap(),
            roles: vec!["admin".into()],
            emails: vec!["Ops@example.com".into(), "Kim@example.com".into()],
            max_age: None,
        }
    }

    fn sealed(name: &str) -> String {
        let text = include_str!("../../tests/vectors/nuxt-session.json");
        let vectors: Value = serde_json::from_str(text).unwrap();
        let case = vectors["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
        case["sealed"].as_str().unwrap().to_owned()
    }

    fn cookie(text: String) -> Credentials {
        Credentials { cookie: Some(text.into()), ..Credentials::default() }
    }

    async fn standing(credentials: Credentials) -> Option<Standing> {
        Sessions::new(config()).user(&credentials).await.map(|user| user.standing)
    }

    #[tokio::test]
    async fn an_admin_is_known_by_the_cookie_however_it_is_sent() {
        let admin = sealed("admin, never expires");
        let escaped = admin.replace('*', "%2A");
        let (first, second) = admin.split_at(100);
        let chunked = format!("nuxt-session=__chunked__2; nuxt-session.2={second}; nuxt-session.1={first}");
        for cookies in [format!("a=b; nuxt-session={admin}"), format!("nuxt-session={escaped}"), chunked] {
            assert_eq!(standing(cookie(cookies)).await, Some(Standing::Admin));
        }
        let header = Credentials { session: Some(admin.into()), ..Credentials::default() };
        assert_eq!(standing(header).await, Some(Standing::Admin));
        let stretched = cookie(format!("nuxt-session={}", sealed("8192 iterations, as h3 2 seals")));
        assert_eq!(standing(stretched).await, Some(Standing::Admin));
    }

    #[tokio::test]
    async fn everybody_else_is_none() {
        let viewer = cookie(format!("nuxt-session={}", sealed("viewer, never expires")));
        assert_eq!(standing(viewer).await, Some(Standing::Visitor));
        for name in ["expired long ago", "ciphertext altered", "wrong prefix"] {
            assert_eq!(standing(cookie(format!("nuxt-session={}", sealed(name)))).await, None, "{name}");
        }
        assert_eq!(standing(cookie("nuxt-session=__chunked__9999999; nuxt-session.1=a".into())).await, None);
        assert_eq!(standing(cookie("nuxt-session=__chunked__2; nuxt-session.1=a".into())).await, None);
        assert_eq!(standing(Credentials::default()).await, None);
    }

    #[tokio::test]
    async fn a_session_that_holds_is_remembered_whatever_false_ones_come() {
        let sessions = Sessions::new(config());
        let admin = cookie(format!("nuxt-session={}", sealed("admin, never expires")));
        assert_eq!(sessions.user(&admin).await, sessions.user(&admin).await);
        for n in 0..=CACHE_LIMIT {
            assert_eq!(sessions.user(&cookie(format!("nuxt-session={n}"))).await, None);
        }
        let remembered: Vec<Digest> = sessions.cache.lock().unwrap().keys().copied().collect();
        assert_eq!(remembered, [digest_of(&sealed("admin, never expires"))]);
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let sessions = Sessions::new(config());
        let user = User { name: "x".into(), standing: Standing::Visitor, expires_at: None };
        let others = (0..CACHE_LIMIT).map(|n| (digest_of(&n.to_string()), user.clone()));
        sessions.cache.lock().unwrap().extend(others);
        let admin = cookie(format!("nuxt-session={}", sealed("admin, never expires")));
        assert!(sessions.user(&admin).await.is_some());
        assert!(sessions.cache.lock().unwrap().len() <= CACHE_LIMIT);
    }

    #[test]
    fn a_request_that_is_given_up_keeps_its_turn_until_its_seal_is_done() {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || wait.recv());
            let sessions = Sessions::new(config());
            let credentials = cookie("nuxt-session=rubbish".into());
            let mut opening = Box::pin(sessions.user(&credentials));
            assert!(opening.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            drop(opening);
            assert_eq!(sessions.permits.available_permits(), AT_A_TIME - 1);
            drop(go);
            busy.await.unwrap().unwrap_err();
            // The only thread takes its work in order, so the seal is done when this is.
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            assert_eq!(sessions.permits.available_permits(), AT_A_TIME);
        });
    }

    #[tokio::test]
    async fn a_remembered_session_expires_all_the_same() {
        let sessions = Sessions::new(config());
        let user = User { name: "x".into(), standing: Standing::Admin, expires_at: Some(now_ms()) };
        sessions.cache.lock().unwrap().insert(digest_of("seal"), user);
        assert_eq!(sessions.user(&cookie("nuxt-session=seal".into())).await, None);
    }

    #[test]
    fn an_age_limit_ends_a_session_however_new_its_seal_is() {
        let limited = SessionConfig { max_age: Some(Duration::from_secs(10)), ..config() };
        let end = |created_at: Value, sealed_until: Option<u64>, config: &SessionConfig| {
            let content = json!({"createdAt": created_at, "data": {"user": {"role": "admin"}}}).to_string();
            user_of(content.as_bytes(), sealed_until, config).map(|user| user.expires_at)
        };
        assert_eq!(end(json!(5_000), None, &limited), Some(Some(75_000)));
        assert_eq!(end(json!(5_000), Some(90_000), &limited), Some(Some(75_000)));
        assert_eq!(end(json!(5_000), Some(70_000), &limited), Some(Some(70_000)));
        for unknown in [json!(null), json!("5000"), json!(-1)] {
            assert_eq!(end(unknown.clone(), None, &limited), None, "{unknown}");
            assert_eq!(end(unknown, Some(70_000), &config()), Some(Some(70_000)), "without a limit nobody asks");
        }
    }

    #[test]
    fn roles_and_emails_make_an_admin() {
        let standing = |user: Value| {
            let content = json!({"id": "x", "data": {"user": user}}).to_string();
            user_of(content.as_bytes(), None, &config()).map(|user| user.standing)
        };
        assert_eq!(standing(json!({"role": "admin"})), Some(Standing::Admin));
        assert_eq!(standing(json!({"roles": ["a", 5, "admin"]})), Some(Standing::Admin));
        assert_eq!(standing(json!({"role": ["admin"]})), Some(Standing::Admin));
        assert_eq!(standing(json!({"email": "ops@EXAMPLE.com"})), Some(Standing::Admin));
        assert_eq!(standing(json!({"role": "administrator"})), Some(Standing::Visitor));
        // The Kelvin sign, whose lower case is the letter k.
        assert_eq!(standing(json!({"email": "kim@example.com"})), Some(Standing::Admin));
        assert_eq!(standing(json!({"email": "\u{212a}im@example.com"})), Some(Standing::Visitor));
        assert_eq!(standing(json!("admin")), Some(Standing::Visitor));
        assert_eq!(user_of(b"{}", None, &config()), None);
    }
}
