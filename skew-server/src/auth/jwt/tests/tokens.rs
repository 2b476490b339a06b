use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
use jsonwebtoken::crypto::sign;
use jsonwebtoken::jwk::Jwk;
use proptest::prelude::*;

use super::*;

/// A token of these very texts.
fn written(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

async fn refusal(config: &JwtConfig, token: &str) -> TokenError {
    checked(config).holder(token).await.unwrap_err()
}

async fn refused_claims(config: &JwtConfig, changes: Value) -> bool {
    let token = token(&claims(changes));
    match checked(config).holder(&token).await {
        Err(TokenError::Claims(_)) => true,
        Err(other) => panic!("{other}"),
        Ok(_) => false,
    }
}

#[tokio::test]
async fn every_algorithm_is_good_with_its_own_key_and_with_no_other() {
    for algorithm in [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA] {
        let own = pair_for(algorithm);
        let other = if algorithm.family() == AlgorithmFamily::Rsa { &RSA[1] } else { &pair_for(algorithm) };
        let tokens = checked(&config(&[algorithm], JwtKeys::Public(vec![own.public_key_pem()])));
        let sign = |pair: &KeyPair| encode(&Header::new(algorithm), &claims(json!({})), &signing(pair)).unwrap();
        assert_eq!(tokens.holder(&sign(&own)).await.unwrap().role, Some(Role::Admin), "{algorithm:?}");
        assert_eq!(tokens.holder(&sign(other)).await, Err(TokenError::Signature), "{algorithm:?}");
    }
    for algorithm in [HS256, HS384, HS512] {
        let secrets = ["another-secret-of-32-bytes-or-more", SECRET].map(|secret| Secret::new(secret).unwrap());
        let tokens = checked(&config(&[algorithm], JwtKeys::Secrets(secrets.to_vec())));
        let sign = |secret: &str| {
            encode(&Header::new(algorithm), &claims(json!({})), &EncodingKey::from_secret(secret.as_bytes())).unwrap()
        };
        assert!(
            tokens.holder(&sign(SECRET)).await.is_ok(),
            "either of two secrets is good, for a change without a gap"
        );
        assert!(tokens.holder(&sign("another-secret-of-32-bytes-or-more")).await.is_ok());
        assert_eq!(tokens.holder(&sign("a third one")).await, Err(TokenError::Signature));
    }
}

#[tokio::test]
async fn the_algorithm_is_the_configurations_word_and_not_the_tokens() {
    let claims = claims(json!({})).to_string();
    // Whoever has the public key, which is everybody, signs with it as a shared secret.
    for (algorithm, swapped) in [(RS256, HS256), (ES256, HS256), (EdDSA, HS512)] {
        let public = pair_for(algorithm).public_key_pem();
        let config = config(&[algorithm], JwtKeys::Public(vec![public.clone()]));
        let header = json!({"alg": swapped, "typ": "JWT"}).to_string();
        for secret in [public.as_bytes(), public.trim().as_bytes(), b"".as_slice()] {
            let forged = written(&header, &claims, &EncodingKey::from_secret(secret), swapped);
            assert_eq!(refusal(&config, &forged).await, TokenError::Algorithm);
        }
    }
    // A right secret under an algorithm that is not pinned, and a family's other algorithm.
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let other = written(r#"{"alg":"HS512"}"#, &claims, &key, HS512);
    assert_eq!(refusal(&with_secret(), &other).await, TokenError::Algorithm);
    let public = config(&[RS256], JwtKeys::Public(vec![RSA[0].public_key_pem()]));
    let padded = encode(&Header::new(PS256), &super::claims(json!({})), &signing(&RSA[0])).unwrap();
    assert_eq!(refusal(&public, &padded).await, TokenError::Algorithm);
    // A label that is not the signature's.
    let labelled = written(r#"{"alg":"HS256"}"#, &claims, &key, HS512);
    assert_eq!(refusal(&with_secret(), &labelled).await, TokenError::Signature);
}

#[tokio::test]
async fn no_algorithm_is_no_token() {
    let claims = URL_SAFE_NO_PAD.encode(claims(json!({})).to_string());
    for algorithm in ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 "] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": algorithm}).to_string());
        for signature in ["", "AAAA"] {
            let token = format!("{header}.{claims}.{signature}");
            assert_eq!(refusal(&with_secret(), &token).await, TokenError::Malformed, "{algorithm}");
        }
    }
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    for token in ["", ".", "..", "a.b.c", &format!("{header}.{claims}"), &format!("{header}.{claims}..")] {
        assert_eq!(refusal(&with_secret(), token).await, TokenError::Malformed, "{token}");
    }
    assert_eq!(refusal(&with_secret(), &format!("{header}.{claims}.")).await, TokenError::Signature);
}

