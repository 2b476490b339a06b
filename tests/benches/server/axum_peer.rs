//! A server as axum's documentation has it: `Sse` with its keepalive, and a channel that tells everybody.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::{get, post};
use futures_util::Stream;
use tokio::net::TcpSocket;
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// What makes this program that server, as its only argument. It says its port on standard output.
pub(crate) const MODE: &str = "axum-peer";

/// Serves until it is killed.
pub(crate) async fn run() -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(4096)?;
    println!("listening on {}", listener.local_addr()?);
    let (tell, _) = channel::<String>(64);
    let router = Router::new().route("/sub", get(subscribe)).route("/pub", post(publish)).with_state(tell);
    axum::serve(listener, router).await
}

async fn subscribe(State(tell): State<Sender<String>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let next = |mut told: Receiver<String>| async move {
        let message = told.recv().await.ok()?;
        Some((Ok(Event::default().data(message)), told))
    };
    let stream = futures_util::stream::unfold(tell.subscribe(), next);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(std::time::Duration::from_secs(30)))
}

async fn publish(State(tell): State<Sender<String>>, message: String) {
    // Nobody listens: that is no error.
    let _ = tell.send(message);
}
