//! The same clients play the same scripts against the stock Nuxt app and against `skew-server`, straight at their sockets: what
//! they hear must be the same but for ids, times and our documented extra fields. What is documented as different is held to be
//! different, so that neither server can change unnoticed.

mod client;
mod differences;
mod normal;
mod scripts;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use skew_tests::binaries::workspace;
use skew_tests::nuxt::{NuxtApp, Strategy};
use skew_tests::server::SkewServer;
use skew_tests::site::Peer;

use self::normal::{OURS_ADDS, Transcript, assert_same};

/// Both servers, of the same build and with the same secrets.
pub(crate) struct Both {
    stock: NuxtApp,
    ours: SkewServer,
}

impl Both {
    pub(crate) async fn start(strategy: Strategy) -> Self {
        let args = ["--route-tracking", "--ip-tracking", "--trusted-proxy", "127.0.0.1/32"];
        let (stock, ours) = tokio::join!(NuxtApp::start(strategy, &[]), SkewServer::start(strategy.build_id(), &args));
        Self { stock, ours }
    }

    pub(crate) fn at(&self, peer: Peer) -> SocketAddr {
        match peer {
            Peer::Stock => (Ipv4Addr::LOCALHOST, self.stock.port).into(),
            Peer::Ours => self.ours.addr,
        }
    }

    /// Plays a script at both, at the same time.
    async fn same(&self, script: impl AsyncFn(SocketAddr, &mut Transcript)) {
        let play = async |peer| {
            let mut transcript = Transcript::of(peer);
            script(self.at(peer), &mut transcript).await;
            transcript
        };
        let (stock, ours) = tokio::join!(play(Peer::Stock), play(Peer::Ours));
        assert_same(&stock, &ours);
    }
}

#[tokio::test]
async fn visitors_and_operators_on_sse_hear_the_same() {
    let both = Both::start(Strategy::Sse).await;
    let session = both.stock.login("admin").await;
    both.same(async |addr, said| scripts::a_day(addr, Strategy::Sse, &session, said).await).await;
}

#[tokio::test]
async fn visitors_and_operators_on_websocket_hear_the_same() {
    let both = Both::start(Strategy::Ws).await;
    let session = both.stock.login("admin").await;
    both.same(async |addr, said| scripts::a_day(addr, Strategy::Ws, &session, said).await).await;
}

#[tokio::test]
async fn posts_of_a_tab_are_answered_the_same() {
    let both = Both::start(Strategy::Sse).await;
    both.same(async |addr, said| scripts::posts(addr, said).await).await;
}

#[tokio::test]
async fn frames_of_a_tab_are_answered_the_same() {
    let both = Both::start(Strategy::Ws).await;
    both.same(async |addr, said| scripts::frames(addr, said).await).await;
}

#[tokio::test]
async fn operators_are_answered_the_same() {
    for strategy in [Strategy::Sse, Strategy::Ws] {
        let both = Both::start(strategy).await;
        both.same(async |addr, said| scripts::operators(addr, said).await).await;
    }
}

#[tokio::test]
async fn a_quiet_stream_is_kept_alive_the_same() {
    let both = Both::start(Strategy::Sse).await;
    both.same(async |addr, said| scripts::quiet(addr, said).await).await;
}

#[test]
fn the_fields_that_ours_adds_are_the_documented_ones() {
    let page = fs::read_to_string(workspace().join("docs/protocol.md")).expect("the page exists");
    let table = page.split("| `type` | fields |").nth(1).expect("the table of messages").split("\n\n").next();
    let mut documented = Vec::new();
    for row in table.expect("a table ends").lines().skip(2) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let words = |cell: &str| -> Vec<String> {
            let quoted = cell.split('`').skip(1).step_by(2);
            quoted.map(|code| code.split(' ').next().unwrap_or_default().to_owned()).collect()
        };
        let added = words(cells.get(3).unwrap_or(&""));
        if !added.is_empty() {
            documented.push((words(cells[0]).concat(), added));
        }
    }
    let listed =
        OURS_ADDS.map(|(kind, fields)| (kind.to_owned(), fields.iter().map(|&field| field.to_owned()).collect()));
    assert_eq!(documented, listed);
}
