//! Users of the application, known by their sealed session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value};
use skew_proto::text::cut;
use tokio::sync::Semaphore;

use super::recent::{Digest, Recent, digest_of};
use super::seal::{self, CLOCK_SKEW_MS, MAX_SEAL_BYTES, SealError, Stretch};
use crate::clock::now_ms;
use crate::config::SessionConfig;
use crate::cookies;
use crate::hooks::Credentials;
use crate::user::{Ids, field};

/// The name that nuxt-auth-utils gives its cookie.
const COOKIE: &str = "nuxt-session";

/// Where a cookie in chunks says how many there are.
const CHUNKED: &str = "__chunked__";

const MAX_CHUNKS: usize = 16;

/// Sessions that are remembered: the visitors' of a large site, at some 100 bytes each. It is twice what fills a table of 65,536 places.
const CACHE_LIMIT: usize = 2 * 57_344;

/// Seals that are remembered as false, such as those of browsers that have an old one: a look at them takes long.
const REFUSED_LIMIT: usize = 2 * 7_168;

/// Seals that are opened at a time by what takes long, so that a flood of false ones leaves the processors to others.
const AT_A_TIME: usize = 2;

/// Longest name in the log, in characters.
const NAME_CHARS: usize = 200;

/// Someone with a session that holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct User {
    /// The id that their connections are shown with, where the session has one.
    pub(super) id: Option<Arc<str>>,
    /// What the log calls an admin; nothing of others.
    pub(super) admin: Option<Arc<str>>,
    /// In milliseconds since 1970, the allowance for clocks included.
    pub(super) expires_at: Option<u64>,
}

/// Opens sessions and remembers those that hold, by a digest of the sealed text. What was refused is remembered apart: a flood of
/// false seals must not push out those that hold.
pub(super) struct Sessions {
    rules: Arc<Rules>,
    held: Mutex<Recent<User>>,
    refused: Mutex<Recent<()>>,
    permits: Arc<Semaphore>,
}

/// What is read from a session.
struct Rules {
    config: SessionConfig,
    fields: Vec<String>,
    ids: Arc<Ids>,
}

