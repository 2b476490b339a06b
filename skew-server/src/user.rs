//! Who a connection belongs to: what the first source says that knows. A visitor's stream is never refused for it.

pub(crate) mod field;
mod id;

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use tokio::time::timeout;

pub(crate) use self::id::Ids;
use crate::app::App;
use crate::config::{Config, ConfigError};
use crate::hooks::Credentials;
use crate::live::Settings;
use crate::metrics::KnownBy;
use crate::origin::{Proxy, Source};
use crate::{cookies, visitor};

/// How long a visitor waits at most for it to be found out who they are. One of whom it is not known then is nobody.
const TIME: Duration = Duration::from_secs(2);

/// Where users are looked for.
#[derive(Debug)]
pub(crate) struct Identity {
    header: Option<HeaderName>,
    cookie: Option<String>,
}

impl Identity {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let header = config.users.header.as_deref().map(header_name).transpose()?;
        if header.is_some() && config.trusted_proxies.is_empty() {
            return Err(ConfigError::UserHeaderOfNobody);
        }
        if config.users.forward_header.is_some() && config.forward_auth_url.is_none() {
            return Err(ConfigError::UserOfNoForwardAuth);
        }
        if config.redis.is_some() && config.users.hash_key.is_none() {
            return Err(ConfigError::NoUserKey);
        }
        Ok(Self { header, cookie: config.users.cookie.clone() })
    }
}

pub(crate) fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    name.parse().map_err(|_| ConfigError::HeaderName(name.to_owned()))
}

/// The user of one who opens a stream. The id is never to be logged.
pub(crate) async fn of(parts: &Parts, source: Source, app: &App) -> Option<Arc<str>> {
    let settings = app.settings();
    let credentials = Credentials::of(parts, source);
    let found = timeout(TIME, find(parts, &credentials, &settings)).await;
    let (known_by, user) = match found {
        Ok(Some((known_by, user))) => (known_by, Some(user)),
        Ok(None) => (KnownBy::Nothing, None),
        Err(_) => (KnownBy::Late, None),
    };
    app.live.metrics.identified.count(known_by);
    user
}

/// The order is that of how much each of them proves, the hook apart.
async fn find(parts: &Parts, credentials: &Credentials, settings: &Settings) -> Option<(KnownBy, Arc<str>)> {
    let Settings { authorizer, identity, ids, .. } = settings;
    if let Some(user) = authorizer.session_user(credentials).await {
        return Some((KnownBy::Session, user));
    }
    if let Some(user) = authorizer.token_user(credentials).await {
        return Some((KnownBy::Token, user));
    }
    if let Some(name) = &identity.header
        && visitor::proxy(parts, &settings.config) == Proxy::Trusted
        && let Some(user) = named(&parts.headers, name).and_then(|id| ids.user(id))
    {
        return Some((KnownBy::Header, user));
    }
    if let Some(user) = authorizer.forward_user(credentials).await {
        return Some((KnownBy::Forward, user));
    }
    if let Some(name) = &identity.cookie
        && let Some(value) = credentials.cookie.as_deref().and_then(|cookies| cookies::find(cookies, name))
        && let Some(visitor) = cookies::decode(value).and_then(|id| ids.visitor(&id))
    {
        return Some((KnownBy::Cookie, visitor));
    }
    Some((KnownBy::Hook, authorizer.hook_user(credentials).await?))
}

/// What a header says. Where it is there twice one of them may be the client's own.
pub(crate) fn named<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    std::str::from_utf8(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_header_that_is_there_twice_names_nobody() {
        let name = header_name("X-User").unwrap();
        let mut headers = HeaderMap::new();
        assert_eq!(named(&headers, &name), None);
        headers.append("x-user", HeaderValue::from_bytes("Zoë".as_bytes()).unwrap());
        assert_eq!(named(&headers, &name), Some("Zoë"));
        headers.append("x-user", "kim".parse().unwrap());
        assert_eq!(named(&headers, &name), None);
    }

    #[test]
    fn what_would_never_name_anybody_is_refused() {
        let refused = |change: fn(&mut Config)| {
            let mut config = Config::new("b1");
            change(&mut config);
            config.check().err()
        };
        assert_eq!(refused(|c| c.users.header = Some("x-user".into())), Some(ConfigError::UserHeaderOfNobody));
        assert_eq!(refused(|c| c.users.forward_header = Some("x-user".into())), Some(ConfigError::UserOfNoForwardAuth));
        assert_eq!(refused(|c| c.users.header = Some("x user".into())), Some(ConfigError::HeaderName("x user".into())));
        assert_eq!(refused(|c| c.users.cookie = Some("a=b".into())), Some(ConfigError::CookieName("a=b".into())));
        for field in ["", "user.", ".id", "a..b"] {
            let users = crate::config::UserConfig { fields: vec![field.into()], ..Default::default() };
            assert_eq!(Config { users, ..Config::new("b1") }.check(), Err(ConfigError::UserField));
        }
        let short = |c: &mut Config| c.users.hash_key = Some(crate::config::Secret::new(&"k".repeat(31)).unwrap());
        assert_eq!(refused(short), Some(ConfigError::ShortUserKey));
        let over_redis = |c: &mut Config| c.redis = "redis://127.0.0.1".parse().ok();
        assert_eq!(refused(over_redis), Some(ConfigError::NoUserKey));
    }
}
