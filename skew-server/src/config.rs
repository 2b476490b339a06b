//! What the server is told when it starts, or later.

mod auth;
mod limits;
mod people;
mod redis;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

pub use auth::{ClaimRule, JwtAlgorithm, JwtConfig, JwtError, JwtKeys, Secret, SessionConfig};
pub use ipnet::IpNet;
pub use limits::{Limits, NotARate, Rate};
pub use people::{UserConfig, UserHash};
#[cfg(feature = "redis")]
pub(crate) use redis::{Place, Servers};
pub use redis::{RedisConfig, RedisUrlError};
use skew_proto::wire;
pub use webhook::WebhookConfig;

use crate::live::Settings;
use crate::origin::Origin;

/// A header by which a proxy says who the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressHeader {
    /// `CF-Connecting-IP`, which Cloudflare sets. Any other proxy passes it on as a client has sent it.
    CfConnectingIp,
    /// `X-Forwarded-For`, to which each proxy adds at the right.
    XForwardedFor,
    /// `X-Real-IP`.
    XRealIp,
}

/// Everything a server can be told. Start from [`Config::new`] and change what you need.
#[derive(Debug, Clone)]
pub struct Config {
    /// The build that new visitors get now.
    pub build_id: String,
    /// The name of this instance among several of one server: 1 to 64 visible characters without `/`.
    pub instance: Option<String>,
    /// Where the others are met. Without it everything is in this process's memory.
    pub redis: Option<RedisConfig>,
    /// Where the endpoints live: `/__skew`, or `/shop/__skew` for an app mounted at `/shop`.
    pub base_path: String,
    /// The cookie in which browsers carry their build: `__nkpv`, or `__nkpv_shop` for an app mounted at `/shop`.
    pub cookie_name: String,
    /// Whether the page of each connection is kept. Otherwise everybody is at `/`, except for the instances of `skew-tui`,
    /// which know each other by their route [`wire::TUI_ROUTE`] and are no visitors.
    pub route_tracking: bool,
    /// Whether the address of each connection is kept.
    pub ip_tracking: bool,
    /// Proxies of which [`address_headers`](Config::address_headers), `X-Forwarded-Host` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Headers by which a trusted proxy says who the client is: the first of them that is there counts. Name none that your proxy passes
    /// on as a client has sent it.
    pub address_headers: Vec<AddressHeader>,
    /// Origins whose pages are the site's own beside the one that the `Host` header names, such as `https://shop.example.com` behind a
    /// proxy that rewrites it. No CORS headers are sent, so a browser lets no page of another origin use the endpoints.
    pub allowed_origins: Vec<String>,
    /// Bearer secrets that may read stats and act. Several, so that one can be changed without a gap.
    pub admin_secrets: Vec<Secret>,
    /// Bearer secrets that may read stats.
    pub stats_secrets: Vec<Secret>,
    /// Admission by the application's own sessions.
    pub session: Option<SessionConfig>,
    /// Admission by JSON web tokens.
    pub jwt: Option<JwtConfig>,
    /// Admission of readers by an endpoint at this address: it gets a request's cookies (but for the build's), its `Authorization` and
    /// its `X-Nuxt-Session-Session`, and answers 2xx where their sender may read stats.
    pub forward_auth_url: Option<String>,
    /// Whose connections are.
    pub users: UserConfig,
    /// How often it is looked again whether a subscriber may still see stats. It is looked as well when a session or token ends, and when the
    /// settings have changed.
    pub recheck_interval: Duration,
    /// Subscribers get at most one `stats` message in this time.
    pub stats_interval: Duration,
    /// Where events are sent.
    pub webhook: Option<WebhookConfig>,
    /// A user whose last connection has closed has left after this time; one who is back before has not.
    pub leave_grace: Duration,
    /// How much anybody may ask of the server.
    pub limits: Limits,
    /// Whether the endpoints of the module's documentation, `/api/admin/stats` and `/api/admin/invalidate-route`, are served as
    /// well. Switch it off where the embedding application has its own: axum refuses two routes of one path.
    pub recipe_endpoints: bool,
}

