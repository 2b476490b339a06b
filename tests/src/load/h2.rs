//! A stream of HTTP/2, the only one on its connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::RecvStream;
use http::{Request, StatusCode, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::target::Target;

/// The body of an answer.
pub(super) struct Body {
    body: RecvStream,
    rest: Bytes,
}

/// Asks for the target's stream. `headers` are lines, each with its end.
///
/// # Errors
///
/// When the server refuses or ends the connection.
pub(super) async fn open<S>(socket: S, target: &Target, route: &str, headers: &str) -> io::Result<Body>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (send, connection) = h2::client::handshake(socket).await.map_err(io::Error::other)?;
    // It ends with its socket and its streams.
    tokio::spawn(connection);
    let mut send = send.ready().await.map_err(io::Error::other)?;
    let uri = format!("https://{}{}?route={route}", target.addr, target.path);
    let mut request = Request::builder().version(Version::HTTP_2).uri(uri).header("accept", "text/event-stream");
    for (name, value) in headers.lines().filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let request = request.body(()).map_err(io::Error::other)?;
    let (answer, _) = send.send_request(request, true).map_err(io::Error::other)?;
    let answer = answer.await.map_err(io::Error::other)?;
    match answer.status() {
        StatusCode::OK => Ok(Body { body: answer.into_body(), rest: Bytes::new() }),
        status => Err(io::Error::other(format!("answered {status}"))),
    }
}

impl AsyncRead for Body {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.body.poll_data(cx)) {
                Some(data) => self.rest = data.map_err(io::Error::other)?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest[..length]);
        self.rest.advance(length);
        self.body.flow_control().release_capacity(length).map_err(io::Error::other)?;
        Poll::Ready(Ok(()))
    }
}
