//! `GET {base}/sse`: a connection as a stream of server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;

use super::events::Events;
use super::refusal::{self, Refusal};
use crate::app::Shared;
use crate::failure::ApiError;
use crate::metrics::Transport;
use crate::session::Session;
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
    // A browser tells the page of another site nothing of the answer in any case, not even its status.
    let own = visitor::own(&parts, &app).map_err(|_| Refusal::NoPlace);
    let admitted = own.and_then(|source| Ok((source, refusal::admit(&parts, &app)?)));
    let (source, permit) = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => return Ok((HEADERS, Body::from(refusal.events())).into_response()),
    };
    let visitor = Visitor::of(&parts, source, &app).await;
    let session = Session::open(app.hub.clone(), visitor, permit, Transport::Sse).await?;
    let handover = Handover(Arc::new(Mutex::new(Some(Events::new(session)))));
    let mut answer = (HEADERS, Body::new(Stream::Untouched(handover.clone()))).into_response();
    answer.extensions_mut().insert(handover);
    Ok(answer)
}

/// The events of an answer, beside its body: whoever serves the answer may send them by itself. The body is empty then.
#[derive(Clone)]
pub(crate) struct Handover(Arc<Mutex<Option<Events>>>);

impl Handover {
    /// The first who asks gets them.
    pub(crate) fn take(&self) -> Option<Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The body of the answer, where nobody takes its events over: on HTTP/2, and on another server than ours.
enum Stream {
    Untouched(Handover),
    Begun(Events),
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Self::Untouched(handover) = &*self {
            let Some(events) = handover.take() else { return Poll::Ready(None) };
            *self = Self::Begun(events);
        }
        let Self::Begun(events) = &mut *self else { return Poll::Ready(None) };
        Poll::Ready(ready!(events.poll_next(cx)).map(|bytes| Ok(Frame::data(bytes))))
    }
}
