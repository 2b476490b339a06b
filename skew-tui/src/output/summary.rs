//! The state as text for people, once.

use std::fmt::Write;

use skew_proto::{Counts, percent_label, text};

use crate::state::fleet::Member;
use crate::state::known::Known;
use crate::state::site::{Coverage, Link, unheard};

/// Characters of a route or version that are shown.
const NAME_CHARS: usize = 60;

/// Rows of each table, where no limit is asked for.
const ROWS: usize = 10;

/// Who is connected, on which build and which page. At most `top` rows of each table.
pub(crate) fn summary(known: &Known, label: &str, top: Option<usize>) -> String {
    let mut out = String::new();
    let site = known.site();
    let total = site.figures.total;
    let current = site.current.as_deref();
    let people = site.figures.users.as_ref().filter(|users| users.any());
    let people = people.map(|users| format!("{}, ", self::users(users.total))).unwrap_or_default();
    line(&mut out, &format!("{label}: {people}{}, {} watching", connections(total), site.figures.watching));
    match site.rollout() {
        Some(rollout) if total > 0 => line(
            &mut out,
            &format!(
                "{} on the current build {}, {} on older ones",
                percent_label(rollout.current, total),
                text::cut(&rollout.version, NAME_CHARS),
                rollout.outdated
            ),
        ),
        Some(rollout) => {
            line(
                &mut out,
                &format!("nobody is connected; the current build is {}", text::cut(&rollout.version, NAME_CHARS)),
            );
        }
        None => line(&mut out, "the current build is not known"),
    }
    if let Coverage::Partial { answering, of } = site.coverage {
        line(&mut out, &format!("partial: only {answering} of {of} targets answer"));
    }
    if let Some(missing) = &site.missing {
        line(
            &mut out,
            &format!("partial: not heard from {}; of them the figures are the last known", unheard(missing)),
        );
    }
    if known.fleet.members().len() > 1 {
        line(&mut out, "\ntargets");
        known.fleet.members().iter().for_each(|member| target(&mut out, member));
    }
    let rows = top.unwrap_or(ROWS);
    table(&mut out, "builds at last connect", &site.figures.versions, total, rows, |version| {
        if Some(version) == current { "  current" } else { "" }
    });
    table(&mut out, "routes", &site.figures.routes, total, rows, |_| "");
    if site.route_tracking_seems_off() {
        line(&mut out, "\neverybody is at /: route tracking seems to be off");
    }
    out.truncate(out.trim_end().len());
    out
}

fn target(out: &mut String, member: &Member) {
    let site = &member.site;
    let state = match &site.link {
        Link::Live if site.stats.is_some() => {
            let share = site.rollout().map(|rollout| percent_label(rollout.current, site.figures.total));
            let share = share.unwrap_or_else(|| "—".to_owned());
            let current = text::cut(site.current.as_deref().unwrap_or("unknown"), NAME_CHARS);
            format!("{:>8}  {share:>7}  {}  on {current}", site.figures.total, member.label)
        }
        Link::Reconnecting { reason, .. } | Link::Failed(reason) => {
            format!("{:>8}  {:>7}  {}: {reason}", "—", "—", member.label)
        }
        _ => format!("{:>8}  {:>7}  {}: no figures yet", "—", "—", member.label),
    };
    line(out, &state);
}

fn table(out: &mut String, title: &str, counts: &Counts, total: u64, rows: usize, mark: impl Fn(&str) -> &'static str) {
    if counts.is_empty() || rows == 0 {
        return;
    }
    let mut entries: Vec<_> = counts.iter().collect();
    entries.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    line(out, &format!("\n{title}"));
    for (name, count) in entries.iter().take(rows) {
        let share = percent_label(**count, total);
        line(out, &format!("{count:>8}  {share:>7}  {}{}", text::cut(name, NAME_CHARS), mark(name)));
    }
    if entries.len() > rows {
        line(out, &format!("          and {} more", entries.len() - rows));
    }
}

/// `1 connection`, `2 connections`.
pub(crate) fn connections(number: u64) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} connection{plural}")
}

/// `1 user`, `2 users`.
pub(crate) fn users(number: u64) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} user{plural}")
}

fn line(out: &mut String, text: &str) {
    // Writing to a String can't fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Happening;
    use crate::state::site::Watchers;
    use crate::{Now, SourceEvent, Transport};

    fn site(frames: &[&str]) -> Known {
        let mut known = Known::new(&[], Watchers::LeftOut);
        tell(&mut known, 0, frames);
        known
    }

    fn tell(known: &mut Known, from: usize, frames: &[&str]) {
        let events = frames.iter().map(|frame| SourceEvent::Frame((*frame).to_owned()));
        let events = std::iter::once(SourceEvent::Open(Transport::Sse)).chain(events);
        known.observe(events.map(|event| Happening { from, event, at: Now::default() }));
    }

    #[test]
    fn several_targets_are_listed_and_a_missing_one_makes_it_partial() {
        let stats = |id: &str| {
            format!(
                r#"{{"type":"stats","total":1,"versions":{{"b2":1}},"routes":{{"/":1}},"connections":[{{"id":"{id}","version":"b2","route":"/"}}]}}"#
            )
        };
        let mut known = Known::new(&["a".to_owned(), "b".to_owned()], Watchers::LeftOut);
        tell(&mut known, 0, &[CONNECTED, &stats("x")]);
        let reason = "connection refused".to_owned();
        let event = SourceEvent::Lost { reason, retry_ms: 500 };
        known.observe([Happening { from: 1, event, at: Now::default() }]);
        let text = summary(&known, "x.test", None);
        assert!(text.contains("partial: only 1 of 2 targets answer"), "{text}");
        assert!(text.contains("       1    100 %  a  on b2") && text.contains("b: connection refused"), "{text}");
        tell(&mut known, 1, &[CONNECTED, &stats("y")]);
        let text = summary(&known, "x.test", None);
        assert!(text.starts_with("x.test: 2 connections") && !text.contains("partial"), "{text}");
    }

    const CONNECTED: &str = r#"{"type":"connected","version":"b2","connectionId":"c"}"#;

    #[test]
    fn a_summary_is_short_and_harmless() {
        let stats = r#"{"type":"stats","total":4,"versions":{"b2":3,"b1":1},"routes":{"/__skew/tui":1,"/a\u001b[2J":3},
            "yourId":"me","connections":[{"id":"me","version":"b2","route":"/__skew/tui"}]}"#;
        let text = summary(&site(&[CONNECTED, stats]), "x.test", None);
        assert_eq!(
            text,
            "x.test: 3 connections, 1 watching\n66 % on the current build b2, 1 on older ones\n\n\
             builds at last connect\n       2     66 %  b2  current\n       1     33 %  b1\n\n\
             routes\n       3    100 %  /a\u{fffd}[2J"
        );
    }

    #[test]
    fn nobody_connected_has_no_share() {
        let stats = r#"{"type":"stats","total":0,"versions":{},"routes":{},"connections":[]}"#;
        let text = summary(&site(&[CONNECTED, stats]), "x.test", Some(3));
        assert_eq!(text, "x.test: 0 connections, 0 watching\nnobody is connected; the current build is b2");
    }

    #[test]
    fn a_table_is_cut_and_says_so() {
        let stats =
            r#"{"type":"stats","total":3,"versions":{"b2":3},"routes":{"/a":1,"/b":1,"/c":1},"connections":[]}"#;
        assert!(summary(&site(&[CONNECTED, stats]), "x", Some(2)).contains("and 1 more"));
    }
}
