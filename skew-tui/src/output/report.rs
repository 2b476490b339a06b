//! The state as one line of JSON, schema 1. Fields are only ever added.

mod people;
mod trend;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use skew_proto::{Connection, Counts, Damage, Rollout, text};

use crate::state::fleet::Member;
use crate::state::invalidation::knows_every_kind;
use crate::state::known::Known;
use crate::state::site::{Authorization, Link, Refusal, Site, Watchers};
use crate::{Now, Transport};
use people::{InstanceReport, Partial, People};
use trend::TrendReport;

/// Version of the object's shape.
pub(super) const SCHEMA: u32 = 1;

/// What of the state is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ReportOptions {
    /// Whether the list of connections is left out.
    pub(crate) without_connections: bool,
    /// At most so many routes and connections.
    pub(crate) top: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    /// The site, as it is called.
    site: &'a str,
    /// `connecting`, `live`, `stale`, `reconnecting` or `failed`.
    link: &'static str,
    /// Why there is no connection, where there is none.
    reason: Option<&'a str>,
    transport: Option<&'static str>,
    /// Whether the figures are old: they are of before the connection, or changes of them, were lost.
    stale: bool,
    /// When the figures arrived.
    stats_at: Option<String>,
    /// Null while pending.
    authorized: Option<bool>,
    /// Why stats are refused.
    refusal: Option<String>,
    current: Option<&'a str>,
    /// When the current build was released.
    released_at: Option<String>,
    /// Null while unknown.
    rollout: Option<Rollout>,
    /// Null while unknown.
    total: Option<u64>,
    /// Where the rollout is going. Null while unknown.
    trend: Option<TrendReport>,
    /// Number of `skew-tui`s.
    watching: u64,
    /// Whether they are in the figures.
    watchers_counted: bool,
    versions: Ranked<'a>,
    routes: Ranked<'a>,
    /// Whether everybody is at `/`, as where route tracking is off.
    route_tracking_seems_off: bool,
    your_id: Option<&'a str>,
    /// Where some of several targets don't answer, and nothing of them is in the figures; or the server does not hear from some
    /// of its instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<Partial<'a>>,
    /// Who they belong to, where the server counts users.
    #[serde(flatten)]
    people: Option<People<'a>>,
    /// Each of the server's instances, where it may have several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    instances: Vec<InstanceReport<'a>>,
    /// Each of several targets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<TargetReport<'a>>,
    /// What a visitor had damaged in the server's message, and was counted from its list.
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<&'a Damage>,
    /// Everybody, watchers too: `yourId` is one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<&'a [Connection]>,
    /// How many routes and connections were left out by the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
}

/// One of several targets: what is told of the whole, as far as it is of use for a part.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetReport<'a> {
    target: &'a str,
    link: &'static str,
    reason: Option<&'a str>,
    transport: Option<&'static str>,
    authorized: Option<bool>,
    refusal: Option<String>,
    current: Option<&'a str>,
    rollout: Option<Rollout>,
    total: Option<u64>,
    your_id: Option<&'a str>,
}

impl<'a> TargetReport<'a> {
    fn of(member: &'a Member) -> Self {
        let site = &member.site;
        Self {
            target: &member.label,
            link: link(&site.link),
            reason: reason(&site.link),
            transport: site.transport.map(transport),
            authorized: site.authorized(),
            refusal: refusal(site),
            current: site.current.as_deref(),
            rollout: site.rollout(),
            total: site.stats.is_some().then_some(site.figures.total),
            your_id: site.your_id(),
        }
    }
}

#[derive(Serialize)]
struct Omitted {
    routes: usize,
    connections: usize,
}

/// The state without the time, so that equal states are equal lines. Complete it with [`report_line`].
pub(crate) fn report(known: &Known, label: &str, options: ReportOptions) -> Result<String, serde_json::Error> {
    let site = known.site();
    let members = known.fleet.members();
    let limit = options.top.unwrap_or(usize::MAX);
    let connections = site.connections();
    let routes = ranked(&site.figures.routes);
    let omitted = options.top.map(|top| Omitted {
        routes: routes.0.len().saturating_sub(top),
        connections: connections.len().saturating_sub(top),
    });
    text::json_line(&Report {
        site: label,
        link: link(&site.link),
        reason: reason(&site.link),
        transport: site.transport.map(transport),
        stale: site.stats.is_some() && site.link != Link::Live,
        stats_at: site.stats_at.and_then(iso),
        authorized: site.authorized(),
        refusal: refusal(site),
        current: site.current.as_deref(),
        released_at: site.current.as_deref().and_then(|current| unix_iso(site.released_at(current)?)),
        rollout: site.rollout(),
        total: site.stats.is_some().then_some(site.figures.total),
        trend: TrendReport::of(known),
        watching: site.figures.watching,
        watchers_counted: site.watchers() == Watchers::Counted,
        versions: ranked(&site.figures.versions),
        routes: Ranked(routes.0.into_iter().take(limit).collect()),
        route_tracking_seems_off: site.route_tracking_seems_off(),
        your_id: site.your_id(),
        partial: Partial::of(site, members.len()),
        people: People::of(site),
        instances: site.instances.iter().map(InstanceReport::of).collect(),
        targets: if members.len() > 1 { members.iter().map(TargetReport::of).collect() } else { Vec::new() },
        damage: site.stats.as_ref().map(|stats| &stats.damage).filter(|damage| !damage.is_empty()),
        connections: (!options.without_connections).then(|| &connections[..connections.len().min(limit)]),
        omitted,
    })
}