/// Why a configuration can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Browsers compare their own build with this one.
    #[error("the build id must be of 1 to {} visible characters", wire::MAX_VERSION_BYTES)]
    BuildId,
    /// The path of every endpoint begins with it.
    #[error("the base path {0:?} must begin with / and hold only letters, digits and any of / - . _ ~")]
    BasePath(String),
    /// A cookie of that name can't exist.
    #[error("the cookie name {0:?} must hold only letters, digits and any of - . _")]
    CookieName(String),
    /// Neither a scheme and a host nor the site's own.
    #[error("the origin {0:?} must look like https://admin.example.com, without a path")]
    Origin(String),
    /// An empty secret would let everybody in.
    #[error("the secret is empty")]
    EmptySecret,
    /// No `Authorization` header could carry it.
    #[error("an admin or stats secret has white space at its beginning or end")]
    SpacedSecret,
    /// nuxt-auth-utils and h3 refuse such a password too.
    #[error("the session password must be of 32 characters or more, as the application's NUXT_SESSION_PASSWORD is")]
    ShortPassword,
    /// An empty one would make an admin of every user whose role or e-mail address is empty.
    #[error("an admin role or an admin's e-mail address is empty")]
    EmptyAdmin,
    /// Tokens could not be checked.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// Neither HTTP nor HTTPS.
    #[error("the address of forward-auth must be a URL that begins with https:// or http://")]
    ForwardAuthUrl,
    /// A path with an empty name leads nowhere.
    #[error("a field of a user must be a path such as user.id")]
    UserField,
    /// No request can have a header of that name.
    #[error("{0:?} is no name of a header")]
    HeaderName(String),
    /// Anybody could name any user, so the header is never believed.
    #[error("a header that names the user is believed of trusted proxies alone; name them")]
    UserHeaderOfNobody,
    /// Nobody would be asked.
    #[error("a header of the answer of forward-auth names the user; give the address of forward-auth as well")]
    UserOfNoForwardAuth,
    /// One user would be another on every instance.
    #[error("over Redis all instances need the same key for users' ids; give it, of 32 bytes or more")]
    NoUserKey,
    /// It could be found by trying.
    #[error("the key of users' ids must be of 32 bytes or more")]
    ShortUserKey,
    /// Neither HTTP nor HTTPS. It is not repeated, since it may hold a secret.
    #[error("the address of a webhook must be a URL that begins with https:// or http://")]
    WebhookUrl,
    /// A receiver could not tell our requests from a stranger's.
    #[error("webhooks need a secret to sign with: give --webhook-secret-file or SKEW_WEBHOOK_SECRET")]
    NoWebhookSecret,
    /// It could be found by trying, or is not what it begins as.
    #[error("a webhook's secret must be of 24 characters or more, or whsec_ and 24 bytes or more in base64")]
    WebhookKey,
    /// Nothing could ever be sent.
    #[error("the queue of webhooks must have room for 1 event or more")]
    WebhookQueue,
    /// The system's certificates can't be read, for example.
    #[error("can't make an HTTP client: {0}")]
    Client(String),
    /// A tick of no length would never end.
    #[error("the stats interval must be longer than 0")]
    StatsInterval,
    /// It is a part of names that others go by.
    #[error("an instance's name must be of 1 to 64 visible characters without /")]
    Instance,
    /// The others can't be met there.
    #[error(transparent)]
    Redis(#[from] RedisUrlError),
    /// A limit that would keep everybody out, or hold nothing.
    #[error("the limit {name} must be {}", range(*least, *most))]
    Limit {
        /// Its option, without dashes before it.
        name: &'static str,
        /// The least it may be.
        least: usize,
        /// The most it may be.
        most: usize,
    },
    /// A rate that lets nobody in, or everybody.
    #[error("the limit {0} must be a rate of once a day or more, with a burst of 1 or more, such as 50/s:500")]
    Rate(&'static str),
    /// No request could ever be read.
    #[error("the limit head-timeout must be longer than 0")]
    HeadTime,
}

impl Config {
    /// A server that tracks connections and builds, no routes and no addresses, and lets nobody see them.
    #[must_use]
    pub fn new(build_id: impl Into<String>) -> Self {
        Self {
            build_id: build_id.into(),
            instance: None,
            redis: None,
            base_path: wire::DEFAULT_BASE_PATH.into(),
            cookie_name: wire::DEFAULT_COOKIE_NAME.into(),
            route_tracking: false,
            ip_tracking: false,
            trusted_proxies: Vec::new(),
            address_headers: vec![AddressHeader::XForwardedFor, AddressHeader::XRealIp],
            allowed_origins: Vec::new(),
            admin_secrets: Vec::new(),
            stats_secrets: Vec::new(),
            session: None,
            jwt: None,
            forward_auth_url: None,
            users: UserConfig::default(),
            recheck_interval: Duration::from_secs(120),
            stats_interval: Duration::from_millis(100),
            webhook: None,
            leave_grace: Duration::from_secs(3),
            limits: Limits::default(),
            recipe_endpoints: true,
        }
    }

    /// Whether nothing in it could let anybody see stats. An embedding application's hook still can.
    #[must_use]
    pub fn admits_nobody(&self) -> bool {
        let has_secrets = !self.admin_secrets.is_empty() || !self.stats_secrets.is_empty();
        !has_secrets && self.session.is_none() && self.jwt.is_none() && self.forward_auth_url.is_none()
    }

    /// Checks everything that its type does not hold already, as [`router`](crate::router) does.
    ///
    /// # Errors
    ///
    /// When it can't be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        // All that is made of it when it is used: nothing that fails then may pass here.
        Settings::new(self.clone(), Arc::new(()), None).map(drop)
    }

    /// Checks each field by itself: what stands in others may be missing yet.
    ///
    /// # Errors
    ///
    /// What can't be used.
    pub fn check_fields(&self) -> Result<(), ConfigError> {
        self.checked().map(drop)
    }

    /// [`Self::check_fields`], and returns what was checked in a form to be used.
    pub(crate) fn checked(&self) -> Result<Checked, ConfigError> {
        if !is_version(&self.build_id) {
            return Err(ConfigError::BuildId);
        }
        let word = |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
        let token_cookie = self.jwt.as_ref().and_then(|jwt| jwt.cookie.as_ref());
        if let Some(name) = [Some(&self.cookie_name), token_cookie, self.users.cookie.as_ref()]
            .into_iter()
            .flatten()
            .find(|name| name.is_empty() || !word(name, b"-._"))
        {
            return Err(ConfigError::CookieName(name.clone()));
        }
        let base_path = self.base_path.trim_end_matches('/').to_owned();
        if !self.base_path.starts_with('/') || !word(&base_path, b"/-._~") || base_path.contains("//") {
            return Err(ConfigError::BasePath(self.base_path.clone()));
        }
        let origins = self.allowed_origins.iter();
        let allowed_origins = origins
            .map(|text| Origin::parse(text).ok_or_else(|| ConfigError::Origin(text.clone())))
            .collect::<Result<_, _>>()?;
        self.session.as_ref().map_or(Ok(()), SessionConfig::check)?;
        if self.admin_secrets.iter().chain(&self.stats_secrets).any(Secret::is_spaced) {
            return Err(ConfigError::SpacedSecret);
        }
        self.users.check()?;
        if self.stats_interval.is_zero() {
            return Err(ConfigError::StatsInterval);
        }
        self.webhook.as_ref().map_or(Ok(()), WebhookConfig::check)?;
        self.limits.check()?;
        redis::check_instance(self.instance.as_deref())?;
        if self.redis.is_some() && cfg!(not(feature = "redis")) {
            return Err(RedisUrlError::NotBuilt.into());
        }
        Ok(Checked { base_path, allowed_origins })
    }
}

