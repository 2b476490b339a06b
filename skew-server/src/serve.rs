//! Serving a router, with the limits that axum's own `serve` does not set.

mod connection;
mod seat;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

pub(crate) use self::connection::Site;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::connection::http1;
pub use self::tls::{Tls, TlsError};
use crate::handle::Handle;
use crate::live::{Live, Phase};

/// A quiet connection is asked for a sign of life after [`QUIET_TIME`] and then every [`PROBE_TIME`], [`PROBES`] times. One whose
/// peer has lost its power or network never says that it ends.
const QUIET_TIME: Duration = Duration::from_secs(30);
const PROBE_TIME: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// How long what was sent may stay without a receipt. While anything does the system does not probe, and would wait a quarter of an
/// hour. A keepalive goes out half a minute after the last one, so that a client that has vanished is found within a minute.
#[cfg(target_os = "linux")]
const RECEIPT_TIME: Duration = Duration::from_secs(25);

/// How long streams may take to end in order.
const END_TIME: Duration = Duration::from_secs(3);

/// Connections that may wait to be accepted; the system may allow fewer. After a restart all tabs come back at once, and one that
/// finds the usual queue of 128 full tries again a second later.
const BACKLOG: u32 = 4096;

/// Listens on an address such as `127.0.0.1:4400`, with room for many who come at once.
///
/// # Errors
///
/// When the address is none, or can't be listened on.
pub async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        match bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Unix a restart must not wait for old connections to time out; elsewhere the option would let another program in.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How connections are taken in and let go.
#[derive(Debug, Clone, Default)]
pub struct Edge {
    /// Once the server is asked to end, its streams are ended at random over this time. Meanwhile it still answers, so that a proxy
    /// can learn to send visitors elsewhere: a new stream is told to come back in a moment, and ends. By default no time at all.
    pub drain: Duration,
    /// The certificate for `https`, with HTTP/2 where the client asks for it. Without one HTTP/1.1 is served in the clear, for a proxy
    /// that has the certificate.
    pub tls: Option<Tls>,
}

/// Serves `router` until `shutdown` completes, then ends every stream in order and returns. Beyond [`Edge::drain`] that takes
/// seconds at most, also where a client does not read.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    handle: &Handle,
    edge: Edge,
    shutdown: impl Future<Output = ()>,
) {
    let (ending, ended) = watch::channel(());
    let site = Site { router, live: handle.live.clone(), tls: edge.tls, ending: ended };
    // It goes on until it is dropped, and the listener with it.
    let mut accepting = Box::pin(accept_all(listener, site));
    handle.live.enter(Phase::Serving);
    tokio::select! {
        () = &mut accepting => {}
        () = shutdown => {}
    }
    handle.live.enter(Phase::Draining);
    tracing::info!(over = ?edge.drain, "ending all streams");
    // Also where no stream is left the time is waited for: a proxy may not know yet.
    let ended = async { tokio::join!(sleep(edge.drain), handle.end(edge.drain)) };
    tokio::select! {
        () = &mut accepting => {}
        _ = timeout(edge.drain + END_TIME, ended) => {}
    }
    drop(accepting);
    handle.live.settings().webhooks.end().await;
    ending.send_replace(());
    let _ = timeout(END_TIME, ending.closed()).await;
}

async fn accept_all(listener: TcpListener, site: Site) {
    loop {
        let (socket, peer) = accept(&listener, &site.live).await;
        let Some(place) = site.live.let_in(peer.ip()) else { continue };
        // Messages are small and none follows soon: waiting for more to send would only delay them.
        let _ = socket.set_nodelay(true);
        notice_death(&socket);
        tokio::spawn(connection::serve(socket, peer, site.clone(), place));
    }
}

/// The next connection. A failure costs time and nothing else.
async fn accept(listener: &TcpListener, live: &Live) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                live.metrics.accept_errors.inc();
                back_off(&error).await;
            }
        }
    }
}

/// Has the system end a connection whose peer is gone without a word. Where it can't, the connection ends when the peer's system
/// speaks up.
fn notice_death(socket: &TcpStream) {
    let socket = SockRef::from(socket);
    let probes = TcpKeepalive::new().with_time(QUIET_TIME).with_interval(PROBE_TIME).with_retries(PROBES);
    let _ = socket.set_tcp_keepalive(&probes);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(RECEIPT_TIME));
}

/// A client that is gone before it was accepted costs nothing; anything else, such as too many open files, needs a moment for
/// other connections to end.
async fn back_off(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::warn!(%error, "can't accept connections for a moment");
    sleep(Duration::from_millis(500)).await;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_notices_that_its_peer_is_gone() {
        let listener = listen("127.0.0.1:0").await.unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (_client, (socket, _)) = (client.unwrap(), accepted.unwrap());
        notice_death(&socket);
        let socket = SockRef::from(&socket);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), QUIET_TIME);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), PROBE_TIME);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), PROBES);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(RECEIPT_TIME));
    }
}
