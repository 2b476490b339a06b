//! Ten thousand reports of pages a second, and how old they are when a subscriber hears of them.

use std::time::Duration;

use skew_tests::load::fleet::Fleet;
use skew_tests::load::orders::Manner;
use skew_tests::load::subscriber::{Subscriber, Wish};
use skew_tests::load::wire::Transport;
use skew_tests::nuxt::ADMIN_SECRET;

use crate::Plan;
use crate::report::{Report, count, ms, percent, quantile};
use crate::subject::Subject;

const PER_SECOND: u32 = 10_000;

/// Connections whose pages the subscriber looks for, each once a second.
const PROBES: usize = 50;

pub(crate) async fn measure(plan: &Plan, report: &mut Report) {
    let title = format!("{PER_SECOND} reports of pages a second, {} connections, {} s", plan.connections, plan.seconds);
    let mut table = report.table(
        &title,
        &[
            "reports by",
            "subscriber",
            "reports a second",
            "failed",
            "age, p50",
            "p99",
            "probes",
            "unseen",
            "CPU, of a core",
        ],
    );
    for (transport, by) in [(Transport::Sse, "POST"), (Transport::Ws, "WebSocket")] {
        for (wish, told) in [(Wish::Changes, "changes"), (Wish::Snapshots, "snapshots")] {
            let subject = Subject::skew("skew-server", transport).await;
            let mut fleet = Fleet::start(3);
            fleet.open(&subject.target, plan.connections, Manner::Reads).await;
            let subscriber = Subscriber::start(&subject.target, ADMIN_SECRET, wish).await;
            let subscriber = subscriber.expect("the server takes a subscriber");
            let time = Duration::from_secs(plan.seconds);
            let before = subject.cpu_ticks();
            let (moved, probed) =
                tokio::join!(fleet.move_about(PER_SECOND, time), subscriber.probe(&subject.target, PROBES, time));
            let cpu = (subject.cpu_ticks() - before) as f64 / plan.seconds as f64;
            probed.expect("probes are answered");
            // The last ones are told on the next ticks.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let unseen = subscriber.lost();
            let mut ages: Vec<f64> = subscriber.take().ages.iter().map(Duration::as_secs_f64).collect();
            let age = |ages: &mut [f64], share| ms(Duration::from_secs_f64(quantile(ages, share)));
            let (sent, failed) = moved;
            table.row(
                by,
                vec![
                    crate::report::words(told),
                    count(sent as f64 / plan.seconds as f64),
                    count(failed as f64),
                    age(&mut ages, 0.5),
                    age(&mut ages, 0.99),
                    count(ages.len() as f64),
                    count(unseen as f64),
                    percent(cpu),
                ],
            );
        }
    }
}
