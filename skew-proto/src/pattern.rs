//! Which routes an invalidation reaches.

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// How a pattern is compared with a route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// The route equals the pattern or starts with it, as the module's documentation has it: `/` is everybody, and
    /// `/checkout` takes `/checkout-help` along. The only kind a stock app knows.
    #[default]
    Prefix,
    /// The route equals the pattern.
    Exact,
    /// The route is the pattern or lies below it: `/checkout` takes `/checkout/pay`, not `/checkout-help`.
    Segment,
    /// The pattern is a regular expression and is found somewhere in the route.
    Regex,
}

impl MatchKind {
    /// All kinds, the default first.
    pub const ALL: [Self; 4] = [Self::Prefix, Self::Exact, Self::Segment, Self::Regex];

    /// The kind's name on the wire and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Exact => "exact",
            Self::Segment => "segment",
            Self::Regex => "regex",
        }
    }
}

impl fmt::Display for MatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no [`MatchKind`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use one of prefix, exact, segment, regex")]
pub struct UnknownMatchKind;

impl FromStr for MatchKind {
    type Err = UnknownMatchKind;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownMatchKind)
    }
}

/// Why a text can't be a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// An empty prefix would take every route without anybody having said so.
    #[error("the pattern is empty; write / to reach every route")]
    Empty,
    /// Longer than any route that is kept.
    #[error("the pattern is longer than {} bytes", crate::wire::MAX_ROUTE_BYTES)]
    TooLong,
    /// Not a regular expression, or one that compiles to something too large.
    #[error("the pattern is no usable regular expression: {0}")]
    Regex(String),
}

/// A checked pattern.
#[derive(Debug, Clone)]
pub struct RoutePattern {
    kind: MatchKind,
    text: String,
    regex: Option<Regex>,
}

impl RoutePattern {
    /// Checks a pattern.
    ///
    /// # Errors
    ///
    /// When it is empty, too long, or no regular expression where it must be one. Regular expressions are those of the
    /// `regex` crate, which runs in linear time; it has no look-around and no back-references, unlike JavaScript.
    pub fn new(kind: MatchKind, text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > crate::wire::MAX_ROUTE_BYTES {
            return Err(PatternError::TooLong);
        }
        let regex = match kind {
            MatchKind::Regex => Some(compile(text)?),
            MatchKind::Prefix | MatchKind::Exact | MatchKind::Segment => None,
        };
        Ok(Self { kind, text: text.to_owned(), regex })
    }

    /// Whether the pattern reaches `route`.
    #[must_use]
    pub fn matches(&self, route: &str) -> bool {
        if let Some(regex) = &self.regex {
            return regex.is_match(route);
        }
        match self.kind {
            MatchKind::Exact => route == self.text,
            MatchKind::Segment => {
                let folder = self.text.trim_end_matches('/');
                route.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            MatchKind::Prefix | MatchKind::Regex => route.starts_with(&self.text),
        }
    }

    /// Whether the pattern reaches everybody, whatever the routes are, so that a person should confirm it twice. Of a regular
    /// expression this is told by trying it on pages that have nothing in common.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        match self.kind {
            MatchKind::Prefix | MatchKind::Segment => self.text.trim_end_matches('/').is_empty(),
            MatchKind::Regex => ["/", "/a", "/Z9/_-.~"].iter().all(|route| self.matches(route)),
            MatchKind::Exact => false,
        }
    }

    /// How the pattern is compared.
    #[must_use]
    pub fn kind(&self) -> MatchKind {
        self.kind
    }

    /// The pattern's text, whole.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn compile(text: &str) -> Result<Regex, PatternError> {
    const SIZE_LIMIT_BYTES: usize = 1 << 20;
    RegexBuilder::new(text).size_limit(SIZE_LIMIT_BYTES).dfa_size_limit(SIZE_LIMIT_BYTES).build().map_err(|error| {
        // regex errors draw the pattern over several lines; the last one says what is wrong.
        let message = error.to_string();
        PatternError::Regex(message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matched(kind: MatchKind, pattern: &str) -> Vec<&'static str> {
        const ROUTES: [&str; 5] = ["/", "/checkout", "/checkout/pay", "/checkout-help", "/a/checkout"];
        let pattern = RoutePattern::new(kind, pattern).unwrap();
        ROUTES.into_iter().filter(|route| pattern.matches(route)).collect()
    }

    #[test]
    fn a_prefix_takes_neighbours_along_as_documented() {
        assert_eq!(matched(MatchKind::Prefix, "/checkout"), ["/checkout", "/checkout/pay", "/checkout-help"]);
        assert_eq!(matched(MatchKind::Prefix, "/").len(), 5);
    }

    #[test]
    fn exact_segment_and_regex_are_narrower() {
        assert_eq!(matched(MatchKind::Exact, "/checkout"), ["/checkout"]);
        assert_eq!(matched(MatchKind::Segment, "/checkout"), ["/checkout", "/checkout/pay"]);
        assert_eq!(matched(MatchKind::Segment, "/checkout/"), ["/checkout", "/checkout/pay"]);
        assert_eq!(matched(MatchKind::Segment, "/").len(), 5);
        assert_eq!(matched(MatchKind::Regex, "checkout$"), ["/checkout", "/a/checkout"]);
    }

    #[test]
    fn everybody_is_known_by_its_form() {
        let everybody = |kind, text| RoutePattern::new(kind, text).unwrap().is_everybody();
        assert!(everybody(MatchKind::Prefix, "/"));
        assert!(everybody(MatchKind::Segment, "//"));
        for regex in [".*", ".", ".+", "/", "^/", "^[^?]"] {
            assert!(everybody(MatchKind::Regex, regex), "{regex}");
        }
        for regex in ["^/$", "^/a", "[0-9]", "checkout"] {
            assert!(!everybody(MatchKind::Regex, regex), "{regex}");
        }
        assert!(!everybody(MatchKind::Exact, "/"));
        assert!(!everybody(MatchKind::Prefix, "/a"));
    }

    #[test]
    fn what_is_no_pattern_is_refused_in_one_line() {
        assert_eq!(RoutePattern::new(MatchKind::Prefix, "").unwrap_err(), PatternError::Empty);
        assert_eq!(RoutePattern::new(MatchKind::Exact, &"x".repeat(513)).unwrap_err(), PatternError::TooLong);
        let error = RoutePattern::new(MatchKind::Regex, "(").unwrap_err().to_string();
        assert!(error.contains("unclosed group") && !error.contains('\n'), "{error}");
        assert!(matches!(RoutePattern::new(MatchKind::Regex, "(a{1000}){1000}"), Err(PatternError::Regex(_))));
    }

    proptest! {
        #[test]
        fn exact_is_within_segment_is_within_prefix(pattern in "/[ab/]{0,4}", route in "/[ab/-]{0,6}") {
            let matches = |kind| RoutePattern::new(kind, &pattern).unwrap().matches(&route);
            prop_assert!(!matches(MatchKind::Exact) || matches(MatchKind::Segment));
            prop_assert!(!matches(MatchKind::Segment) || matches(MatchKind::Prefix) || pattern.ends_with('/'));
        }
    }
}
