//! Whether stats are shown, by how many processes, and what they tell of the settings.

use crate::Transport;
use crate::doctor::evidence::{Evidence, Subscription};
use crate::doctor::finding::{Finding, Id};
use crate::output::unix_iso;
use crate::state::site::unheard;

use super::open;

/// Starts that lie this far apart are those of two processes, in milliseconds: an uptime is told in whole seconds.
const ONE_START_MS: i64 = 3_000;

pub(super) fn findings(evidence: &Evidence) -> Vec<Finding> {
    let processes = several_processes(evidence);
    let first = evidence.subscriptions.first();
    let mut findings: Vec<_> =
        first.map(|first| subscription(evidence, first, processes.is_some())).into_iter().collect();
    findings.extend(processes);
    findings.extend(silent_instances(evidence));
    findings.extend(figures(evidence));
    findings
}

fn subscription(evidence: &Evidence, first: &Subscription, several: bool) -> Finding {
    let transport = open(evidence).map(|(_, transport, _)| transport);
    let hook = "the hook skew:authorize-stats";
    match first {
        Subscription::Shown if evidence.figures.as_ref().is_some_and(|figures| figures.by_changes) => {
            Finding::ok(Id::Stats, "stats are shown", "to these credentials, as changes")
        }
        Subscription::Shown => Finding::ok(Id::Stats, "stats are shown", "to these credentials"),
        Subscription::Refused if !evidence.asked.credentials => {
            Finding::note(Id::NoCredentials, "stats are not shown to strangers", "and no credentials were given")
                .remedy("set SKEW_TOKEN or SKEW_COOKIE, or pass --token-file or --cookie-file, to see more")
        }
        Subscription::Refused => {
            Finding::problem(Id::StatsRefused, "stats are refused", "the server does not authorize these credentials")
                .remedy(
                    "check the token or cookie, and that it has not expired; a Nuxt app decides in its own hook \
                     skew:authorize-stats, skew-server by its secrets",
                )
        }
        Subscription::Status(404 | 405, said) => tracking_off(said),
        Subscription::Status(401 | 403, said) => {
            Finding::problem(Id::StatsRefused, "asking for stats is refused", said)
                .remedy("check the credentials; what guards the site may want some of its own, by --header-file")
        }
        Subscription::Status(500.., said) => {
            Finding::problem(Id::HookThrows, "asking for stats fails in the app", said)
                .remedy(format!("see the app's log: {hook} has probably thrown; let it catch what it calls"))
        }
        Subscription::Status(_, said) => Finding::problem(Id::SubscriptionFailed, "asking for stats fails", said)
            .remedy("let the proxy in front pass POST requests with a body to this path"),
        Subscription::Unanswered => {
            let seen = "the request was not answered in time";
            Finding::problem(Id::HookThrows, "asking for stats never ends", seen)
                .remedy(format!("{hook} of the app waits for something that does not come; give it a time-out"))
        }
        Subscription::Failed(cause) => Finding::problem(Id::SubscriptionFailed, "asking for stats fails", cause)
            .remedy("see the log of the server and of the proxy in front of it"),
        Subscription::Silent => silent(evidence, transport, several),
    }
}

