//! A stream of server-sent events, read by `eventsource-client` over this program's own HTTP client.
//!
//! That crate would reconnect for ever on a refusal, take any success for a stream and any line for short enough, and
//! send credentials along to another host. So it gets one connection at a time, and the transport guards it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use eventsource_client::{BoxStream, Client, ClientBuilder, Error, ReconnectOptions, SSE};
use futures_util::{Stream, StreamExt};
use http::{Request, Response};
use launchdarkly_sdk_transport::{ByteStream, HttpTransport, ResponseFuture, TransportError};
use memchr::memchr2;
use reqwest::{StatusCode, Url};

use super::ended::Ended;
use super::opening::{MAX_MESSAGE_BYTES, OPENING, SILENCE, not_a_stream, stream_url};
use super::utf8::Utf8;
use crate::http::{Http, HttpError, redirection};

/// Longest piece of an error answer that is read, in bytes.
const MAX_REFUSAL_BYTES: usize = 8 * 1024;

/// An open event stream.
pub(super) struct Sse {
    events: BoxStream<Result<SSE, Error>>,
}

impl Sse {
    /// Opens the stream below `base`.
    pub(super) async fn open(http: &Http, base: &Url) -> Result<Self, Ended> {
        let url = stream_url(base, "/sse");
        let client = ClientBuilder::for_url(url.as_str())
            .map_err(|error| Ended::Hopeless(error.to_string()))?
            .reconnect(ReconnectOptions::reconnect(false).build())
            .redirect_limit(0)
            .build_with_transport(Transport { http: http.clone() });
        let mut events = client.stream();
        let first = tokio::time::timeout(OPENING, events.next()).await;
        match first.map_err(|_| HttpError::TimedOut(OPENING))? {
            Some(Ok(SSE::Connected(details))) => {
                let response = details.response();
                let content_type = response.get_header_value("content-type").ok().flatten().unwrap_or_default();
                let is_stream = content_type.trim_start().to_ascii_lowercase().starts_with("text/event-stream");
                match StatusCode::from_u16(response.status()) {
                    Ok(StatusCode::OK) if is_stream => Ok(Self { events }),
                    Ok(StatusCode::OK) => Err(Ended::Missing(format!("{} is a page and no event stream", url.path()))),
                    status => Err(not_a_stream(http, &url, status.unwrap_or_default(), "")),
                }
            }
            Some(Err(Error::UnexpectedResponse(response, body))) => {
                let status = StatusCode::from_u16(response.status()).unwrap_or_default();
                let body = tokio::time::timeout(OPENING, read_start(body.into_stream())).await.unwrap_or_default();
                Err(not_a_stream(http, &url, status, &body))
            }
            Some(Err(error)) => Err(ended(&error)),
            Some(Ok(_)) | None => Err(Ended::Lost("the stream ended before it began".to_owned())),
        }
    }

    pub(super) async fn next(&mut self) -> Result<String, Ended> {
        loop {
            match self.events.next().await {
                Some(Ok(SSE::Event(event))) => return Ok(event.data),
                Some(Ok(SSE::Comment(_) | SSE::Connected(_))) => {}
                Some(Err(error)) => return Err(ended(&error)),
                None => return Err(Ended::Lost("the server closed the stream".to_owned())),
            }
        }
    }
}

fn ended(error: &Error) -> Ended {
    match error {
        Error::Eof | Error::UnexpectedEof => Ended::Lost("the server closed the stream".to_owned()),
        Error::Transport(error) => match error.inner().downcast_ref::<Broken>() {
            Some(Broken::Silent) => Ended::Stale,
            Some(Broken::Redirected(to)) => HttpError::Redirected(to.clone()).into(),
            Some(broken @ (Broken::TooLarge | Broken::Unreachable(_))) => Ended::Lost(broken.to_string()),
            None => Ended::Lost(error.to_string()),
        },
        other => Ended::Lost(other.to_string()),
    }
}

async fn read_start(mut body: ByteStream) -> String {
    let mut start = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        start.extend_from_slice(&piece);
        if start.len() >= MAX_REFUSAL_BYTES {
            start.truncate(MAX_REFUSAL_BYTES);
            break;
        }
    }
    String::from_utf8_lossy(&start).into_owned()
}

/// What the transport ends a stream with.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("nothing came for {} s", SILENCE.as_secs())]
    Silent,
    #[error("a message is larger than {MAX_MESSAGE_BYTES} bytes")]
    TooLarge,
    #[error("redirected to {0}")]
    Redirected(String),
    #[error("{0}")]
    Unreachable(String),
}

impl From<reqwest::Error> for Broken {
    fn from(error: reqwest::Error) -> Self {
        // A connection that does not come about in time is another matter than a stream that falls silent.
        if error.is_timeout() && !error.is_connect() {
            Self::Silent
        } else {
            Self::Unreachable(HttpError::from(error).to_string())
        }
    }
}