#[test]
fn a_key_can_not_be_taken_for_what_it_is_not() {
    let refused = |config: JwtConfig| match Tokens::new(&config, None).unwrap_err() {
        ConfigError::Jwt(error) => error,
        other => panic!("{other}"),
    };
    let public = pair_for(ES256).public_key_pem();
    let keys = JwtKeys::Public(vec![public.clone()]);
    let secrets = |text: &str| JwtKeys::Secrets(vec![Secret::new(text).unwrap()]);
    let set = JwtKeys::Jwks { url: "https://id.example/keys".into(), refresh: std::time::Duration::from_secs(1) };
    assert_eq!(refused(config(&[HS256], keys.clone())), JwtError::Mixed);
    assert_eq!(refused(config(&[HS256], set.clone())), JwtError::Mixed);
    assert_eq!(refused(config(&[RS256, HS256], set)), JwtError::Mixed);
    assert_eq!(refused(config(&[ES256], secrets(SECRET))), JwtError::Mixed);
    assert_eq!(refused(config(&[HS256], secrets(&public))), JwtError::KeyAsSecret);
    assert_eq!(refused(config(&[HS256], secrets("short"))), JwtError::ShortSecret);
    assert_eq!(refused(config(&[RS256], keys.clone())), JwtError::PublicKey);
    assert_eq!(refused(config(&[ES384], keys.clone())), JwtError::PublicKey, "a curve of another size");
    assert_eq!(refused(config(&[RS256], JwtKeys::Public(vec!["-----BEGIN".into()]))), JwtError::PublicKey);
    let private = JwtKeys::Public(vec![pair_for(ES256).serialize_pem()]);
    assert_eq!(refused(config(&[ES256], private)), JwtError::PrivateKey);
    assert_eq!(refused(config(&[], keys)), JwtError::NoAlgorithm);
    assert_eq!(refused(config(&[RS256], JwtKeys::Public(vec![]))), JwtError::NoKey);
    assert_eq!(refused(JwtConfig { readers: vec![], admins: vec![], ..with_secret() }), JwtError::NoRule);
    let file = JwtKeys::Jwks { url: "file:///etc/keys".into(), refresh: std::time::Duration::from_secs(1) };
    assert_eq!(refused(config(&[RS256], file)), JwtError::Url);
}

