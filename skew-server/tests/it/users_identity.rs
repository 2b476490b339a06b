//! Whose a stream is, over real sockets: each source, their order, and what nobody can make up.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use skew_server::{
    Config, Hooks, Identification, IdentityRequest, JwtAlgorithm, JwtConfig, JwtKeys, Secret, SessionConfig,
    UserConfig, UserHash,
};

use super::auth_jwt::seconds;
#[cfg(unix)]
use super::spawned::{Program, command};
use super::support::{ADMIN, Server, Sse, answer, client, config, soon, with};

const JWT_SECRET: &str = "a-shared-secret-of-32-bytes-or-more";
const PASSWORD: &str = "an-example-password-of-32-chars-or-more";
const KEY: &str = "a-key-for-hashes-of-32-bytes-or-more";

fn sealed(name: &str) -> String {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/nuxt-session.json")).unwrap();
    let case = vectors["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap().clone();
    format!("nuxt-session={}", case["sealed"].as_str().unwrap())
}

fn token(claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

fn kims_token() -> String {
    token(&json!({"sub": "token-kim", "exp": seconds() + 3600}))
}

/// A server that looks in sessions, tokens, a header and a cookie.
fn looking() -> Config {
    Config {
        session: Some(SessionConfig {
            password: Secret::new(PASSWORD).unwrap(),
            roles: vec![],
            emails: vec![],
            max_age: None,
        }),
        jwt: Some(JwtConfig {
            algorithms: vec![JwtAlgorithm::HS256],
            keys: JwtKeys::Secrets(vec![Secret::new(JWT_SECRET).unwrap()]),
            cookie: Some("token".into()),
            issuers: vec![],
            audiences: vec![],
            readers: vec!["may=read".parse().unwrap()],
            admins: vec![],
        }),
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        users: UserConfig {
            header: Some("X-User".into()),
            cookie: Some("visitor".into()),
            hash: UserHash::Never,
            ..UserConfig::default()
        },
        ..config()
    }
}

/// Whose the only connection is that is open while a stream with these headers is.
async fn user_of(server: &Server, headers: &[(&str, &str)]) -> Option<String> {
    let stream = server.sse("", headers).await;
    let user = only_user(server).await;
    drop(stream);
    server.until("the close", |stats| stats.total == 0).await;
    user
}

async fn only_user(server: &Server) -> Option<String> {
    let page = server.get("/__skew/admin/users", &[ADMIN]).await.body;
    let users = page["users"].as_array().unwrap();
    assert!(users.len() < 2, "{page}");
    users.first().map(|user| user["user"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_first_source_that_knows_says_whose_a_stream_is() {
    let server = Server::start(looking()).await;
    let (session, token) = (sealed("viewer, never expires"), format!("token={}", kims_token()));
    let cookies = format!("visitor=8f3a; {token}; {session}");
    let header = ("x-user", "header-kim");
    let without_session = format!("visitor=8f3a; {token}");
    let cases = [
        (vec![("cookie", cookies.as_str()), header], Some("bob@example.com")),
        (vec![("cookie", without_session.as_str()), header], Some("token-kim")),
        (vec![("cookie", "visitor=8f3a"), header], Some("header-kim")),
        (vec![("cookie", "visitor=8f%203a")], Some("v_8f 3a")),
        (vec![("cookie", "visitor=")], None),
        (vec![], None),
    ];
    for (headers, user) in cases {
        assert_eq!(user_of(&server, &headers).await.as_deref(), user, "{headers:?}");
    }
}

#[tokio::test]
async fn a_websocket_belongs_to_its_user_as_a_stream_does() {
    let server = Server::start(looking()).await;
    let _ws = server.ws("", &[("cookie", &sealed("8192 iterations, as h3 2 seals"))]).await;
    assert!(only_user(&server).await.is_some());
}

#[tokio::test]
async fn a_token_needs_no_role_and_must_hold() {
    let server = Server::start(looking()).await;
    let bearer = |claims: Value| format!("Bearer {}", token(&claims));
    let holds = bearer(json!({"sub": 42, "exp": seconds() + 60}));
    assert_eq!(user_of(&server, &[("authorization", &holds)]).await.as_deref(), Some("42"));
    let expired = bearer(json!({"sub": "kim", "exp": seconds() - 3600}));
    let altered = format!("{holds}x");
    let nameless = bearer(json!({"exp": seconds() + 60}));
    for none in [expired, altered, nameless, "Bearer adm1n".into()] {
        assert_eq!(user_of(&server, &[("authorization", &none)]).await, None);
    }
}

#[tokio::test]
async fn a_session_that_is_forged_or_over_is_nobodys() {
    let server = Server::start(looking()).await;
    for name in ["ciphertext altered", "expired long ago", "wrong prefix"] {
        assert_eq!(user_of(&server, &[("cookie", &sealed(name))]).await, None, "{name}");
    }
    assert_eq!(user_of(&server, &[("cookie", "nuxt-session=rubbish")]).await, None);
}

#[tokio::test]
async fn a_header_is_believed_of_a_trusted_proxy_alone() {
    let elsewhere = Config { trusted_proxies: vec!["198.51.100.0/24".parse().unwrap()], ..looking() };
    let server = Server::start(elsewhere).await;
    assert_eq!(user_of(&server, &[("x-user", "kim")]).await, None);
    let server = Server::start(looking()).await;
    assert_eq!(user_of(&server, &[("x-user", "kim"), ("x-user", "lee")]).await, None, "one may be the client's own");
}

#[tokio::test]
async fn nobody_becomes_a_user_by_a_cookie() {
    let server = Server::start(looking()).await;
    let visitor = user_of(&server, &[("cookie", "visitor=kim")]).await.unwrap();
    let users = [
        user_of(&server, &[("x-user", "kim")]).await.unwrap(),
        user_of(&server, &[("x-user", "v_kim")]).await.unwrap(),
    ];
    assert!(!users.contains(&visitor), "{users:?}");
}

#[tokio::test]
async fn an_operator_who_looks_on_is_no_user() {
    let server = Server::start(looking()).await;
    let _tui = server.sse("?route=/__skew/tui", &[("x-user", "kim")]).await;
    assert_eq!(only_user(&server).await, None);
    assert_eq!(server.handle.stats().await.unwrap().total, 1);
}

#[tokio::test]
async fn a_page_of_another_site_has_no_identity() {
    let server = Server::start(looking()).await;
    let session = sealed("viewer, never expires");
    let evil = [("cookie", session.as_str()), ("origin", "https://evil.example")];
    let stream = soon("the end", with(client().get(server.url("/__skew/sse")), &evil).send()).await.unwrap();
    let told = soon("the end", stream.text()).await.unwrap();
    assert!(!told.contains("connected"), "{told}");
    assert_eq!(only_user(&server).await, None);
}

/// An endpoint that knows `sid=NAME`, admits `sid=ops`, and never answers `sid=slow`.
async fn forward_auth() -> (String, &'static AtomicUsize) {
    let asked: &'static AtomicUsize = Box::leak(Box::default());
    let answer = move |headers: HeaderMap| async move {
        asked.fetch_add(1, Ordering::SeqCst);
        let cookie = headers.get("cookie").unwrap().to_str().unwrap();
        let name = cookie.strip_prefix("sid=").unwrap_or_default().to_owned();
        let status = match name.as_str() {
            "slow" => return std::future::pending().await,
            "ops" => StatusCode::NO_CONTENT,
            "unknown" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::FORBIDDEN,
        };
        (status, [("x-name", name)])
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answer))).await });
    (url, asked)
}

fn forwarding(url: String, header: Option<&str>) -> Config {
    let users = UserConfig { forward_header: header.map(str::to_owned), ..UserConfig::default() };
    Config { forward_auth_url: Some(url), users, ..config() }
}

#[tokio::test]
async fn the_operators_endpoint_names_users_and_is_not_asked_twice() {
    let (url, asked) = forward_auth().await;
    let server = Server::start(forwarding(url.clone(), Some("X-Name"))).await;
    for (cookie, user) in [("sid=ops", Some("ops")), ("sid=kim", Some("kim")), ("sid=unknown", None)] {
        for _ in 0..2 {
            assert_eq!(user_of(&server, &[("cookie", cookie)]).await.as_deref(), user);
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    // Who is named is no reader for that.
    assert_eq!(server.get("/__skew/admin/stats", &[("cookie", "sid=kim")]).await.status, 401);
    assert_eq!(server.get("/__skew/admin/stats", &[("cookie", "sid=ops")]).await.status, 200);

    let (url, asked) = forward_auth().await;
    let server = Server::start(forwarding(url, None)).await;
    assert_eq!(user_of(&server, &[("cookie", "sid=kim")]).await, None);
    assert_eq!(asked.load(Ordering::SeqCst), 0, "visitors are its business only where it names them");
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_refuses_nobodys_stream() {
    let (url, _) = forward_auth().await;
    let server = Server::start(forwarding(url, Some("X-Name"))).await;
    assert_eq!(user_of(&server, &[("cookie", "sid=slow")]).await, None);
}

/// Says who has the cookie `id=…`, panics at one, and never comes to an end at another.
struct Application;

impl Hooks for Application {
    fn identify<'a>(&'a self, request: IdentityRequest<'a>) -> Option<Identification<'a>> {
        let id = request.credentials.cookie.as_deref()?.strip_prefix("id=")?;
        assert_ne!(id, "panic", "a hook that panics");
        Some(Box::pin(async move {
            if id == "slow" {
                std::future::pending::<()>().await;
            }
            Some(id.to_owned())
        }))
    }
}

#[tokio::test]
async fn the_application_names_whom_nothing_else_does_and_holds_nobody_up() {
    let server = Server::with_hooks(looking(), Application).await;
    assert_eq!(user_of(&server, &[("cookie", "id=kim")]).await.as_deref(), Some("kim"));
    assert_eq!(user_of(&server, &[("cookie", "id=kim"), ("x-user", "lee")]).await.as_deref(), Some("lee"));
    assert_eq!(user_of(&server, &[("cookie", "id=panic")]).await, None);
    assert_eq!(user_of(&server, &[("cookie", "id=slow")]).await, None);
    let metrics = server.handle.metrics();
    for (by, count) in [("hook", 1), ("header", 1), ("nothing", 1), ("late", 1)] {
        assert!(metrics.contains(&format!("skew_identified_total{{by=\"{by}\"}} {count}\n")), "{metrics}");
    }
}

fn hashing(key: Option<&str>) -> Config {
    let users =
        UserConfig { hash_key: key.map(|key| Secret::new(key).unwrap()), hash: UserHash::Auto, ..looking().users };
    Config { users, ..looking() }
}

#[tokio::test]
async fn an_email_is_hashed_alike_by_servers_of_one_key() {
    let shown =
        async |key| user_of(&Server::start(hashing(key)).await, &[("x-user", "kim@example.com")]).await.unwrap();
    let (one, two, other) = (shown(Some(KEY)).await, shown(Some(KEY)).await, shown(Some(JWT_SECRET)).await);
    assert_eq!(one, two);
    assert!(one != other && shown(None).await != shown(None).await);
    assert!(one.starts_with("h_") && one.len() == 24, "{one}");
}

#[tokio::test]
async fn a_reload_leaves_everybody_who_they_are_unless_told_otherwise() {
    let server = Server::start(hashing(None)).await;
    let kim = [("x-user", "kim@example.com")];
    let first = user_of(&server, &kim).await;
    server.handle.reconfigure(hashing(None)).unwrap();
    assert_eq!(user_of(&server, &kim).await, first);
    server.handle.reconfigure(looking()).unwrap();
    assert_eq!(user_of(&server, &kim).await.as_deref(), Some("kim@example.com"));
    let nobody = UserConfig { header: None, ..looking().users };
    server.handle.reconfigure(Config { users: nobody, ..looking() }).unwrap();
    assert_eq!(user_of(&server, &kim).await, None);
}

/// The log up to a line that holds `text`.
#[cfg(unix)]
async fn lines_until(program: &mut Program, text: &str) -> String {
    let mut lines = String::new();
    while !lines.contains(text) {
        lines +=
            &soon("a line", program.log.next_line()).await.unwrap().unwrap_or_else(|| panic!("no {text:?}: {lines}"));
    }
    lines
}

#[cfg(unix)]
#[tokio::test]
async fn no_user_and_no_key_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, KEY).unwrap();
    let mut command = command(&["--listen", "127.0.0.1:0", "--build-id", "b1", "--log-level", "debug"]);
    command.args(["--trusted-proxy", "127.0.0.1", "--user-header", "x-user", "--user-cookie", "visitor"]);
    command.arg("--user-hash-key-file").arg(&key).env("SKEW_ADMIN_SECRET", "adm1n");
    command.env("NUXT_SESSION_PASSWORD", PASSWORD);
    let mut program = Program::start(command).await;
    let session = sealed("viewer, never expires");
    let ids = ["header-us3r", "m4il@example.com", "c00kie-us3r", "bob@example.com"];
    let by = [("x-user", ids[0]), ("x-user", ids[1]), ("cookie", "visitor=c00kie-us3r"), ("cookie", session.as_str())];
    let mut streams = Vec::new();
    for header in by {
        streams.push(Sse::open(&format!("{}/sse", program.url), &[header]).await);
    }
    let http = client();
    let users = with(http.get(format!("{}/admin/users", program.url)), &[ADMIN]);
    let page = answer(users).await.body;
    let shown: Vec<&str> =
        page["users"].as_array().unwrap().iter().map(|user| user["user"].as_str().unwrap()).collect();
    assert_eq!(shown.len(), 4, "{page}");
    for user in &shown {
        let body = json!({"user": user}).to_string();
        let order =
            http.post(format!("{}/admin/invalidate-user", program.url)).header("content-type", "application/json");
        let answer = answer(with(order.body(body), &[ADMIN])).await;
        assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(1)));
    }
    drop(streams);
    program.signal("HUP").await;
    let mut log = lines_until(&mut program, "reloaded").await;
    std::fs::write(&key, "sh0rt-k3y").unwrap();
    program.signal("HUP").await;
    log += &lines_until(&mut program, "32 bytes or more").await;
    program.signal("TERM").await;
    log += &lines_until(&mut program, "stopped").await;
    assert!(log.contains("invalidated a user"), "{log}");
    for secret in ids.iter().chain(&shown).chain(&[KEY, "sh0rt-k3y", PASSWORD]) {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}
