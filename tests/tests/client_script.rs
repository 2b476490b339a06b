//! `skew-server`'s own script, `client.js`, on a plain page without Nuxt, in a real browser.

use serde_json::{Value, json};
use skew_tests::browser::{Browser, Tab};
use skew_tests::http;
use skew_tests::nuxt::ADMIN_SECRET;
use skew_tests::page::PlainPage;
use skew_tests::proxy::Proxy;
use skew_tests::server::SkewServer;

const BY_ATTRIBUTE: &str = r#"<script src="/__skew/client.js" data-build="b1"></script>"#;
const BY_META_TAG: &str = r#"<meta name="skew-build" content="b1"><script src="/__skew/client.js"></script>"#;

/// A site of plain pages whose current build is `b1`.
struct Plain {
    server: SkewServer,
    proxy: Proxy,
    _page: PlainPage,
    browser: Browser,
}

impl Plain {
    async fn start(script: &str) -> Self {
        // Listens before the script runs, so that no event is missed.
        let record = "<script>
            window.events = []
            for (const name of ['skew:version', 'skew:message']) addEventListener(name, event => {
                events.push({ name, ...event.detail })
                if (window.stay) event.preventDefault()
            })
        </script>";
        let html = format!("<!doctype html><title>plain</title>{record}{script}");
        let (page, browser) = tokio::join!(PlainPage::start(&html), Browser::launch());
        let server = SkewServer::start("b1", &["--route-tracking"]).await;
        let proxy = Proxy::start(server.addr, page.addr).await;
        Self { server, proxy, _page: page, browser }
    }

    async fn open(&self, path: &str) -> Tab {
        let tab = self.browser.person().await.open(&self.proxy.url(path)).await;
        tab.wait_until("events.length").await;
        tab
    }