/// A report as the line that is printed: with its schema, its type and the time.
pub(crate) fn report_line(report: &str, at: Now) -> String {
    let at = iso(at).unwrap_or_default();
    let fields = report.strip_prefix('{').unwrap_or(report);
    format!(r#"{{"schema":{SCHEMA},"type":"stats","at":"{at}",{fields}"#)
}

/// A moment as ISO 8601 in UTC, with milliseconds.
pub(crate) fn iso(at: Now) -> Option<String> {
    unix_iso(at.unix_ms)
}

/// A time in milliseconds since 1970, in the same form.
pub(crate) fn unix_iso(ms: u64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(format!("{time:.3}"))
}

fn link(link: &Link) -> &'static str {
    match link {
        Link::Connecting => "connecting",
        Link::Live => "live",
        Link::Behind | Link::Stale => "stale",
        Link::Reconnecting { .. } => "reconnecting",
        Link::Failed(_) => "failed",
    }
}

fn reason(link: &Link) -> Option<&str> {
    match link {
        Link::Reconnecting { reason, .. } | Link::Failed(reason) => Some(reason),
        Link::Connecting | Link::Live | Link::Behind | Link::Stale => None,
    }
}

fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Sse => "sse",
        Transport::Ws => "ws",
        Transport::Poll => "poll",
    }
}

/// What a refusal was, and what to do about it.
pub(crate) fn refusal(site: &Site) -> Option<String> {
    match &site.authorization {
        Authorization::Refused(Refusal::ByServer) if knows_every_kind(site) => Some(
            "skew-server did not accept these credentials; pass the secret of its --stats-secret-file or \
             --admin-secret-file as SKEW_TOKEN, or an admin's session as SKEW_COOKIE"
                .to_owned(),
        ),
        Authorization::Refused(Refusal::ByServer) => Some(
            "the server's hook skew:authorize-stats did not authorize these credentials; pass SKEW_TOKEN or \
             SKEW_COOKIE, or let the hook authorize them"
                .to_owned(),
        ),
        Authorization::Refused(Refusal::ByStatus(_, reason)) => Some(reason.clone()),
        Authorization::Pending { .. } | Authorization::Granted => None,
    }
}

/// Counts as a JSON object, the greatest first.
struct Ranked<'a>(Vec<(&'a str, u64)>);

impl Serialize for Ranked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, count) in &self.0 {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}

