//! What came of an invalidation, as it is printed.

use std::collections::BTreeMap;

use serde::Serialize;
use skew_proto::{InvalidateAnswer, text};

use super::super::stop::Stop;
use super::ROUTE_CHARS;
use super::expected::{Expected, named};
use crate::cli::Options;
use crate::invalidate::{Mode, ServerKind};
use crate::output::{Sink, connections, iso};
use crate::state::follow::{Follow, Followed, REMEDY, Tab};
use crate::state::invalidation::Whom;

/// Connections that are listed for people.
const SHOWN_TABS: usize = 20;

/// Connections that are listed in JSON.
const LISTED_TABS: usize = 1_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome<'a> {
    schema: u32,
    r#type: &'static str,
    at: Option<String>,
    /// What was asked for: a route and how it is compared, or a user.
    route: Option<&'a str>,
    r#match: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip)]
    named: String,
    dry_run: bool,
    server: String,
    /// Connections that the server says it reached, or would. Null where it does not say.
    matched: Option<u64>,
    /// Visitors' connections that were seen to match before. Null where stats were not shown.
    expected: Option<u64>,
    /// `skew-tui`s that match too.
    expected_watchers: Option<u64>,
    routes: Option<BTreeMap<&'a str, u64>>,
    /// What became of those who were hit. Null where they were not followed.
    followed: Option<List<'a>>,
    /// Why they were not, where they were to be.
    not_followed: Option<String>,
}

/// What became of those who were hit, with those who are still there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    #[serde(flatten)]
    end: Followed,
    /// Who is still there unchanged.
    connections: &'a [Tab],
    /// How many of them the list leaves out.
    omitted: usize,
}

impl<'a> Outcome<'a> {
    pub(super) fn of(
        whom: &'a Whom,
        server: ServerKind,
        expected: Option<&'a Expected>,
        answer: Option<&InvalidateAnswer>,
        mode: Mode,
    ) -> Self {
        let (route, r#match, user) = match whom {
            Whom::Route(pattern) => (Some(pattern.text()), Some(pattern.kind().as_str()), None),
            Whom::User(id) => (None, None, Some(id.as_str())),
        };
        let routes = expected.map(|expected| expected.routes.iter().map(|(route, count)| (route.as_str(), *count)));
        Self {
            schema: 1,
            r#type: "invalidation",
            at: iso(crate::clock::Clock::start().now()),
            route,
            r#match,
            user,
            named: named(whom),
            dry_run: mode == Mode::DryRun,
            server: server.to_string(),
            matched: answer.and_then(|answer| answer.matched),
            expected: expected.map(|expected| expected.people),
            expected_watchers: expected.map(|expected| expected.watchers),
            routes: routes.map(Iterator::collect),
            followed: None,
            not_followed: None,
        }
    }

    /// Adds what became of those who were hit, and lists those who are still there as far as the options want it.
    pub(super) fn with_end(mut self, follow: &'a Follow, end: Followed, options: &Options) -> Self {
        let most = if options.no_connections { 0 } else { options.top.unwrap_or(LISTED_TABS).min(LISTED_TABS) };
        let still = follow.still();
        let connections = &still[..still.len().min(most)];
        self.followed = Some(List { end, connections, omitted: still.len() - connections.len() });
        self
    }

    /// Adds why nobody was followed.
    pub(super) fn with_reason(mut self, reason: String) -> Self {
        self.not_followed = Some(reason);
        self
    }

    /// The one line for people, before anybody is followed.
    pub(super) fn sentence(&self) -> String {
        let what = &self.named;
        match (self.dry_run, self.matched, self.expected) {
            (true, _, expected) => format!("{what} would reach {}", connections(expected.unwrap_or_default())),
            (false, Some(matched), _) => format!("{what} sent to {}", connections(matched)),
            (false, None, Some(expected)) => {
                format!("{what} sent; the server does not say to how many ({expected} were there before)")
            }
            (false, None, None) => format!("{what} sent; the server does not say to how many"),
        }
    }

    /// Prints whom it would reach.
    pub(super) async fn print_count(&self, options: &Options) -> Result<(), Stop> {
        if options.json {
            return self.print_line().await;
        }
        let mut sink = Sink::new();
        for (route, count) in self.routes.iter().flatten() {
            sink.line(&format!("{count:>8}  {}", text::cut(route, ROUTE_CHARS))).await?;
        }
        Ok(sink.line(&self.sentence()).await?)
    }

    /// Prints all of it as one line of JSON.
    pub(super) async fn print_line(&self) -> Result<(), Stop> {
        let line = text::json_line(self).map_err(|error| Stop::Failed(error.to_string()))?;
        Ok(Sink::new().line(&line).await?)
    }

    /// What became of those who were hit, in lines for people.
    pub(super) fn end(&self) -> Vec<String> {
        if let Some(reason) = &self.not_followed {
            return vec![format!("what becomes of them can't be followed: {reason}")];
        }
        let Some(List { end, connections, omitted }) = &self.followed else { return Vec::new() };
        let mut lines = vec![end.to_string()];
        let shown = &connections[..connections.len().min(SHOWN_TABS)];
        lines.extend(shown.iter().map(|tab| {
            let [id, version, route] = [(&tab.id, 12), (&tab.version, 12), (&tab.route, ROUTE_CHARS)]
                .map(|(word, most)| text::cut(word, most));
            format!("  {id:<12}  {version:<12}  {route}")
        }));
        let more = connections.len() - shown.len() + omitted;
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        if end.fates.unchanged > 0 {
            lines.push(REMEDY.to_owned());
        }
        lines
    }
}