    /// An action under the base path.
    async fn act(&self, action: &str, body: Value) -> Value {
        let url = self.proxy.url(&format!("/__skew/admin/{action}"));
        let (status, answer) = http::json(http::client().post(url).bearer_auth(ADMIN_SECRET).json(&body)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

/// Waits until the server's stats have `value` in `field`; asked for from the page, which is near.
async fn stats_with(tab: &Tab, field: &str, value: &Value) -> Value {
    let stats = format!(
        "fetch('/__skew/admin/stats', {{ headers: {{ authorization: 'Bearer {ADMIN_SECRET}' }} }}).then(r => r.json())"
    );
    let wanted = format!("JSON.stringify(stats.{field}) === '{value}'");
    tab.wait_until(&format!("{stats}.then(stats => {wanted} && stats)")).await
}

async fn a_tab_is_counted_where_it_is_until_it_closes(script: &str) {
    let site = Plain::start(script).await;
    let (first, second) = (site.open("/products?sort=price").await, site.open("/about").await);
    let stats = stats_with(&first, "total", &json!(2)).await;
    assert_eq!(stats["versions"], json!({ "b1": 2 }));
    assert_eq!(stats["routes"], json!({ "/about": 1, "/products": 1 }));

    first.eval("history.pushState({}, '', '/checkout?step=1')").await;
    stats_with(&first, "routes['/checkout']", &json!(1)).await;
    first.eval("history.back()").await;
    stats_with(&first, "routes['/products']", &json!(1)).await;

    second.close().await;
    stats_with(&first, "routes", &json!({ "/products": 1 })).await;
}

#[tokio::test]
async fn a_tab_is_counted_where_it_is_until_it_closes_with_its_build_in_an_attribute() {
    a_tab_is_counted_where_it_is_until_it_closes(BY_ATTRIBUTE).await;
}

#[tokio::test]
async fn a_tab_is_counted_where_it_is_until_it_closes_with_its_build_in_a_meta_tag() {
    a_tab_is_counted_where_it_is_until_it_closes(BY_META_TAG).await;
}

#[tokio::test]
async fn a_release_is_said_as_an_event_and_reloads_nothing() {
    let site = Plain::start(BY_ATTRIBUTE).await;
    let tab = site.open("/").await;
    let first = tab.eval("events[0]").await;
    assert_eq!((&first["name"], &first["outdated"]), (&json!("skew:version"), &json!(false)));

    let answer = site.act("release", json!({ "version": "b2" })).await;
    assert_eq!((&answer["previous"], &answer["reached"]), (&json!("b1"), &json!(1)));
    let event = tab.wait_until("events[1]").await;
    assert_eq!((&event["name"], &event["version"]), (&json!("skew:version"), &json!("b2")));
    assert_eq!((&event["outdated"], &event["force"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn an_invalidation_reloads_the_page_unless_the_page_says_no() {
    let site = Plain::start(BY_ATTRIBUTE).await;
    let (willing, unwilling) = (site.open("/checkout/pay").await, site.open("/checkout").await);
    let elsewhere = site.open("/checkout-help").await;
    for tab in [&willing, &unwilling, &elsewhere] {
        tab.eval("window.before = true").await;
    }
    unwilling.eval("window.stay = true").await;

    let answer = site.act("invalidate-route", json!({ "route": "/checkout", "match": "segment" })).await;
    assert_eq!(answer["matched"], 2);
    willing.wait_until("!window.before").await;
    unwilling.wait_until("events.some(event => event.force)").await;
    assert_eq!(unwilling.eval("window.before").await, true);
    assert_eq!(elsewhere.eval("window.before && events.length").await, 1);
}

#[tokio::test]
async fn a_restart_of_the_server_is_survived_and_told() {
    let mut site = Plain::start(BY_ATTRIBUTE).await;
    let tab = site.open("/").await;
    site.server.restart("b2").await;
    tab.wait_until("events.some(event => event.version === 'b2' && event.outdated)").await;
    let stats = stats_with(&tab, "total", &json!(1)).await;
    assert_eq!(stats["versions"], json!({ "b1": 1 }));
}

#[tokio::test]
async fn a_page_that_could_not_be_told_is_told_again() {
    let lines = "<script>
        const real = window.fetch
        window.fetch = (...words) => window.down ? Promise.reject(new TypeError('down')) : real(...words)
    </script>";
    let site = Plain::start(&format!("{lines}{BY_ATTRIBUTE}")).await;
    let tab = site.open("/").await;
    tab.eval("(window.down = true, history.pushState({}, '', '/lost'), null)").await;
    tab.eval("(window.down = false, history.replaceState({}, '', '/lost'), null)").await;
    stats_with(&tab, "routes", &json!({ "/lost": 1 })).await;
}

#[tokio::test]
async fn a_script_that_is_there_twice_opens_one_stream_and_no_message_throws() {
    let count = "<script>
        window.streams = []
        window.EventSource = class extends EventSource { constructor(url) { super(url); streams.push(this) } }
    </script>";
    let site = Plain::start(&format!("{count}{BY_ATTRIBUTE}{BY_ATTRIBUTE}")).await;
    let tab = site.open("/").await;
    assert_eq!(tab.eval("streams.length").await, 1);
    tab.eval("(streams[0].onmessage({ data: 'null' }), null)").await;
}

#[tokio::test]
async fn a_bot_opens_no_stream() {
    let site = Plain::start(BY_ATTRIBUTE).await;
    let bot = site.browser.person().await.open("about:blank").await;
    bot.pose_as("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)").await;
    bot.go(&site.proxy.url("/bot")).await;
    // The bot's page has loaded and run its script, so whoever comes now comes after it.
    let visitor = site.open("/visitor").await;
    let stats = stats_with(&visitor, "routes['/visitor']", &json!(1)).await;
    assert_eq!(stats["routes"], json!({ "/visitor": 1 }));
    assert_eq!(bot.eval("events.length").await, 0);
}
