//! What a page of another site can have a visitor's browser do: nothing that reads, subscribes, acts or counts.

use reqwest::Method;
use serde_json::{Value, json};
use skew_server::Config;

use super::abuse::{metric, turned_away};
use super::embed::Journal;
use super::spawned::{Program, command};
use super::support::{ADMIN, Answer, Server, answer, client, config, soon, with};

const EVIL: (&str, &str) = ("origin", "https://evil.example");
const HOST: (&str, &str) = ("host", "shop.example.com");

/// By what a browser makes of its Origin headers.
async fn opens_ws(server: &Server, headers: &[(&str, &str)]) -> u16 {
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let request = with(client().get(server.url("/__skew/ws")), &upgrade);
    soon("an answer", with(request, headers).send()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn another_sites_page_opens_no_stream_and_counts_nowhere() {
    let journal = Journal::default();
    let server = Server::with_hooks(config(), journal.clone()).await;
    assert_eq!(opens_ws(&server, &[EVIL]).await, 403);
    let told = turned_away(&server, "/__skew/sse?route=/forged", &[EVIL, ("cookie", "let=me; __nkpv=forged")]).await;
    assert!(told.starts_with("retry: "), "{told}");
    // As an image or a script it is loaded without an Origin.
    turned_away(&server, "/__skew/sse?route=/forged", &[("sec-fetch-site", "cross-site")]).await;
    turned_away(&server, "/__skew/sse?route=/forged", &[("sec-fetch-site", "same-site")]).await;
    assert_eq!((journal.lines(), metric(&server, "skew_foreign_total")), (vec![], 4));
}

#[tokio::test]
async fn the_origin_is_compared_whole_on_every_way_in() {
    let allowed_origins = vec!["https://admin.example.com".to_owned(), "https://bücher.example".to_owned()];
    let server = Server::start(Config { allowed_origins, ..config() }).await;
    let own = server.url("");
    let good: [&[(&str, &str)]; 6] = [
        &[("origin", &own)],
        &[HOST, ("origin", "https://shop.example.com")],
        &[HOST, ("origin", "https://shop.example.com:443")],
        &[("origin", "https://admin.example.com")],
        &[("origin", "https://xn--bcher-kva.example")],
        // A client that is no browser sends none, and is held to its credentials.
        &[],
    ];
    let bad: [&[(&str, &str)]; 11] = [
        &[EVIL],
        &[("origin", "null")],
        &[("origin", "")],
        &[("origin", &own), EVIL],
        &[("origin", &own), ("origin", &own)],
        &[HOST, ("origin", "https://shop.example.com:8443")],
        &[HOST, ("origin", "https://shop.example.com.")],
        &[HOST, ("origin", "https://shop.example.com.evil.example")],
        &[HOST, ("origin", "https://evil.example?shop.example.com")],
        &[("origin", "http://admin.example.com")],
        &[HOST, ("origin", "https://evil.example"), ("x-forwarded-host", "evil.example")],
    ];
    for (cases, post, ws) in [(&good[..], 200, 101), (&bad[..], 403, 403)] {
        for headers in cases {
            assert_eq!(server.post("/__skew/route", headers, &json!({})).await.status, post, "{headers:?}");
            assert_eq!(opens_ws(&server, headers).await, ws, "{headers:?}");
        }
    }
    assert_eq!(metric(&server, "skew_foreign_total"), 2 * bad.len() as u64);
}

#[tokio::test]
async fn another_sites_page_reads_and_does_nothing_with_a_visitors_cookies() {
    let server = Server::with_hooks(config(), Journal::default()).await;
    let cookie = ("cookie", "let=me");
    let stats = async |headers: &[(&str, &str)]| server.get("/__skew/admin/stats", headers).await.status;
    assert_eq!(stats(&[cookie]).await, 200);
    assert_eq!(stats(&[cookie, ("sec-fetch-site", "same-origin")]).await, 200);
    for foreign in [EVIL, ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
        assert_eq!(stats(&[cookie, foreign]).await, 401, "{foreign:?}");
        let sse = server.sse("", &[]).await;
        let body = json!({"connectionId": sse.connection_id, "route": "/moved"});
        for path in ["subscribe-stats", "route", "admin/invalidate-route", "admin/release"] {
            let sent = server.post(&format!("/__skew/{path}"), &[cookie, foreign, ADMIN], &body).await;
            assert_eq!(sent.status, 403, "{path}");
        }
        assert_eq!(server.handle.stats().await.unwrap().routes, [("/".to_owned(), 1)].into());
    }
}

#[tokio::test]
async fn what_a_form_can_send_is_no_post_of_ours() {
    let server = Server::start(config()).await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let request = client().post(server.url("/__skew/admin/release")).body(r#"{"version":"b2"}"#);
        let Answer { status, .. } = answer(with(request, &[("content-type", content_type), ADMIN])).await;
        assert_eq!(status, 415, "{content_type}");
    }
}

const ENDPOINTS: [&str; 12] = [
    "/__skew/sse",
    "/__skew/ws",
    "/__skew/route",
    "/__skew/subscribe-stats",
    "/__skew/health",
    "/__skew/client.js",
    "/__skew/admin/stats",
    "/__skew/admin/invalidate-route",
    "/__skew/admin/release",
    "/api/admin/stats",
    "/api/admin/invalidate-route",
    "/nowhere",
];

#[tokio::test]
async fn every_answer_is_guarded_and_no_other_site_is_let_in() {
    let server = Server::start(config()).await;
    let (own, preflight) = (server.url(""), ("access-control-request-method", "POST"));
    let mut statuses = std::collections::BTreeSet::new();
    for path in ENDPOINTS {
        for method in [Method::GET, Method::POST, Method::OPTIONS, Method::HEAD, Method::DELETE] {
            for headers in [&[EVIL, preflight, ADMIN][..], &[("origin", &own), preflight], &[ADMIN]] {
                let request = with(client().request(method.clone(), server.url(path)), headers);
                let answer = soon("an answer", request.send()).await.unwrap();
                let (status, headers) = (answer.status().as_u16(), answer.headers());
                statuses.insert(status);
                let case = format!("{method} {path}: {status}");
                assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{case}");
                assert!(method != Method::OPTIONS || status >= 400, "{case}");
                for (name, value) in [
                    ("x-content-type-options", "nosniff"),
                    ("cross-origin-resource-policy", "same-origin"),
                    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
                    ("x-frame-options", "DENY"),
                    ("referrer-policy", "no-referrer"),
                ] {
                    assert_eq!(headers.get_all(name).iter().collect::<Vec<_>>(), [value], "{case}");
                }
                let kept = headers["cache-control"].to_str().unwrap();
                assert_eq!(kept.contains("no-store"), !(path.ends_with("client.js") && status == 200), "{case}");
            }
        }
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200, 400, 401, 403, 404, 405, 415]);
}

#[tokio::test]
async fn an_answer_to_a_script_tag_is_no_script() {
    let server = Server::start(config()).await;
    let _tab = server.sse("", &[]).await;
    let request = client().get(server.url("/__skew/admin/stats")).header(ADMIN.0, ADMIN.1);
    let answer = request.header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let text = answer.text().await.unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["total"],
        1,
        "who sends the secret by itself is no visitor"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_first_page_of_another_site_is_logged_once_and_forges_no_line() {
    let mut program = Program::start(command(&["--listen", "127.0.0.1:0", "--build-id", "b1"])).await;
    let url = format!("{}/route", program.url);
    for n in 0..3 {
        let origin = format!("https://{n}.example\u{202e}\u{9b}31m ERROR forged");
        let origin = reqwest::header::HeaderValue::from_bytes(origin.as_bytes()).unwrap();
        assert_eq!(answer(client().post(&url).header("origin", origin)).await.status, 403);
    }
    let line = program.logged("page of another site").await;
    assert!(line.contains("WARN") && line.contains("0.example") && line.contains("--allow-origin"), "{line}");
    assert!(!line.contains(skew_proto::text::is_harmful), "{line:?}");
    program.signal("TERM").await;
    while let Some(line) = soon("the end of the log", program.log.next_line()).await.unwrap() {
        assert!(!line.contains("another site"), "{line}");
    }
}
