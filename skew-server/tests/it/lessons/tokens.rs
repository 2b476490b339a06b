//! JSON web tokens that have opened other servers.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};
use skew_server::{Config, JwtAlgorithm, JwtConfig, JwtKeys, Secret};
use tokio::net::TcpListener;

use crate::auth_jwt::seconds;
use crate::support::{Server, config};

const SECRET: &str = "a-shared-secret-of-32-bytes-or-more";

fn with_tokens(algorithm: JwtAlgorithm, keys: JwtKeys) -> Config {
    let jwt = JwtConfig {
        algorithms: vec![algorithm],
        keys,
        cookie: None,
        issuers: vec![],
        audiences: vec![],
        readers: vec!["role=reader".parse().unwrap()],
        admins: vec![],
    };
    Config { jwt: Some(jwt), ..config() }
}

async fn status(server: &Server, token: &str) -> u16 {
    server.get("/__skew/admin/stats", &[("authorization", &format!("Bearer {token}"))]).await.status
}

// CVE-2026-25537: jsonwebtoken before 10.3 took a time that is no number for one that is not there, and checked nothing.
#[tokio::test]
async fn a_time_of_a_token_that_is_no_number_does_not_pass_for_none() {
    let keys = JwtKeys::Secrets(vec![Secret::new(SECRET).unwrap()]);
    let server = Server::start(with_tokens(JwtAlgorithm::HS256, keys)).await;
    let (past, future) = (seconds() - 3600, seconds() + 3600);
    let token = |times: Value| {
        let mut claims = json!({"sub": "kim", "role": "reader"});
        claims.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
    };
    assert_eq!(status(&server, &token(json!({"exp": future, "nbf": past}))).await, 200);
    for times in [
        json!({}),
        json!({"exp": null}),
        json!({"exp": future.to_string()}),
        json!({"exp": [future]}),
        json!({"exp": {"at": future}}),
        json!({"exp": true}),
        json!({"exp": -1}),
        json!({"exp": past}),
        json!({"exp": future, "nbf": future.to_string()}),
        json!({"exp": future, "nbf": past.to_string()}),
        json!({"exp": future, "nbf": null}),
        json!({"exp": future, "nbf": [past]}),
        json!({"exp": future, "nbf": future}),
    ] {
        assert_eq!(status(&server, &token(times.clone())).await, 401, "{times}");
    }
}

// CVE-2026-32301: Centrifugo made the address of its key set of claims that nobody had checked yet. Others take `jku` or `x5u` of a
// header for it, or the key that a token brings along.
#[tokio::test]
async fn no_token_says_where_its_keys_are() {
    let pair = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let signing = |pair: &KeyPair| EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
    let (own, forged) = (signing(&pair()), signing(&pair()));
    let listed = |key: &EncodingKey, id: &str| {
        let mut key = serde_json::to_value(Jwk::from_encoding_key(key, Algorithm::ES256).unwrap()).unwrap();
        key["kid"] = json!(id);
        key
    };
    // One set is the operator's. Whoever asks for the other was led there.
    let set = json!({"keys": [listed(&own, "own")]}).to_string();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/{{{{tenant}}}}/keys", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/{tenant}/keys", get(move || async move { set }))).await
    });
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = format!("http://{}/keys", elsewhere.local_addr().unwrap());

    let keys = JwtKeys::Jwks { url: url.replace("{{tenant}}", "own"), refresh: Duration::from_secs(600) };
    let server = Server::start(with_tokens(JwtAlgorithm::ES256, keys)).await;
    let claims =
        json!({"role": "reader", "exp": seconds() + 3600, "iss": there, "aud": there, "tenant": there, "jku": there});
    let plain = Header { kid: Some("own".into()), ..Header::new(Algorithm::ES256) };
    let own_claims = json!({"role": "reader", "exp": seconds() + 3600, "iss": there});
    assert_eq!(status(&server, &encode(&plain, &own_claims, &own).unwrap()).await, 200);
    let brought: Jwk = serde_json::from_value(listed(&forged, "own")).unwrap();
    for header in [
        plain.clone(),
        Header { jku: Some(there.clone()), ..plain.clone() },
        Header { x5u: Some(there.clone()), ..plain.clone() },
        Header { kid: Some(there.clone()), ..plain.clone() },
        Header { kid: Some("../../elsewhere/keys#".into()), ..plain.clone() },
        Header { jwk: Some(brought), ..plain.clone() },
        Header { kid: None, jku: Some(there.clone()), ..plain },
    ] {
        assert_eq!(status(&server, &encode(&header, &claims, &forged).unwrap()).await, 401, "{header:?}");
    }
    let asked = tokio::time::timeout(Duration::from_millis(100), elsewhere.accept()).await;
    assert!(asked.is_err(), "a token has led the server elsewhere");
}