#[derive(Clone)]
struct Transport {
    http: Http,
}

impl HttpTransport for Transport {
    fn request(&self, request: Request<Option<Bytes>>) -> ResponseFuture {
        let http = self.http.clone();
        Box::pin(async move {
            let url: Url = request.uri().to_string().parse().map_err(TransportError::new)?;
            let sent = http.get(url).headers(request.headers().clone()).send();
            let response = sent.await.map_err(|error| TransportError::new(Broken::from(error)))?;
            if let Some(elsewhere) = redirection(&response) {
                return Err(TransportError::new(Broken::Redirected(elsewhere)));
            }
            let mut answer = Response::builder().status(response.status());
            if let Some(headers) = answer.headers_mut() {
                headers.clone_from(response.headers());
            }
            let pieces = response.bytes_stream().map(|piece| piece.map_err(Broken::from));
            let body: ByteStream =
                Box::pin(Capped { pieces: Box::pin(pieces), utf8: Utf8::default(), event: EventLength::default() });
            answer.body(body).map_err(TransportError::new)
        })
    }
}

/// A body that spares the parser behind it what it can't take: it is UTF-8, because a stray byte would end the stream for
/// good, and it ends with an error when one event grows past the limit, because the parser would hold all of it.
struct Capped<S> {
    pieces: Pin<Box<S>>,
    utf8: Utf8,
    event: EventLength,
}

impl<S: Stream<Item = Result<Bytes, Broken>>> Stream for Capped<S> {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = std::task::ready!(self.pieces.as_mut().poll_next(cx));
        let piece = piece.map(|piece| {
            piece.and_then(|bytes| {
                let bytes = self.utf8.push(bytes);
                let longest = self.event.push(&bytes);
                if longest > MAX_MESSAGE_BYTES { Err(Broken::TooLarge) } else { Ok(bytes) }
            })
        });
        Poll::Ready(piece.map(|piece| piece.map_err(TransportError::new)))
    }
}

/// Bytes since the last empty line, which ends an event. Lines end with `\n`, `\r` or `\r\n`.
#[derive(Debug, Default)]
struct EventLength {
    bytes: usize,
    line: usize,
    after_cr: bool,
}

impl EventLength {
    /// Takes the next bytes and answers the greatest length an event reached within them.
    fn push(&mut self, piece: &[u8]) -> usize {
        let mut longest = self.bytes;
        let mut rest = piece;
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            let end = rest[at];
            let second_half = end == b'\n' && at == 0 && self.after_cr;
            self.after_cr = end == b'\r';
            self.bytes += at + 1;
            longest = longest.max(self.bytes);
            if !second_half {
                if self.line + at == 0 {
                    self.bytes = 0;
                }
                self.line = 0;
            }
            rest = &rest[at + 1..];
        }
        if !rest.is_empty() {
            self.after_cr = false;
            self.bytes += rest.len();
            self.line += rest.len();
        }
        longest.max(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_reaches_the_parser_as_utf8_and_ends_where_an_event_is_too_long() {
        let whole = Bytes::from("data: é".repeat(MAX_MESSAGE_BYTES / 8));
        let pieces =
            [&b"data: \xff\xc3"[..], b"\xa9\n\n"].map(Bytes::from_static).into_iter().chain([whole.clone(), whole]);
        let pieces = futures_util::stream::iter(pieces.map(Ok));
        let body = Capped { pieces: Box::pin(pieces), utf8: Utf8::default(), event: EventLength::default() };
        let passed: Vec<_> = body.collect().await;
        let text: Vec<u8> = passed.iter().take(2).flatten().flatten().copied().collect();
        assert_eq!(text, "data: \u{fffd}é\n\n".as_bytes());
        assert_eq!(passed.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, true, false]);
    }

    #[test]
    fn an_event_is_as_long_as_what_lies_between_empty_lines() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = format!("data: 1{end}{end}").repeat(1_000);
            let mut length = EventLength::default();
            assert!(stream.as_bytes().chunks(3).map(|piece| length.push(piece)).max().unwrap() < 15, "{end:?}");
        }
        let mut length = EventLength::default();
        length.push(&b"data: x\n".repeat(100));
        assert_eq!(length.push(b"y"), 801, "lines without an empty one between them are one event");
    }

    proptest::proptest! {
        #[test]
        fn pieces_of_any_length_are_measured_like_the_whole(text in "[a\n\r]{0,40}", cut in 1usize..8) {
            let (mut whole, mut pieces) = (EventLength::default(), EventLength::default());
            let longest = text.as_bytes().chunks(cut).map(|piece| pieces.push(piece)).max().unwrap_or(0);
            proptest::prop_assert_eq!(whole.push(text.as_bytes()), longest);
            proptest::prop_assert_eq!((whole.bytes, whole.line), (pieces.bytes, pieces.line));
        }
    }
}
