//! Certificates and proxies, for every kind of request alike.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::program::{run, skew_tui};
use crate::server::{Answer, CONNECTED, Push, STATS, Seen, Server, stock_sse};

/// An authority of one's own, a site with its certificate, and a client with another.
struct Secured {
    folder: tempfile::TempDir,
    site: Server,
}

impl Secured {
    async fn start(script: fn(&Seen, &Push) -> Answer) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let issue = |name: &str| {
            let key = KeyPair::generate().unwrap();
            (CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap(), key)
        };
        let (certificate, key) = issue("shop.test");
        let (client, client_key) = issue("operator");

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let both = format!("{}{}", client.pem(), client_key.serialize_pem());
        std::fs::write(folder.path().join("client.pem"), both).unwrap();

        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let config = ServerConfig::builder()
            .with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        Self { folder, site: Server::start_tls(TlsAcceptor::from(Arc::new(config)), script).await }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// A forward proxy: takes CONNECT to `shop.test` and connects to the site instead, whatever its name resolves to.
async fn proxy(site: u16) -> (u16, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tunnels, count) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let tunnels = tunnels.clone();
            tokio::spawn(async move {
                let mut socket = BufReader::new(socket);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if socket.read_line(&mut head).await.unwrap() == 0 {
                        return;
                    }
                }
                assert!(head.starts_with("CONNECT shop.test:443 "), "{head}");
                tunnels.send_modify(|count| *count += 1);
                socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut site = TcpStream::connect(("127.0.0.1", site)).await.unwrap();
                let _ = copy_bidirectional(&mut socket, &mut site).await;
            });
        }
    });
    (port, count)
}

fn stock_ws(seen: &Seen, _: &Push) -> Answer {
    match seen.line().as_str() {
        "GET /__skew/ws" => Answer::WebSocket(Some(CONNECTED.into()), STATS.into()),
        _ => Answer::not_found(),
    }
}

#[tokio::test]
async fn an_authority_a_client_certificate_and_a_proxy_serve_sse_post_and_web_socket() {
    for (script, streams) in [(stock_sse as fn(&Seen, &Push) -> Answer, "sse"), (stock_ws, "ws")] {
        let secured = Secured::start(script).await;
        let (proxy, tunnels) = proxy(secured.site.port).await;
        let stats = |arguments: &[&str]| {
            let mut command = skew_tui(&["stats", "https://shop.test", "--transport", streams, "--timeout", "1m"]);
            command.args(arguments).env("HTTPS_PROXY", format!("http://127.0.0.1:{proxy}"));
            run(command)
        };
        let ca = secured.file("ca.pem");
        let shown = stats(&["--ca-file", &ca, "--client-cert", &secured.file("client.pem")]).await;
        assert_eq!(shown.code, Some(0), "{streams}: {}", shown.stderr);
        assert!(*tunnels.borrow() > 0);
        let before = secured.site.lines().len();

        let stranger = stats(&["--ca-file", &ca]).await;
        assert_eq!(stranger.code, Some(1), "the site wants a client certificate");
        let untrusted = stats(&["--client-cert", &secured.file("client.pem")]).await;
        assert_eq!(untrusted.code, Some(1), "nobody trusts that authority");
        assert!(untrusted.stderr.contains("--ca-file"), "{}", untrusted.stderr);
        assert_eq!(secured.site.lines().len(), before, "nothing was asked without trust on both sides");
    }
}

#[tokio::test]
async fn no_proxy_is_honoured() {
    let site = Server::start(stock_sse).await;
    let mut command = skew_tui(&["stats", &site.url("")]);
    command.env("HTTP_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "127.0.0.1");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[tokio::test]
async fn files_that_hold_no_certificates_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.pem");
    std::fs::write(&file, "not PEM\n").unwrap();
    for option in ["--ca-file", "--client-cert"] {
        let ran = run(skew_tui(&["stats", "https://shop.test", option, &file.display().to_string()])).await;
        assert_eq!(ran.code, Some(1), "{option}");
        assert!(ran.stderr.contains("certificate") && ran.stderr.lines().count() == 1, "{}", ran.stderr);
    }
}
