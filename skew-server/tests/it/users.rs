//! Who is here and acting on somebody's connections, over real sockets.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::test_runner::{Config as Rounds, TestRunner};
use serde_json::{Value, json};
use skew_server::{Config, Mode, Rate, Target, UserConfig, UserHash};

use super::support::{ADMIN, Server, Sse, config};

const USERS: &str = "/__skew/admin/users";
const MESSAGE: &str = "/__skew/admin/message";
const INVALIDATE: &str = "/__skew/admin/invalidate-user";

/// Believes what the header `x-user` says.
fn named() -> Config {
    let users = UserConfig { header: Some("x-user".into()), hash: UserHash::Never, ..UserConfig::default() };
    Config { users, trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..config() }
}

fn at(user: &str) -> String {
    format!("{USERS}/{}", utf8_percent_encode(user, NON_ALPHANUMERIC))
}

async fn page(server: &Server, query: &str) -> Value {
    let answer = server.get(&format!("{USERS}{query}"), &[ADMIN]).await;
    assert_eq!(answer.status, 200, "{query}");
    answer.body
}

/// The first public id of a user's connections.
async fn connection_of(server: &Server, user: &str) -> String {
    let presence = server.get(&at(user), &[ADMIN]).await.body;
    presence["connections"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_is_here_is_told_with_their_connections() {
    let server = Server::start(named()).await;
    let user = "kim/1 %?";
    let kim = [("x-user", user), ("cookie", "__nkpv=old")];
    let _tabs = (server.sse("?route=/a", &kim).await, server.ws("?route=/b", &kim).await);
    let _others = (server.sse("", &[("x-user", "lee")]).await, server.sse("", &[]).await);
    let all = page(&server, "").await;
    assert_eq!((&all["total"], all["users"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(all["users"][0]["user"], user);
    let presence = server.get(&at(user), &[ADMIN]).await;
    assert_eq!((presence.status, &presence.body), (200, &all["users"][0]));
    let connections: Vec<(&str, &str)> = presence.body["connections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["route"].as_str().unwrap(), row["version"].as_str().unwrap()))
        .collect();
    assert_eq!(connections, [("/a", "old"), ("/b", "old")]);
    assert!(presence.body["since"].as_u64().unwrap() > 1_600_000_000_000);
    assert_eq!(server.handle.user(user).await.unwrap().connections.len(), 2);
    assert_eq!(server.handle.users(Some(user), 10).await.unwrap().users[0].user, "lee");
    let absent = server.get(&at("nobody"), &[ADMIN]).await;
    assert_eq!((absent.status, &absent.body["here"]), (200, &json!(false)));
}

#[test]
fn pages_have_every_user_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut rounds = TestRunner::new(Rounds { cases: 12, failure_persistence: None, ..Rounds::default() });
    let cases = (prop::collection::vec("[ab/%+&=# ]{1,3}[a-c]", 1..12), 1..5_usize);
    rounds
        .run(&cases, |(users, limit)| {
            let (told, expected) = runtime.block_on(read_in_pages(&users, limit));
            prop_assert_eq!(told, expected);
            Ok(())
        })
        .unwrap();
}

/// The users as pages tell them, and as they are.
async fn read_in_pages(users: &[String], limit: usize) -> (Vec<String>, Vec<String>) {
    let server = Server::start(named()).await;
    let mut streams: Vec<Sse> = Vec::new();
    for user in users {
        streams.push(server.sse("", &[("x-user", user)]).await);
    }
    let mut told = Vec::new();
    let mut query = format!("?limit={limit}");
    loop {
        let page = page(&server, &query).await;
        let users = page["users"].as_array().unwrap();
        assert!(users.len() <= limit);
        told.extend(users.iter().map(|user| user["user"].as_str().unwrap().to_owned()));
        let Some(next) = page.get("next") else { break };
        let after = utf8_percent_encode(next.as_str().unwrap(), NON_ALPHANUMERIC);
        query = format!("?limit={limit}&after={after}");
    }
    let mut expected: Vec<String> = users.iter().map(|user| user.trim().to_owned()).collect();
    expected.sort();
    expected.dedup();
    (told, expected)
}

#[tokio::test]
async fn a_message_reaches_exactly_whom_it_is_meant_for() {
    let server = Server::start(named()).await;
    let (kim, lee) = ([("x-user", "kim")], [("x-user", "lee")]);
    let mut kims = (server.sse("?route=/a", &kim).await, server.ws("?route=/b", &kim).await);
    let mut lees = (server.ws("?route=/a/b", &lee).await, server.sse("?route=/c", &[]).await);
    let id = connection_of(&server, "lee").await;
    // To whom, and which of the four hear of it.
    let cases = [
        (json!({"user": "kim"}), [true, true, false, false]),
        (json!({"user": "nobody"}), [false; 4]),
        (json!({"connection": id}), [false, false, true, false]),
        (json!({"route": "/a"}), [true, false, true, false]),
        (json!({"route": "/a", "match": "exact"}), [true, false, false, false]),
        (json!({"all": true}), [true; 4]),
    ];
    for (n, (mut body, heard)) in cases.into_iter().enumerate() {
        let message = json!({"type": "sale", "n": n, "text": "line\nbreak"});
        body["message"] = message.clone();
        let answer = server.post(MESSAGE, &[ADMIN], &body).await;
        let reached = heard.iter().filter(|heard| **heard).count();
        assert_eq!((answer.status, answer.body), (200, json!({"ok": true, "reached": reached})), "{body}");
        // The next that each hears is this one, so that none of them has heard one before that was not for it.
        for (n, _) in heard.into_iter().enumerate().filter(|(_, is_told)| *is_told) {
            let told = match n {
                0 => kims.0.next().await,
                1 => kims.1.next().await,
                2 => lees.0.next().await,
                _ => lees.1.next().await,
            };
            assert_eq!(told, message);
        }
    }
    let id = connection_of(&server, "kim").await.parse().unwrap();
    assert_eq!(server.handle.message(Target::Connection(id), &json!({"type": "psst"})).await.unwrap(), 1);
    assert_eq!(kims.0.next().await["type"], "psst");
    kims.1.assert_quiet().await;
}

#[tokio::test]
async fn a_message_that_the_protocol_could_take_for_its_own_is_refused() {
    let server = Server::start(named()).await;
    let mut tab = server.sse("", &[]).await;
    let message = |message: Value| json!({"message": message, "all": true});
    for bad in [
        message(json!({"type": "version", "version": "x"})),
        message(json!({"type": "stats"})),
        message(json!("text")),
        message(json!(["list"])),
        json!({"all": true}),
        json!({"message": {}}),
        json!({"message": {}, "all": true, "user": "kim"}),
        json!({"message": {}, "connection": "42"}),
        json!({"message": {}, "route": "(", "match": "regex"}),
    ] {
        let answer = server.post(MESSAGE, &[ADMIN], &bad).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!(true)), "{bad}");
    }
    let long = message(json!({"text": "x".repeat(100_000)}));
    assert_eq!(server.post(MESSAGE, &[ADMIN], &long).await.status, 413);
    tab.assert_quiet().await;
    assert_eq!(server.post(MESSAGE, &[ADMIN], &message(json!({"no": "type"}))).await.status, 200);
    assert_eq!(tab.next().await, json!({"no": "type"}));
}

#[tokio::test]
async fn an_invalidation_by_user_reaches_all_their_tabs_and_nobody_else() {
    let server = Server::start(named()).await;
    let kim = [("x-user", "kim")];
    let mut kims = (server.sse("?route=/a", &kim).await, server.ws("?route=/b", &kim).await);
    let mut others = (server.sse("?route=/a", &[("x-user", "kim2")]).await, server.ws("", &[]).await);
    let count = json!({"user": "kim", "dryRun": true});
    let expected = json!({"ok": true, "user": "kim", "matched": 2, "dryRun": true});
    assert_eq!(server.post(INVALIDATE, &[ADMIN], &count).await.body, expected);
    let answer = server.post(INVALIDATE, &[ADMIN], &json!({"user": "kim"})).await;
    assert_eq!((answer.status, answer.body), (200, json!({"ok": true, "user": "kim", "matched": 2})));
    for told in [kims.0.next().await, kims.1.next().await] {
        assert_eq!((&told["type"], &told["force"]), (&json!("version"), &json!(true)));
    }
    assert_eq!(server.handle.invalidate_user("nobody", Mode::Send).await.unwrap().matched, 0);
    others.0.assert_quiet().await;
    others.1.assert_quiet().await;
    kims.0.assert_quiet().await;
}

#[tokio::test]
async fn only_an_admin_learns_who_is_here_and_acts() {
    let server = Server::start(named()).await;
    let _kim = server.sse("", &[("x-user", "kim")]).await;
    let reader = ("authorization", "Bearer st4ts");
    let wrong = ("authorization", "Bearer guess");
    for (headers, status) in [(vec![], 401), (vec![wrong], 401), (vec![reader], 403)] {
        for path in [USERS.to_owned(), at("kim")] {
            let answer = server.get(&path, &headers).await;
            assert_eq!((answer.status, &answer.body["statusCode"]), (status, &json!(status)), "{path}");
            assert!(!answer.body.to_string().contains("kim"));
        }
        for (path, body) in
            [(MESSAGE, json!({"message": {}, "all": true})), (INVALIDATE, json!({"user": "kim"})), (MESSAGE, json!({}))]
        {
            assert_eq!(server.post(path, &headers, &body).await.status, status, "{path}");
        }
    }
    let evil = ("origin", "https://evil.example");
    assert_eq!(server.post(INVALIDATE, &[ADMIN, evil], &json!({"user": "kim"})).await.status, 403);
    let closed = Server::start(Config { admin_secrets: vec![], stats_secrets: vec![], ..named() }).await;
    assert_eq!(closed.get(USERS, &[]).await.status, 503);
}

#[tokio::test]
async fn who_tries_secrets_out_here_is_slowed_as_elsewhere() {
    let mut config = named();
    config.limits.tries_by_address = Rate { per_second: 0.001, burst: 2 };
    let server = Server::start(config).await;
    let (here, wrong) = (("x-forwarded-for", "203.0.113.9"), ("authorization", "Bearer guess"));
    assert_eq!(server.get(USERS, &[here, wrong]).await.status, 401);
    assert_eq!(server.post(INVALIDATE, &[here, wrong], &json!({"user": "kim"})).await.status, 401);
    for path in [USERS.to_owned(), at("kim")] {
        assert_eq!(server.get(&path, &[here, ADMIN]).await.status, 429);
    }
    for (path, body) in [(MESSAGE, json!({"message": {}, "all": true})), (INVALIDATE, json!({"user": "kim"}))] {
        assert_eq!(server.post(path, &[here, ADMIN], &body).await.status, 429);
    }
    assert_eq!(server.get(USERS, &[ADMIN]).await.status, 200);
}

#[tokio::test]
async fn what_can_not_be_asked_is_answered_as_every_other_error() {
    let server = Server::start(named()).await;
    for (path, status) in [
        (format!("{USERS}?limit=0"), 400),
        (format!("{USERS}?limit=1001"), 400),
        (format!("{USERS}/%ff"), 400),
        ("/__skew/admin/nothing".into(), 404),
        ("/__skew/admin/users/a/b".into(), 404),
    ] {
        let answer = server.get(&path, &[ADMIN]).await;
        assert_eq!((answer.status, &answer.body["statusCode"]), (status, &json!(status)), "{path}");
        assert!(!answer.body["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(server.post(INVALIDATE, &[ADMIN], &json!({"user": ""})).await.status, 400);
    assert_eq!(server.post(INVALIDATE, &[ADMIN], &json!({})).await.status, 400);
}
