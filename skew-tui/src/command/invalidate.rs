//! `invalidate URL ROUTE`: whom it reaches, the question, and the server's answer.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use skew_proto::{InvalidateAnswer, MatchKind, RoutePattern, text, wire};
use tokio::time::timeout;

use super::origin::Origin;
use super::stop::Stop;
use super::watch::Watch;
use crate::cli::Options;
use crate::invalidate::{InvalidateError, Mode, ServerKind, invalidate};
use crate::output::{Sink, Voice, connections, iso};
use crate::state::invalidation::{Invalidation, Preview, Reach};
use crate::state::site::{Link, Watchers};
use crate::target::Target;

/// How long the stream is looked at to learn who is there. A site that never answers is invalidated without a number.
const LOOK: Duration = Duration::from_secs(5);

/// Routes that are shown before the question.
const SHOWN_ROUTES: usize = 20;

/// Characters of a route that are shown.
const ROUTE_CHARS: usize = 80;

/// What was asked for.
pub(super) struct Request<'a> {
    pub(super) route: &'a str,
    pub(super) kind: MatchKind,
    pub(super) dry_run: bool,
    pub(super) yes: bool,
}

/// Who is reached, as far as it is known.
#[derive(Debug, Default, Clone)]
struct Expected {
    people: u64,
    watchers: u64,
    routes: Vec<(String, u64)>,
}

/// Shows whom it reaches, asks, does it, and prints the answer.
pub(super) async fn run(
    target: Arc<Target>,
    request: &Request<'_>,
    options: &Options,
    voice: Voice,
) -> Result<(), Stop> {
    let pattern = check(request, options)?;
    let (server, preview) = look(&target, pattern.clone()).await?;
    let invalidation = Invalidation { pattern: pattern.text().to_owned(), kind: request.kind };
    let (expected, count) = match server {
        ServerKind::Skew => {
            let count = invalidate(&target, &invalidation, Mode::DryRun, server).await?;
            (Some(counted(&count)), Some(count))
        }
        ServerKind::Stock if request.kind != MatchKind::Prefix => {
            return Err(InvalidateError::PrefixOnly(request.kind).into());
        }
        ServerKind::Stock => {
            let seen = |reach: Reach| Expected { people: reach.people, watchers: reach.watchers, routes: reach.routes };
            (preview.reach.map(seen), None)
        }
    };

    if request.dry_run {
        let expected = expected.ok_or_else(|| {
            Stop::Unauthorized("whom it would reach is not known: the site did not show its stats".to_owned())
        })?;
        return print(&Outcome::of(&pattern, server, Some(&expected), count.as_ref(), true), options).await;
    }
    voice.notice(&describe(&pattern, expected.as_ref()));
    if !request.yes {
        confirm(&pattern).await?;
    }
    let answer = invalidate(&target, &invalidation, Mode::Send, server).await?;
    print(&Outcome::of(&pattern, server, expected.as_ref(), Some(&answer), false), options).await
}

/// What can be refused before anything is asked of the site.
fn check(request: &Request<'_>, options: &Options) -> Result<RoutePattern, Stop> {
    let pattern = RoutePattern::new(request.kind, request.route).map_err(|error| Stop::Usage(error.to_string()))?;
    if options.readonly && !request.dry_run {
        return Err(Stop::Usage("--readonly allows no invalidation; --dry-run shows whom it would reach".to_owned()));
    }
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !request.yes && !request.dry_run && !can_ask {
        return Err(Stop::Usage(
            "there is no terminal to confirm on; pass --yes, or --dry-run to only look".to_owned(),
        ));
    }
    Ok(pattern)
}

/// Learns who the server is and who is connected, as far as it tells.
async fn look(target: &Arc<Target>, pattern: RoutePattern) -> Result<(ServerKind, Preview), Stop> {
    let mut watch = Watch::start(&Origin::Live(Arc::clone(target).into()), Watchers::LeftOut, None)?;
    let known = async {
        loop {
            watch.next().await?;
            match &watch.site().link {
                Link::Failed(reason) | Link::Reconnecting { reason, .. } => return Err(Stop::Failed(reason.clone())),
                Link::Connecting | Link::Live | Link::Stale => {}
            }
            // `authorized` is answered after `connected`, which names the server.
            if watch.site().authorized().is_some() {
                return Ok(());
            }
        }
    };
    timeout(LOOK, known).await.unwrap_or(Ok(()))?;
    Ok((ServerKind::of(watch.site()), Preview::of(pattern, watch.site())))
}

/// What the server counted, by the dashboard's rule: a `skew-tui` has no page to refresh and is no visitor.
fn counted(answer: &InvalidateAnswer) -> Expected {
    let mut routes = answer.routes.clone().unwrap_or_default();
    let watchers = routes.remove(wire::TUI_ROUTE).unwrap_or_default();
    let mut routes: Vec<_> = routes.into_iter().collect();
    routes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Expected { people: answer.matched.unwrap_or_default().saturating_sub(watchers), watchers, routes }
}

