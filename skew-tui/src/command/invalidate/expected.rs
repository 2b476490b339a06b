//! Whom an invalidation will reach, as far as it is known.

use skew_proto::{InvalidateAnswer, text, wire};

use super::ROUTE_CHARS;
use crate::output::connections;
use crate::state::invalidation::{Reach, Whom};

/// Routes that are shown before the question.
const SHOWN_ROUTES: usize = 20;

/// Who is reached.
#[derive(Debug, Default, Clone)]
pub(super) struct Expected {
    pub(super) people: u64,
    pub(super) watchers: u64,
    pub(super) routes: Vec<(String, u64)>,
}

impl Expected {
    /// What was seen in a site's stats.
    pub(super) fn seen(reach: Reach) -> Self {
        Self { people: reach.people, watchers: reach.watchers, routes: reach.routes }
    }

    /// What the server counted, by the dashboard's rule: a `skew-tui` has no page to refresh and is no visitor.
    pub(super) fn counted(answer: &InvalidateAnswer) -> Self {
        let mut routes = answer.routes.clone().unwrap_or_default();
        let watchers = routes.remove(wire::TUI_ROUTE).unwrap_or_default();
        let mut routes: Vec<_> = routes.into_iter().collect();
        routes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self { people: answer.matched.unwrap_or_default().saturating_sub(watchers), watchers, routes }
    }
}

/// What was asked for, in words.
pub(super) fn named(whom: &Whom) -> String {
    let shown = text::cut(whom.text(), ROUTE_CHARS);
    match whom {
        Whom::Route(pattern) => format!("{shown} ({})", pattern.kind()),
        Whom::User(_) => format!("user {shown}"),
    }
}

/// Whom it reaches, in lines for people.
pub(super) fn describe(whom: &Whom, expected: Option<&Expected>) -> String {
    let what = named(whom);
    let Some(expected) = expected else {
        return format!("{what}: whom it reaches is not known, since the site did not show its stats");
    };
    if expected.people == 0 {
        return format!("{what} reaches nobody now");
    }
    // Of a user the server tells a number only.
    let end = if expected.routes.is_empty() { "" } else { ":" };
    let mut lines = vec![format!("{what} reaches {}{end}", connections(expected.people))];
    let shown = expected.routes.iter().take(SHOWN_ROUTES);
    lines.extend(shown.map(|(route, count)| format!("{count:>8}  {}", text::cut(route, ROUTE_CHARS))));
    let more = expected.routes.len().saturating_sub(SHOWN_ROUTES);
    if more > 0 {
        lines.push(format!("          and {more} more routes"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use skew_proto::{MatchKind, RoutePattern};

    use super::*;

    #[test]
    fn a_watcher_that_the_server_counts_is_no_visitor() {
        let answer: InvalidateAnswer =
            serde_json::from_str(r#"{"ok":true,"route":"/","matched":4,"routes":{"/__skew/tui":1,"/":1,"/shop":2}}"#)
                .unwrap();
        let expected = Expected::counted(&answer);
        assert_eq!((expected.people, expected.watchers), (3, 1));
        assert_eq!(expected.routes, [("/shop".to_owned(), 2), ("/".to_owned(), 1)]);
        let pattern = Whom::Route(RoutePattern::new(MatchKind::Prefix, "/").unwrap());
        assert!(describe(&pattern, Some(&expected)).starts_with("/ (prefix) reaches 3 connections:"));
        let nobody = Expected { people: 0, watchers: 1, routes: Vec::new() };
        assert_eq!(describe(&pattern, Some(&nobody)), "/ (prefix) reaches nobody now");
    }
}
