//! Taking a socket over from hyper.
//!
//! hyper calls a handler and waits for its answer. Where the answer is a stream of events, the handler leaves the events here
//! and never answers; once hyper has sent all that it was given before, the socket is taken out of it. hyper asks for the next
//! answer when the last one is sent, but does not promise to.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::Response;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::events::Events;
use crate::transport::sse::Handover;

/// A stream that goes on without hyper.
pub(super) struct Takeover {
    /// Status line and headers, which hyper has not sent.
    pub(super) head: Bytes,
    pub(super) events: Events,
}

impl Takeover {
    /// Takes the events that come with an answer, if any do.
    pub(super) fn of(answer: &mut Response<Body>) -> Option<Self> {
        let events = answer.extensions_mut().remove::<Handover>()?.take()?;
        Some(Self { head: head(answer), events })
    }
}

/// A head whose body ends with the connection: that is understood by every client, HTTP/1.0 included, and has no chunks to be
/// wrapped around each event.
fn head(answer: &Response<Body>) -> Bytes {
    let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\n", answer.status()).into_bytes();
    for (name, value) in answer.headers() {
        if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

/// What one connection's handler, socket and driver know together. All of them are one task.
#[derive(Default)]
pub(super) struct Seat {
    takeover: Mutex<Option<Takeover>>,
    /// Something was written since the last flush.
    unflushed: AtomicBool,
    /// Something was read since the last answer.
    heard: AtomicBool,
    requests: AtomicU64,
}

impl Seat {
    pub(super) fn put(&self, takeover: Takeover) {
        *self.lock() = Some(takeover);
    }

    /// The stream that can go on now.
    pub(super) fn take(&self) -> Option<Takeover> {
        if self.is_flushed() { self.lock().take() } else { None }
    }

    fn is_flushed(&self) -> bool {
        !self.unflushed.load(Relaxed)
    }

    /// Counts a request, and returns which it is.
    pub(super) fn count(&self) -> u64 {
        self.requests.fetch_add(1, Relaxed) + 1
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    pub(super) fn answered(&self) {
        self.heard.store(false, Relaxed);
    }

    /// Whether a request has begun and is not answered.
    pub(super) fn has_heard(&self) -> bool {
        self.heard.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Takeover>> {
        self.takeover.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket in hyper's hands, of which the seat knows whether everything was sent.
pub(super) struct Watched<Io> {
    io: Io,
    seat: Arc<Seat>,
}

impl<Io> Watched<Io> {
    pub(super) fn new(io: Io, seat: Arc<Seat>) -> Self {
        Self { io, seat }
    }

    pub(super) fn into_inner(self) -> Io {
        self.io
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Watched<Io> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.seat.heard.store(true, Relaxed);
        }
        read
    }
}

/// A write that must wait counts as one that is not flushed. hyper flushes only when it has nothing left to write.
impl<Io: AsyncWrite + Unpin> AsyncWrite for Watched<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.seat.unflushed.store(true, Relaxed);
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.seat.unflushed.store(true, Relaxed);
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if flushed.is_ready() {
            self.seat.unflushed.store(false, Relaxed);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn what_was_written_counts_as_sent_when_it_is_flushed() {
        let seat = Arc::new(Seat::default());
        let (_client, io) = duplex(4);
        let mut io = Watched::new(io, seat.clone());
        assert!(seat.is_flushed());
        for expected in [4, 0] {
            let sent = poll_fn(|cx| match Pin::new(&mut io).poll_write(cx, b"answer") {
                Poll::Ready(sent) => Poll::Ready(sent.unwrap()),
                Poll::Pending => Poll::Ready(0),
            });
            assert_eq!(sent.await, expected);
            assert!(!seat.is_flushed(), "also where the write must wait");
        }
        poll_fn(|cx| Pin::new(&mut io).poll_flush(cx)).await.unwrap();
        assert!(seat.is_flushed());
    }
}