impl Sessions {
    /// The first of the `fields` that is there is a user's id.
    pub(super) fn new(config: SessionConfig, fields: Vec<String>, ids: Arc<Ids>) -> Self {
        Self {
            rules: Arc::new(Rules { config, fields, ids }),
            held: Mutex::new(Recent::new(CACHE_LIMIT)),
            refused: Mutex::new(Recent::new(REFUSED_LIMIT)),
            permits: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// The user whose session the request carries.
    pub(super) async fn user(&self, credentials: &Credentials) -> Option<User> {
        let sealed = sealed_session(credentials).filter(|sealed| sealed.len() <= MAX_SEAL_BYTES)?;
        let key = digest_of(&sealed);
        let known = locked(&self.held).get(&key);
        let user = match known {
            Some(user) => user,
            None => {
                let user = self.open(key, sealed).await?;
                locked(&self.held).insert(key, user.clone());
                user
            }
        };
        user.expires_at.is_none_or(|expires_at| expires_at > now_ms()).then_some(user)
    }

    async fn open(&self, key: Digest, sealed: String) -> Option<User> {
        // First by what is quick: where the application seals so, false seals keep nobody who has a true one waiting.
        match self.rules.read(&sealed, Stretch::Once) {
            Err(SealError::BadTag) => {}
            read => return read.inspect_err(tell).ok()?,
        }
        if locked(&self.refused).get(&key).is_some() {
            return None;
        }
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        let rules = self.rules.clone();
        let opening = tokio::task::spawn_blocking(move || {
            // Held until the work is done: a request that is given up meanwhile does not stop it.
            let _permit = permit;
            rules.read(&sealed, Stretch::Long)
        });
        match opening.await.ok()? {
            Ok(user) => user,
            Err(error) => {
                tell(&error);
                locked(&self.refused).insert(key, ());
                None
            }
        }
    }
}

fn tell(error: &SealError) {
    tracing::debug!(%error, "a session was refused");
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rules {
    /// Nobody where the seal holds and what was sealed is no session that is good.
    fn read(&self, sealed: &str, stretch: Stretch) -> Result<Option<User>, SealError> {
        let opened = seal::open(sealed, self.config.password.bytes(), stretch, now_ms())?;
        Ok(self.user_of(&opened.content, opened.expires_at))
    }

    /// `{"id":…,"createdAt":MS,"data":{"user":{"role":…,"roles":[…],"email":…}}}`, where every field may be anything.
    fn user_of(&self, content: &[u8], expires_at: Option<u64>) -> Option<User> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Session {
            created_at: Option<Value>,
            data: Map<String, Value>,
        }
        let Session { created_at, data } = serde_json::from_slice(content).ok()?;
        // Like h3, which has no session without the time where there is an age limit. Clocks may differ here as they may for the seal.
        let too_old_at = match self.config.max_age {
            None => None,
            Some(max_age) => {
                let limit = u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX).saturating_add(CLOCK_SKEW_MS);
                Some(created_at?.as_u64()?.saturating_add(limit))
            }
        };
        let id = self.fields.iter().find_map(|path| field::at(&data, path, &field::id));
        Some(User {
            id: id.and_then(|id| self.ids.user(&id)),
            admin: data.get("user").and_then(|user| admin(user, &self.config)),
            expires_at: expires_at.into_iter().chain(too_old_at).min(),
        })
    }
}

/// What the log calls a user who is an admin.
fn admin(user: &Value, config: &SessionConfig) -> Option<Arc<str>> {
    let text = |field: &str| user.get(field).and_then(Value::as_str);
    let many = user.get("roles").and_then(Value::as_array).into_iter().flatten();
    let listed = user.get("role").and_then(Value::as_array).into_iter().flatten();
    let mut roles = many.chain(listed).filter_map(Value::as_str).chain(text("role"));
    let has_role = roles.any(|role| config.roles.iter().any(|admin| admin == role));
    let email = text("email");
    // Of ASCII alone: in Unicode the case of a look-alike letter folds onto another's (the Kelvin sign onto k).
    let has_email = email.is_some_and(|email| config.emails.iter().any(|admin| admin.eq_ignore_ascii_case(email)));
    if !has_role && !has_email {
        return None;
    }
    let id = user.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let name = id.or_else(|| email.map(str::to_owned)).or_else(|| text("name").map(str::to_owned));
    Some(name.map_or_else(|| "without an id".into(), |name| cut(&name, NAME_CHARS).into()))
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::config::{Secret, UserConfig, UserHash};

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

    fn sessions() -> Sessions {
        let users = UserConfig { hash: UserHash::Never, ..UserConfig::default() };
        Sessions::new(config(), users.fields.clone(), Arc::new(Ids::new(&users, None)))
    }

    /// Whether it is an admin's session, where it is one at all.
    async fn is_admin(credentials: Credentials) -> Option<bool> {
        sessions().user(&credentials).await.map(|user| user.admin.is_some())
    }

    fn rules(config: SessionConfig) -> Arc<Rules> {
        let ids = Arc::new(Ids::new(&UserConfig::default(), None));
        Sessions::new(config, UserConfig::default().fields, ids).rules
    }

    fn user(admin: &str, expires_at: Option<u64>) -> User {
        User { id: None, admin: Some(admin.into()), expires_at }
    }

    #[tokio::test]
    async fn an_admin_is_known_by_the_cookie_however_it_is_sent() {
        let admin = sealed("admin, never expires");
        let escaped = admin.replace('*', "%2A");
        let (first, second) = admin.split_at(100);
        let chunked = format!("nuxt-session=__chunked__2; nuxt-session.2={second}; nuxt-session.1={first}");
        for cookies in [format!("a=b; nuxt-session={admin}"), format!("nuxt-session={escaped}"), chunked] {
            assert_eq!(is_admin(cookie(cookies)).await, Some(true));
        }
        let header = Credentials { session: Some(admin.into()), ..Credentials::default() };
        assert_eq!(is_admin(header).await, Some(true));
        let stretched = cookie(format!("nuxt-session={}", sealed("8192 iterations, as h3 2 seals")));
        assert_eq!(is_admin(stretched).await, Some(true));
    }

    #[tokio::test]
    async fn everybody_else_is_none() {
        let viewer = cookie(format!("nuxt-session={}", sealed("viewer, never expires")));
        assert_eq!(is_admin(viewer).await, Some(false));
        for name in ["expired long ago", "ciphertext altered", "wrong prefix"] {
            assert_eq!(is_admin(cookie(format!("nuxt-session={}", sealed(name)))).await, None, "{name}");
        }
        assert_eq!(is_admin(cookie("nuxt-session=__chunked__9999999; nuxt-session.1=a".into())).await, None);
        assert_eq!(is_admin(cookie("nuxt-session=__chunked__2; nuxt-session.1=a".into())).await, None);
        assert_eq!(is_admin(Credentials::default()).await, None);
    }

    #[tokio::test]
    async fn a_session_that_holds_is_remembered_whatever_false_ones_come() {
        let sessions = sessions();
        let admin = cookie(format!("nuxt-session={}", sealed("admin, never expires")));
        assert!(sessions.user(&admin).await == sessions.user(&admin).await);
        for n in 0..20 {
            let forged = sealed("ciphertext altered") + &"A".repeat(4 * n);
            assert!(sessions.user(&cookie(format!("nuxt-session={forged}"))).await.is_none());
            assert!(sessions.user(&cookie(format!("nuxt-session={n}"))).await.is_none());
        }
        assert_eq!(locked(&sessions.held).len(), 1);
        assert!(locked(&sessions.held).get(&digest_of(&sealed("admin, never expires"))).is_some());
    }

    #[tokio::test]
    async fn a_seal_that_was_found_false_is_not_looked_at_for_long_again() {
        let sessions = sessions();
        let forged = cookie(format!("nuxt-session={}", sealed("ciphertext altered")));
        assert!(sessions.user(&forged).await.is_none());
        assert_eq!(locked(&sessions.refused).len(), 1);
        // Nobody gets the turn that such a look would take.
        let _all = sessions.permits.acquire_many(AT_A_TIME as u32).await.unwrap();
        assert!(sessions.user(&forged).await.is_none());
    }

    #[tokio::test]
    async fn a_flood_of_false_seals_keeps_nobody_waiting_whose_session_is_quickly_opened() {
        let sessions = sessions();
        let _all = sessions.permits.acquire_many(AT_A_TIME as u32).await.unwrap();
        let visitor = cookie(format!("nuxt-session={}", sealed("viewer, never expires")));
        let user = sessions.user(&visitor).await.unwrap();
        assert_eq!(user.id.as_deref(), Some("bob@example.com"));
    }

    #[test]
    fn a_request_that_is_given_up_keeps_its_turn_until_its_seal_is_done() {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || wait.recv());
            let sessions = sessions();
            let credentials = cookie(format!("nuxt-session={}", sealed("ciphertext altered")));
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
        let sessions = sessions();
        locked(&sessions.held).insert(digest_of("seal"), user("x", Some(now_ms())));
        assert!(sessions.user(&cookie("nuxt-session=seal".into())).await.is_none());
    }