#[tokio::test]
async fn keys_that_a_token_brings_along_are_not_looked_at() {
    // Whoever asks for these would connect.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let forger = pair_for(ES256);
    let config = config(&[ES256], JwtKeys::Public(vec![pair_for(ES256).public_key_pem()]));
    let mut header = Header::new(ES256);
    header.jku = Some(url.clone());
    header.x5u = Some(url);
    header.jwk = Some(Jwk::from_encoding_key(&signing(&forger), ES256).unwrap());
    header.x5c = Some(vec!["MIIB".into()]);
    header.kid = Some("../../dev/null".into());
    let forged = encode(&header, &claims(json!({})), &signing(&forger)).unwrap();
    assert_eq!(refusal(&config, &forged).await, TokenError::Signature);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_extension_that_must_be_understood_is_not() {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    for header in [r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, r#"{"alg":"HS256","crit":[]}"#] {
        let token = written(header, &claims(json!({})).to_string(), &key, HS256);
        assert_eq!(refusal(&with_secret(), &token).await, TokenError::Critical);
    }
}

#[tokio::test]
async fn a_token_ends_and_begins_by_numbers_that_are_there() {
    let (config, now) = (with_secret(), seconds());
    for good in [
        json!({}),
        json!({"exp": now as f64 + 0.5}),
        json!({"exp": now - LEEWAY_SECONDS + 10}),
        json!({"nbf": now - 5}),
        json!({"nbf": now + LEEWAY_SECONDS - 10}),
    ] {
        assert!(!refused_claims(&config, good.clone()).await, "{good}");
    }
    for bad in [
        json!({"exp": null}),
        json!({"exp": now - LEEWAY_SECONDS - 10}),
        json!({"exp": (now + 3600).to_string()}),
        json!({"exp": [now + 3600]}),
        json!({"exp": true}),
        json!({"exp": -1}),
        json!({"exp": 1e300}),
        json!({"nbf": now + LEEWAY_SECONDS + 10}),
        json!({"nbf": (now - 5).to_string()}),
        json!({"nbf": {"at": now - 5}}),
    ] {
        assert!(refused_claims(&config, bad.clone()).await, "{bad}");
    }
    // Null is not the same as nothing.
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    for bad in [json!({"exp": null, "role": "admin"}), json!({"exp": now + 60, "nbf": null, "role": "admin"})] {
        let token = written(r#"{"alg":"HS256"}"#, &bad.to_string(), &key, HS256);
        assert!(matches!(refusal(&config, &token).await, TokenError::Claims(_)), "{bad}");
    }
}

#[tokio::test]
async fn who_made_a_token_and_for_whom_must_be_right_where_it_is_asked() {
    let asked =
        JwtConfig { issuers: vec!["https://id.example".into()], audiences: vec!["skew".into()], ..with_secret() };
    let good = |issuer: Value, audience: Value| json!({"iss": issuer, "aud": audience});
    assert!(!refused_claims(&asked, good(json!("https://id.example"), json!("skew"))).await);
    assert!(!refused_claims(&asked, good(json!("https://id.example"), json!(["a", "skew"]))).await);
    for (issuer, audience) in [
        (json!(null), json!("skew")),
        (json!("https://id.example/"), json!("skew")),
        (json!(7), json!("skew")),
        (json!({}), json!("skew")),
        (json!("https://id.example"), json!(null)),
        (json!("https://id.example"), json!("shop")),
        (json!("https://id.example"), json!(["shop"])),
        (json!("https://id.example"), json!([])),
        (json!("https://id.example"), json!(5)),
    ] {
        assert!(refused_claims(&asked, good(issuer.clone(), audience.clone())).await, "{issuer} {audience}");
    }
    // One that is meant for somebody is not meant for us, unless we know our name.
    assert!(refused_claims(&with_secret(), json!({"aud": "shop"})).await);
    assert!(!refused_claims(&with_secret(), json!({"iss": "anybody"})).await);
}

#[tokio::test]
async fn a_claim_that_is_there_twice_has_no_say() {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let (past, future) = (seconds() - 3600, seconds() + 3600);
    for claims in [
        format!(r#"{{"role":"admin","exp":{past},"exp":{future}}}"#),
        format!(r#"{{"role":"admin","exp":{future},"exp":{future}}}"#),
        format!(r#"{{"role":"admin","role":"admin","exp":{future}}}"#),
        format!(r#"{{"role":"viewer","exp":{future},"\u0072ole":"admin"}}"#),
    ] {
        let token = written(r#"{"alg":"HS256"}"#, &claims, &key, HS256);
        assert!(checked(&with_secret()).holder(&token).await.is_err(), "{claims}");
    }
}

#[tokio::test]
async fn rules_say_what_a_holder_may_do() {
    let tokens = checked(&with_secret());
    for (changes, name, role) in [
        (json!({}), "kim", Some(Role::Admin)),
        (json!({"role": "viewer"}), "kim", Some(Role::Reader)),
        (json!({"role": ["viewer", "admin"]}), "kim", Some(Role::Admin)),
        (json!({"role": "editor", "sub": null}), "without a sub", None),
        (json!({"role": null, "sub": 5}), "without a sub", None),
    ] {
        let holder = tokens.holder(&token(&claims(changes))).await.unwrap();
        assert_eq!((holder.name.as_str(), holder.role), (name, role));
    }
}

#[tokio::test]
async fn a_token_of_any_length_is_looked_at_up_to_a_limit() {
    let long = |bytes: usize| token(&claims(json!({"filler": "x".repeat(bytes)})));
    assert!(checked(&with_secret()).holder(&long(5_000)).await.is_ok());
    assert_eq!(refusal(&with_secret(), &long(MAX_TOKEN_BYTES)).await, TokenError::Malformed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_altered_token_and_no_other_text_is_anybodys(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.-]", other in r"[A-Za-z0-9_.-]{0,80}|.{0,40}") {
        let tokens = checked(&with_secret());
        let mut altered = token(&json!({"sub": "kim", "role": "admin", "exp": 4_102_444_800_u64}));
        let at = at.index(altered.len());
        prop_assume!(altered[at..=at] != with);
        altered.replace_range(at..=at, &with);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert!(runtime.block_on(tokens.holder(&altered)).is_err());
        prop_assert!(runtime.block_on(tokens.holder(&other)).is_err());
    }
}
