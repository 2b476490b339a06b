//! Whose a request is, by the ways that also say who may see stats.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Authorizer, secret};
use crate::hooks::{Credentials, IdentityRequest};

impl Authorizer {
    /// The user of the application's session.
    pub(crate) async fn session_user(&self, credentials: &Credentials) -> Option<Arc<str>> {
        self.sessions.as_ref()?.user(credentials).await?.id
    }

    /// The `sub` of a token that holds, whether or not a rule admits its holder.
    pub(crate) async fn token_user(&self, credentials: &Credentials) -> Option<Arc<str>> {
        let tokens = self.tokens.as_ref()?;
        let bearer = credentials.authorization.as_deref().and_then(secret::bearer);
        for token in bearer.into_iter().chain(tokens.cookie(credentials)) {
            if let Ok(holder) = tokens.holder(token).await
                && let Some(subject) = holder.subject
            {
                return self.ids.user(&subject);
            }
        }
        None
    }

    /// Whom the operator's endpoint names.
    pub(crate) async fn forward_user(&self, credentials: &Credentials) -> Option<Arc<str>> {
        self.forward.as_ref()?.user(credentials).await
    }

    /// Whom the embedding application names. A visitor's stream is not to end with its panic.
    pub(crate) async fn hook_user(&self, credentials: &Credentials) -> Option<Arc<str>> {
        let asked = async { self.hooks.identify(IdentityRequest { credentials })?.await };
        let Ok(id) = AssertUnwindSafe(asked).catch_unwind().await else {
            tracing::error!("the hook that identifies panicked; the visitor is nobody");
            return None;
        };
        self.ids.user(&id?)
    }
}