fn ranked(counts: &Counts) -> Ranked<'_> {
    let mut entries: Vec<_> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    // Stable: equal counts stay in the order of their names.
    entries.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ranked(entries)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::SourceEvent;
    use crate::feed::Happening;

    const AT: Now = Now { monotonic_ms: 5, unix_ms: 1_795_325_310_321 };

    const STATS: &str = r#"{"type":"stats","total":4,"versions":{"b2":3,"b1":1},
        "routes":{"/__skew/tui":1,"/":1,"/a\u001b[2J":2},"yourId":"me","connections":[
        {"id":"me","version":"b2","route":"/__skew/tui"},{"id":"u","version":"b2","route":"/a\u001b[2J"},
        {"id":"v","version":"b2","route":"/a\u001b[2J"},{"id":"w","version":"b1","route":"/","ip":"::1"}]}"#;

    fn tell(known: &mut Known, from: usize, events: impl IntoIterator<Item = SourceEvent>) {
        known.observe(events.into_iter().map(|event| Happening { from, event, at: AT }));
    }

    fn frames<'a>(frames: &'a [&str]) -> impl Iterator<Item = SourceEvent> + 'a {
        let opening = [SourceEvent::Connecting(Transport::Sse), SourceEvent::Open(Transport::Sse)];
        opening.into_iter().chain(frames.iter().map(|frame| SourceEvent::Frame((*frame).to_owned())))
    }

    fn site(told: &[&str]) -> Known {
        let mut known = Known::new(&[], Watchers::LeftOut);
        tell(&mut known, 0, frames(told));
        known
    }

    fn line(known: &Known, options: ReportOptions) -> Value {
        let line = report_line(&report(known, "x.test", options).unwrap(), AT);
        assert!(!line.contains(text::is_harmful));
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn several_targets_are_told_one_by_one_and_partial_where_one_does_not_answer() {
        let mut known = Known::new(&["a".to_owned(), "b".to_owned()], Watchers::LeftOut);
        let other = STATS.replace(r#""id":""#, r#""id":"2-"#).replace(r#""yourId":""#, r#""yourId":"2-"#);
        tell(&mut known, 0, frames(&[STATS]));
        tell(&mut known, 1, frames(&[&other]));
        let whole = line(&known, ReportOptions::default());
        assert_eq!((&whole["total"], &whole["watching"], &whole["yourId"]), (&json!(6), &json!(2), &Value::Null));
        assert_eq!((&whole["targets"][1]["target"], &whole["targets"][1]["yourId"]), (&json!("b"), &json!("2-me")));
        assert_eq!((&whole["connections"][7]["target"], whole.get("partial")), (&json!("b"), None));
        tell(&mut known, 1, [SourceEvent::Lost { reason: "reset".into(), retry_ms: 500 }]);
        let partial = line(&known, ReportOptions::default());
        assert_eq!((&partial["total"], &partial["partial"]), (&json!(3), &json!({"answering": 1, "of": 2})));
        assert_eq!((&partial["link"], &partial["targets"][1]["reason"]), (&json!("live"), &json!("reset")));
        assert_eq!(line(&site(&[STATS]), ReportOptions::default()).get("targets"), None);
    }

    #[test]
    fn a_line_says_everything_that_is_known() {
        let connected = r#"{"type":"connected","version":"b2","connectionId":"c-secret"}"#;
        let line = line(&site(&[connected, STATS]), ReportOptions::default());
        assert_eq!(line["schema"], 1);
        assert_eq!(line["at"], "2026-11-22T05:28:30.321Z");
        assert_eq!((&line["total"], &line["authorized"], &line["current"]), (&json!(3), &json!(true), &json!("b2")));
        assert_eq!(line["versions"], json!({"b2": 2, "b1": 1}));
        assert_eq!(line["routes"], json!({"/a\u{1b}[2J": 2, "/": 1}), "the whole text survives, escaped");
        assert_eq!(line["rollout"]["outdated"], 1);
        assert_eq!((&line["watching"], &line["yourId"]), (&json!(1), &json!("me")));
        assert_eq!(line["connections"].as_array().unwrap().len(), 4);
        assert_eq!(line["connections"][0]["id"], line["yourId"]);
        assert_eq!(line.get("damage"), None);
        assert_eq!((&line["link"], &line["stale"]), (&json!("live"), &json!(false)));
        assert!(!line.to_string().contains("c-secret"));
    }

    #[test]
    fn what_is_not_known_is_null() {
        let line = line(&site(&[]), ReportOptions::default());
        for field in ["total", "authorized", "current", "rollout", "yourId", "statsAt"] {
            assert_eq!(line[field], Value::Null, "{field}");
        }
    }

    #[test]
    fn damage_is_marked() {
        let stats = r#"{"type":"stats","total":1,"versions":{"constructor":"function1"},"routes":{"5":1},
            "connections":[{"id":"a","version":"constructor","route":5}]}"#;
        let line = line(&site(&[stats]), ReportOptions::default());
        assert_eq!(line["damage"], json!({"fields": ["versions"], "connections": 1}));
        assert_eq!(line["versions"], json!({"constructor": 1}));
    }

    #[test]
    fn old_figures_stay_and_are_called_stale() {
        let mut site = site(&[STATS]);
        tell(&mut site, 0, [SourceEvent::Lost { reason: "reset".into(), retry_ms: 500 }]);
        let line = line(&site, ReportOptions::default());
        assert_eq!((&line["total"], &line["stale"], &line["link"]), (&json!(3), &json!(true), &json!("reconnecting")));
        assert_eq!(line["reason"], "reset");
    }

    #[test]
    fn a_refusal_names_the_hook() {
        let line = line(&site(&[r#"{"type":"stats-unauthorized"}"#]), ReportOptions::default());
        assert_eq!(line["authorized"], false);
        assert!(line["refusal"].as_str().unwrap().contains("skew:authorize-stats"));
    }

    #[test]
    fn a_refusal_by_skew_server_names_its_own_options() {
        let ours = r#"{"type":"connected","version":"b2","connectionId":"c","server":{"name":"skew-server"}}"#;
        let refusal = super::refusal(site(&[ours, r#"{"type":"stats-unauthorized"}"#]).site()).unwrap();
        assert!(refusal.contains("--stats-secret-file") && !refusal.contains("hook"), "{refusal}");
    }

    #[test]
    fn lines_can_be_kept_short() {
        let site = site(&[STATS]);
        let short = line(&site, ReportOptions { top: Some(1), without_connections: false });
        assert_eq!(short["routes"], json!({"/a\u{1b}[2J": 2}));
        assert_eq!(short["connections"].as_array().unwrap().len(), 1);
        assert_eq!(short["omitted"], json!({"routes": 1, "connections": 3}));
        assert_eq!(short["total"], 3);
        let bare = line(&site, ReportOptions { top: None, without_connections: true });
        assert!(bare.get("connections").is_none());
    }

    #[test]
    fn the_time_alone_is_no_change() {
        let mut site = site(&[STATS]);
        let before = report(&site, "x", ReportOptions::default()).unwrap();
        let later = Now { monotonic_ms: 9_999, unix_ms: AT.unix_ms + 9_999 };
        let event = SourceEvent::Frame(r#"{"type":"keepalive","timestamp":1}"#.into());
        site.observe([Happening { from: 0, event, at: later }]);
        assert_eq!(report(&site, "x", ReportOptions::default()).unwrap(), before);
    }
}
