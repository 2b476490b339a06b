//! `GET {base}/sse`: a connection as a stream of server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;

use crate::app::Shared;
use crate::failure::ApiError;
use crate::hub::outbox::Parcel;
use crate::session::Session;
use crate::transport;
use crate::visitor::{self, Visitor};

/// The headers of the stock server. The second and third keep proxies from holding the stream back.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
    (CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store, no-transform, must-revalidate, max-age=0")),
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
];

pub(crate) async fn open(State(app): State<Shared>, parts: Parts) -> Result<Response, ApiError> {
    // Its answer ends with the headers, so that it opens nothing.
    if parts.method == Method::HEAD {
        return Ok((HEADERS, Body::empty()).into_response());
    }
    let Ok(permit) = app.live.admit(visitor::address_key(&parts, &app)) else {
        return Ok((HEADERS, transport::come_again()).into_response());
    };
    let session = Session::open(app.hub.clone(), Visitor::of(&parts, &app), permit).await?;
    Ok((HEADERS, Body::new(Stream { session, rest: None })).into_response())
}

/// The body of the answer. It holds nothing while nothing is to be sent, and its end closes the connection.
struct Stream {
    session: Session,
    /// The second part of what was begun.
    rest: Option<Bytes>,
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        let bytes = match ready!(self.session.outbox.poll_next(cx)) {
            Some(Parcel::Message(message) | Parcel::Keepalive(message)) => message.sse(),
            Some(Parcel::Stats(snapshot)) => {
                let [shared, own] = snapshot.sse(&self.session.id.to_string());
                self.rest = Some(own);
                shared
            }
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
