//! JSON web tokens over real sockets.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use skew_server::{Config, JwtAlgorithm, JwtConfig, JwtKeys, Rate, Secret};

use super::support::{Server, config};

const SECRET: &str = "a-shared-secret-of-32-bytes-or-more";
const RELEASE: &str = "/__skew/admin/release";

fn with_tokens() -> Config {
    let jwt = JwtConfig {
        algorithms: vec![JwtAlgorithm::HS256],
        keys: JwtKeys::Secrets(vec![Secret::new(SECRET).unwrap()]),
        cookie: Some("token".into()),
        issuers: vec![],
        audiences: vec![],
        readers: vec!["scope=skew:read".parse().unwrap()],
        admins: vec!["groups=ops".parse().unwrap()],
    };
    Config { jwt: Some(jwt), ..config() }
}

pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token of somebody with these claims, for an hour.
fn token(claims: &Value) -> String {
    let mut claims: BTreeMap<String, Value> = serde_json::from_value(claims.clone()).unwrap();
    claims.entry("exp".into()).or_insert_with(|| json!(seconds() + 3600));
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

fn bearer(claims: &Value) -> String {
    format!("Bearer {}", token(claims))
}

#[tokio::test]
async fn a_token_reads_or_acts_by_its_claims() {
    let server = Server::start(with_tokens()).await;
    let reader = bearer(&json!({"sub": "kim", "scope": "openid skew:read"}));
    let admin = bearer(&json!({"sub": "lee", "groups": ["dev", "ops"]}));
    let nobody = bearer(&json!({"sub": "max"}));
    let expired = bearer(&json!({"groups": "ops", "exp": seconds() - 3600}));
    for (who, read, act) in [(&reader, 200, 403), (&admin, 200, 200), (&nobody, 401, 401), (&expired, 401, 401)] {
        let header = [("authorization", who.as_str())];
        assert_eq!(server.get("/__skew/admin/stats", &header).await.status, read);
        assert_eq!(server.post(RELEASE, &header, &json!({"version": "b2"})).await.status, act);
    }
    // Secrets go on as they did beside tokens.
    assert_eq!(server.get("/__skew/admin/stats", &[("authorization", "Bearer st4ts")]).await.status, 200);
}

#[tokio::test]
async fn a_tokens_cookie_opens_stats_on_both_transports_but_not_to_another_sites_page() {
    let server = Server::start(with_tokens()).await;
    let cookie = format!("a=b; token={}", token(&json!({"scope": "skew:read"})));
    let mut sse = server.sse("", &[]).await;
    server.subscribe(&sse.connection_id, &[("cookie", &cookie)]).await;
    assert_eq!(sse.next().await["type"], "stats");
    for (headers, kind) in [(vec![("cookie", &*cookie)], "stats"), (vec![("cookie", "token=x")], "stats-unauthorized")]
    {
        let mut ws = server.ws("", &headers).await;
        ws.send(r#"{"type":"subscribe-stats"}"#).await;
        assert_eq!(ws.next().await["type"], kind);
    }
    let evil = [("cookie", &*cookie), ("origin", "https://evil.example")];
    assert_eq!(server.get("/__skew/admin/stats", &evil).await.status, 401);
}

#[tokio::test]
async fn a_key_is_changed_without_a_gap() {
    let server = Server::start(with_tokens()).await;
    let header = [("authorization", &*bearer(&json!({"groups": "ops"})))];
    let with = |secrets: &[&str]| {
        let mut config = with_tokens();
        let keys = secrets.iter().map(|secret| Secret::new(secret).unwrap()).collect();
        config.jwt.as_mut().unwrap().keys = JwtKeys::Secrets(keys);
        config
    };
    let new = "another-secret-of-32-bytes-or-more";
    for (secrets, status) in [(vec![new, SECRET], 200), (vec![new], 401)] {
        server.handle.reconfigure(with(&secrets)).unwrap();
        assert_eq!(server.get("/__skew/admin/stats", &header).await.status, status);
    }
    assert!(server.handle.reconfigure(with(&["short"])).is_err());
    server.handle.reconfigure(with(&[SECRET])).unwrap();
    assert_eq!(server.get("/__skew/admin/stats", &header).await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_made_up_is_a_try_and_one_that_has_ended_is_none() {
    let mut config = Config { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..with_tokens() };
    config.limits.tries_by_address = Rate { per_second: 0.001, burst: 2 };
    let server = Server::start(config).await;
    let here = ("x-forwarded-for", "203.0.113.9");
    let get = |bearer: String| {
        let server = &server;
        async move { server.get("/__skew/admin/stats", &[here, ("authorization", &bearer)]).await.status }
    };
    for _ in 0..3 {
        assert_eq!(get(bearer(&json!({"groups": "ops", "exp": seconds() - 3600}))).await, 401);
        assert_eq!(get(bearer(&json!({"groups": "nobody"}))).await, 401);
        assert_eq!(get(bearer(&json!({"groups": "ops"}))).await, 200);
    }
    let made_up = format!("{}x", bearer(&json!({"groups": "ops"})));
    assert_eq!([get(made_up.clone()).await, get(made_up.clone()).await, get(made_up).await], [401, 401, 429]);
}

#[tokio::test]
async fn stats_end_with_the_token() {
    let server = Server::start(with_tokens()).await;
    // It is good for another five seconds, by the allowance for clocks.
    let bearer = bearer(&json!({"scope": "skew:read", "exp": seconds() - 25}));
    let header = [("authorization", bearer.as_str())];
    let mut sse = server.sse("", &[]).await;
    server.subscribe(&sse.connection_id, &header).await;
    let mut ws = server.ws("", &header).await;
    ws.send(r#"{"type":"subscribe-stats"}"#).await;
    assert_eq!((&sse.next().await["type"], &ws.next().await["type"]), (&json!("stats"), &json!("stats")));
    // The first of them may hear of the second.
    while sse.next().await["type"] != "stats-unauthorized" {}
    while ws.next().await["type"] != "stats-unauthorized" {}
    let _other = server.sse("", &[]).await;
    sse.assert_quiet().await;
    ws.assert_quiet().await;
}