    #[test]
    fn an_age_limit_ends_a_session_however_new_its_seal_is() {
        let limited = SessionConfig { max_age: Some(Duration::from_secs(10)), ..config() };
        let end = |created_at: Value, sealed_until: Option<u64>, config: &SessionConfig| {
            let content = json!({"createdAt": created_at, "data": {"user": {"role": "admin"}}}).to_string();
            rules(config.clone()).user_of(content.as_bytes(), sealed_until).map(|user| user.expires_at)
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
        let admin = |user: Value| {
            let content = json!({"id": "x", "data": {"user": user}}).to_string();
            rules(config()).user_of(content.as_bytes(), None).is_some_and(|user| user.admin.is_some())
        };
        assert!(admin(json!({"role": "admin"})));
        assert!(admin(json!({"roles": ["a", 5, "admin"]})));
        assert!(admin(json!({"role": ["admin"]})));
        assert!(admin(json!({"email": "ops@EXAMPLE.com"})));
        assert!(!admin(json!({"role": "administrator"})));
        // The Kelvin sign, whose lower case is the letter k.
        assert!(admin(json!({"email": "kim@example.com"})));
        assert!(!admin(json!({"email": "\u{212a}im@example.com"})));
        assert!(!admin(json!("admin")));
        assert!(rules(config()).user_of(b"{}", None).is_none());
    }

    #[test]
    fn the_first_field_that_is_there_is_the_users_id() {
        let id = |data: Value, fields: &[&str]| {
            let fields = fields.iter().map(|field| (*field).to_owned()).collect();
            let users = UserConfig { fields, hash: UserHash::Never, ..UserConfig::default() };
            let sessions = Sessions::new(config(), users.fields.clone(), Arc::new(Ids::new(&users, None)));
            let content = json!({"id": "x", "data": data}).to_string();
            sessions.rules.user_of(content.as_bytes(), None).and_then(|user| user.id)
        };
        let usual = ["user.id", "user.email"];
        assert_eq!(id(json!({"user": {"id": 7, "email": "kim@x"}}), &usual).as_deref(), Some("7"));
        assert_eq!(id(json!({"user": {"id": "", "email": "kim@x"}}), &usual).as_deref(), Some("kim@x"));
        assert_eq!(id(json!({"account": {"sub": "a"}}), &["user.id", "account.sub"]).as_deref(), Some("a"));
        assert_eq!(id(json!({"login": "zoe"}), &["login"]).as_deref(), Some("zoe"));
        for data in [json!({}), json!({"user": "kim"}), json!({"id": "x"}), json!({"user": {"id": ["a"]}})] {
            assert_eq!(id(data.clone(), &usual), None, "{data}");
        }
    }
}
