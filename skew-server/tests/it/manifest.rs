//! Release lists on the web.

use axum::Router;
use axum::routing::get;
use skew_server::manifest::Manifest;
use tokio::net::TcpListener;

const LIST: &str =
    r#"{"id":"b2","timestamp":17,"skewProtection":{"versions":{"b2":{"timestamp":"2026-11-21T10:00:00Z"}}}}"#;

#[tokio::test]
async fn a_list_is_read_from_a_site_and_an_error_names_it() {
    let site = Router::new()
        .route("/builds/latest.json", get(|| async { LIST }))
        .route("/page", get(|| async { "<!doctype html>" }))
        .route("/huge", get(|| async { " ".repeat(5_000_000) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, site).await });

    let read = |path: &str| {
        let url = format!("http://{address}{path}");
        async move { Manifest::new(&url).unwrap().read().await.map_err(|error| error.to_string()) }
    };
    let release = read("/builds/latest.json").await.unwrap().current;
    assert_eq!((release.version.as_str(), release.released_at), ("b2", Some(1_795_255_200_000)));
    for (path, reason) in [("/page", "no release list"), ("/missing", "404"), ("/huge", "over 4194304 bytes")] {
        let error = read(path).await.unwrap_err();
        let start = format!("can't read the manifest http://{address}{path}: ");
        assert!(error.starts_with(&start) && error.contains(reason) && !error.contains('\n'), "{error}");
    }
    assert!(Manifest::new("http://").is_err());
}

#[tokio::test]
async fn what_is_secret_in_a_url_is_in_no_error_and_no_debug() {
    // A port that nobody listens on, an answer that is an error, and what is no URL at all.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new()).await });
    for (address, named) in [("127.0.0.1:1", "http://127.0.0.1:1/l.json"), (&site.to_string(), "404")] {
        let manifest = Manifest::new(&format!("http://us3r:pa55@{address}/l.json?token=t0ken#fr4gment")).unwrap();
        let error = manifest.read().await.unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
        for secret in ["us3r", "pa55", "t0ken", "fr4gment"] {
            assert!(!error.contains(secret) && !format!("{manifest:?}").contains(secret), "{error} {manifest:?}");
        }
    }
    let error = Manifest::new("http://us3r:pa55@:x/?token=t0ken").unwrap_err().to_string();
    assert!(["us3r", "pa55", "t0ken"].iter().all(|secret| !error.contains(secret)), "{error}");
}
