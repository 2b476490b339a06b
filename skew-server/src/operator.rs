//! What the operator's own systems ask: whether the server lives, whether it takes visitors, and what it has counted. Served on an
//! address of its own, never with the public endpoints.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::handle::Handle;
use crate::live::Phase;

/// The form of `/metrics`.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Connections at a time. A probe and a scraper or two are all that come.
const CONNECTIONS: usize = 64;

/// How long a connection may last, from its first byte to the last of the answer.
const TIME: Duration = Duration::from_secs(5);

/// Longest head of a request. hyper takes no less.
const HEAD_BYTES: usize = 8 * 1024;

/// The endpoints `/livez`, `/readyz` and `/metrics`. They ask for no credentials: serve them where only the operator's own systems come.
///
/// `/livez` answers 200 while the server runs. `/readyz` answers 200 while [`serve`](crate::serve) takes visitors: neither before nor
/// once it ends the streams, when it answers 503. `/metrics` is the text of [`Handle::metrics`].
pub fn operator(handle: &Handle) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(handle.clone())
}

async fn livez(State(handle): State<Handle>) -> impl IntoResponse {
    if handle.has_stopped() { (StatusCode::SERVICE_UNAVAILABLE, "stopped\n") } else { (StatusCode::OK, "ok\n") }
}

async fn readyz(State(handle): State<Handle>) -> impl IntoResponse {
    match handle.live.phase() {
        _ if handle.has_stopped() => (StatusCode::SERVICE_UNAVAILABLE, "stopped\n"),
        Phase::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        Phase::Serving => (StatusCode::OK, "ok\n"),
        Phase::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

async fn metrics(State(handle): State<Handle>) -> impl IntoResponse {
    ([(CONTENT_TYPE, OPEN_METRICS)], handle.metrics())
}

/// Serves [`operator`] until it is dropped: the operator's systems ask to the very end.
pub async fn serve_operator(listener: TcpListener, handle: &Handle) {
    let router = operator(handle);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed. Whoever comes when there is no room waits in the system's queue.
        let Ok(place) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((socket, _)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    let _place = place;
                    let _ = timeout(TIME, connection(socket, router)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "can't accept the operator's connections for a moment");
                sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// One request and its answer.
async fn connection(socket: TcpStream, router: Router) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        use hyper::service::Service;
        router.call(request.map(axum::body::Body::new))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).keep_alive(false).max_buf_size(HEAD_BYTES).max_headers(64);
    // Who asks learns from the connection's end that something was wrong.
    let _ = http.serve_connection(TokioIo::new(socket), service).await;
}
