//! Whose connections are, and how users' ids are kept: what the server is told about it.

use axum::http::HeaderName;

use super::{ConfigError, Secret};

/// Shortest key of ids, in bytes: a shorter one could be found by trying.
const MIN_KEY_BYTES: usize = 32;

/// Where a connection's user is looked for, beside the session and the tokens of [`Config`](crate::Config), and how ids are kept.
#[derive(Debug, Clone)]
pub struct UserConfig {
    /// Fields below the data of the application's session, of which the first that is there is the user's id. A path with dots leads
    /// into objects.
    pub fields: Vec<String>,
    /// A header in which a trusted proxy names the user.
    pub header: Option<String>,
    /// A header of the answer of [`forward_auth_url`](crate::Config::forward_auth_url) that names the user.
    pub forward_header: Option<String>,
    /// A cookie that holds the id of a visitor who is not known otherwise. It proves nothing, so that such an id begins with `v_` and is
    /// never a user's.
    pub cookie: Option<String>,
    /// Which ids are kept as a hash.
    pub hash: UserHash,
    /// What ids are hashed with, of 32 bytes or more; the same on all instances. Without one it is made up at the start.
    pub hash_key: Option<Secret>,
}

/// Which ids of users are kept as a keyed hash. Those that can't be shown in a line, or are too long, are in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserHash {
    /// Those that hold an `@`, as e-mail addresses do.
    #[default]
    Auto,
    /// All.
    Always,
    /// None.
    Never,
}

impl Default for UserConfig {
    fn default() -> Self {
        Self {
            fields: vec!["user.id".into(), "user.email".into()],
            header: None,
            forward_header: None,
            cookie: None,
            hash: UserHash::default(),
            hash_key: None,
        }
    }
}

impl UserConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.fields.iter().any(|field| field.split('.').any(str::is_empty)) {
            return Err(ConfigError::UserField);
        }
        let headers = [&self.header, &self.forward_header];
        if let Some(name) = headers.into_iter().flatten().find(|name| name.parse::<HeaderName>().is_err()) {
            return Err(ConfigError::HeaderName(name.clone()));
        }
        if self.hash_key.as_ref().is_some_and(|key| key.bytes().len() < MIN_KEY_BYTES) {
            return Err(ConfigError::ShortUserKey);
        }
        Ok(())
    }
}
