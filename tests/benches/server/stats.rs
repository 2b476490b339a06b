//! What subscribers cost: bytes on the wire and processor time, at a thousand changes a second.

use std::time::Duration;

use skew_tests::load::fleet::Fleet;
use skew_tests::load::orders::Manner;
use skew_tests::load::subscriber::{Heard, Subscriber, Wish};
use skew_tests::load::wire::Transport;
use skew_tests::nuxt::ADMIN_SECRET;

use crate::Plan;
use crate::report::{Report, count, percent};
use crate::subject::Subject;

const PER_SECOND: u32 = 1_000;

pub(crate) async fn measure(plan: &Plan, report: &mut Report) {
    let subject = Subject::skew("skew-server", Transport::Ws).await;
    let mut fleet = Fleet::start(3);
    fleet.open(&subject.target, plan.connections, Manner::Reads).await;

    let title =
        format!("Subscribers at {} connections and {PER_SECOND} moves a second, {} s", plan.connections, plan.seconds);
    let mut table =
        report.table(&title, &["subscribers", "CPU, of a core", "bytes a second, each", "messages a second, each"]);
    let kinds: [(&str, &[Wish]); 5] = [
        ("none", &[]),
        ("one, changes", &[Wish::Changes]),
        ("five, changes", &[Wish::Changes; 5]),
        ("one, snapshots", &[Wish::Snapshots]),
        ("five, snapshots", &[Wish::Snapshots; 5]),
    ];
    let mut bytes = Vec::new();
    for (name, wishes) in kinds {
        let mut subscribers = Vec::new();
        for wish in wishes {
            let subscriber = Subscriber::start(&subject.target, ADMIN_SECRET, *wish).await;
            subscribers.push(subscriber.expect("the server takes a subscriber"));
        }
        // What is told at once is not what is told in the long run.
        tokio::join!(fleet.move_about(PER_SECOND, Duration::from_secs(1)));
        subscribers.iter().for_each(|subscriber| drop(subscriber.take()));
        let before = subject.cpu_ticks();
        fleet.move_about(PER_SECOND, Duration::from_secs(plan.seconds)).await;
        let cpu = (subject.cpu_ticks() - before) as f64 / plan.seconds as f64;
        let heard: Vec<Heard> = subscribers.iter().map(Subscriber::take).collect();
        let each = |of: fn(&Heard) -> u64| {
            let sum: u64 = heard.iter().map(of).sum();
            sum as f64 / heard.len().max(1) as f64 / plan.seconds as f64
        };
        bytes.push(each(|heard| heard.bytes));
        table.row(
            name,
            vec![percent(cpu), count(each(|heard| heard.bytes)), count(each(|heard| heard.snapshots + heard.changes))],
        );
    }
    let share = 100.0 * bytes[1] / bytes[3];
    table.row("changes, of the bytes of snapshots", vec![crate::report::words("—"), percent(share)]);
}
