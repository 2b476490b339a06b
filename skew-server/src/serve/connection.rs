//! One connection, from its first byte to its end or to the stream that it becomes.

use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::seat::{Seat, Takeover, Watched};
use crate::transport::stream::Stream;

/// A request's head must be whole in this time, also when it drips in.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Longest head of a request. A browser's cookies are the most of it; Node takes half of this.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// What waits in our memory for one socket to be written.
const MAX_WRITE_BYTES: usize = 64 * 1024;

/// How hyper's part of a connection ends.
enum Outcome {
    Ended,
    TakenOver(Takeover),
}

pub(crate) async fn serve<Io>(io: Io, router: Router, info: ConnectInfo<SocketAddr>, mut ending: watch::Receiver<()>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let seat = Arc::new(Seat::default());
    let router = TowerToHyperService::new(router);
    let service = service_fn({
        let seat = seat.clone();
        move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(info);
            let (answer, seat) = (router.call(request.map(Body::new)), seat.clone());
            async move {
                let mut answer = answer.await?;
                if let Some(takeover) = Takeover::of(&mut answer) {
                    seat.put(takeover);
                    return pending().await;
                }
                Ok::<_, std::convert::Infallible>(answer)
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_WRITE_BYTES)
        .serve_connection(Watched::new(TokioIo::new(io), seat.clone()), service)
        .with_upgrades();
    let outcome = loop {
        let http = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
            // How a client leaves is its own affair.
            Poll::Ready(_) => Poll::Ready(Outcome::Ended),
            Poll::Pending => seat.take().map_or(Poll::Pending, |takeover| Poll::Ready(Outcome::TakenOver(takeover))),
        });
        tokio::select! {
            outcome = http => break outcome,
            // An idle connection closes at once, one with a stream when that has ended.
            Ok(()) = ending.changed() => Pin::new(&mut connection).graceful_shutdown(),
        }
    };
    if let Outcome::TakenOver(Takeover { head, events }) = outcome
        && let Some(parts) = connection.into_parts()
    {
        // A task of its own, since this one is as large as all of hyper.
        tokio::spawn(Stream::new(parts.io.into_inner().into_inner(), head, events));
    }
}
