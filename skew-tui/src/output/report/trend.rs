//! Where a rollout is going, as JSON.

use serde::Serialize;

use crate::Now;
use crate::state::known::Known;
use crate::state::trend::Eta;

/// What happens per minute and when shares are reached, as of the newest figures.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrendReport {
    /// Null where the server does not list all connections; the next two too.
    opened_per_minute: Option<f64>,
    closed_per_minute: Option<f64>,
    moved_per_minute: Option<f64>,
    /// Change of the number on the current build.
    current_per_minute: f64,
    /// 0 where it is reached; null where it is not known, or stalled.
    eta95_ms: Option<u64>,
    eta100_ms: Option<u64>,
    /// Whether those on other builds don't become fewer.
    stalled: bool,
}

impl TrendReport {
    /// Nothing while too little was watched since the connection or the release.
    pub(super) fn of(known: &Known) -> Option<Self> {
        let site = known.site();
        let now: Now = site.stats_at?;
        let rates = known.trend.rates(now)?;
        let [eta95, eta100] = [95.0, 100.0].map(|percent| known.trend.eta(site, percent, now));
        Some(Self {
            opened_per_minute: rates.people.map(|people| tenth(people.opened)),
            closed_per_minute: rates.people.map(|people| tenth(people.closed)),
            moved_per_minute: rates.people.map(|people| tenth(people.moved)),
            current_per_minute: tenth(rates.current),
            eta95_ms: milliseconds(eta95),
            eta100_ms: milliseconds(eta100),
            stalled: matches!(eta100, Eta::Stalled { .. }),
        })
    }
}

fn tenth(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}

fn milliseconds(eta: Eta) -> Option<u64> {
    match eta {
        Eta::Reached => Some(0),
        Eta::In(ms) => Some(ms),
        Eta::Stalled { .. } | Eta::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::feed::Happening;
    use crate::state::site::Watchers;
    use crate::{SourceEvent, Transport};

    fn told(known: &mut Known, ms: u64, event: SourceEvent) -> Value {
        let at = Now { monotonic_ms: ms, unix_ms: 1_795_325_310_000 + ms };
        known.observe([Happening { from: 0, event, at }]);
        serde_json::to_value(TrendReport::of(known)).unwrap()
    }

    fn stats(tabs: &[(&str, &str)]) -> SourceEvent {
        let mut versions = std::collections::BTreeMap::new();
        tabs.iter().for_each(|(_, build)| *versions.entry(build).or_insert(0) += 1);
        let list: Vec<_> = tabs.iter().map(|(id, build)| json!({"id": id, "version": build, "route": "/"})).collect();
        let stats = json!({
            "type": "stats", "total": tabs.len(), "versions": versions, "routes": {"/": tabs.len()},
            "connections": list, "current": "new",
        });
        SourceEvent::Frame(stats.to_string())
    }

    #[test]
    fn a_tab_that_moved_is_told_per_minute_and_makes_a_time() {
        let mut known = Known::new(&[], Watchers::LeftOut);
        told(&mut known, 0, SourceEvent::Open(Transport::Sse));
        assert_eq!(told(&mut known, 0, stats(&[("a", "old"), ("b", "old")])), Value::Null, "too early");
        let expected = json!({
            "openedPerMinute": 1.0, "closedPerMinute": 1.0, "movedPerMinute": 1.0, "currentPerMinute": 1.0,
            "eta95Ms": 60_000, "eta100Ms": 60_000, "stalled": false,
        });
        assert_eq!(told(&mut known, 60_000, stats(&[("b", "old"), ("c", "new")])), expected);
        let later = told(&mut known, 181_000, stats(&[("b", "old"), ("c", "new")]));
        assert_eq!((&later["stalled"], &later["eta100Ms"]), (&json!(true), &Value::Null));
        let lost = SourceEvent::Lost { reason: "reset".to_owned(), retry_ms: 500 };
        assert_eq!(told(&mut known, 182_000, lost), Value::Null);
    }
}
