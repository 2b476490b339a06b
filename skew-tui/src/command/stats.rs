//! `stats URL`: one answer.

use std::time::Duration;

use tokio::time::timeout;

use super::origin::Origin;
use super::stop::Stop;
use super::watch::{Watch, hopeless};
use super::watchers;
use crate::cli::Options;
use crate::output::{ReportOptions, Sink, report, report_line, summary};
use crate::state::site::{Authorization, Link, Site};

/// Longest wait for the site's release list once stats are there: it is asked for at the same time, and not every site has
/// one.
const RELEASES: Duration = Duration::from_millis(1_500);

/// Longest wait for the list of all connections of a server that is several.
const LIST: Duration = Duration::from_millis(1_500);

/// Waits for stats, prints them once and is done. Of a recording it is those of its end.
pub(super) async fn run(origin: &Origin, options: &Options) -> Result<(), Stop> {
    let label = origin.label();
    let mut watch = Watch::start(origin, watchers(options), None)?;
    let (answer, end) = match origin {
        Origin::Live(_) => (live(&mut watch, options).await, Stop::Over),
        Origin::Recorded { .. } => recorded(&mut watch).await,
    };
    let text = match (&answer, options.json) {
        (Ok(()), false) => Some(summary(&watch.known, &label, options.top)),
        // What is known is said even where stats are refused.
        (Ok(()) | Err(Stop::Unauthorized(_)), true) => {
            let options = ReportOptions { without_connections: options.no_connections, top: options.top };
            let report = report(&watch.known, &label, options)
                .map_err(|error| Stop::Failed(format!("the state can't be printed: {error}")))?;
            Some(report_line(&report, watch.now()))
        }
        (Err(_), _) => None,
    };
    if let Some(text) = text {
        Sink::new().line(&text).await?;
    }
    match end {
        // What was known up to there has been said.
        Stop::Failed(damage) => Err(Stop::Failed(damage)),
        _ => answer,
    }
}

async fn live(watch: &mut Watch, options: &Options) -> Result<(), Stop> {
    let answer = timeout(options.answer_within(), until_answered(watch)).await;
    let answer = answer.unwrap_or_else(|_| match watch.site().stats {
        Some(_) => Ok(()),
        None => Err(Stop::Failed(silence(watch))),
    });
    // Of other instances the server has the list a moment after the figures, and who of it only watches is known by it alone.
    if answer.is_ok() && !watch.site().instances.is_empty() {
        let _ = timeout(LIST, until_listed(watch)).await;
    }
    // Only the JSON tells when the current build was released, and skew-server says that itself.
    if answer.is_ok() && options.json && watch.site().server.is_none() && released_at(watch).is_none() {
        let _ = timeout(RELEASES, watch.until_releases()).await;
    }
    answer
}

/// What is known at the end of a recording, and how that end is.
async fn recorded(watch: &mut Watch) -> (Result<(), Stop>, Stop) {
    let end = loop {
        if let Err(end) = watch.next().await {
            break end;
        }
    };
    let nothing = || Stop::Failed("there are no stats in this recording".to_owned());
    let answer = if watch.site().stats.is_some() { Ok(()) } else { Err(watch.hopeless().unwrap_or_else(nothing)) };
    (answer, end)
}

/// Waits until every target has shown its stats or is known not to.
async fn until_answered(watch: &mut Watch) -> Result<(), Stop> {
    loop {
        watch.next().await?;
        let mut sites = watch.known.fleet.members().iter().map(|member| &member.site);
        if sites.clone().any(is_open) {
            continue;
        }
        // Of several targets those that answered are worth printing.
        if watch.site().stats.is_some() {
            return Ok(());
        }
        if let Some(stop) = sites.find_map(no_stats) {
            return Err(stop);
        }
    }
}

/// Waits until the list holds everybody who is counted.
async fn until_listed(watch: &mut Watch) {
    let listed = |site: &Site| site.stats.as_ref().is_none_or(|stats| stats.connections.len() as u64 >= stats.total);
    while !listed(watch.site()) && watch.next().await.is_ok() {}
}

fn no_stats(site: &Site) -> Option<Stop> {
    match &site.link {
        Link::Reconnecting { reason, .. } => Some(Stop::Failed(reason.clone())),
        _ => hopeless(site),
    }
}

/// Whether a target may still answer.
fn is_open(site: &Site) -> bool {
    let lost = matches!(site.link, Link::Failed(_) | Link::Reconnecting { .. });
    site.stats.is_none() && site.authorized() != Some(false) && !lost
}

/// When the current build was released, where that is known.
fn released_at(watch: &Watch) -> Option<u64> {
    watch.site().released_at(watch.site().current.as_deref()?)
}

/// What it means that nothing came in time.
fn silence(watch: &Watch) -> String {
    match watch.site().authorization {
        Authorization::Pending { asked_at_ms: Some(_) } => {
            "stats were asked for and never answered: the hook skew:authorize-stats may have thrown (on a WebSocket its \
             event has only headers), or the request reached another process of the site"
                .to_owned()
        }
        _ => "no answer in time; check the URL, or give more time with --timeout".to_owned(),
    }
}