fn range(least: usize, most: usize) -> String {
    if most == usize::MAX { format!("{least} or more") } else { format!("from {least} to {most}") }
}

/// The parts of a [`Config`] that were parsed while they were checked.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Without a slash at the end; empty where the endpoints are at the root.
    pub(crate) base_path: String,
    pub(crate) allowed_origins: Vec<Origin>,
}

/// Whether a text can be a build that an operator means.
pub(crate) fn is_version(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= wire::MAX_VERSION_BYTES && !text.contains(skew_proto::text::is_harmful)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Config)) -> Option<ConfigError> {
        let mut config = Config::new("b1");
        change(&mut config);
        config.check().err()
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(refused(|_| {}), None);
        assert_eq!(Config::new("b1").checked().unwrap().base_path, "/__skew");
    }

    #[test]
    fn a_base_path_may_end_with_a_slash_or_be_the_root() {
        let base_path = |text: &str| Config { base_path: text.into(), ..Config::new("b") }.checked().unwrap().base_path;
        assert_eq!(base_path("/shop/__skew/"), "/shop/__skew");
        assert_eq!(base_path("/"), "");
    }

    #[test]
    fn what_can_not_work_is_refused() {
        assert_eq!(refused(|c| c.build_id = " ".into()), Some(ConfigError::BuildId));
        assert_eq!(refused(|c| c.build_id = "a\u{1b}".into()), Some(ConfigError::BuildId));
        for path in ["", "skew", "/{x}", "/a//b", "/a?b"] {
            assert_eq!(refused(|c| c.base_path = path.into()), Some(ConfigError::BasePath(path.into())));
        }
        assert!(matches!(refused(|c| c.cookie_name = "a=b".into()), Some(ConfigError::CookieName(_))));
        assert!(matches!(refused(|c| c.allowed_origins = vec!["example.com".into()]), Some(ConfigError::Origin(_))));
        assert_eq!(refused(|c| c.stats_interval = Duration::ZERO), Some(ConfigError::StatsInterval));
        let session =
            SessionConfig { password: Secret::new("short").unwrap(), roles: vec![], emails: vec![], max_age: None };
        assert_eq!(refused(|c| c.session = Some(session)), Some(ConfigError::ShortPassword));
        let password = Secret::new(&"p".repeat(32)).unwrap();
        for (roles, emails) in [(vec![String::new()], vec![]), (vec![], vec![" ".to_owned()])] {
            let session = SessionConfig { password: password.clone(), roles, emails, max_age: None };
            assert_eq!(refused(|c| c.session = Some(session)), Some(ConfigError::EmptyAdmin));
        }
        assert_eq!(
            refused(|c| c.admin_secrets = vec![Secret::new("adm1n\n").unwrap()]),
            Some(ConfigError::SpacedSecret)
        );
    }

    #[test]
    fn a_secret_is_kept_as_it_is_never_empty_and_never_shown() {
        assert_eq!(Secret::new(" \n").unwrap_err(), ConfigError::EmptySecret);
        let secret = Secret::new(" s3cret").unwrap();
        assert_eq!(secret.bytes(), b" s3cret");
        assert!(!format!("{secret:?}").contains("s3cret"));
    }
}
