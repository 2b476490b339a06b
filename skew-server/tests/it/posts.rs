//! What a POST must be, and that one which is refused changes nothing.

use serde_json::json;

use super::support::{Server, answer, client, config};

const ROUTE: &str = "/__skew/route";

#[tokio::test]
async fn missing_fields_and_unknown_connections_are_answered_as_by_the_stock_server() {
    let server = Server::start(config()).await;
    let unknown = "6eab2c6f-a829-4d54-b344-a15b37f83026";
    for body in
        [json!({}), json!({"connectionId": unknown}), json!({"route": "/"}), json!({"connectionId": "", "route": "/"})]
    {
        let answer = server.post(ROUTE, &[], &body).await;
        assert_eq!((answer.status, answer.body), (200, json!({"ok": false})), "{body}");
    }
    for id in [unknown, "not even a UUID"] {
        let answer = server.post(ROUTE, &[], &json!({"connectionId": id, "route": "/"})).await;
        assert_eq!((answer.status, answer.body), (200, json!({"ok": true})));
        server.subscribe(id, &[]).await;
    }
    let answer = server.post("/__skew/subscribe-stats", &[], &json!({})).await;
    assert_eq!((answer.status, answer.body["message"].as_str()), (400, Some("Missing connectionId")));
}

#[tokio::test]
async fn bad_routes_are_refused_with_a_reason_and_never_stored() {
    let server = Server::start(config()).await;
    let sse = server.sse("?route=/here", &[]).await;
    let long = format!("/{}", "x".repeat(512));
    for (route, reason) in [
        (json!(7), "route must be a string"),
        (json!({"a": 1}), "route must be a string"),
        (json!(["/a", "/b"]), "route must be a string"),
        (json!("checkout"), "route must begin with /"),
        (json!(long), "route is longer than 512 bytes"),
    ] {
        let answer = server.post(ROUTE, &[], &json!({"connectionId": sse.connection_id, "route": route})).await;
        assert_eq!((answer.status, answer.body["message"].as_str()), (400, Some(reason)));
    }
    assert_eq!(server.handle.stats().await.unwrap().routes, [("/here".to_owned(), 1)].into());
}

#[tokio::test]
async fn bad_json_large_bodies_and_other_content_types_are_refused() {
    let server = Server::start(config()).await;
    let send = |content_type: Option<&'static str>, body: String| {
        let mut request = client().post(server.url(ROUTE)).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        async { answer(request).await.status }
    };
    let json = Some("application/json");
    assert_eq!(send(json, "{not json".into()).await, 400);
    assert_eq!(send(json, "[]".into()).await, 400);
    assert_eq!(send(json, String::new()).await, 400);
    assert_eq!(send(Some("Application/JSON; charset=utf-8"), "{}".into()).await, 200);
    assert_eq!(send(Some("text/plain"), "{}".into()).await, 415);
    assert_eq!(send(None, "{}".into()).await, 415);
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    assert_eq!(send(json, padded(8192)).await, 200);
    assert_eq!(send(json, padded(8193)).await, 413);
}

#[tokio::test]
async fn a_large_body_that_does_not_say_its_size_is_refused_too() {
    let server = Server::start(config()).await;
    let pieces = (0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000]));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let request = client().post(server.url(ROUTE)).header("content-type", "application/json").body(body);
    assert_eq!(answer(request).await.status, 413);
}
