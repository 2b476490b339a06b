//! JSON web tokens: texts that somebody has made up, and claims that somebody has signed.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::auth::Caller;
use crate::config::{Config, JwtConfig, JwtKeys, Secret};
use crate::hooks::Credentials;
use crate::live::Live;

const SECRET: &str = "a-shared-secret-of-32-bytes-or-more";

/// More than clocks may differ.
const MINUTE: f64 = 60.0;

/// A token. After a zero it is the text of one, after anything else its claims.
pub fn tokens(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let key = Key::new(HMAC_SHA256, SECRET.as_bytes());
    if *kind == 0 {
        let Ok(token) = std::str::from_utf8(rest) else { return };
        if is_reader(token) {
            let (signed, tag) = token.trim().rsplit_once('.').expect("a token has three parts");
            let tag = URL_SAFE_NO_PAD.decode(tag).expect("a tag is text of its kind");
            assert!(verify(&key, signed.as_bytes(), &tag).is_ok(), "{token:?} is nobody's");
        }
        return;
    }
    let signed = [&br#"{"alg":"HS256"}"#[..], rest].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(sign(&key, signed.as_bytes())));
    if is_reader(&token) {
        let claims: Value = serde_json::from_slice(rest).expect("claims are JSON");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs_f64();
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().expect("a time is a number"));
        assert!(time("exp").is_some_and(|end| end > now - MINUTE), "{claims} has ended");
        assert!(time("nbf").is_none_or(|start| start < now + MINUTE), "{claims} has not begun");
        assert!(claims.get("aud").is_none(), "{claims} is meant for somebody else");
        let role = &claims["role"];
        assert!(role == "reader" || role.as_array().is_some_and(|roles| roles.contains(&"reader".into())), "{claims}");
    }
}

fn is_reader(token: &str) -> bool {
    let jwt = JwtConfig {
        algorithms: vec![Algorithm::HS256],
        keys: JwtKeys::Secrets(vec![Secret::new(SECRET).expect("it is not empty")]),
        cookie: None,
        issuers: Vec::new(),
        audiences: Vec::new(),
        readers: vec!["role=reader".parse().expect("a rule")],
        admins: Vec::new(),
    };
    let config = Config { jwt: Some(jwt), ..Config::new("b1") };
    let live = Live::new(config, Arc::new(())).expect("the configuration is sound");
    let authorization = Some(format!("Bearer {token}").into());
    let caller = Caller { credentials: Credentials { authorization, ..Credentials::default() }, address: None };
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(live.reader(&caller)).is_ok()
}
