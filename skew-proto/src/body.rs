//! Bodies of the REST endpoints, both ways.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lenient::{Extra, Text};
use crate::pattern::MatchKind;

/// Body of `POST {base}/route`. A stock server answers `{"ok":false}` where a field is missing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteBody {
    /// The connection that has moved.
    #[serde(default)]
    pub connection_id: Option<Text>,
    /// Its new route.
    #[serde(default)]
    pub route: Option<Text>,
}

/// Body of `POST {base}/subscribe-stats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeBody {
    /// The connection that wants stats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// Extension fields of the request; a stock server ignores them.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `{"ok":…}`, the answer of the two POSTs above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Whether the request was taken. A stock server says so of unknown connections too.
    pub ok: bool,
}

/// Answer of `GET {base}/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Always true.
    pub ok: bool,
    /// The server's current build.
    pub version: String,
    /// Seconds since the server started.
    pub uptime: u64,
}

/// Body of the invalidation endpoints: the documented recipe's `route` and `secret`, and what `skew-server` takes besides.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateRequest {
    /// The pattern.
    pub route: String,
    /// The recipe's secret. `skew-server` also takes it as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// How the pattern is compared. A stock app knows prefixes only.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MatchKind>,
    /// Only count who would be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl std::fmt::Debug for InvalidateRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvalidateRequest")
            .field("route", &self.route)
            .field("secret", &self.secret.as_ref().map(|_| "…"))
            .field("kind", &self.kind)
            .field("dry_run", &self.dry_run)
            .finish()
    }
}

/// Answer of the invalidation endpoints. A stock app says `ok` and `route` only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateAnswer {
    /// Whether the request was carried out.
    pub ok: bool,
    /// The pattern, as it was sent.
    #[serde(default)]
    pub route: String,
    /// How the pattern was compared.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MatchKind>,
    /// Number of connections that were reached, or would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// The same by route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<BTreeMap<String, u64>>,
    /// Whether this was a count only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Body of `POST {base}/admin/release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    /// The build that is current from now on.
    pub version: String,
}

/// Answer of `POST {base}/admin/release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseAnswer {
    /// Whether the request was carried out.
    pub ok: bool,
    /// The build that is current now.
    pub version: String,
    /// The build that was current before.
    pub previous: String,
    /// Number of connections that were told.
    pub reached: u64,
}

/// Body of an error answer, in the shape that a Nitro server gives its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Always true.
    #[serde(default)]
    pub error: bool,
    /// The HTTP status again.
    #[serde(default)]
    pub status_code: u16,
    /// What was wrong and what to do, in one line.
    #[serde(default)]
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_body_is_what_the_documentation_says() {
        let request =
            InvalidateRequest { route: "/a".into(), secret: Some("s3cret".into()), kind: None, dry_run: false };
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"route":"/a","secret":"s3cret"}"#);
        assert!(!format!("{request:?}").contains("s3cret"));
        let answer: InvalidateAnswer = serde_json::from_str(r#"{"ok":true,"route":"/a"}"#).unwrap();
        assert_eq!(answer.matched, None);
    }

    #[test]
    fn extensions_are_camel_case() {
        let request =
            InvalidateRequest { route: "/a".into(), secret: None, kind: Some(MatchKind::Segment), dry_run: true };
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"route":"/a","match":"segment","dryRun":true}"#);
        let body: RouteBody = serde_json::from_str(r#"{"connectionId":"c","route":5}"#).unwrap();
        assert_eq!(body.route, Some(Text::Damaged("5".into())));
    }

    #[test]
    fn an_error_of_a_stock_server_is_read() {
        let text = "{\n \"error\": true, \"url\": \"http://x\", \"statusCode\": 401, \"statusMessage\": \"Server Error\", \"message\": \"\"}";
        assert_eq!(serde_json::from_str::<Failure>(text).unwrap().status_code, 401);
    }
}
