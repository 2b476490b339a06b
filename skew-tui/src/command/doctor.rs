//! `doctor URL`: why there are no figures, or wrong ones.

use std::sync::Arc;

use super::stop::Stop;
use crate::cli::Options;
use crate::doctor::{Finding, Severity, examine};
use crate::output::{Sink, diagnosis, diagnosis_line};
use crate::target::Targets;

/// Examines one target after the other and prints what was found.
pub(super) async fn run(targets: &Targets, options: &Options) -> Result<(), Stop> {
    let mut sink = Sink::new();
    let mut worst = None;
    for (target, label) in targets.iter().zip(targets.labels()) {
        let findings = examine(Arc::clone(target), options.answer_within()).await;
        let text = if options.json {
            diagnosis_line(&label, &findings)
                .map_err(|error| Stop::Failed(format!("the findings can't be printed: {error}")))?
        } else {
            diagnosis(&label, &findings)
        };
        sink.line(&text).await?;
        // What has other problems is not set right by better credentials.
        worst = match (worst, stop(&label, &findings)) {
            (Some(Stop::Failed(first)), _) => Some(Stop::Failed(first)),
            (first, None) => first,
            (_, stop) => stop,
        };
    }
    worst.map_or(Ok(()), Err)
}

/// How the program ends for what was found.
fn stop(label: &str, findings: &[Finding]) -> Option<Stop> {
    let problems: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Problem).collect();
    let first = problems.first()?;
    let all = problems.iter().map(|problem| problem.id.name()).collect::<Vec<_>>().join(", ");
    let message = format!("{label}: {all}; the first thing to do: {}", first.remedy.as_deref().unwrap_or(&first.title));
    let authorization = problems.iter().all(|problem| problem.id.is_authorization());
    Some(if authorization { Stop::Unauthorized(message) } else { Stop::Failed(message) })
}
