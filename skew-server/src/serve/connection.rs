//! One connection, from its first byte to its end or to the stream that it becomes.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::seat::{Seat, Takeover, Watched};
use super::tls::{H2, Tls};
use super::{PROBE_TIME, QUIET_TIME};
use crate::limits::Permit;
use crate::live::{Live, Phase};
use crate::metrics::Limit;
use crate::origin::OverTls;
use crate::transport::stream::Stream;

/// What waits in our memory for one socket to be written.
const MAX_WRITE_BYTES: usize = 64 * 1024;

/// Requests that are under way on one connection of HTTP/2. A browser has one of them for each of its tabs.
const MAX_STREAMS: u32 = 200;

/// Requests that a client of HTTP/2 may take back before they are looked at. More are an attack.
const MAX_RESETS: usize = 20;

/// What every connection is served with.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) router: Router,
    pub(crate) live: Arc<Live>,
    pub(crate) tls: Option<Tls>,
    /// A connection learns of the end by it, and is gone when it is.
    pub(crate) ending: watch::Receiver<()>,
}

/// Keeps the socket's place until it is gone or has become a stream.
pub(super) async fn serve(socket: TcpStream, peer: SocketAddr, site: Site, _place: Permit) {
    let Some(tls) = &site.tls else { return http1(socket, peer, site).await };
    let time = site.live.settings().config.limits.head_time;
    match timeout(time, tls.acceptor().accept(socket)).await {
        // In boxes, since the socket stays here only until its stream begins.
        Ok(Ok(socket)) if socket.get_ref().1.alpn_protocol() == Some(H2) => {
            Box::pin(http2(socket, peer, site)).await;
        }
        Ok(Ok(socket)) => Box::pin(http1(socket, peer, site)).await,
        // Whatever speaks no TLS is no client of ours.
        Ok(Err(_)) => {}
        Err(_) => site.live.metrics.limited(Limit::HeadTime),
    }
}

/// How hyper's part of a connection ends.
enum Outcome {
    Ended(hyper::Result<()>),
    TakenOver(Takeover),
}

pub(crate) async fn http1<Io>(io: Io, peer: SocketAddr, site: Site)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Site { router, live, tls, mut ending } = site;
    let over_tls = tls.map(|_| OverTls);
    let limits = live.settings().config.limits.clone();
    let seat = Arc::new(Seat::default());
    let router = TowerToHyperService::new(router);
    let service = service_fn({
        let (seat, live) = (seat.clone(), live.clone());
        move |request: Request<Incoming>| {
            let request = described(request, peer, over_tls);
            let is_last = seat.count() == limits.requests_by_connection;
            if is_last {
                live.metrics.limited(Limit::RequestsByConnection);
            }
            let (answer, seat, live) = (router.call(request), seat.clone(), live.clone());
            async move {
                let mut answer = answer.await?;
                if let Some(takeover) = Takeover::of(&mut answer) {
                    seat.put(takeover);
                    return pending().await;
                }
                seat.answered();
                if is_last || live.phase() == Phase::Draining {
                    close_after(&mut answer);
                }
                Ok::<_, Infallible>(answer)
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_header_size(limits.head_bytes)
        .max_headers(limits.headers)
        .max_buf_size(MAX_WRITE_BYTES.max(limits.head_bytes))
        .serve_connection(TokioIo::new(Watched::new(io, seat.clone())), service)
        .with_upgrades();
    let outcome = loop {
        let http = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Outcome::Ended(ended)),
            Poll::Pending => seat.take().map_or(Poll::Pending, |takeover| Poll::Ready(Outcome::TakenOver(takeover))),
        });
        tokio::select! {
            outcome = http => break outcome,
            // An idle connection closes at once, another one when it has answered.
            Ok(()) = ending.changed() => Pin::new(&mut connection).graceful_shutdown(),
        }
    };
    match outcome {
        Outcome::TakenOver(Takeover { head, events }) => {
            if let Some(parts) = connection.into_parts() {
                // A task of its own, since this one is as large as all of hyper.
                tokio::spawn(Stream::new(parts.io.into_inner().into_inner(), head, events));
            }
        }
        Outcome::Ended(Err(error)) if error.is_parse_too_large() => live.metrics.limited(Limit::Head),
        // A connection that was kept alive for nothing ends by the same time.
        Outcome::Ended(Err(error)) if error.is_timeout() && seat.has_heard() => live.metrics.limited(Limit::HeadTime),
        // How a client leaves is its own affair.
        Outcome::Ended(_) => {}
    }
}

/// A request for the router, with what only its socket tells.
fn described(request: Request<Incoming>, peer: SocketAddr, over_tls: Option<OverTls>) -> Request {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    if let Some(over_tls) = over_tls {
        request.extensions_mut().insert(over_tls);
    }
    request
}

/// Asks the client to send its next request on another connection.
fn close_after(answer: &mut Response<Body>) {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// What is to be done about a connection of HTTP/2.
enum Next {
    Close,
    End,
}

/// Streams of events are bodies here: a connection is shared by all that a browser has open, so that there is no socket to be taken.
async fn http2<Io>(io: Io, peer: SocketAddr, site: Site)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Site { router, live, tls, mut ending } = site;
    let over_tls = tls.map(|_| OverTls);
    let limits = live.settings().config.limits.clone();
    let seat = Arc::new(Seat::default());
    let router = TowerToHyperService::new(router);
    let service = service_fn({
        let seat = seat.clone();
        move |request: Request<Incoming>| {
            seat.count();
            router.call(described(request, peer, over_tls))
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_send_buf_size(MAX_WRITE_BYTES)
        .keep_alive_interval(QUIET_TIME)
        .keep_alive_timeout(PROBE_TIME)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = pin!(connection);
    let mut first_request = pin!(sleep(limits.head_time));
    let (mut is_new, mut is_worn) = (true, false);
    loop {
        let http = poll_fn(|cx| match connection.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(Next::End),
            Poll::Pending if !is_worn && seat.requests() >= limits.requests_by_connection => Poll::Ready(Next::Close),
            Poll::Pending => Poll::Pending,
        });
        tokio::select! {
            next = http => match next {
                Next::End => return,
                // Streams go on, and further requests come on another connection.
                Next::Close => {
                    is_worn = true;
                    live.metrics.limited(Limit::RequestsByConnection);
                    connection.as_mut().graceful_shutdown();
                }
            },
            Ok(()) = ending.changed() => connection.as_mut().graceful_shutdown(),
            () = first_request.as_mut(), if is_new => {
                is_new = false;
                if seat.requests() == 0 {
                    return live.metrics.limited(Limit::HeadTime);
                }
            }
        }
    }
}
