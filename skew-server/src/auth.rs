//! Who may see stats, and who may act.

mod jwt;
pub(crate) mod seal;
pub(crate) mod secret;
mod session;

use std::sync::Arc;

use self::jwt::{Holder, Tokens};
use self::session::{Sessions, Standing};
use crate::config::{Config, ConfigError, Secret};
use crate::failure::ApiError;
use crate::hooks::{Credentials, Hooks, StatsRequest};

/// Someone whose credentials are good for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) role: Role,
    /// What the log calls them.
    pub(crate) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Reads stats and acts.
    Admin,
    /// Reads stats.
    Reader,
}

pub(crate) struct Authorizer {
    admin_secrets: Vec<Secret>,
    stats_secrets: Vec<Secret>,
    sessions: Option<Sessions>,
    tokens: Option<Tokens>,
    hooks: Arc<dyn Hooks>,
    /// Whether the configuration could admit anybody.
    is_closed: bool,
}

impl Authorizer {
    /// `before` is the one whose place it takes.
    pub(crate) fn new(config: &Config, hooks: Arc<dyn Hooks>, before: Option<&Self>) -> Result<Self, ConfigError> {
        let tokens_before = before.and_then(|before| before.tokens.as_ref());
        Ok(Self {
            admin_secrets: config.admin_secrets.clone(),
            stats_secrets: config.stats_secrets.clone(),
            sessions: config.session.clone().map(Sessions::new),
            tokens: config.jwt.as_ref().map(|jwt| Tokens::new(jwt, tokens_before)).transpose()?,
            hooks,
            is_closed: config.admits_nobody(),
        })
    }

    /// Whether stats may be shown to whoever sent these credentials.
    pub(crate) async fn may_read(&self, credentials: &Credentials) -> bool {
        self.identify(credentials).await.is_some() || self.hooks.authorize_stats(StatsRequest { credentials }).await
    }

    /// [`Self::may_read`] as the answer to a request.
    pub(crate) async fn reader(&self, credentials: &Credentials) -> Result<(), ApiError> {
        if self.may_read(credentials).await { Ok(()) } else { Err(self.refusal()) }
    }

    /// Who acts. `secret` is the one in the body of the documented recipe.
    pub(crate) async fn admin(&self, credentials: &Credentials, secret: Option<&str>) -> Result<Identity, ApiError> {
        let by_secret = secret.and_then(|secret| self.by_secret(secret));
        let identity = match by_secret {
            Some(identity) => Some(identity),
            None => self.identify(credentials).await,
        };
        match identity {
            Some(identity) if identity.role == Role::Admin => Ok(identity),
            Some(_) => Err(ApiError::forbidden("these credentials may read and not act; use an admin's")),
            None => Err(self.refusal()),
        }
    }

    async fn identify(&self, credentials: &Credentials) -> Option<Identity> {
        let token = credentials.authorization.as_deref().and_then(secret::bearer);
        if let Some(identity) = token.and_then(|token| self.by_secret(token)) {
            return Some(identity);
        }
        if let Some(identity) = self.by_token(credentials).await {
            return Some(identity);
        }
        let user = self.sessions.as_ref()?.user(credentials).await?;
        match user.standing {
            Standing::Admin => Some(Identity { role: Role::Admin, name: format!("user {}", user.name) }),
            Standing::Visitor => None,
        }
    }

    async fn by_token(&self, credentials: &Credentials) -> Option<Identity> {
        let tokens = self.tokens.as_ref()?;
        for token in tokens.sent(credentials) {
            match tokens.holder(token).await {
                Ok(Holder { name, role: Some(role) }) => {
                    return Some(Identity { role, name: format!("token of {name}") });
                }
                Ok(Holder { role: None, .. }) => tracing::debug!("a token was refused: no rule admits its holder"),
                Err(error) => tracing::debug!(%error, "a token was refused"),
            }
        }
        None
    }

    fn by_secret(&self, given: &str) -> Option<Identity> {
        let identity = |role, name: &str| Identity { role, name: name.to_owned() };
        if secret::is_one_of(given, &self.admin_secrets) {
            return Some(identity(Role::Admin, "admin secret"));
        }
        secret::is_one_of(given, &self.stats_secrets).then(|| identity(Role::Reader, "stats secret"))
    }

    /// What a stock server answers: 503 where nothing is configured that could admit anybody, else 401. What an embedding application
    /// admits by its hook is its own affair, which it alone can word.
    fn refusal(&self) -> ApiError {
        if self.is_closed {
            ApiError::unavailable(
                "the server has nothing to check credentials with: no secret, no session password, no key of tokens",
            )
        } else {
            ApiError::unauthorized("send the admin secret as a bearer token, or log in as an admin")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorizer() -> Authorizer {
        let config = Config {
            admin_secrets: vec![Secret::new("adm1n").unwrap()],
            stats_secrets: vec![Secret::new("st4ts").unwrap()],
            ..Config::new("b1")
        };
        Authorizer::new(&config, Arc::new(()), None).unwrap()
    }

    fn bearer(token: &str) -> Credentials {
        Credentials { authorization: Some(format!("Bearer {token}").into()), ..Credentials::default() }
    }

    #[tokio::test]
    async fn the_stats_secret_reads_and_does_not_act() {
        let authorizer = authorizer();
        assert!(authorizer.may_read(&bearer("st4ts")).await);
        assert_eq!(authorizer.admin(&bearer("st4ts"), None).await.unwrap_err().status(), 403);
        assert_eq!(authorizer.admin(&bearer("x"), Some("st4ts")).await.unwrap_err().status(), 403);
        assert!(authorizer.may_read(&bearer("adm1n")).await);
        assert_eq!(authorizer.admin(&bearer("adm1n"), None).await.unwrap().name, "admin secret");
        assert_eq!(authorizer.admin(&bearer("x"), Some("adm1n")).await.unwrap().role, Role::Admin);
    }

    #[tokio::test]
    async fn others_are_refused_and_where_nobody_could_do_better_told_so() {
        assert!(!authorizer().may_read(&bearer("wrong")).await);
        assert_eq!(authorizer().admin(&Credentials::default(), None).await.unwrap_err().status(), 401);
        let nobody = Authorizer::new(&Config::new("b1"), Arc::new(()), None).unwrap();
        assert!(!nobody.may_read(&bearer("")).await);
        let refusal = nobody.reader(&bearer("x")).await.unwrap_err();
        assert_eq!(refusal.status(), 503);
        assert!(refusal.message().contains("nothing to check credentials with"), "{}", refusal.message());
    }
}
