//! A `version` message to everybody while some do not read.

use std::time::Duration;

use skew_tests::http;
use skew_tests::load::fleet::Fleet;
use skew_tests::load::orders::{Manner, STALLED_ROUTE};
use skew_tests::load::wire::Transport;

use crate::Plan;
use crate::broadcast::until_all_have_it;
use crate::report::{Report, count, median, ms, words};
use crate::subject::Subject;

/// Who do not read.
const STALLED: usize = 1_000;

/// Messages after which the server has certainly cut off somebody.
const MOST: usize = 5_000;

pub(crate) async fn measure(plan: &Plan, report: &mut Report) {
    let title = format!("A broadcast to {} who read, beside {STALLED} who do not", plan.connections);
    let mut table = report.table(
        &title,
        &["server", "last one, before", "last one, beside them", "KiB more when they are full", "of them left then"],
    );
    for (transport, name) in [(Transport::Sse, "skew-server, SSE"), (Transport::Ws, "skew-server, WS")] {
        let subject = Subject::skew(name, transport).await;
        let mut readers = Fleet::start(3);
        let opened = readers.open(&subject.target, plan.connections, Manner::Reads).await.count;
        let alone = rounds(plan, &subject, &mut readers, opened).await;
        let mut stalled = Fleet::start(1);
        stalled.open(&subject.target, STALLED, Manner::Stalls).await;
        let before = subject.resident().await;
        let client = http::client();
        let mut left = STALLED as u64;
        // Until the first one is cut off: then what the system takes is full, and so are queues of the server.
        for _ in 0..MOST {
            left = subject.send_to(&client, STALLED_ROUTE).await;
            if left < STALLED as u64 {
                break;
            }
        }
        let full = subject.resident().await;
        let beside = rounds(plan, &subject, &mut readers, opened).await;
        let time = |times: Option<Vec<f64>>| match times {
            Some(mut times) => ms(Duration::from_secs_f64(median(&mut times))),
            None => words("not all got it"),
        };
        let more = (full as f64 - before as f64) / 1024.0;
        table.row(name, vec![time(alone), time(beside), count(more), count(left as f64)]);
    }
}

async fn rounds(plan: &Plan, subject: &Subject, readers: &mut Fleet, opened: usize) -> Option<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..plan.rounds.max(3) {
        times.push(until_all_have_it(subject, readers, opened).await?.as_secs_f64());
    }
    Some(times)
}
