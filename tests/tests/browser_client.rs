//! The module's own browser client, unchanged, in a real browser: on a stock site, and where `skew-server` has taken the
//! place of the stock server. The same must hold on both, and over both transports.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use skew_proto::sse::Decoder;
use skew_tests::browser::Browser;
use skew_tests::http;
use skew_tests::nuxt::pages::{connected, stats_with};
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};
use skew_tests::site::{Peer, Site};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

skew_tests::everywhere!(
    an_admin_sees_true_numbers_while_tabs_come_navigate_and_go,
    whoever_is_no_admin_is_refused,
    a_bearer_secret_is_authorized_without_a_browser_or_a_session,
    an_invalidation_reloads_those_whose_route_starts_with_it,
    without_the_plugin_an_invalidation_arrives_and_nothing_happens,
    a_wrong_secret_invalidates_nothing,
    after_a_deploy_an_open_tab_still_counts_as_the_old_build,
);

async fn an_admin_sees_true_numbers_while_tabs_come_navigate_and_go(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let admin = site.logged_in(&browser, "admin").await.open(&site.url("/admin")).await;
    stats_with(&admin, "authorized", &json!(true)).await;

    let visitor = browser.person().await;
    let first = visitor.open(&site.url("/products?sort=price")).await;
    let second = visitor.open(&site.url("/")).await;
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
    assert_eq!(site.stats().await["routes"], stats["routes"]);
}

async fn whoever_is_no_admin_is_refused(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let nobody = browser.person().await.open(&site.url("/admin")).await;
    let viewer = site.logged_in(&browser, "viewer").await.open(&site.url("/admin")).await;
    for tab in [nobody, viewer] {
        let stats = stats_with(&tab, "authorized", &json!(false)).await;
        assert_eq!((&stats["total"], &stats["connections"]), (&json!(0), &json!([])));
    }
}

async fn a_bearer_secret_is_authorized_without_a_browser_or_a_session(peer: Peer, strategy: Strategy) {
    let site = Site::start(peer, strategy, &[]).await;
    let stats = match strategy {
        Strategy::Sse => stats_over_sse(&site).await,
        Strategy::Ws => stats_over_ws(&site).await,
    };
    assert_eq!((&stats["type"], &stats["routes"]), (&json!("stats"), &json!({ "/watch": 1 })));
}

/// The first stats of a stream whose subscription carries the secret.
async fn stats_over_sse(site: &Site) -> Value {
    let client = http::client();
    let mut stream = client.get(site.url("/__skew/sse?route=/watch")).send().await.expect("a stream");
    let (mut decoder, mut events) = (Decoder::new(64 * 1024), Vec::new());
    let mut next = async || {
        while events.is_empty() {
            let bytes = stream.chunk().await.expect("an open stream").expect("a message");
            decoder.push(&bytes, &mut events).expect("short messages");
        }
        serde_json::from_str::<Value>(&events.remove(0).data).expect("JSON")
    };
    let body = json!({ "connectionId": next().await["connectionId"] });
    let request = client.post(site.url("/__skew/subscribe-stats")).bearer_auth(ADMIN_SECRET).json(&body);
    request.send().await.expect("the app answers");
    next().await
}

/// The first stats of a WebSocket that was opened with the secret.
async fn stats_over_ws(site: &Site) -> Value {
    let mut request = site.url("/__skew/ws?route=/watch").replace("http:", "ws:").into_client_request().expect("a URL");
    let bearer = format!("Bearer {ADMIN_SECRET}").parse().expect("a header");
    request.headers_mut().insert("authorization", bearer);
    let stream = TcpStream::connect(site.addr()).await.expect("the app listens");
    let (mut socket, _) = client_async(request, stream).await.expect("the app speaks WebSocket");
    socket.send(Message::text(r#"{"type":"subscribe-stats"}"#)).await.expect("an open socket");
    let mut next = async || {
        let message = socket.next().await.expect("an open socket").expect("a message");
        serde_json::from_slice::<Value>(&message.into_data()).expect("JSON")
    };
    assert_eq!(next().await["type"], "connected");
    next().await
}

async fn an_invalidation_reloads_those_whose_route_starts_with_it(peer: Peer, strategy: Strategy) {
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let visitor = browser.person().await;
    let mut tabs = Vec::new();
    for route in ["/checkout", "/checkout-help", "/products"] {
        let tab = visitor.open(&site.url(route)).await;
        connected(&tab).await;
        tab.eval("window.__before = true").await;
        tabs.push(tab);
    }

    let (status, answer) = site.invalidate("/checkout", ADMIN_SECRET).await;
    assert_eq!((status, &answer["ok"], &answer["route"]), (200, &json!(true), &json!("/checkout")));
    for tab in &tabs[..2] {
        tab.wait_until("!window.__before").await;
    }
    // All were sent in one go, so that nothing is still under way to the third.
    assert_eq!(tabs[2].eval("window.__before").await, true);
    site.invalidate("/products", ADMIN_SECRET).await;
    tabs[2].wait_until("!window.__before").await;
}

async fn without_the_plugin_an_invalidation_arrives_and_nothing_happens(peer: Peer, strategy: Strategy) {
    let env = [("NUXT_PUBLIC_RELOAD_ON_FORCE", "false")];
    let (site, browser) = tokio::join!(Site::start(peer, strategy, &env), Browser::launch());
    let tab = browser.person().await.open(&site.url("/checkout")).await;
    connected(&tab).await;
    tab.eval("window.__before = true").await;

    site.invalidate("/checkout", ADMIN_SECRET).await;
    let message = tab.wait_until("window.__skewMessages.find(m => m.type === 'version')").await;
    assert_eq!((&message["version"], &message["force"]), (&json!(strategy.build_id()), &json!(true)));
    assert_eq!(tab.eval("window.__before").await, true);
}

async fn a_wrong_secret_invalidates_nothing(peer: Peer, strategy: Strategy) {
    let site = Site::start(peer, strategy, &[]).await;
    assert_eq!(site.invalidate("/", "not the secret").await.0, 401);
    assert_eq!(site.invalidate("", ADMIN_SECRET).await.0, 400);
}

async fn after_a_deploy_an_open_tab_still_counts_as_the_old_build(peer: Peer, strategy: Strategy) {
    let (mut site, browser) = tokio::join!(Site::start(peer, strategy, &[]), Browser::launch());
    let old = browser.person().await.open(&site.url("/products")).await;
    connected(&old).await;

    site.deploy("build-new").await;
    old.wait_until("window.__skewMessages.some(m => m.type === 'connected' && m.version === 'build-new')").await;
    assert_eq!(old.text("build").await, strategy.build_id());
    let new = browser.person().await.open(&site.url("/")).await;
    connected(&new).await;
    assert_eq!(new.text("build").await, "build-new");
    assert_eq!(site.stats().await["versions"], json!({ strategy.build_id(): 1, "build-new": 1 }));
}
