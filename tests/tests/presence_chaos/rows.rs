//! The list of everybody, as an instance tells it when it is asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use skew_tests::http::{self, Client};
use skew_tests::nuxt::ADMIN_SECRET;
use tokio::time::{Instant, sleep};

use crate::oracle::Truth;

/// Waits until an instance lists just those who are open, with the instance, build and page of each.
pub(crate) async fn check(client: &Client, at: usize, addr: SocketAddr, truth: &Truth, within: Duration) {
    let deadline = Instant::now() + within;
    loop {
        let request = client.get(format!("http://{addr}/__skew/admin/stats")).bearer_auth(ADMIN_SECRET);
        let (status, stats) = http::json(request).await;
        assert_eq!(status, 200, "{stats}");
        let listed = listed(&stats);
        if listed == truth.rows {
            return;
        }
        let differ: Vec<_> = truth.rows.iter().filter(|(row, count)| listed.get(*row) != Some(count)).take(5).collect();
        let (is, sum) = (truth.rows.values().sum::<u64>(), listed.values().sum::<u64>());
        assert!(Instant::now() < deadline, "web-{at} lists {sum} of {is}; for instance not right: {differ:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

fn listed(stats: &Value) -> BTreeMap<(usize, String, String), u64> {
    let mut rows = BTreeMap::new();
    for row in stats["connections"].as_array().into_iter().flatten() {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let instance = text("instance").strip_prefix("web-").and_then(|at| at.parse().ok()).unwrap_or(usize::MAX);
        *rows.entry((instance, text("version"), text("route"))).or_default() += 1;
    }
    rows
}
