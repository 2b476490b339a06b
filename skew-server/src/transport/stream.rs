//! A stream of server-sent events on a socket of its own.
//!
//! An HTTP library keeps its buffers for as long as an answer lasts, which for a stream is the life of a page. Here a connection
//! holds its socket and its place in the hub, and a buffer only while the socket takes no more.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::events::Events;

/// Sends the events until they or the client end.
pub(crate) struct Stream<Io> {
    // Goes first: when the hub hears of the end the socket is closed.
    io: Io,
    events: Events,
    unsent: Bytes,
    is_over: bool,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Stream<Io> {
    /// `head` goes ahead of the first event.
    pub(crate) fn new(io: Io, head: Bytes, events: Events) -> Self {
        Self { io, events, unsent: head, is_over: false }
    }

    /// Whatever a client says on its stream means nothing; only that it leaves does.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 512];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }

    /// Writes what is begun.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.unsent.has_remaining() {
            let sent = ready!(Pin::new(&mut self.io).poll_write(cx, &self.unsent))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.advance(sent);
        }
        // It may be a slice of nothing that keeps a whole message.
        self.unsent = Bytes::new();
        Pin::new(&mut self.io).poll_flush(cx)
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Future for Stream<Io> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.poll_left(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            match this.poll_send(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return this.events.poll_cut_off(cx),
            }
            if this.is_over {
                return Pin::new(&mut this.io).poll_shutdown(cx).map(drop);
            }
            match ready!(this.events.poll_next(cx)) {
                Some(bytes) => this.unsent = bytes,
                None => this.is_over = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    /// What tokio adds for a task is about 100 bytes, and the whole is rounded up to a multiple of 128.
    #[test]
    fn an_idle_stream_is_its_socket_and_its_place_in_the_hub() {
        assert!(size_of::<Stream<TcpStream>>() <= 192, "{} bytes", size_of::<Stream<TcpStream>>());
    }
}
