//! A wait as lines of JSON, schema 1: states, and a verdict at the end. Fields are only ever added.

use serde::Serialize;
use skew_proto::{MatchKind, Rollout, text};

use crate::output::iso;
use crate::output::report::SCHEMA;
use crate::state::trend::Eta;
use crate::wait::{Patience, Phase, Verdict, Wanted};

use super::{Ending, Moment, Pulse, phase_name, text as words, unknown_name};

/// What is asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    percent: f64,
    /// A build, or `current`.
    version: &'a str,
    min_connections: u64,
    stable_for_ms: u64,
    settle_ms: u64,
    /// 0 where it is asked once.
    timeout_ms: u64,
    route: Option<Route<'a>>,
}

#[derive(Serialize)]
struct Route<'a> {
    pattern: &'a str,
    #[serde(rename = "match")]
    kind: MatchKind,
}

/// Where the rollout is going.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trend {
    /// Connections that move to the current build in a minute. Null in the first seconds and soon after a gap.
    moved_per_minute: Option<f64>,
    opened_per_minute: Option<f64>,
    closed_per_minute: Option<f64>,
    /// `reached`, `in` (`etaMs`), `stalled` or `unknown`.
    eta: &'static str,
    eta_ms: Option<u64>,
    /// For how long the longest has been on an old build, at least.
    longest_straggler_ms: Option<u64>,
}

impl Trend {
    fn of(pulse: &Pulse) -> Self {
        let people = pulse.rates.and_then(|rates| rates.people);
        let (eta, eta_ms) = match pulse.eta {
            Eta::Reached => ("reached", None),
            Eta::In(ms) => ("in", Some(ms)),
            Eta::Stalled { .. } => ("stalled", None),
            Eta::Unknown => ("unknown", None),
        };
        Self {
            moved_per_minute: pulse.per_minute(),
            opened_per_minute: people.map(|people| people.opened),
            closed_per_minute: people.map(|people| people.closed),
            eta,
            eta_ms,
            longest_straggler_ms: pulse.longest_ms(),
        }
    }
}

/// What both kinds of lines tell.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Common<'a> {
    at: String,
    site: &'a str,
    asked: Asked<'a>,
    /// The server's current build.
    current: Option<&'a str>,
    /// Visitors' connections by build, of the pages that are asked about. Null where there are no figures to trust.
    rollout: Option<Rollout>,
    /// What is counted: nothing else is known.
    counted: &'static str,
    waited_ms: u64,
    /// Null where it is not known, as of one page alone.
    trend: Option<Trend>,
    /// Null while it is not known.
    version_cookie: Option<bool>,
    /// The same for people.
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    schema: u32,
    r#type: &'static str,
    phase: &'static str,
    /// Why nothing is known.
    unknown: Option<&'static str>,
    /// For how long the share has been reached.
    held_ms: Option<u64>,
    #[serde(flatten)]
    common: Common<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided<'a> {
    schema: u32,
    r#type: &'static str,
    outcome: &'static str,
    /// The exit code.
    code: u8,
    /// The phase before the end, where the wait ended without the share.
    phase: Option<&'static str>,
    unknown: Option<&'static str>,
    superseded_by: Option<&'a str>,
    #[serde(flatten)]
    common: Common<'a>,
}

/// Where a wait stands.
pub(crate) fn state_line(moment: &Moment<'_>) -> Result<String, serde_json::Error> {
    let phase = &moment.standing.phase;
    let held_ms = match phase {
        Phase::Holding { since_ms } => Some(moment.now.monotonic_ms.saturating_sub(*since_ms)),
        _ => None,
    };
    text::json_line(&State {
        schema: SCHEMA,
        r#type: "wait",
        phase: phase_name(phase),
        unknown: unknown_name(phase),
        held_ms,
        common: common(moment, words::standing(moment)),
    })
}

/// How a wait has ended.
pub(crate) fn verdict_line(moment: &Moment<'_>, ending: Ending<'_>, code: u8) -> Result<String, serde_json::Error> {
    let before = match ending {
        Ending::Verdict(Verdict::NotMet(before) | Verdict::TimedOut(before)) => Some(&**before),
        Ending::Verdict(_) => None,
        Ending::Interrupted => Some(&moment.standing.phase),
    };
    let superseded_by = match ending {
        Ending::Verdict(Verdict::Superseded { by }) => Some(by.as_str()),
        _ => None,
    };
    text::json_line(&Decided {
        schema: SCHEMA,
        r#type: "verdict",
        outcome: ending.name(),
        code,
        phase: before.map(phase_name),
        unknown: before.and_then(unknown_name),
        superseded_by,
        common: common(moment, words::verdict(moment, ending)),
    })
}

fn common<'a>(moment: &Moment<'a>, message: String) -> Common<'a> {
    let terms = moment.terms;
    Common {
        at: iso(moment.now).unwrap_or_default(),
        site: moment.label,
        asked: Asked {
            percent: terms.percent.as_f64(),
            version: match &terms.wanted {
                Wanted::Current => "current",
                Wanted::Build(version) => version,
            },
            min_connections: terms.min_connections,
            stable_for_ms: terms.stable_for_ms,
            settle_ms: terms.settle_ms,
            timeout_ms: match terms.patience {
                Patience::Once => 0,
                Patience::Ms(ms) => ms,
            },
            route: terms.route.as_ref().map(|route| Route { pattern: route.text(), kind: route.kind() }),
        },
        current: moment.site.current.as_deref(),
        rollout: moment.rollout(),
        counted: "connected tabs",
        waited_ms: moment.now.since(moment.since),
        trend: moment.pulse.as_ref().map(Trend::of),
        version_cookie: moment.version_cookie,
        message,
    }
}
