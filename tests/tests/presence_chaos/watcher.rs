//! One who writes on the board what an instance shows.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use skew_tests::http::Client;
use skew_tests::load::caller::Caller;
use skew_tests::load::target::{Stream, Target};
use skew_tests::load::wire::{Said, Transport};
use skew_tests::nuxt::ADMIN_SECRET;
use skew_tests::recipe::Recipe;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::board::Board;
use crate::book::Book;
use crate::oracle::{Figures, Known, figures};
use crate::site::RELEASE;

/// Time between two questions to one who can only be asked.
const BEAT: Duration = Duration::from_millis(250);

const ROUTE: &str = "/admin";

#[derive(Debug)]
pub(crate) struct Watcher {
    /// Its own connection, which counts; the recipe's watchers have none.
    pub(crate) known: Option<Known>,
    /// The users' events that it was told.
    pub(crate) book: Arc<Mutex<Book>>,
    _watching: JoinSet<()>,
}

impl Watcher {
    /// Subscribes to an instance of ours: to figures and users' events.
    pub(crate) async fn subscribe(at: usize, addr: SocketAddr, board: &Board) -> Self {
        let target = Target::skew(addr, Transport::Sse);
        let bearer = format!("Authorization: Bearer {ADMIN_SECRET}\r\nCookie: __nkpv={RELEASE}\r\n");
        let stream = target.open(Ipv4Addr::LOCALHOST, ROUTE, &bearer).await.expect("an instance takes a connection");
        let body = format!(r#"{{"connectionId":"{}","list":"none","events":"users"}}"#, stream.id);
        let status = Caller::new(addr, Ipv4Addr::LOCALHOST).post("/__skew/subscribe-stats", &bearer, &body).await;
        assert_eq!(status.expect("an instance answers"), 200);
        let book = Arc::<Mutex<Book>>::default();
        let mut watching = JoinSet::new();
        watching.spawn(listen(stream, at, board.clone(), book.clone()));
        let known = Known { user: None, instance: at, version: RELEASE.into(), route: ROUTE.into() };
        Self { known: Some(known), book, _watching: watching }
    }

    /// Asks a process of the recipe again and again.
    pub(crate) fn poll(at: usize, addr: SocketAddr, client: Client, board: Board) -> Self {
        let mut watching = JoinSet::new();
        watching.spawn(async move {
            loop {
                let counts = Recipe::counts(&client, addr).await;
                board.now().shown[at] =
                    counts.map(|counts| Figures { users: counts.users, connections: counts.connections, more: None });
                sleep(BEAT).await;
            }
        });
        Self { known: None, book: Arc::default(), _watching: watching }
    }
}

async fn listen(stream: Stream, at: usize, board: Board, book: Arc<Mutex<Book>>) {
    let Stream { mut socket, mut wire, .. } = stream;
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = socket.read(&mut piece).await {
        let understood = wire.read(&piece[..length], &mut |said| {
            let Said::Text(text) = said else { return };
            let message: Value = serde_json::from_str(text).expect("a message is JSON");
            match message["type"].as_str() {
                Some("stats") => board.now().shown[at] = figures(&message),
                Some("events") => book.lock().unwrap_or_else(PoisonError::into_inner).write(&message),
                _ => {}
            }
        });
        understood.expect("an instance writes what it should");
    }
}
