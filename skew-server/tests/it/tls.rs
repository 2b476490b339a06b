//! A server with a certificate of its own.

use std::path::Path;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, Version};
use serde_json::json;
use skew_proto::sse::Decoder;
use skew_server::{Config, Edge, Limits, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Server, config, soon};

/// A certificate for `localhost` in a directory of its own.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.renew();
        files
    }

    /// Writes another certificate and key in place of those there are.
    fn renew(&self) -> Certificate {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.path("cert.pem"), cert.pem()).unwrap();
        std::fs::write(self.path("key.pem"), signing_key.serialize_pem()).unwrap();
        self.certificate()
    }

    fn certificate(&self) -> Certificate {
        Certificate::from_pem(&std::fs::read(self.path("cert.pem")).unwrap()).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn tls(&self) -> Result<Tls, skew_server::TlsError> {
        Tls::read(self.path("cert.pem"), self.path("key.pem"))
    }

    async fn server(&self) -> (Server, Tls) {
        let tls = self.tls().unwrap();
        let edge = Edge { tls: Some(tls.clone()), ..Edge::default() };
        (Server::with_edge(config(), (), edge).await, tls)
    }
}

fn client(certificate: Certificate) -> reqwest::ClientBuilder {
    Client::builder().no_proxy().tls_certs_only([certificate])
}

fn url(server: &Server, path: &str) -> String {
    format!("https://localhost:{}{path}", server.address.port())
}

/// Reads a stream up to its `n`th message.
async fn messages(answer: &mut reqwest::Response, n: usize) -> Vec<serde_json::Value> {
    let (mut decoder, mut events) = (Decoder::new(1 << 20), Vec::new());
    while events.len() < n {
        let bytes = soon("a message", answer.chunk()).await.unwrap().expect("the stream goes on");
        decoder.push(&bytes, &mut events).unwrap();
    }
    assert!(decoder.retry_ms().is_some());
    events.iter().map(|event| serde_json::from_str(&event.data).unwrap()).collect()
}

#[tokio::test]
async fn a_stream_works_by_either_version_of_http() {
    let files = Files::new();
    let (server, _) = files.server().await;
    for (client, version) in [
        (client(files.certificate()).build().unwrap(), Version::HTTP_2),
        (client(files.certificate()).http1_only().build().unwrap(), Version::HTTP_11),
    ] {
        let mut answer = soon("the stream", client.get(url(&server, "/__skew/sse")).send()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let sending = async {
            server.until("the connection", |stats| stats.total == 1).await;
            server.handle.broadcast(&json!({"type": "news"})).await.unwrap();
        };
        let (messages, ()) = tokio::join!(messages(&mut answer, 2), sending);
        assert_eq!((&messages[0]["type"], &messages[1]["type"]), (&json!("connected"), &json!("news")));
        drop(answer);
        server.until("the end of the connection", |stats| stats.total == 0).await;
    }
}

#[tokio::test]
async fn streams_of_one_client_share_a_connection_and_end_in_order() {
    let files = Files::new();
    let (server, _) = files.server().await;
    let client = client(files.certificate()).build().unwrap();
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut answer = client.get(url(&server, "/__skew/sse")).send().await.unwrap();
        messages(&mut answer, 1).await;
        streams.push(answer);
    }
    assert_eq!(server.handle.stats().await.unwrap().total, 5);
    let ended = async {
        for stream in streams {
            let rest = soon("the end", stream.bytes()).await.unwrap();
            assert!(rest.starts_with(b"retry: "), "{rest:?}");
        }
    };
    tokio::join!(server.stop(), ended);
}

#[tokio::test]
async fn past_its_requests_a_connection_takes_no_more_and_its_streams_go_on() {
    let files = Files::new();
    let limits = Limits { requests_by_connection: 3, ..Limits::default() };
    let edge = Edge { tls: Some(files.tls().unwrap()), ..Edge::default() };
    let server = Server::with_edge(Config { limits, ..config() }, (), edge).await;
    let client = client(files.certificate()).build().unwrap();
    let mut stream = client.get(url(&server, "/__skew/sse")).send().await.unwrap();
    messages(&mut stream, 1).await;
    for _ in 0..4 {
        let answer = soon("an answer", client.get(url(&server, "/__skew/health")).send()).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
    }
    let counted = "skew_limited_total{limit=\"requests_by_connection\"} 1\n";
    assert!(server.handle.metrics().contains(counted), "{}", server.handle.metrics());
    server.handle.broadcast(&json!({"type": "news"})).await.unwrap();
    let chunk = soon("a message", stream.chunk()).await.unwrap().unwrap();
    assert!(chunk.starts_with(b"data: {\"type\":\"news\"}"), "{chunk:?}");
}

#[tokio::test]
async fn a_new_certificate_is_served_after_a_reload_and_a_wrong_one_changes_nothing() {
    let files = Files::new();
    let (server, tls) = files.server().await;
    let first = files.certificate();
    let second = files.renew();
    let health = async |certificate: &Certificate| {
        let client = client(certificate.clone()).build().unwrap();
        soon("an answer", client.get(url(&server, "/__skew/health")).send()).await.is_ok()
    };
    assert!(health(&first).await, "files alone change nothing");
    tls.reload().unwrap();
    assert!(health(&second).await && !health(&first).await);
    std::fs::write(files.path("key.pem"), "no key").unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("key.pem holds no private key in PEM"), "{error}");
    assert!(health(&second).await);
}

#[tokio::test]
async fn what_can_not_be_used_is_named_and_no_key_is_shown() {
    let (files, other) = (Files::new(), Files::new());
    let write = |from: &Path, to: &str| std::fs::copy(from, files.path(to)).unwrap();
    write(&other.path("key.pem"), "key.pem");
    let error = files.tls().unwrap_err().to_string();
    assert!(error.contains("can't be used together"), "{error}");
    write(&files.path("key.pem"), "cert.pem");
    let error = files.tls().unwrap_err().to_string();
    assert!(error.ends_with("cert.pem holds no certificate in PEM"), "{error}");
    std::fs::remove_file(files.path("cert.pem")).unwrap();
    let error = files.tls().unwrap_err().to_string();
    assert!(error.starts_with("can't read ") && error.contains("cert.pem"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_begins_no_handshake_is_cut_off_and_counted() {
    let files = Files::new();
    let (server, _) = files.server().await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let begun = tokio::time::Instant::now();
    // The first bytes of one, and nothing more.
    socket.write_all(&[22, 3, 1]).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(60), socket.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert!(server.handle.metrics().contains("limit=\"head_time\"} 1"), "{}", server.handle.metrics());
}

#[tokio::test]
async fn plain_http_is_not_answered_by_a_server_with_a_certificate() {
    let files = Files::new();
    let (server, _) = files.server().await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"GET /__skew/health HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = soon("the end", socket.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_page_without_tls_is_no_page_of_a_site_that_has_it() {
    let files = Files::new();
    let (server, _) = files.server().await;
    let body = json!({"connectionId": "8f3a2c1d-0000-4000-8000-000000000000", "route": "/"});
    for builder in [client(files.certificate()), client(files.certificate()).http1_only()] {
        let client = builder.build().unwrap();
        for (scheme, expected) in [("https", 200), ("http", 403)] {
            let origin = format!("{scheme}://localhost:{}", server.address.port());
            let request = client.post(url(&server, "/__skew/route")).header("origin", origin);
            let request = request.header("content-type", "application/json").body(body.to_string());
            assert_eq!(soon("the answer", request.send()).await.unwrap().status(), expected, "{scheme}");
        }
    }
}
