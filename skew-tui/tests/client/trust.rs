//! Where credentials go, and where they don't.

use std::sync::Arc;

use crate::program::{run, skew_tui};
use crate::server::{Answer, CONNECTED, Server, stock_sse};

#[tokio::test]
async fn a_redirect_to_another_origin_gets_nothing() {
    let thief = Arc::new(Server::start(stock_sse).await);
    let to = thief.url("");
    let everything = {
        let to = to.clone();
        move |seen: &crate::server::Seen, _: &crate::server::Push| Answer::redirect(307, &format!("{to}{}", seen.path))
    };
    let site = Server::start(everything).await;
    for arguments in [
        &["stats"][..],
        &["stats", "--transport", "sse"],
        &["stats", "--transport", "ws"],
        &["stats", "--transport", "poll"],
    ] {
        let mut command = skew_tui(arguments);
        let ran = run({
            command.arg(site.url(""));
            command
        })
        .await;
        assert_eq!(ran.code, Some(1), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(&to), "it says where to: {}", ran.stderr);
    }
    assert!(thief.lines().is_empty(), "{:?}", thief.lines());
}

#[tokio::test]
async fn a_subscription_that_is_redirected_elsewhere_gets_nothing() {
    let thief = Server::start(stock_sse).await;
    let to = thief.url("/__skew/subscribe-stats");
    let site = Server::start(move |seen, _| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::Events(vec![CONNECTED.into()]),
        "POST /__skew/subscribe-stats" => Answer::redirect(308, &to),
        _ => Answer::not_found(),
    })
    .await;
    let ran = run(skew_tui(&["stats", &site.url("")])).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(thief.lines().is_empty(), "{:?}", thief.lines());
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed() {
    let site = Server::start(|seen, push| match seen.line().as_str() {
        "GET /__skew/sse" => Answer::redirect(302, "/__skew/moved?route=/__skew/tui"),
        "GET /__skew/moved" => Answer::Events(vec![CONNECTED.into()]),
        _ => stock_sse(seen, push),
    })
    .await;
    let ran = run(skew_tui(&["stats", &site.url("")])).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[tokio::test]
async fn credentials_of_files_reach_stream_and_post_alike() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (cookie, headers) = (file("cookie", "Fe26.2*1*abc\n"), file("headers", "X-Access: k3y\n"));
    let (token, admin) = (file("token", "s3cret-token\n"), file("admin", "adm1n\n"));
    let site = Server::start(stock_sse).await;
    let mut command = crate::program::bare(&["stats", &site.url("")]);
    command.args(["--cookie-file", &cookie, "--header-file", &headers]);
    command.args(["--token-file", &token, "--admin-secret-file", &admin]);
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let seen = site.seen.borrow();
    for line in ["GET /__skew/sse", "POST /__skew/subscribe-stats"] {
        let request = seen.iter().find(|seen| seen.line() == line).unwrap();
        assert_eq!(request.header("authorization"), Some("Bearer s3cret-token"));
        assert_eq!(request.header("cookie"), Some("nuxt-session=Fe26.2*1*abc"));
        assert_eq!(request.header("x-access"), Some("k3y"));
        assert_eq!(request.header("origin"), None, "this is no browser");
    }
    let post = seen.iter().find(|seen| seen.method == "POST").unwrap();
    assert_eq!(post.header("content-type"), Some("application/json"));
    assert_eq!(post.body, r#"{"connectionId":"c-own"}"#);
    assert!(seen.iter().all(|seen| !format!("{seen:?}").contains("adm1n")), "that one only invalidates");
}

#[tokio::test]
async fn no_log_shows_a_secret() {
    let site = Server::start(|_, _| Answer::json(401, r#"{"message":"s3cret-token is wrong"}"#)).await;
    let mut command = skew_tui(&["--json", "--log", "trace", &site.url("")]);
    command.env("SKEW_COOKIE", "session=c00kie-value").env("SKEW_ADMIN_SECRET", "adm1n-secret");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(4));
    assert!(!["s3cret", "c00kie", "adm1n"].iter().any(|secret| ran.stderr.contains(secret)), "{}", ran.stderr);
}
