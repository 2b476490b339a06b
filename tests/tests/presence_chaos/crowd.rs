//! The connections of a few hundred users, and what they do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use futures_util::{StreamExt, stream};
use rand::RngExt;
use rand::rngs::StdRng;
use skew_tests::PATIENCE;
use skew_tests::load::caller::Caller;
use skew_tests::load::target::{Stream, Target};
use skew_tests::load::wire::Transport;
use skew_tests::recipe;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::oracle::Known;
use crate::site::Program;

/// Users that there are.
const USERS: u32 = 300;

const BUILDS: u32 = 4;
const PAGES: u32 = 20;

/// Connections that are opened at once.
const AT_ONCE: usize = 32;

/// All connections.
#[derive(Debug)]
pub(crate) struct Crowd {
    program: Program,
    dice: StdRng,
    tabs: Vec<Tab>,
}

/// Where a connection says that it has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doors {
    /// At the instance that has it.
    Own,
    /// At whichever there is, as behind a balancer that keeps nobody where they are. One that is cut off from Redis can't pass it on, and
    /// answers as for a connection that is gone.
    Any,
}

#[derive(Debug)]
struct Tab {
    known: Known,
    id: String,
    _open: Open,
}

#[derive(Debug)]
enum Open {
    /// Nothing is expected of it.
    Silent { _stream: Stream },
    /// It answers pings.
    Answering { _task: JoinSet<()> },
}

impl Crowd {
    pub(crate) fn new(program: Program, dice: StdRng) -> Self {
        Self { program, dice, tabs: Vec::new() }
    }

    pub(crate) fn known(&self) -> impl Iterator<Item = &Known> {
        self.tabs.iter().map(|tab| &tab.known)
    }

    /// Opens so many, on those instances.
    pub(crate) async fn open(&mut self, count: usize, on: &[(usize, SocketAddr)]) {
        let plans: Vec<_> = (0..count).map(|_| self.plan(on)).collect();
        let program = self.program;
        let opened = stream::iter(plans).map(|(known, addr, source)| open(program, known, addr, source));
        self.tabs.extend(opened.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
    }

    fn plan(&mut self, on: &[(usize, SocketAddr)]) -> (Known, SocketAddr, Ipv4Addr) {
        let dice = &mut self.dice;
        let (instance, addr) = on[dice.random_range(0..on.len())];
        // Some have many tabs and most have few; one in twenty is nobody.
        let user = dice.random_range(0..USERS).min(dice.random_range(0..USERS));
        let known = Known {
            user: (self.program == Program::Recipe || !dice.random_ratio(1, 20)).then_some(user),
            instance,
            version: format!("build-{}", dice.random_range(0..BUILDS)),
            route: format!("/products/{}", dice.random_range(0..PAGES)),
        };
        let source = Ipv4Addr::new(127, 0, 70 + dice.random_range(0..4), dice.random_range(1..9));
        (known, addr, source)
    }

    /// Some close, as many open, and some go to another page: of each about so many.
    pub(crate) async fn stir(&mut self, count: usize, on: &[(usize, SocketAddr)], doors: Doors) {
        for _ in 0..count.min(self.tabs.len()) {
            let at = self.dice.random_range(0..self.tabs.len());
            self.tabs.swap_remove(at);
        }
        self.open(count, on).await;
        if self.program == Program::Skew {
            self.go_about(count, on, doors).await;
        }
    }

    /// Some of those who are on these instances go to another page, and say so at a door.
    async fn go_about(&mut self, count: usize, on: &[(usize, SocketAddr)], doors: Doors) {
        let mut callers: Vec<_> = on.iter().map(|(_, addr)| Caller::new(*addr, Ipv4Addr::LOCALHOST)).collect();
        for _ in 0..count {
            let (tab, any) = (self.dice.random_range(0..self.tabs.len()), self.dice.random_range(0..on.len()));
            let route = format!("/products/{}", self.dice.random_range(0..PAGES));
            let Tab { known, id, .. } = &mut self.tabs[tab];
            let Some(own) = on.iter().position(|(instance, _)| *instance == known.instance) else { continue };
            let door = if doors == Doors::Any { any } else { own };
            let body = format!(r#"{{"connectionId":"{id}","route":"{route}"}}"#);
            let status = timeout(PATIENCE, callers[door].post("/__skew/route", "", &body)).await;
            assert!(matches!(status, Ok(Ok(200))), "a page was not taken: {status:?}");
            known.route = route;
        }
    }

    /// So many are open, as before.
    pub(crate) async fn refill(&mut self, whole: usize, on: &[(usize, SocketAddr)]) {
        self.open(whole.saturating_sub(self.tabs.len()), on).await;
    }

    /// Those of an instance are gone: it was killed.
    pub(crate) fn lose(&mut self, instance: usize) {
        self.tabs.retain(|tab| tab.known.instance != instance);
    }
}

async fn open(program: Program, known: Known, addr: SocketAddr, source: Ipv4Addr) -> Tab {
    let opened = timeout(PATIENCE, try_open(program, &known, addr, source)).await;
    let opened = opened.unwrap_or_else(|_| panic!("no connection within {PATIENCE:?}"));
    let stream = opened.unwrap_or_else(|error| panic!("an instance that lives took no connection: {error}"));
    let id = stream.id.clone();
    let open = match program {
        Program::Skew => Open::Silent { _stream: stream },
        Program::Recipe => {
            let mut task = JoinSet::new();
            task.spawn(recipe::stay(stream));
            Open::Answering { _task: task }
        }
    };
    Tab { known, id, _open: open }
}

async fn try_open(program: Program, known: &Known, addr: SocketAddr, source: Ipv4Addr) -> io::Result<Stream> {
    match program {
        Program::Skew => {
            let user = known.user.map(|user| format!("; visitor=u{user}")).unwrap_or_default();
            let cookie = format!("Cookie: __nkpv={}{user}\r\n", known.version);
            Target::skew(addr, Transport::Sse).open(source, &known.route, &cookie).await
        }
        Program::Recipe => recipe::open(addr, source, &format!("u{}", known.user.unwrap_or(0))).await,
    }
}