fn describe(pattern: &RoutePattern, expected: Option<&Expected>) -> String {
    let what = format!("{} ({})", text::cut(pattern.text(), ROUTE_CHARS), pattern.kind());
    let Some(expected) = expected else {
        return format!("{what}: whom it reaches is not known, since the site did not show its stats");
    };
    if expected.routes.is_empty() {
        return format!("{what} reaches nobody now");
    }
    let mut lines = vec![format!("{what} reaches {}:", connections(expected.people))];
    let shown = expected.routes.iter().take(SHOWN_ROUTES);
    lines.extend(shown.map(|(route, count)| format!("{count:>8}  {}", text::cut(route, ROUTE_CHARS))));
    let more = expected.routes.len().saturating_sub(SHOWN_ROUTES);
    if more > 0 {
        lines.push(format!("          and {more} more routes"));
    }
    lines.join("\n")
}

/// Asks on the terminal. What reaches everybody has to be typed.
async fn confirm(pattern: &RoutePattern) -> Result<(), Stop> {
    let everybody = pattern.is_everybody();
    let question = if everybody {
        format!("This reaches everybody. Type {} to go on: ", text::cut(pattern.text(), ROUTE_CHARS))
    } else {
        "Send them a refresh? [y/N] ".to_owned()
    };
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = read.await.map_err(|error| Stop::Failed(error.to_string()))?;
    let answer = answer.map_err(|error| Stop::Failed(format!("the answer can't be read: {error}")))?;
    let answer = answer.trim_end_matches(['\r', '\n']);
    let agreed = if everybody { answer == pattern.text() } else { matches!(answer.trim(), "y" | "Y" | "yes") };
    if agreed { Ok(()) } else { Err(Stop::Failed("not confirmed; nothing was sent".to_owned())) }
}

/// What came of it, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    schema: u32,
    r#type: &'static str,
    at: Option<String>,
    route: &'a str,
    r#match: &'static str,
    dry_run: bool,
    server: &'static str,
    /// Connections that the server says it reached, or would. Null where it does not say.
    matched: Option<u64>,
    /// Visitors' connections that were seen to match before. Null where stats were not shown.
    expected: Option<u64>,
    /// `skew-tui`s that match too.
    expected_watchers: Option<u64>,
    routes: Option<BTreeMap<&'a str, u64>>,
}

impl<'a> Outcome<'a> {
    fn of(
        pattern: &'a RoutePattern,
        server: ServerKind,
        expected: Option<&'a Expected>,
        answer: Option<&'a InvalidateAnswer>,
        dry_run: bool,
    ) -> Self {
        let routes = expected.map(|expected| expected.routes.iter().map(|(route, count)| (route.as_str(), *count)));
        Self {
            schema: 1,
            r#type: "invalidation",
            at: iso(crate::clock::Clock::start().now()),
            route: pattern.text(),
            r#match: pattern.kind().as_str(),
            dry_run,
            server: match server {
                ServerKind::Stock => "stock",
                ServerKind::Skew => "skew-server",
            },
            matched: answer.and_then(|answer| answer.matched),
            expected: expected.map(|expected| expected.people),
            expected_watchers: expected.map(|expected| expected.watchers),
            routes: routes.map(Iterator::collect),
        }
    }

    fn text(&self) -> String {
        let what = format!("{} ({})", text::cut(self.route, ROUTE_CHARS), self.r#match);
        match (self.dry_run, self.matched, self.expected) {
            (true, _, expected) => format!("{what} would reach {}", connections(expected.unwrap_or_default())),
            (false, Some(matched), _) => format!("{what} sent to {}", connections(matched)),
            (false, None, Some(expected)) => {
                format!("{what} sent; the server does not say to how many ({expected} were there before)")
            }
            (false, None, None) => format!("{what} sent; the server does not say to how many"),
        }
    }
}

async fn print(outcome: &Outcome<'_>, options: &Options) -> Result<(), Stop> {
    let mut sink = Sink::new();
    if options.json {
        let line = text::json_line(outcome).map_err(|error| Stop::Failed(error.to_string()))?;
        return Ok(sink.line(&line).await?);
    }
    if outcome.dry_run {
        for (route, count) in outcome.routes.iter().flatten() {
            sink.line(&format!("{count:>8}  {}", text::cut(route, ROUTE_CHARS))).await?;
        }
    }
    Ok(sink.line(&outcome.text()).await?)
}

impl From<InvalidateError> for Stop {
    fn from(error: InvalidateError) -> Self {
        let message = error.to_string();
        match error {
            InvalidateError::Pattern(_) | InvalidateError::PrefixOnly(_) | InvalidateError::NoDryRun => {
                Self::Usage(message)
            }
            InvalidateError::NoSecret | InvalidateError::Unauthorized(_) => Self::Unauthorized(message),
            InvalidateError::NoEndpoint(_) | InvalidateError::Rejected(_) | InvalidateError::Unknown(_) => {
                Self::Failed(message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_that_the_server_counts_is_no_visitor() {
        let answer: InvalidateAnswer =
            serde_json::from_str(r#"{"ok":true,"route":"/","matched":4,"routes":{"/__skew/tui":1,"/":1,"/shop":2}}"#)
                .unwrap();
        let expected = counted(&answer);
        assert_eq!((expected.people, expected.watchers), (3, 1));
        assert_eq!(expected.routes, [("/shop".to_owned(), 2), ("/".to_owned(), 1)]);
        let pattern = RoutePattern::new(MatchKind::Prefix, "/").unwrap();
        assert!(describe(&pattern, Some(&expected)).starts_with("/ (prefix) reaches 3 connections:"));
        let nobody = Expected { people: 0, watchers: 1, routes: Vec::new() };
        assert_eq!(describe(&pattern, Some(&nobody)), "/ (prefix) reaches nobody now");
    }
}
