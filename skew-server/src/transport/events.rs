//! What one connection is sent on a stream of server-sent events.

use std::ops::RangeInclusive;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::hub::outbox::Parcel;
use crate::session::Session;

/// When a stream is lost its client comes back after a time out of this range, in milliseconds: after a crash or a deploy all
/// of them would come at once.
pub(super) const RETRY_MS: RangeInclusive<u32> = 2_000..=5_000;

/// The events of one connection. They hold nothing while nothing is to be sent.
#[derive(Debug)]
pub(crate) struct Events {
    session: Session,
    step: Step,
    /// The second part of what was begun. In a box, since hardly anybody ever has one.
    rest: Option<Box<Bytes>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Deliver,
    Over,
}

impl Events {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, step: Step::Begin, rest: None }
    }

    /// The next bytes to be sent, or nothing more.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(*rest));
        }
        match self.step {
            Step::Begin => {
                self.step = Step::Deliver;
                return Poll::Ready(Some(retry(RETRY_MS)));
            }
            Step::Deliver => {}
            Step::Over => return Poll::Ready(None),
        }
        let outbox = &self.session.outbox;
        outbox.poll_next(cx).map(|parcel| match parcel {
            Some(Parcel::Message(message) | Parcel::Keepalive(message)) => Some(message.sse()),
            Some(Parcel::Stats(snapshot)) => {
                let [shared, own] = snapshot.sse(&self.session.id.to_string());
                self.rest = Some(Box::new(own));
                Some(shared)
            }
            None => {
                self.step = Step::Over;
                (!outbox.is_cut_off()).then(|| retry(RETRY_MS))
            }
        })
    }

    /// Waits until the connection is cut off, in place of [`poll_next`](Self::poll_next): while what was begun is not sent.
    pub(crate) fn poll_cut_off(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.session.outbox.poll_cut_off(cx)
    }
}

/// Tells an `EventSource` how long to wait before it opens the next stream.
pub(super) fn retry(range_ms: RangeInclusive<u32>) -> Bytes {
    format!("retry: {}\n\n", rand::random_range(range_ms)).into()
}
