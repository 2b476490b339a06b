use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm::{ES256, EdDSA, RS256, RS384};
use jsonwebtoken::jwk::Jwk;

use super::*;

/// What a key set's address answers now, and how often it was asked.
#[derive(Default)]
struct Site {
    answer: Mutex<Option<Result<Value, StatusCode>>>,
    asked: AtomicUsize,
}

struct Endpoint {
    site: Arc<Site>,
    url: String,
}

impl Endpoint {
    async fn start(keys: &[Value]) -> Self {
        let site = Arc::new(Site::default());
        let answering = {
            let site = site.clone();
            move || async move {
                site.asked.fetch_add(1, Ordering::SeqCst);
                match site.answer.lock().unwrap().clone().unwrap() {
                    Ok(set) => set.to_string().into_response(),
                    Err(StatusCode::FOUND) => Redirect::temporary("/other").into_response(),
                    Err(status) => status.into_response(),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let router = Router::new().route("/keys", get(answering.clone())).route("/other", get(answering));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoint = Self { site, url };
        endpoint.publish(keys);
        endpoint
    }

    fn publish(&self, keys: &[Value]) {
        self.answers(Ok(json!({ "keys": keys })));
    }

    fn answers(&self, answer: Result<Value, StatusCode>) {
        *self.site.answer.lock().unwrap() = Some(answer);
    }

    fn asked(&self) -> usize {
        self.site.asked.load(Ordering::SeqCst)
    }

    fn config(&self, algorithms: &[Algorithm]) -> JwtConfig {
        config(algorithms, JwtKeys::Jwks { url: self.url.clone(), refresh: Duration::from_secs(600) })
    }
}

/// A key as a set lists it, with more fields.
fn listed(pair: &KeyPair, algorithm: Algorithm, more: Value) -> Value {
    let key = match algorithm {
        EdDSA => json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key_raw())}),
        _ => serde_json::to_value(Jwk::from_encoding_key(&signing(pair), algorithm).unwrap()).unwrap(),
    };
    with(key, more)
}

fn signed(pair: &KeyPair, algorithm: Algorithm, id: Option<&str>) -> String {
    let header = Header { kid: id.map(str::to_owned), ..Header::new(algorithm) };
    encode(&header, &claims(json!({})), &signing(pair)).unwrap()
}

/// Lets time pass, with nothing under way that a time-out could end.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_key_is_found_by_its_id_and_the_set_is_read_once() {
    let (one, two) = (pair_for(ES256), pair_for(EdDSA));
    let keys = [listed(&one, ES256, json!({"kid": "one"})), listed(&two, EdDSA, json!({"kid": "two", "use": "sig"}))];
    let endpoint = Endpoint::start(&keys).await;
    let tokens = checked(&endpoint.config(&[ES256, EdDSA]));
    assert_eq!(endpoint.asked(), 0, "nobody has asked yet");
    assert!(tokens.holder(&signed(&one, ES256, Some("one"))).await.is_ok());
    assert!(tokens.holder(&signed(&two, EdDSA, Some("two"))).await.is_ok());
    assert!(tokens.holder(&signed(&two, EdDSA, None)).await.is_ok(), "a token may name no key");
    assert_eq!(tokens.holder(&signed(&one, ES256, Some("two"))).await, Err(TokenError::UnknownKey));
    assert_eq!(tokens.holder(&signed(&pair_for(ES256), ES256, Some("one"))).await, Err(TokenError::Signature));
    assert_eq!(endpoint.asked(), 1);
}

#[tokio::test]
async fn ids_that_nobody_has_make_no_flood_and_lead_nowhere() {
    let pair = pair_for(ES256);
    let endpoint = Endpoint::start(&[listed(&pair, ES256, json!({"kid": "one"}))]).await;
    let tokens = checked(&endpoint.config(&[ES256]));
    let huge = "k".repeat(4_000);
    for id in ["../../etc/passwd", "http://127.0.0.1:1/k", "", "' OR 1=1", "One", "one\0", &huge] {
        assert_eq!(tokens.holder(&signed(&pair, ES256, Some(id))).await, Err(TokenError::UnknownKey), "{id:.20}");
    }
    assert_eq!(endpoint.asked(), 1);
    pass(Duration::from_secs(11)).await;
    let unknown = signed(&pair, ES256, Some("other"));
    let (a, b) = tokio::join!(tokens.holder(&unknown), tokens.holder(&unknown));
    assert_eq!((a, b), (Err(TokenError::UnknownKey), Err(TokenError::UnknownKey)));
    assert_eq!(endpoint.asked(), 2, "those who ask at once share a look");
}

