//! Everything that one connection can send, by the program's own way: HTTP, routes, rules, streams and the hub.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{assert_route, assert_version};
use crate::config::{Config, Secret, SessionConfig};
use crate::hooks::{Hooks, OpenedConnection, Sender};
use crate::id::PublicId;
use crate::serve::{Site, http1};

const SECRET: &str = "5f1c9a2e-a-secret-that-nobody-guesses";

/// Of the clock that passes as fast as nothing happens: no connection lives on when its client has left.
const LONG: Duration = Duration::from_secs(300);

const HANDSHAKE: &[u8] =
    b"GET /__skew/ws?route=/fuzz HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Requests of one connection, as bytes.
pub fn requests(data: &[u8]) {
    let said = connection(data);
    let text = String::from_utf8_lossy(&said);
    let head = text.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    assert!(head.is_empty() || head.starts_with("http/1."), "{head:?}");
    assert!(!head.contains("access-control-") && !head.contains("set-cookie"), "{head:?}");
    let status = head.split(' ').nth(1).unwrap_or_default();
    assert!(!status.starts_with('5'), "{head:?}");
    assert_secret(data, &text);
}

/// Frames of a WebSocket, as bytes.
pub fn websocket(data: &[u8]) {
    // Who leaves with the handshake is gone before it is answered.
    if data.is_empty() {
        return;
    }
    let said = connection(&[HANDSHAKE, data].concat());
    let text = String::from_utf8_lossy(&said);
    assert!(text.starts_with("HTTP/1.1 101 ") && text.contains("\"connected\""), "{text:?}");
    assert_secret(data, &text);
}

/// Who has not sent the secret is told of nobody.
fn assert_secret(sent: &[u8], said: &str) {
    let knows = sent.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
    assert!(knows || !(said.contains("\"yourId\":\"") || said.contains("\"connections\":[")), "{said:?}");
}

/// The names that are kept of those who come.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Name>>>);

enum Name {
    Version(String),
    Route(String),
}

impl Kept {
    fn names(&self) -> MutexGuard<'_, Vec<Name>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hooks for Kept {
    fn connection_open(&self, connection: &OpenedConnection<'_>, _: Sender) {
        self.names().extend([Name::Version(connection.version.into()), Name::Route(connection.route.into())]);
    }

    fn route_update(&self, _: PublicId, route: &str) {
        self.names().push(Name::Route(route.into()));
    }
}

fn config() -> Config {
    let secret = Secret::new(SECRET).expect("it is not empty");
    let (roles, emails) = (vec!["admin".into()], Vec::new());
    let session = SessionConfig { password: secret.clone(), roles, emails, max_age: None };
    Config {
        route_tracking: true,
        ip_tracking: true,
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        admin_secrets: vec![secret],
        session: Some(session),
        ..Config::new("b1")
    }
}

/// Sends the bytes and leaves. What was said comes back; whatever holds for every connection is held here.
fn connection(bytes: &[u8]) -> Vec<u8> {
    watch_for_panics();
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let kept = Kept::default();
        let (router, handle) = crate::router(config(), kept.clone()).expect("the configuration is sound");
        let (client, socket) = duplex(64 * 1024);
        let peer = (Ipv4Addr::LOCALHOST, 4711).into();
        let (_ending, ended) = watch::channel(());
        let site = Site { router, live: handle.live.clone(), tls: None, ending: ended };
        let served = tokio::spawn(http1(socket, peer, site));
        let (mut read, mut write) = split(client);
        let mut said = Vec::new();
        let talk = async {
            let send = async {
                // A server that has had enough does not read the rest.
                let _ = write.write_all(bytes).await;
                let _ = write.shutdown().await;
            };
            let (_, heard) = tokio::join!(send, read.read_to_end(&mut said));
            heard.expect("a pipe has no errors");
        };
        timeout(LONG, talk).await.expect("the connection ends with its client");
        served.await.expect("no connection ends by a panic");

        let stats = handle.stats().await.expect("the hub lives");
        assert_eq!((stats.total, stats.routes.len(), stats.versions.len()), (0, 0, 0), "nobody is left");
        for name in kept.names().iter() {
            match name {
                Name::Version(version) => assert_version(version),
                Name::Route(route) => assert_route(route),
            }
        }
        assert!(!PANICKED.get(), "something has panicked and was caught");
        said
    })
}

thread_local! {
    /// Tasks that panic are caught by the runtime, which runs on this thread alone.
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

fn watch_for_panics() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICKED.set(true);
            before(info);
        }));
    });
    PANICKED.set(false);
}
