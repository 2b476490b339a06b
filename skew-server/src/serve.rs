//! Serving a router, with the limits that axum's own `serve` does not set.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::handle::Handle;
use crate::hub::outbox::Hangup;

/// A request's head must be whole in this time, also when it drips in.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Longest head of a request. A browser's cookies are the most of it; Node takes half of this.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// What waits in our memory for one socket to be written.
const MAX_WRITE_BYTES: usize = 64 * 1024;

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

/// Serves `router` until `shutdown` completes, then ends every stream in order and returns. Returns within seconds also where a
/// client does not read.
pub async fn serve(listener: TcpListener, router: Router, handle: &Handle, shutdown: impl Future<Output = ()>) {
    // Every connection holds a receiver: it learns of the end by it, and is gone when the receiver is.
    let (ending, _) = watch::channel(());
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                let info = ConnectInfo(peer);
                tokio::spawn(connection(socket, router.clone(), info, ending.subscribe()));
            }
            Err(error) => back_off(&error).await,
        }
    }
    drop(listener);
    ending.send_replace(());
    let _ = timeout(END_TIME, handle.shut_down()).await;
    let _ = timeout(END_TIME, ending.closed()).await;
}

async fn connection(socket: TcpStream, router: Router, info: ConnectInfo<SocketAddr>, mut ending: watch::Receiver<()>) {
    // Messages are small and none follows soon: waiting for more to send would only delay them.
    let _ = socket.set_nodelay(true);
    let hangup = Hangup::default();
    let router = TowerToHyperService::new(router);
    let service = service_fn({
        let hangup = hangup.clone();
        move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(info);
            request.extensions_mut().insert(hangup.clone());
            router.call(request.map(Body::new))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_WRITE_BYTES)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            // How a client leaves is its own affair.
            _ = connection.as_mut() => return,
            () = hangup.hung_up() => return,
            // An idle connection closes at once, one with a stream when that has ended.
            Ok(()) = ending.changed() => connection.as_mut().graceful_shutdown(),
        }
    }
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