#[tokio::test]
async fn a_new_key_is_found_as_soon_as_a_token_names_it_and_an_old_one_ends() {
    let (old, new) = (pair_for(ES256), pair_for(ES256));
    let (old_key, new_key) = (listed(&old, ES256, json!({"kid": "old"})), listed(&new, ES256, json!({"kid": "new"})));
    let endpoint = Endpoint::start(std::slice::from_ref(&old_key)).await;
    let tokens = checked(&endpoint.config(&[ES256]));
    let (old, new) = (signed(&old, ES256, Some("old")), signed(&new, ES256, Some("new")));
    assert!(tokens.holder(&old).await.is_ok());
    endpoint.publish(&[old_key, new_key.clone()]);
    pass(Duration::from_secs(11)).await;
    assert!(tokens.holder(&new).await.is_ok());
    assert!(tokens.holder(&old).await.is_ok());

    endpoint.publish(&[new_key]);
    pass(Duration::from_secs(601)).await;
    assert!(tokens.holder(&old).await.is_ok(), "it does not wait for the look that it begins");
    // An id that is not known waits its turn behind that look.
    let _ = tokens.holder(&signed(&pair_for(ES256), ES256, Some("nobody's"))).await;
    assert_eq!(tokens.holder(&old).await, Err(TokenError::UnknownKey));
    assert!(tokens.holder(&new).await.is_ok());
}

#[tokio::test]
async fn a_set_that_can_not_be_read_leaves_the_keys_that_are_known() {
    let pair = pair_for(ES256);
    let key = listed(&pair, ES256, json!({"kid": "one"}));
    let endpoint = Endpoint::start(std::slice::from_ref(&key)).await;
    let tokens = checked(&endpoint.config(&[ES256]));
    let good = signed(&pair, ES256, Some("one"));
    assert!(tokens.holder(&good).await.is_ok());
    let huge = json!({"keys": [key], "filler": "x".repeat(300_000)});
    for (n, answer) in
        [Err(StatusCode::INTERNAL_SERVER_ERROR), Err(StatusCode::FOUND), Ok(json!([])), Ok(json!("<html>")), Ok(huge)]
            .into_iter()
            .enumerate()
    {
        endpoint.answers(answer);
        pass(Duration::from_secs(601)).await;
        let unknown = signed(&pair, ES256, Some("other"));
        assert_eq!(tokens.holder(&unknown).await, Err(TokenError::UnknownKey));
        assert!(tokens.holder(&good).await.is_ok(), "{n}");
        assert!(endpoint.asked() == n + 2, "a redirect is not followed");
    }
}

#[tokio::test]
async fn of_a_set_only_keys_that_check_signatures_are_taken() {
    let rsa = &RSA[0];
    for (more, good) in [
        (json!({}), true),
        (json!({"alg": "RS256", "use": "sig", "key_ops": ["verify"]}), true),
        (json!({"alg": "RS384"}), false),
        (json!({"alg": "RSA-OAEP"}), false),
        (json!({"use": "enc"}), false),
        (json!({"key_ops": ["encrypt"]}), false),
        (json!({"kty": "nothing known"}), false),
        (json!({"n": 5}), false),
    ] {
        let key = with(listed(rsa, RS256, json!({"kid": "one", "alg": null})), more.clone());
        // What is no key at all is passed over.
        let endpoint = Endpoint::start(&[json!(null), json!({"kty": "oct"}), json!(7), key]).await;
        let tokens = checked(&endpoint.config(&[RS256, RS384]));
        assert_eq!(tokens.holder(&signed(rsa, RS256, Some("one"))).await.is_ok(), good, "{more}");
    }
}

#[tokio::test]
async fn a_shared_secret_in_a_set_is_no_key() {
    let secret =
        json!({"kty": "oct", "kid": "one", "alg": "HS256", "k": "YS1zaGFyZWQtc2VjcmV0LW9mLTMyLWJ5dGVzLW9yLW1vcmU"});
    let endpoint = Endpoint::start(&[secret, listed(&pair_for(ES256), ES256, json!({"kid": "two"}))]).await;
    let tokens = checked(&endpoint.config(&[ES256]));
    assert_eq!(tokens.holder(&token(&claims(json!({})))).await, Err(TokenError::Algorithm));
}

#[tokio::test]
async fn new_settings_keep_the_keys_of_the_same_set() {
    let pair = pair_for(ES256);
    let endpoint = Endpoint::start(&[listed(&pair, ES256, json!({"kid": "one"}))]).await;
    let tokens = checked(&endpoint.config(&[ES256]));
    let good = signed(&pair, ES256, Some("one"));
    assert!(tokens.holder(&good).await.is_ok());
    endpoint.answers(Err(StatusCode::BAD_GATEWAY));
    let same = JwtConfig { issuers: vec![], cookie: Some("token".into()), ..endpoint.config(&[ES256]) };
    assert!(Tokens::new(&same, Some(&tokens)).unwrap().holder(&good).await.is_ok());
    assert_eq!(endpoint.asked(), 1);
    let other = endpoint.config(&[ES256, EdDSA]);
    assert_eq!(Tokens::new(&other, Some(&tokens)).unwrap().holder(&good).await, Err(TokenError::UnknownKey));
}
