//! Users known by a JSON web token.
//!
//! A token is data until its signature holds. Its algorithm must be one of those that the configuration pins, and a key works for the
//! algorithms of its own kind alone, so that a public key is never taken for a shared secret. `jku`, `x5u`, `jwk` and `x5c` of a header are
//! not looked at: where keys come from is the operator's word.

mod claims;
mod jwks;
mod key;

use std::borrow::Cow;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, AlgorithmFamily, Validation, decode, decode_header};
use serde_json::Value;

use self::claims::{Claims, holds};
use self::jwks::Jwks;
use self::key::Key;
use super::Role;
use crate::config::{ClaimRule, ConfigError, JwtConfig, JwtError, JwtKeys};
use crate::cookies;
use crate::hooks::Credentials;
use crate::user::field;

/// A token is good this long after its expiry, and before its beginning, since clocks differ.
const LEEWAY_SECONDS: u64 = 30;

/// Longest token that is looked at. A cookie is not longer than half of it.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Someone with a token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// Who it is, for the log.
    pub(super) name: String,
    /// Its `sub`, where it has one.
    pub(super) subject: Option<String>,
    /// Nothing where no rule admits them.
    pub(super) role: Option<Role>,
    /// When the token ends, in milliseconds since 1970, the allowance for clocks included.
    pub(super) expires_at: u64,
}

/// Why a token says nothing of who has sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error("it is no token")]
    Malformed,
    #[error("it is signed by an algorithm that is not configured")]
    Algorithm,
    #[error("it asks for an extension that is not known here")]
    Critical,
    #[error("no key for it is known")]
    UnknownKey,
    #[error("it was altered or signed with another key")]
    Signature,
    #[error("its claims do not hold: {0}")]
    Claims(&'static str),
}

impl TokenError {
    /// Whether anybody could have made the token up.
    pub(super) fn is_guess(&self) -> bool {
        !matches!(self, Self::Claims(_))
    }
}

/// Checks tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    algorithms: Vec<Algorithm>,
    keys: Keys,
    cookie: Option<String>,
    readers: Vec<ClaimRule>,
    admins: Vec<ClaimRule>,
    /// What every token is held to, but for its algorithm.
    rules: Validation,
}

#[derive(Debug)]
enum Keys {
    Given(Vec<Arc<Key>>),
    Fetched(Arc<Jwks>),
}

impl Tokens {
    /// Takes over from `before` the keys that it has fetched from the same place.
    pub(super) fn new(config: &JwtConfig, before: Option<&Self>) -> Result<Self, ConfigError> {
        let algorithms = config.algorithms.clone();
        if config.readers.is_empty() && config.admins.is_empty() {
            return Err(JwtError::NoRule.into());
        }
        if algorithms.is_empty() {
            return Err(JwtError::NoAlgorithm.into());
        }
        let (for_secrets, for_keys): (Vec<_>, Vec<_>) =
            algorithms.iter().partition(|algorithm| algorithm.family() == AlgorithmFamily::Hmac);
        let keys = match &config.keys {
            JwtKeys::Secrets(secrets) if for_keys.is_empty() => {
                given(secrets, |secret| Key::secret(secret, &for_secrets))?
            }
            JwtKeys::Public(keys) if for_secrets.is_empty() => given(keys, |pem| Key::public(pem, &for_keys))?,
            JwtKeys::Jwks { url, refresh } if for_secrets.is_empty() => {
                let known = before.and_then(|tokens| match &tokens.keys {
                    Keys::Fetched(jwks) if jwks.is_for(url, *refresh, &for_keys) => Some(jwks.clone()),
                    _ => None,
                });
                Keys::Fetched(known.map_or_else(|| Jwks::new(url, *refresh, &for_keys).map(Arc::new), Ok)?)
            }
            _ => return Err(JwtError::Mixed.into()),
        };
        let JwtConfig { cookie, readers, admins, .. } = config.clone();
        Ok(Self { algorithms, keys, cookie, readers, admins, rules: rules(config) })
    }

    /// The token in the cookie, where one is configured.
    pub(super) fn cookie<'a>(&self, credentials: &'a Credentials) -> Option<&'a str> {
        cookies::find(credentials.cookie.as_deref()?, self.cookie.as_deref()?)
    }

    /// Who a token is of.
    pub(super) async fn holder(&self, token: &str) -> Result<Holder, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        if !self.algorithms.contains(&header.alg) {
            return Err(TokenError::Algorithm);
        }
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let keys = match &self.keys {
            Keys::Given(keys) => Cow::Borrowed(keys),
            Keys::Fetched(jwks) => Cow::Owned(jwks.find(header.kid.as_deref(), header.alg).await),
        };
        let mut refusal = TokenError::UnknownKey;
        for key in keys.iter().filter(|key| key.is_for(header.alg)) {
            let rules = Validation { algorithms: key.algorithms().to_vec(), ..self.rules.clone() };
            match decode::<Claims>(token, key.decoding(), &rules) {
                Ok(decoded) => return Ok(self.known(&decoded.claims)),
                Err(error) => match doubt(error.kind()) {
                    Some(doubt) => return Err(TokenError::Claims(doubt)),
                    None => refusal = TokenError::Signature,
                },
            }
        }
        Err(refusal)
    }

    fn known(&self, claims: &Claims) -> Holder {
        let any = |rules: &[ClaimRule]| rules.iter().any(|rule| holds(rule, claims));
        let role = if any(&self.admins) { Some(Role::Admin) } else { any(&self.readers).then_some(Role::Reader) };
        let name = claims.get("sub").and_then(Value::as_str).unwrap_or("without a sub").to_owned();
        let subject = claims.get("sub").and_then(field::id);
        // It is there and a number, or the token would have been refused; a fraction of a second is nobody's loss.
        let expiry = claims.get("exp").and_then(|exp| exp.as_u64().or_else(|| Some(exp.as_f64()? as u64)));
        let expires_at = expiry.unwrap_or_default().saturating_add(LEEWAY_SECONDS).saturating_mul(1000);
        Holder { name, subject, role, expires_at }
    }
}

/// What is wrong with the claims of a token whose signature holds: that is looked at first. In words of our own, since those of the
/// library may be the token's.
fn doubt(error: &ErrorKind) -> Option<&'static str> {
    match error {
        ErrorKind::ExpiredSignature => Some("it has expired"),
        ErrorKind::ImmatureSignature => Some("it is not good yet"),
        ErrorKind::InvalidIssuer => Some("another has made it"),
        ErrorKind::InvalidAudience => Some("it is meant for somebody else"),
        ErrorKind::MissingRequiredClaim(_) => Some("exp, or an iss or aud that is asked for, is missing or damaged"),
        ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => Some("they are damaged"),
        _ => None,
    }
}

fn given<T>(texts: &[T], read: impl Fn(&T) -> Result<Key, JwtError>) -> Result<Keys, JwtError> {
    let keys: Vec<Arc<Key>> = texts.iter().map(|text| read(text).map(Arc::new)).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(JwtError::NoKey) } else { Ok(Keys::Given(keys)) }
}

fn rules(config: &JwtConfig) -> Validation {
    let mut rules = Validation { leeway: LEEWAY_SECONDS, validate_nbf: true, ..Validation::default() };
    // Where a claim is not required, one that can't be read would pass for one that is not there.
    if !config.issuers.is_empty() {
        rules.set_issuer(&config.issuers);
        rules.required_spec_claims.insert("iss".into());
    }
    if !config.audiences.is_empty() {
        rules.set_audience(&config.audiences);
        rules.required_spec_claims.insert("aud".into());
    }
    rules
}

#[cfg(test)]
mod tests;
