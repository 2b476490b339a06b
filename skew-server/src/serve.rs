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
use tokio::net::{TcpListener, TcpStream};
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
