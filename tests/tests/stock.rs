//! A stock site as it is, without any program of ours: the Nuxt app on both transports, in a real browser. What
//! holds here is what `skew-tui` finds at its users' and what `skew-server` stands in for.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use skew_tests::browser::{Browser, Person};
use skew_tests::nuxt::pages::{connected, stats_with, with_session};
use skew_tests::nuxt::{ADMIN_SECRET, NuxtApp, Strategy};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Each as one test for each transport.
macro_rules! on_both_transports {
    ($($name:ident),* $(,)?) => {
        mod sse {
            $(#[tokio::test] async fn $name() { super::$name(super::Strategy::Sse).await; })*
        }
        mod ws {
            $(#[tokio::test] async fn $name() { super::$name(super::Strategy::Ws).await; })*
        }
    };
}

on_both_transports!(
    an_admin_sees_true_numbers_while_tabs_come_navigate_and_go,
    whoever_is_no_admin_is_refused,
    a_bearer_secret_is_authorized_without_a_browser_or_a_session,
    an_invalidation_reloads_those_whose_route_starts_with_it,
    without_the_plugin_an_invalidation_arrives_and_nothing_happens,
    a_wrong_secret_invalidates_nothing,
    after_a_deploy_an_open_tab_still_counts_as_the_old_build,
);

/// A person with a session of that role.
async fn logged_in(browser: &Browser, app: &NuxtApp, role: &str) -> Person {
    with_session(browser, &app.url("/"), &app.login(role).await).await
}

async fn an_admin_sees_true_numbers_while_tabs_come_navigate_and_go(strategy: Strategy) {
    let (app, browser) = tokio::join!(NuxtApp::start(strategy, &[]), Browser::launch());
    let admin = logged_in(&browser, &app, "admin").await.open(&app.url("/admin")).await;
    stats_with(&admin, "authorized", &json!(true)).await;

    let visitor = browser.person().await;
    let first = visitor.open(&app.url("/products?sort=price")).await;
    let second = visitor.open(&app.url("/")).await;
    let stats = stats_with(&admin, "routes", &json!({ "/": 1, "/admin": 1, "/products": 1 })).await;
    assert_eq!(stats["total"], 3);
    assert_eq!(stats["versions"], json!({ strategy.build_id(): 3 }));
    let connections = stats["connections"].as_array().expect("a list");
    let own = connections.iter().find(|connection| connection["id"] == stats["yourId"]).expect("one's own");
    assert_eq!(own["route"], "/admin");

    first.click("to:/checkout").await;
    let stats = stats_with(&admin, "routes", &json!({ "/": 1, "/admin": 1, "/checkout": 1 })).await;
    assert_eq!(stats["total"], 3);

    second.close().await;
    let stats = stats_with(&admin, "routes", &json!({ "/admin": 1, "/checkout": 1 })).await;
    assert_eq!(stats["total"], 2);
    assert_eq!(app.stats().await["routes"], stats["routes"]);
}

async fn whoever_is_no_admin_is_refused(strategy: Strategy) {
    let (app, browser) = tokio::join!(NuxtApp::start(strategy, &[]), Browser::launch());
    let nobody = browser.person().await.open(&app.url("/admin")).await;
    let viewer = logged_in(&browser, &app, "viewer").await.open(&app.url("/admin")).await;
    for tab in [nobody, viewer] {
        let stats = stats_with(&tab, "authorized", &json!(false)).await;
        assert_eq!((&stats["total"], &stats["connections"]), (&json!(0), &json!([])));
    }
}

async fn a_bearer_secret_is_authorized_without_a_browser_or_a_session(strategy: Strategy) {
    let app = NuxtApp::start(strategy, &[]).await;
    let stats = match strategy {
        Strategy::Sse => stats_over_sse(&app).await,
        Strategy::Ws => stats_over_ws(&app).await,
    };
    assert_eq!((&stats["type"], &stats["routes"]), (&json!("stats"), &json!({ "/watch": 1 })));
}

/// The first stats of a stream whose subscription carries the secret.
async fn stats_over_sse(app: &NuxtApp) -> Value {
    let client = reqwest::Client::new();
    let mut stream = client.get(app.url("/__skew/sse?route=/watch")).send().await.expect("a stream");
    let mut next = async || {
        let event = stream.chunk().await.expect("an open stream").expect("a message");
        let json = event.strip_prefix(b"data: ").expect("one line of data");
        serde_json::from_slice::<Value>(json).expect("JSON")
    };
    let body = json!({ "connectionId": next().await["connectionId"] });
    let request = client.post(app.url("/__skew/subscribe-stats")).bearer_auth(ADMIN_SECRET).json(&body);
    request.send().await.expect("the app answers");
    next().await
}

/// The first stats of a WebSocket that was opened with the secret.
async fn stats_over_ws(app: &NuxtApp) -> Value {
    let mut request =
        format!("ws://127.0.0.1:{}/__skew/ws?route=/watch", app.port).into_client_request().expect("a URL");
    let bearer = format!("Bearer {ADMIN_SECRET}").parse().expect("a header");
    request.headers_mut().insert("authorization", bearer);
    let stream = TcpStream::connect(("127.0.0.1", app.port)).await.expect("the app listens");
    let (mut socket, _) = client_async(request, stream).await.expect("the app speaks WebSocket");
    socket.send(Message::text(r#"{"type":"subscribe-stats"}"#)).await.expect("an open socket");
    let mut next = async || {
        let message = socket.next().await.expect("an open socket").expect("a message");
        serde_json::from_slice::<Value>(&message.into_data()).expect("JSON")
    };
    assert_eq!(next().await["type"], "connected");
    next().await
}

async fn an_invalidation_reloads_those_whose_route_starts_with_it(strategy: Strategy) {
    let (app, browser) = tokio::join!(NuxtApp::start(strategy, &[]), Browser::launch());
    let visitor = browser.person().await;
    let mut tabs = Vec::new();
    for route in ["/checkout", "/checkout-help", "/products"] {
        let tab = visitor.open(&app.url(route)).await;
        connected(&tab).await;
        tab.eval("window.__before = true").await;
        tabs.push(tab);
    }

    let (status, answer) = app.invalidate("/checkout", ADMIN_SECRET).await;
    assert_eq!((status, answer), (200, json!({ "ok": true, "route": "/checkout" })));
    for tab in &tabs[..2] {
        tab.wait_until("!window.__before").await;
    }
    // All were sent in one go, so that nothing is still under way to the third.
    assert_eq!(tabs[2].eval("window.__before").await, true);
    app.invalidate("/products", ADMIN_SECRET).await;
    tabs[2].wait_until("!window.__before").await;
}

async fn without_the_plugin_an_invalidation_arrives_and_nothing_happens(strategy: Strategy) {
    let env = [("NUXT_PUBLIC_RELOAD_ON_FORCE", "false")];
    let (app, browser) = tokio::join!(NuxtApp::start(strategy, &env), Browser::launch());
    let tab = browser.person().await.open(&app.url("/checkout")).await;
    connected(&tab).await;
    tab.eval("window.__before = true").await;

    app.invalidate("/checkout", ADMIN_SECRET).await;
    let message = tab.wait_until("window.__skewMessages.find(m => m.type === 'version')").await;
    assert_eq!((&message["version"], &message["force"]), (&json!(strategy.build_id()), &json!(true)));
    assert_eq!(tab.eval("window.__before").await, true);
}

async fn a_wrong_secret_invalidates_nothing(strategy: Strategy) {
    let app = NuxtApp::start(strategy, &[]).await;
    assert_eq!(app.invalidate("/", "not the secret").await.0, 401);
    assert_eq!(app.invalidate("", ADMIN_SECRET).await.0, 400);
}

async fn after_a_deploy_an_open_tab_still_counts_as_the_old_build(strategy: Strategy) {
    let (old, browser) = tokio::join!(NuxtApp::start(strategy, &[]), Browser::launch());
    let (port, old_url) = (old.port, old.url("/products"));
    let tab = browser.person().await.open(&old_url).await;
    connected(&tab).await;

    old.stop();
    let new = NuxtApp::start_on(port, strategy, &[("NUXT_APP_BUILD_ID", "build-new")]).await;
    let new = new.expect("the port of the app that was stopped is free");
    tab.wait_until("window.__skewMessages.some(m => m.type === 'connected' && m.version === 'build-new')").await;
    assert_eq!(tab.text("build").await, strategy.build_id());
    let newcomer = browser.person().await.open(&new.url("/")).await;
    connected(&newcomer).await;
    assert_eq!(newcomer.text("build").await, "build-new");
    assert_eq!(new.stats().await["versions"], json!({ strategy.build_id(): 1, "build-new": 1 }));
}
