//! `cargo run --release -p skew-tests --example crowd -- [TABS] [MS BETWEEN SNAPSHOTS] [changes]`: a server to look
//! at, without tabs.

use std::time::Duration;

use skew_tests::crowd::{Crowd, Telling};

#[tokio::main]
async fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let tabs = numbers.first().copied().unwrap_or(1_000) as usize;
    let by_changes = std::env::args().any(|argument| argument == "changes");
    let telling = if by_changes { Telling::Changes } else { Telling::Snapshots };
    let crowd = Crowd::start(tabs, numbers.get(1).map(|ms| Duration::from_millis(*ms)), telling).await;
    println!("{}", crowd.url());
    std::future::pending::<()>().await;
}
