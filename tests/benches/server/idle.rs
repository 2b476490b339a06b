//! Connections that do nothing: memory, processor time, and how soon all of them hear of a new version.

use std::time::Duration;

use skew_tests::load::fleet::{Fleet, Opened};
use skew_tests::load::orders::Manner;
use skew_tests::load::target::Under;
use skew_tests::load::wire::Transport;
use skew_tests::nuxt::Strategy;
use tokio::time::sleep;

use crate::broadcast::until_all_have_it;
use crate::report::{Report, count, median, ms, percent, words};
use crate::subject::Subject;
use crate::{Plan, STOCK_CONNECTIONS};

/// Two rounds of keepalives.
const QUIET: Duration = Duration::from_secs(60);

/// Processes that hold the connections of one server.
const WORKERS: u8 = 3;

struct Idle {
    subject: Subject,
    fleet: Fleet,
    opened: Opened,
    empty: u64,
    full: u64,
}

pub(crate) async fn measure(plan: &Plan, report: &mut Report) {
    // All at once: while nobody does anything they are not in each other's way, and time is short.
    let mut all = Vec::new();
    for subject in subjects().await {
        let empty = subject.resident().await;
        let mut fleet = Fleet::start(WORKERS);
        let most = if subject.is_stock() { STOCK_CONNECTIONS } else { usize::MAX };
        let connections = plan.connections.min(most);
        let opened = fleet.open(&subject.target, connections, Manner::Reads).await;
        if let Some(failed) = &opened.failed {
            eprintln!("{}: {} of {connections} opened: {failed}", subject.name, opened.count);
        }
        let full = subject.resident().await;
        all.push(Idle { subject, fleet, opened, empty, full });
    }
    sleep(Duration::from_secs(5)).await;
    let before: Vec<u64> = all.iter().map(|one| one.subject.cpu_ticks()).collect();
    sleep(QUIET).await;
    let ticks: Vec<u64> = all.iter().zip(before).map(|(one, before)| one.subject.cpu_ticks() - before).collect();

    let title = format!("{} idle connections", plan.connections);
    let mut table = report.table(
        &title,
        &[
            "server",
            "connections",
            "bytes for each",
            "after two keepalives",
            "CPU, of a core",
            "broadcast, last one",
            "bytes after broadcasts",
        ],
    );
    for (mut one, ticks) in all.into_iter().zip(ticks) {
        let connections = one.opened.count;
        let each = |resident: u64| count((resident as f64 - one.empty as f64) / connections as f64);
        let kept = one.subject.resident().await;
        let mut times = Vec::new();
        for _ in 0..plan.rounds.max(3) {
            match until_all_have_it(&one.subject, &mut one.fleet, connections).await {
                Some(time) => times.push(time.as_secs_f64()),
                None => break,
            }
        }
        let last = match times.is_empty() {
            true => words("not all got it"),
            false => ms(Duration::from_secs_f64(median(&mut times))),
        };
        let after = one.subject.resident().await;
        table.row(
            one.subject.name,
            vec![
                count(connections as f64),
                each(one.full),
                each(kept),
                percent(ticks as f64 / QUIET.as_secs_f64()),
                last,
                each(after),
            ],
        );
    }
}

async fn subjects() -> Vec<Subject> {
    let mut subjects = vec![
        Subject::skew("skew-server, SSE", Transport::Sse).await,
        Subject::skew("skew-server, WS", Transport::Ws).await,
    ];
    subjects.extend(Subject::skew_tls("skew-server, SSE over TLS", Under::Tls).await);
    subjects.extend(Subject::skew_tls("skew-server, SSE over HTTP/2", Under::Http2).await);
    subjects.push(Subject::axum().await);
    subjects.extend(Subject::nchan().await);
    subjects.extend(Subject::nuxt(Strategy::Sse).await);
    subjects.extend(Subject::nuxt(Strategy::Ws).await);
    subjects
}
