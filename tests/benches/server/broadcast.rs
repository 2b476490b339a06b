//! A `version` message to everybody: until the last one has it.

use std::time::{Duration, Instant};

use skew_tests::load::fleet::Fleet;
use tokio::time::sleep;

use crate::subject::Subject;

/// Longer than anybody waits for news.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends one, and answers how long it took until so many had it; nothing when they did not all get it.
pub(crate) async fn until_all_have_it(subject: &Subject, fleet: &mut Fleet, readers: usize) -> Option<Duration> {
    let before = fleet.tally().await.versions;
    let start = subject.broadcast().await;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let tally = fleet.tally().await;
        if tally.versions >= before + readers as u64 {
            return Some(Duration::from_micros(tally.last_version_us - start));
        }
        sleep(Duration::from_millis(50)).await;
    }
    None
}
