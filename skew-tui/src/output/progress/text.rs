//! A wait in words.

use skew_proto::{percent_label, text};

use crate::output::iso;
use crate::state::trend::Eta;
use crate::wait::{Patience, Phase, Share, Unknown, Unusable, Verdict, Wanted};

use super::{Ending, Moment};

/// Characters of a build or a pattern that are shown.
const NAME_CHARS: usize = 60;

/// Only what is connected is counted, and a verdict must not be read as more.
const SCOPE: &str = "this speaks of connected tabs only: one that sleeps or is offline is not counted";

/// Where a wait stands, for the line that is redrawn in place.
pub(crate) fn inline(moment: &Moment<'_>) -> String {
    format!("{}  {}  {}", moment.label, standing(moment), span(moment.now.since(moment.since)))
}

/// Where a wait stands, for a line of a log.
pub(crate) fn line(moment: &Moment<'_>) -> String {
    format!("{} {}: {}", iso(moment.now).unwrap_or_default(), moment.label, standing(moment))
}

/// How a wait has ended.
pub(crate) fn verdict(moment: &Moment<'_>, ending: Ending<'_>) -> String {
    let waited = span(moment.now.since(moment.since));
    match ending {
        Ending::Verdict(Verdict::Met) => {
            let held = match (moment.terms.patience, moment.terms.stable_for_ms) {
                (Patience::Once, _) | (_, 0) => String::new(),
                (Patience::Ms(_), ms) => format!(" and was for {}", span(ms)),
            };
            format!("met after {waited}: {}{held}; {SCOPE}", tally(moment))
        }
        Ending::Verdict(Verdict::NotMet(before)) => format!("not met: {}; {SCOPE}", phase(moment, before)),
        Ending::Verdict(Verdict::TimedOut(before)) => format!("timed out after {waited}: {}", phase(moment, before)),
        Ending::Verdict(Verdict::Superseded { by }) => {
            format!("superseded after {waited}: {} has taken the place of {}", name(by), wanted(moment))
        }
        Ending::Verdict(Verdict::Unauthorized(reason) | Verdict::Failed(reason)) => reason.clone(),
        Ending::Interrupted => format!("interrupted after {waited}: {}", standing(moment)),
    }
}

/// Where a wait stands.
pub(super) fn standing(moment: &Moment<'_>) -> String {
    phase(moment, &moment.standing.phase)
}

fn phase(moment: &Moment<'_>, phase: &Phase) -> String {
    match phase {
        Phase::Unknown(unknown) => format!("unknown: {}", why(moment, unknown)),
        Phase::NotCurrent { current } => {
            format!("waiting for {} to become current; {} is", wanted(moment), name(current))
        }
        Phase::Rolling => format!("{}{}", tally(moment), pulse(moment)),
        Phase::Holding { .. } => {
            format!("{}, and has to stay for {}", tally(moment), span(moment.terms.stable_for_ms))
        }
        Phase::Over(verdict) => self::verdict(moment, Ending::Verdict(verdict)),
    }
}

/// Why nothing is known, and what becomes of it.
fn why(moment: &Moment<'_>, unknown: &Unknown) -> String {
    match unknown {
        Unknown::Connecting => "connecting".to_owned(),
        Unknown::Disconnected(reason) => format!("no connection ({reason}); trying again"),
        Unknown::Stale => "nothing has come for too long; connecting anew".to_owned(),
        Unknown::Missing(reason) => format!("{reason}; trying again, as a deploy may be going on"),
        Unknown::Pending => "stats were asked for and are not answered yet".to_owned(),
        Unknown::Refused(reason) => format!("{reason}; trying again"),
        Unknown::NoBuild => "the server has not said which build is current".to_owned(),
        Unknown::Disputed(one, other) => {
            format!("targets don't agree whether {} or {} is current; --version pins one", name(one), name(other))
        }
        Unknown::Instances(names) => format!("the server has not heard from {names}, so its figures are not of now"),
        Unknown::Partial { answering, of } => {
            format!("only {answering} of {of} targets answer; trying the others again")
        }
        Unknown::Unusable(Unusable::Contradictory) => {
            "the server's total is another than the sum of its builds".to_owned()
        }
        Unknown::Unusable(Unusable::ListIncomplete) => {
            "the server does not list everybody, so nobody knows who is on which page; leave --route out".to_owned()
        }
        Unknown::Unusable(Unusable::RoutesUntracked) => {
            "everybody is at /, as where route tracking is off; turn it on, or leave --route out".to_owned()
        }
        Unknown::Settling(settling) => {
            let left = span(settling.until_ms.saturating_sub(moment.now.monotonic_ms));
            let back = tally(moment);
            match settling.seen {
                Some(seen) => format!(
                    "of {seen} tabs before a restart or mass disconnect, half are not back yet; {left} left ({back})"
                ),
                None => {
                    format!("the server has just started, and tabs take their time to come back; {left} left ({back})")
                }
            }
        }
        Unknown::TooFew { connected: 0, .. } => {
            format!("nobody is connected{}; --min-connections 0 would let that pass", place(moment))
        }
        Unknown::TooFew { connected, needed } => {
            format!("only {connected} of at least {needed} tabs are connected{}", place(moment))
        }
    }
}

/// `97 % on b2: 32 of 33 connected tabs`.
fn tally(moment: &Moment<'_>) -> String {
    let Some(Share { version, current, total }) = &moment.standing.share else { return "nothing is known".to_owned() };
    if *total == 0 {
        return format!("nobody is connected{}; {} is current", place(moment), name(version));
    }
    let share = percent_label(*current, *total);
    let plural = if *total == 1 { "" } else { "s" };
    format!("{share} on {}: {current} of {total} connected tab{plural}{}", name(version), place(moment))
}

/// ` · 42 moved/min · there in 11 min · 3 on older builds, for 14 min and more`
fn pulse(moment: &Moment<'_>) -> String {
    let Some(pulse) = &moment.pulse else { return String::new() };
    let mut text = String::new();
    if let Some(per_minute) = pulse.per_minute() {
        text.push_str(&format!(" · {per_minute:.0} moved/min"));
    }
    match pulse.eta {
        Eta::In(ms) => text.push_str(&format!(" · there in {}", span(ms))),
        Eta::Stalled { for_ms } => text.push_str(&format!(" · stalled for {}", span(for_ms))),
        Eta::Reached | Eta::Unknown => {}
    }
    if let (Some(share), Some(ms)) = (&moment.standing.share, pulse.longest_ms()) {
        text.push_str(&format!(" · {} on older builds, for {} and more", share.total - share.current, span(ms)));
    }
    text
}

/// ` at /checkout`, where one page is asked about.
fn place(moment: &Moment<'_>) -> String {
    moment
        .terms
        .route
        .as_ref()
        .map(|route| format!(" at {} ({})", name(route.text()), route.kind()))
        .unwrap_or_default()
}

fn wanted(moment: &Moment<'_>) -> String {
    match &moment.terms.wanted {
        Wanted::Current => "the current build".to_owned(),
        Wanted::Build(version) => name(version),
    }
}

fn name(text: &str) -> String {
    text::cut(text, NAME_CHARS)
}

/// A time for people: `450 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`.
fn span(ms: u64) -> String {
    let (minutes, seconds) = (ms / 60_000, ms / 1_000 % 60);
    match (minutes, seconds) {
        (0, 0) if ms > 0 => format!("{ms} ms"),
        (0, seconds) => format!("{seconds} s"),
        (1..60, 0) => format!("{minutes} min"),
        (1..60, seconds) => format!("{minutes} min {seconds} s"),
        (minutes, _) => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}
