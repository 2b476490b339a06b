//! How fast connections open, with and without somebody who watches, and how soon it is known that all have closed.

use std::time::{Duration, Instant};

use skew_tests::load::fleet::Fleet;
use skew_tests::load::orders::Manner;
use skew_tests::load::subscriber::{Subscriber, Wish};
use skew_tests::load::wire::Transport;
use skew_tests::nuxt::{ADMIN_SECRET, Strategy};

use crate::report::{Report, Table, count, median, ms, words};
use crate::subject::Subject;
use crate::{Plan, STOCK_CONNECTIONS};

/// Processes that open; more than the processors there are would only be in each other's way.
const WORKERS: u8 = 3;

const PATIENCE: Duration = Duration::from_secs(60);

/// What is measured of one kind of server.
#[derive(Default)]
struct Rounds {
    name: &'static str,
    rates: Vec<f64>,
    closing: Vec<f64>,
}

#[derive(Clone, Copy)]
enum Kind {
    Skew(Transport),
    Axum,
    Nchan,
    Nuxt(Strategy),
}

pub(crate) async fn measure(plan: &Plan, report: &mut Report) {
    let connections = plan.connections;
    let title = format!("Opening and closing {connections} connections, median of {}", plan.rounds);
    let mut table = report.table(&title, &["server", "watched by", "opened a second", "closed: totals right after"]);
    for transport in [Transport::Sse, Transport::Ws] {
        let watched = [None, Some(Wish::Changes), Some(Wish::Snapshots)];
        rows(&mut table, Kind::Skew(transport), &watched, connections, plan.rounds).await;
    }
    rows(&mut table, Kind::Axum, &[None], connections, plan.rounds).await;
    rows(&mut table, Kind::Nchan, &[None], connections, plan.rounds).await;

    let connections = plan.connections.min(STOCK_CONNECTIONS);
    let title = format!("Opening and closing {connections} connections");
    let mut table = report.table(&title, &["server", "watched by", "opened a second", "closed: totals right after"]);
    let watched = [None, Some(Wish::Snapshots)];
    rows(&mut table, Kind::Skew(Transport::Sse), &watched, connections, plan.rounds).await;
    rows(&mut table, Kind::Nuxt(Strategy::Sse), &watched, connections, 1).await;
}

/// One row for each kind of watching, measured in turns so that what happens beside them meets all.
async fn rows(table: &mut Table<'_>, kind: Kind, watched: &[Option<Wish>], connections: usize, rounds: usize) {
    let mut all: Vec<Rounds> = watched.iter().map(|_| Rounds::default()).collect();
    for _ in 0..rounds {
        for (wish, rounds) in watched.iter().zip(&mut all) {
            let Some(subject) = start(kind).await else { return };
            round(&subject, *wish, connections, rounds).await;
        }
    }
    for (wish, rounds) in watched.iter().zip(&mut all) {
        let watching = match wish {
            None => "nobody",
            Some(Wish::Changes | Wish::Figures) => "one, changes",
            Some(Wish::Snapshots) => "one, snapshots",
        };
        let closing = match rounds.closing.is_empty() {
            true => words("—"),
            false => ms(Duration::from_secs_f64(median(&mut rounds.closing))),
        };
        table.row(rounds.name, vec![words(watching), count(median(&mut rounds.rates)), closing]);
    }
}

async fn round(subject: &Subject, wish: Option<Wish>, connections: usize, rounds: &mut Rounds) {
    rounds.name = subject.name;
    let mut subscriber = match wish {
        Some(wish) => {
            Some(Subscriber::start(&subject.target, ADMIN_SECRET, wish).await.expect("the server takes a subscriber"))
        }
        None => None,
    };
    let mut fleet = Fleet::start(WORKERS);
    // The workers are there when they have answered once.
    fleet.tally().await;
    let opened = fleet.open(&subject.target, connections, Manner::Reads).await;
    if let Some(failed) = &opened.failed {
        eprintln!("{}: {} of {connections} opened: {failed}", subject.name, opened.count);
    }
    rounds.rates.push(opened.count as f64 / opened.time.as_secs_f64());
    if let Some(subscriber) = &mut subscriber {
        if subscriber.total(opened.count as u64 + 1, PATIENCE).await.is_none() {
            let told = subscriber.take().total;
            return eprintln!("{}: {} are open, and it tells of {told:?}", subject.name, opened.count);
        }
        let start = Instant::now();
        fleet.close().await;
        match subscriber.total(1, PATIENCE).await {
            Some(right) => rounds.closing.push((right - start).as_secs_f64()),
            None => eprintln!("{}: all have closed, and it tells of {:?}", subject.name, subscriber.take().total),
        }
    }
}

async fn start(kind: Kind) -> Option<Subject> {
    match kind {
        Kind::Skew(Transport::Sse) => Some(Subject::skew("skew-server, SSE", Transport::Sse).await),
        Kind::Skew(Transport::Ws) => Some(Subject::skew("skew-server, WS", Transport::Ws).await),
        Kind::Axum => Some(Subject::axum().await),
        Kind::Nchan => Subject::nchan().await,
        Kind::Nuxt(strategy) => Subject::nuxt(strategy).await,
    }
}