/// What it means that the question was taken and nothing came.
fn silent(evidence: &Evidence, transport: Option<Transport>, several: bool) -> Finding {
    let settings = evidence.page.as_ref().ok().and_then(|page| page.settings.as_ref());
    let tracking = settings.and_then(|settings| settings.connection_tracking);
    let tries = evidence.subscriptions.len();
    let hook = "let the hook skew:authorize-stats use no more than `event.headers` and catch what it calls";
    if transport == Some(Transport::Ws) {
        // On a WebSocket the question goes the way of the stream: no other process can have got it.
        if tracking == Some(false) || (tracking.is_none() && evidence.stats_endpoint == Some(false)) {
            return tracking_off("nothing answers on the WebSocket, and there is no stats endpoint");
        }
        let seen = format!(
            "{tries} of {tries} questions were not answered; on a WebSocket no other process can have got them"
        );
        return Finding::problem(Id::HookThrows, "the app's hook never answers", seen)
            .remedy(format!("{hook}: getUserSession(event) throws on a WebSocket, where its event has only headers"));
    }
    let answered = evidence.subscriptions.iter().filter(|answer| **answer != Subscription::Silent).count();
    if answered > 0 || several {
        let seen = format!(
            "{answered} of {tries} questions were answered: the others reached another process than their stream"
        );
        return Finding::problem(Id::SubscriptionSilent, "the question for stats does not always arrive", seen)
            .remedy("turn on sticky sessions (by address or cookie) in the load balancer, or use updateStrategy 'ws'");
    }
    let seen = format!("{tries} of {tries} questions were answered ok, and no stats came");
    Finding::problem(Id::SubscriptionSilent, "the question for stats is taken and not answered", seen)
        .remedy(format!("with several processes, turn on sticky sessions in the load balancer; with one, {hook}"))
}

fn tracking_off(said: &str) -> Finding {
    Finding::problem(Id::TrackingOff, "connections are not tracked", said)
        .remedy("set skewProtection: { connectionTracking: true, routeTracking: true } in nuxt.config and build anew")
}

/// Whether answers differ as they do where several processes give them.
fn several_processes(evidence: &Evidence) -> Option<Finding> {
    let starts = evidence.health.iter().map(|health| health.started_ms);
    let (first, last) = (starts.clone().min()?, starts.max()?);
    let mut builds: Vec<_> = evidence.health.iter().map(|health| health.version.as_str()).collect();
    builds.sort_unstable();
    builds.dedup();
    let apart = last.saturating_sub(first);
    let seen = match builds[..] {
        [_] if apart <= ONE_START_MS => return None,
        [_] => format!("/health tells of starts that lie {} s apart", apart / 1_000),
        _ => format!("/health tells of the builds {}", builds.join(", ")),
    };
    Some(Finding::warning(Id::SeveralProcesses, "several processes answer for the site", seen).remedy(
        "a stock app's figures are those of one process: name each by --target, or the ones behind a name by --resolve",
    ))
}

/// Whether the server is several and does not hear from all of itself.
fn silent_instances(evidence: &Evidence) -> Option<Finding> {
    let missing = evidence.figures.as_ref()?.missing.as_ref()?;
    let since = unix_iso(missing.since).map(|since| format!(" since {since}")).unwrap_or_default();
    let seen = format!("it has not heard from {}{since}; of these the figures are the last known", unheard(missing));
    Some(Finding::warning(Id::InstancesSilent, "the server does not hear from all of its instances", seen).remedy(
        "see that these instances run and reach Redis, and that this one does (metrics and log of each); figures are whole by \
         themselves some seconds later",
    ))
}

fn figures(evidence: &Evidence) -> Option<Finding> {
    let figures = evidence.figures.as_ref()?;
    let settings = evidence.page.as_ref().ok().and_then(|page| page.settings.as_ref());
    let stock = open(evidence).is_some_and(|(.., greeting)| greeting.server.is_none());
    let off = stock && settings.and_then(|settings| settings.route_tracking) == Some(false);
    let remedy = "set routeTracking: true next to connectionTracking in nuxt.config, or start skew-server with \
                  --route-tracking; a site of one page may well have everybody at /";
    Some(match figures.visitors {
        _ if off => Finding::warning(Id::RouteTrackingOff, "routes are not tracked", "the page's settings say so")
            .remedy(remedy),
        0 => Finding::note(Id::NobodyConnected, "nobody is connected", "whether routes are tracked does not show")
            .remedy("open a page of the site in a browser (not a headless one: bots don't connect) and ask again"),
        visitors if figures.all_at_root => {
            let seen = format!("all of {visitors} are at /");
            Finding::warning(Id::RouteTrackingOff, "everybody is at /", seen).remedy(remedy)
        }
        visitors => Finding::ok(Id::Routes, "routes are known", format!("of {visitors} connected")),
    })
}
