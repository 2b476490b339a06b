//! Keys that signatures of tokens are checked with. Each works for the algorithms of its own kind alone.

use std::str::FromStr;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::config::{JwtError, Secret};

/// Bytes of the point that a public key on a curve is.
const P256_BYTES: usize = 65;
const P384_BYTES: usize = 97;

/// Shorter ones could be found by trying, which needs nothing but one token.
const MIN_SECRET_BYTES: usize = 32;

/// A key. Its `Debug` does not show its bytes.
#[derive(Debug)]
pub(super) struct Key {
    decoding: DecodingKey,
    /// Those of the configuration that it is for; at least one.
    algorithms: Vec<Algorithm>,
    id: Option<String>,
}

impl Key {
    /// A secret that is shared with who signs the tokens.
    pub(super) fn secret(secret: &Secret, algorithms: &[Algorithm]) -> Result<Self, JwtError> {
        let bytes = secret.bytes();
        if bytes.len() < MIN_SECRET_BYTES {
            return Err(JwtError::ShortSecret);
        }
        if bytes.windows(11).any(|part| part == b"-----BEGIN ") {
            return Err(JwtError::KeyAsSecret);
        }
        Self::new(DecodingKey::from_secret(bytes), algorithms, None).ok_or(JwtError::Mixed)
    }

    /// A public key as PEM text.
    pub(super) fn public(pem: &str, algorithms: &[Algorithm]) -> Result<Self, JwtError> {
        if pem.contains("PRIVATE KEY-----") {
            return Err(JwtError::PrivateKey);
        }
        let pem = pem.as_bytes();
        [DecodingKey::from_rsa_pem, DecodingKey::from_ec_pem, DecodingKey::from_ed_pem]
            .into_iter()
            .filter_map(|read| read(pem).ok())
            .find_map(|key| Self::new(key, algorithms, None))
            .ok_or(JwtError::PublicKey)
    }

    /// A key of a set, if it is one that checks signatures by any of the algorithms. One that is a shared secret is not: whoever can read the
    /// set could sign.
    pub(super) fn of_set(jwk: &Jwk, algorithms: &[Algorithm]) -> Option<Self> {
        let common = &jwk.common;
        let checks =
            common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !checks || common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
            return None;
        }
        match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => {}
            AlgorithmParameters::EllipticCurve(key)
                if matches!(key.curve, EllipticCurve::P256 | EllipticCurve::P384) => {}
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {}
            _ => return None,
        }
        let id = common.key_id.clone();
        let decoding = DecodingKey::from_jwk(jwk).ok()?;
        match common.key_algorithm {
            None => Self::new(decoding, algorithms, id),
            Some(own) => {
                let own = Algorithm::from_str(&own.to_string()).ok().filter(|own| algorithms.contains(own))?;
                Self::new(decoding, &[own], id)
            }
        }
    }

    /// Nothing where the key is for none of the algorithms.
    fn new(decoding: DecodingKey, algorithms: &[Algorithm], id: Option<String>) -> Option<Self> {
        let fits = |algorithm: &Algorithm| match *algorithm {
            Algorithm::ES256 => decoding.try_get_as_bytes().is_ok_and(|point| point.len() == P256_BYTES),
            Algorithm::ES384 => decoding.try_get_as_bytes().is_ok_and(|point| point.len() == P384_BYTES),
            _ => true,
        };
        let own = |algorithm: &Algorithm| algorithm.family() == decoding.family() && fits(algorithm);
        let algorithms: Vec<Algorithm> = algorithms.iter().copied().filter(own).collect();
        (!algorithms.is_empty()).then_some(Self { decoding, algorithms, id })
    }

    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether a token that names this key id, or none, may be signed with the key.
    pub(super) fn is_named(&self, id: Option<&str>) -> bool {
        id.is_none_or(|id| self.id.as_deref() == Some(id))
    }

    pub(super) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}
