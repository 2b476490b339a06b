//! From what was seen to what it means: pure, so that every finding can be shown without a site that has it.

mod endpoints;
mod invalidation;
mod marks;
mod reach;
mod stats;

use super::evidence::{Base, Evidence, Greeting, Opening};
use super::finding::{Finding, Id};
use crate::Transport;

/// Everything that can be said of a site, in the order in which it was looked at.
#[must_use]
pub fn diagnose(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = reach::findings(evidence);
    let mut unseen = Vec::new();
    if evidence.bases.is_empty() {
        unseen.push("everything behind that");
    } else {
        findings.extend(endpoints::findings(evidence));
        findings.extend(stats::findings(evidence));
        findings.extend(marks::findings(evidence));
        findings.extend(invalidation::findings(evidence));
        if evidence.figures.is_none() {
            unseen.push("whether routes are tracked and who is connected (it needs stats)");
        }
        if open(evidence).is_none() {
            unseen.push("whether stats are shown and invalidations taken (it needs a stream)");
        }
    }
    if !unseen.is_empty() {
        let remedy = "set right what is said above, and ask again";
        let finding = Finding::note(Id::NotChecked, "not everything could be looked at", unseen.join("; "));
        findings.push(finding.remedy(remedy));
    }
    findings
}

/// The base path that has something of a stream, and how far that came.
fn stream(evidence: &Evidence) -> Option<(&Base, Transport, &Opening)> {
    evidence.bases.iter().find_map(|base| base.stream().map(|(transport, opening)| (base, transport, opening)))
}

/// The stream, where one is open.
fn open(evidence: &Evidence) -> Option<(&Base, Transport, &Greeting)> {
    match stream(evidence)? {
        (base, transport, Opening::Open(greeting)) => Some((base, transport, greeting)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
