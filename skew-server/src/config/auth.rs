//! Who may see stats, and who may act: what the server is told about it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use jsonwebtoken::Algorithm as JwtAlgorithm;

use super::ConfigError;

/// A password or token. Its text is in no `Debug` and no error, and it is not compared by `==`, whose time would tell of it.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes a secret as it is: an application derives its keys from every character of its session password.
    ///
    /// # Errors
    ///
    /// When there is nothing but white space: an empty secret would let everybody in.
    pub fn new(text: &str) -> Result<Self, ConfigError> {
        if text.trim().is_empty() { Err(ConfigError::EmptySecret) } else { Ok(Self(text.into())) }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether no header could carry it as it is.
    pub(super) fn is_spaced(&self) -> bool {
        self.0.trim() != &*self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Admission by the application's own log-in: the sealed `nuxt-session` cookie of nuxt-auth-utils or h3.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The application's `NUXT_SESSION_PASSWORD`, of 32 characters or more.
    pub password: Secret,
    /// A user with one of these in `role` or `roles` is an admin.
    pub roles: Vec<String>,
    /// A user with one of these in `email` is an admin. Case does not matter.
    pub emails: Vec<String>,
    /// The application's `maxAge`: a session that was created longer ago is no good, however new its seal is. Without it the expiry in the seal
    /// counts alone.
    pub max_age: Option<Duration>,
}

impl SessionConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.password.bytes().len() < 32 {
            return Err(ConfigError::ShortPassword);
        }
        if self.roles.iter().chain(&self.emails).any(|admin| admin.trim().is_empty()) {
            return Err(ConfigError::EmptyAdmin);
        }
        Ok(())
    }
}

/// Admission by JSON web tokens, sent as `Authorization: Bearer …` or in a cookie.
///
/// What a token itself says of how it is to be checked counts for nothing: its algorithm must be one of those named here, and its key
/// is one of those named here.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// The algorithms that tokens may be signed with: all of them HS, or none.
    pub algorithms: Vec<JwtAlgorithm>,
    /// What signatures are checked with.
    pub keys: JwtKeys,
    /// A cookie in which tokens come as well.
    pub cookie: Option<String>,
    /// Where not empty, a token's `iss` must be one of these.
    pub issuers: Vec<String>,
    /// One of these must be in a token's `aud`. Where empty, a token that has an `aud` is meant for somebody else and refused.
    pub audiences: Vec<String>,
    /// Whoever one of these holds for may read stats.
    pub readers: Vec<ClaimRule>,
    /// Whoever one of these holds for may read stats and act.
    pub admins: Vec<ClaimRule>,
}

/// What the signatures of tokens are checked with. Several keys of a kind, so that one can be changed without a gap.
#[derive(Debug, Clone)]
pub enum JwtKeys {
    /// Secrets that are shared with who signs the tokens, of 32 bytes or more: for HS algorithms.
    Secrets(Vec<Secret>),
    /// Public keys as PEM text: for RS, PS, ES and EdDSA.
    Public(Vec<String>),
    /// The key set at an address, for RS, PS, ES and EdDSA. Whoever controls what is read there can sign tokens, so that it should begin
    /// with `https:`, unless the way there is the operator's own.
    Jwks {
        /// Where the set is.
        url: String,
        /// The set is read again when it is older than this.
        refresh: Duration,
    },
}

/// A rule such as `role=admin`: the claim equals the value, or is a list that holds it. In a claim `scope` or `scp` the words of a text
/// are such a list. A path with dots leads into objects: `realm_access.roles=ops`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRule {
    pub(crate) path: String,
    pub(crate) value: String,
}

impl FromStr for ClaimRule {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let bad = || ConfigError::Jwt(JwtError::Rule(text.to_owned()));
        let (path, value) = text.split_once('=').ok_or_else(bad)?;
        let (path, value) = (path.trim(), value.trim());
        // An empty value would admit everybody whose claim is empty.
        if path.is_empty() || value.is_empty() {
            Err(bad())
        } else {
            Ok(Self { path: path.into(), value: value.into() })
        }
    }
}

/// Why tokens can't be checked by a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Left to a token, its algorithm would be the forger's choice.
    #[error("no algorithm of the tokens is named; name it, such as RS256")]
    NoAlgorithm,
    /// A public key that is taken for a shared secret lets everybody sign.
    #[error("HS algorithms are for a shared secret and all others for public keys; name those that fit the keys")]
    Mixed,
    /// No token could be checked.
    #[error("no key for the tokens is given")]
    NoKey,
    /// It could be found by trying.
    #[error("the shared secret of the tokens must be of 32 bytes or more")]
    ShortSecret,
    /// A public key is known to everybody.
    #[error("the shared secret of the tokens is a PEM key; name the algorithm that it is for, such as RS256")]
    KeyAsSecret,
    /// Checking signatures needs none.
    #[error("the key of the tokens is a private key; give the public one and keep that one where tokens are signed")]
    PrivateKey,
    /// Not PEM, or of another kind than the algorithms.
    #[error("the key of the tokens is no PEM public key for any of the algorithms")]
    PublicKey,
    /// Neither HTTP nor HTTPS.
    #[error("the address of the key set must be a URL that begins with https:// or http://")]
    Url,
    /// Nobody would be admitted.
    #[error("no rule says whom a token admits; give one for readers or admins, such as role=admin")]
    NoRule,
    /// It is not of the form.
    #[error("the rule {0:?} must look like role=admin")]
    Rule(String),
}
