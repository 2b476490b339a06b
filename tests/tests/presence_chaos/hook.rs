//! A receiver of webhooks, which now and then refuses.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::book::Book;

/// What requests are signed with.
pub(crate) const SECRET: &str = "a secret of the webhooks of the tests";

/// Each so manieth request is refused, and has to come again.
const REFUSED: u64 = 10;

#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) addr: SocketAddr,
    pub(crate) book: Arc<Mutex<Book>>,
    _serving: JoinSet<()>,
}

impl Hook {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let book = Arc::<Mutex<Book>>::default();
        let (kept, requests) = (book.clone(), Arc::new(AtomicU64::new(1)));
        let receive = move |body: Bytes| {
            let (kept, requests) = (kept.clone(), requests.clone());
            async move {
                if requests.fetch_add(1, Ordering::Relaxed).is_multiple_of(REFUSED) {
                    return StatusCode::SERVICE_UNAVAILABLE;
                }
                let body: Value = serde_json::from_slice(&body).expect("a webhook's body is JSON");
                kept.lock().unwrap_or_else(PoisonError::into_inner).write(&body);
                StatusCode::NO_CONTENT
            }
        };
        let router = Router::new().route("/events", post(receive));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("a server serves") });
        Self { addr, book, _serving: serving }
    }
}
