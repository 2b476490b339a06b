//! Invalidations from the command line.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use skew_server::{Config, Edge, Secret};
use tokio::net::TcpListener;

use crate::program::{bare, run, skew_tui};
use crate::server::{Answer, Server, stock_sse};

async fn stock() -> Server {
    Server::start(|seen, push| match seen.line().as_str() {
        "POST /api/admin/invalidate-route" => {
            let body: Value = serde_json::from_str(&seen.body).unwrap();
            match body["secret"].as_str() {
                Some("adm1n-secret") => Answer::json(200, &json!({"ok": true, "route": body["route"]}).to_string()),
                _ => Answer::json(401, r#"{"error":true,"statusCode":401}"#),
            }
        }
        _ => stock_sse(seen, push),
    })
    .await
}

#[tokio::test]
async fn a_stock_app_is_sent_the_recipe_and_nothing_more() {
    let site = stock().await;
    let mut command = skew_tui(&["invalidate", "--yes", "--json", &site.url(""), "/shop"]);
    command.env("SKEW_ADMIN_SECRET", "adm1n-secret");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let outcome = &ran.json()[0];
    assert_eq!(
        (&outcome["server"], &outcome["expected"], &outcome["matched"]),
        (&"stock".into(), &1.into(), &Value::Null)
    );
    let seen = site.seen.borrow();
    let sent = seen.iter().find(|seen| seen.path == "/api/admin/invalidate-route").unwrap();
    assert_eq!(sent.body, r#"{"route":"/shop","secret":"adm1n-secret"}"#);
}

#[tokio::test]
async fn what_a_stock_app_can_not_do_is_refused_with_the_reason_and_not_sent() {
    let site = stock().await;
    let ran = run(skew_tui(&["invalidate", "--yes", "--match", "segment", &site.url(""), "/shop"])).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("prefixes only"), "{}", ran.stderr);
    assert_eq!(site.count("POST /api/admin/invalidate-route"), 0);
}

#[tokio::test]
async fn a_dry_run_on_a_stock_app_counts_and_sends_nothing() {
    let site = stock().await;
    let ran = run(skew_tui(&["invalidate", "--dry-run", &site.url(""), "/sh"])).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "       1  /shop\n/sh (prefix) would reach 1 connection\n"));
    let blind = run(bare(&["invalidate", "--dry-run", &site.url(""), "/sh"])).await;
    assert_eq!(blind.code, Some(4), "whom it would reach is not shown to everybody");
    assert_eq!(site.count("POST /api/admin/invalidate-route"), 0);
}

#[tokio::test]
async fn a_wrong_secret_exits_with_4() {
    let site = stock().await;
    let ran = run(skew_tui(&["invalidate", "--yes", &site.url(""), "/"])).await;
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("--admin-secret-file") && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[tokio::test]
async fn an_app_without_the_recipe_exits_with_1_and_says_so() {
    let site = Server::start(stock_sse).await;
    let ran = run(skew_tui(&["invalidate", "--yes", &site.url(""), "/"])).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("--invalidate-path"), "{}", ran.stderr);
}

#[tokio::test]
async fn whom_it_reaches_is_shown_line_by_line_before_it_is_sent() {
    let site = stock().await;
    let mut command = skew_tui(&["invalidate", "--yes", &site.url(""), "/"]);
    command.env("SKEW_ADMIN_SECRET", "adm1n-secret");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stderr, "/ (prefix) reaches 2 connections:\n       1  /\n       1  /shop\n");
}

#[tokio::test]
async fn skew_server_says_how_many_it_reached() {
    let config =
        Config { route_tracking: true, admin_secrets: vec![Secret::new("adm1n-secret").unwrap()], ..Config::new("b2") };
    let (router, handle) = skew_server::router(config, ()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let served = handle.clone();
    let server = tokio::spawn(async move {
        skew_server::serve(listener, router, &served, Edge::default(), std::future::pending()).await;
    });
    let mut tabs = Vec::new();
    for route in ["/shop", "/shop/pay", "/shop-help"] {
        let tab = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        tabs.push(tab.get(format!("{url}/__skew/sse?route={route}")).send().await.unwrap());
    }
    while handle.stats().await.unwrap().total < 3 {
        tokio::task::yield_now().await;
    }

    let invalidate = |arguments: &[&str]| {
        let mut command = bare(&["invalidate", "--json", &url, "/shop"]);
        command.args(arguments).env("SKEW_ADMIN_SECRET", "adm1n-secret");
        run(command)
    };
    let dry = invalidate(&["--dry-run", "--match", "segment"]).await;
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    let dry = &dry.json()[0];
    assert_eq!((&dry["matched"], &dry["expected"], &dry["dryRun"]), (&2.into(), &2.into(), &true.into()));
    let sent = invalidate(&["--yes", "--match", "prefix"]).await;
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!((&sent.json()[0]["matched"], &sent.json()[0]["server"]), (&3.into(), &"skew-server".into()));
    server.abort();
}
