mod sets;
mod tokens;

use std::sync::LazyLock;

use jsonwebtoken::{EncodingKey, Header, encode};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm,
};
use serde_json::json;

use super::*;
use crate::clock::now_ms;
use crate::config::Secret;

const SECRET: &str = "a-shared-secret-of-32-bytes-or-more";

/// Two RSA keys: they take a while to make.
static RSA: LazyLock<[KeyPair; 2]> = LazyLock::new(|| [pair(&PKCS_RSA_SHA256), pair(&PKCS_RSA_SHA256)]);

fn pair(kind: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(kind).unwrap()
}

/// A new key of the kind that the algorithm takes; an RSA key is always the same.
fn pair_for(algorithm: Algorithm) -> KeyPair {
    match algorithm {
        Algorithm::ES256 => pair(&PKCS_ECDSA_P256_SHA256),
        Algorithm::ES384 => pair(&PKCS_ECDSA_P384_SHA384),
        Algorithm::EdDSA => pair(&PKCS_ED25519),
        _ => KeyPair::from_pem(&RSA[0].serialize_pem()).unwrap(),
    }
}

fn signing(pair: &KeyPair) -> EncodingKey {
    let pem = pair.serialize_pem();
    let read = [EncodingKey::from_rsa_pem, EncodingKey::from_ec_pem, EncodingKey::from_ed_pem];
    read.into_iter().find_map(|read| read(pem.as_bytes()).ok()).unwrap()
}

fn seconds() -> u64 {
    now_ms() / 1000
}

/// The claims of an admin's token that is good for an hour, with changes: null takes one out.
fn claims(changes: Value) -> Value {
    with(json!({"sub": "kim", "role": "admin", "exp": seconds() + 3600}), changes)
}

/// An object with changes: null takes a field out.
fn with(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("{changes} is no object") };
    let fields = object.as_object_mut().unwrap();
    fields.extend(changes);
    fields.retain(|_, value| !value.is_null());
    object
}

fn config(algorithms: &[Algorithm], keys: JwtKeys) -> JwtConfig {
    JwtConfig {
        algorithms: algorithms.to_vec(),
        keys,
        cookie: None,
        issuers: vec![],
        audiences: vec![],
        readers: vec!["role=viewer".parse().unwrap()],
        admins: vec!["role=admin".parse().unwrap()],
    }
}

fn with_secret() -> JwtConfig {
    config(&[Algorithm::HS256], JwtKeys::Secrets(vec![Secret::new(SECRET).unwrap()]))
}

fn checked(config: &JwtConfig) -> Tokens {
    Tokens::new(config, None).unwrap()
}

/// A token signed with [`SECRET`].
fn token(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}
