//! Who may see stats, and who may act.

mod caller;
mod forward;
mod identify;
mod jwt;
mod recent;
pub(crate) mod seal;
pub(crate) mod secret;
mod session;
mod watch;

use std::sync::Arc;

pub(crate) use self::caller::{Caller, Refusal};
use self::forward::Forward;
use self::jwt::{Holder, Tokens};
use self::session::Sessions;
pub(crate) use self::watch::{Watch, WatchId};
use crate::config::{Config, ConfigError, Secret};
use crate::hooks::{Credentials, Hooks, StatsRequest};
use crate::user::{Ids, header_name};

/// Leave to read stats, and to act where the role is an admin's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) role: Role,
    /// What the log calls whoever has it.
    pub(crate) name: String,
    /// When what admitted them ends, in milliseconds since 1970. A secret does not.
    pub(crate) until: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Reads stats and acts.
    Admin,
    /// Reads stats.
    Reader,
}

/// What somebody's credentials come to.
#[derive(Debug, Default)]
struct Found {
    grant: Option<Grant>,
    /// Whether there was a secret or a bearer token among them that is not right.
    wrong: bool,
}

/// A secret that is none, or a bearer token that anybody could have made up.
#[derive(Debug, Clone, Copy)]
struct Wrong;

pub(crate) struct Authorizer {
    admin_secrets: Vec<Secret>,
    stats_secrets: Vec<Secret>,
    sessions: Option<Sessions>,
    tokens: Option<Tokens>,
    forward: Option<Forward>,
    hooks: Arc<dyn Hooks>,
    ids: Arc<Ids>,
    /// Whether nothing in the configuration could admit anybody.
    is_closed: bool,
}

impl Authorizer {
    /// `before` is the one whose place it takes.
    pub(crate) fn new(
        config: &Config,
        hooks: Arc<dyn Hooks>,
        ids: Arc<Ids>,
        before: Option<&Self>,
    ) -> Result<Self, ConfigError> {
        let tokens_before = before.and_then(|before| before.tokens.as_ref());
        let forward = config.forward_auth_url.as_deref().map(|url| Forward::new(url, &config.cookie_name));
        let mut forward = forward.transpose()?;
        if let Some(name) = &config.users.forward_header {
            let name = header_name(name)?;
            forward = forward.map(|forward| forward.naming_users(name, ids.clone()));
        }
        let sessions = |session| Sessions::new(session, config.users.fields.clone(), ids.clone());
        Ok(Self {
            admin_secrets: config.admin_secrets.clone(),
            stats_secrets: config.stats_secrets.clone(),
            sessions: config.session.clone().map(sessions),
            tokens: config.jwt.as_ref().map(|jwt| Tokens::new(jwt, tokens_before)).transpose()?,
            forward,
            hooks,
            ids,
            is_closed: config.admits_nobody(),
        })
    }

    /// Who reads stats.
    async fn reader(&self, credentials: &Credentials) -> Result<Grant, Refusal> {
        let found = self.find(credentials, None).await;
        if let Some(grant) = found.grant {
            return Ok(grant);
        }
        let reader = |name: &str| Ok(Grant { role: Role::Reader, name: name.to_owned(), until: None });
        let decision = self.hooks.authorize_stats(StatsRequest { credentials });
        let is_closed = self.is_closed && decision.is_none();
        if let Some(decision) = decision
            && decision.await
        {
            return reader("a reader by the application's word");
        }
        if let Some(forward) = &self.forward
            && forward.admits(credentials).await
        {
            return reader("a reader by forward-auth");
        }
        Err(if is_closed { Refusal::Closed } else { Refusal::of(found.wrong) })
    }

    /// Who acts. `secret` is the one in the body of the documented recipe.
    async fn admin(&self, credentials: &Credentials, secret: Option<&str>) -> Result<Grant, Refusal> {
        match self.find(credentials, secret).await {
            Found { grant: Some(grant), .. } if grant.role == Role::Admin => Ok(grant),
            _ if self.is_closed => Err(Refusal::Closed),
            // Before what it may all the same: a reader's leave must be no way to try secrets.
            Found { wrong: true, .. } => Err(Refusal::Wrong),
            Found { grant: Some(_), .. } => Err(Refusal::ReadsOnly),
            Found { grant: None, .. } => Err(Refusal::Unknown),
        }
    }

    async fn find(&self, credentials: &Credentials, secret: Option<&str>) -> Found {
        let mut found = Found::default();
        if let Some(secret) = secret {
            found.add(self.by_secret(secret).map(Some).ok_or(Wrong));
        }
        if let Some(bearer) = credentials.authorization.as_deref().and_then(secret::bearer) {
            found.add(self.by_bearer(bearer).await);
        }
        if let Some(tokens) = &self.tokens
            && let Some(token) = tokens.cookie(credentials)
        {
            // A browser sends it by itself, also one that has been good once: it is nobody's try.
            found.add(by_token(tokens, token).await.or(Ok(None)));
        }
        if let Some(sessions) = &self.sessions
            && let Some(user) = sessions.user(credentials).await
            && let Some(name) = user.admin
        {
            let name = format!("user {name}");
            found.add(Ok(Some(Grant { role: Role::Admin, name, until: user.expires_at })));
        }
        found
    }

    async fn by_bearer(&self, bearer: &str) -> Result<Option<Grant>, Wrong> {
        match (self.by_secret(bearer), &self.tokens) {
            (Some(grant), _) => Ok(Some(grant)),
            (None, Some(tokens)) => by_token(tokens, bearer).await,
            (None, None) => Err(Wrong),
        }
    }

    fn by_secret(&self, given: &str) -> Option<Grant> {
        let grant = |role, name: &str| Grant { role, name: name.to_owned(), until: None };
        if secret::is_one_of(given, &self.admin_secrets) {
            return Some(grant(Role::Admin, "admin secret"));
        }
        secret::is_one_of(given, &self.stats_secrets).then(|| grant(Role::Reader, "stats secret"))
    }
}

impl Found {
    /// Keeps the better of two.
    fn add(&mut self, found: Result<Option<Grant>, Wrong>) {
        self.wrong |= found.is_err();
        let is_admin = |grant: &Grant| grant.role == Role::Admin;
        if let Ok(Some(grant)) = found
            && (self.grant.is_none() || is_admin(&grant) && !self.grant.as_ref().is_some_and(is_admin))
        {
            self.grant = Some(grant);
        }
    }
}

/// What the holder of a token may do, if anything.
async fn by_token(tokens: &Tokens, token: &str) -> Result<Option<Grant>, Wrong> {
    match tokens.holder(token).await {
        Ok(Holder { name, role: Some(role), expires_at, .. }) => {
            Ok(Some(Grant { role, name: format!("token of {name}"), until: Some(expires_at) }))
        }
        Ok(Holder { role: None, .. }) => {
            tracing::debug!("a token was refused: no rule admits its holder");
            Ok(None)
        }
        Err(error) => {
            tracing::debug!(%error, "a token was refused");
            if error.is_guess() { Err(Wrong) } else { Ok(None) }
        }
    }
}

#[cfg(test)]
mod tests;
