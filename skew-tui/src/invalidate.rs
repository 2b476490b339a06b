//! Sending the users of a page a refresh.

use std::fmt;

use skew_proto::{
    InvalidateAnswer, InvalidateRequest, InvalidateUserAnswer, InvalidateUserRequest, MatchKind, PatternError,
    RoutePattern,
};

use crate::admin::{self, Proof, Refusal};
use crate::audit::Outcome;
use crate::state::invalidation::{Invalidation, knows_every_kind};
use crate::state::site::Site;
use crate::target::{Target, below};

/// Whether an invalidation is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Tell the connections that match.
    Send,
    /// Only count them.
    DryRun,
}

/// What a site runs, which decides what may be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// An app with the documented recipe: prefixes only, and no number in the answer.
    Stock,
    /// A `skew-server`.
    Skew,
}

impl ServerKind {
    /// What the server said of itself. A stock one says nothing.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        if knows_every_kind(site) { Self::Skew } else { Self::Stock }
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stock => "stock",
            Self::Skew => "skew-server",
        })
    }
}

/// Why nothing was invalidated.
#[derive(Debug, thiserror::Error)]
pub enum InvalidateError {
    /// The pattern can't be used by anybody.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A stock app compares prefixes only.
    #[error(
        "this app runs the documented recipe, which knows prefixes only: {0} would be taken for a prefix there; use \
         --match prefix, or put skew-server in front"
    )]
    PrefixOnly(MatchKind),
    /// A stock app can't count without acting.
    #[error("this app runs the documented recipe, which can't count without acting; the live figures can")]
    NoDryRun,
    /// There is nothing to prove the right with.
    #[error("no secret to invalidate with; set SKEW_ADMIN_SECRET or pass --admin-secret-file")]
    NoSecret,
    /// The server knows who asks and does not let them, or does not know.
    #[error("{0}; check SKEW_ADMIN_SECRET or --admin-secret-file")]
    Unauthorized(String),
    /// There is no such endpoint.
    #[error("{0}; add the invalidation recipe to the app, or name its path with --invalidate-path")]
    NoEndpoint(String),
    /// There is no endpoint that reaches a user.
    #[error(
        "{0}; only skew-server knows users, from the version on that counts them: update it, or invalidate a route"
    )]
    NoUsers(String),
    /// The server refused or failed.
    #[error("{0}")]
    Rejected(String),
    /// The server may or may not have received it.
    #[error("{0}; whether the invalidation was carried out is unknown")]
    Unknown(String),
}

impl InvalidateError {
    /// What the audit log says of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let reason = self.to_string();
        if matches!(self, Self::Unknown(_)) { Outcome::unknown(&reason) } else { Outcome::refused(&reason) }
    }
}

/// Carries an invalidation out, or has it counted, and answers what the server said.
///
/// # Errors
///
/// When it can't be asked of this kind of server (then nothing was sent), or the server refuses or does not answer.
pub async fn invalidate(
    target: &Target,
    invalidation: &Invalidation,
    mode: Mode,
    server: ServerKind,
) -> Result<InvalidateAnswer, InvalidateError> {
    let (pattern, kind) = match invalidation {
        Invalidation::Route { pattern, kind } => (pattern, *kind),
        Invalidation::User(id) => return invalidate_user(target, id, mode, server).await,
    };
    RoutePattern::new(kind, pattern)?;
    let secret = target.admin_secret();
    let (urls, proof, body) = match server {
        ServerKind::Stock => {
            if kind != MatchKind::Prefix {
                return Err(InvalidateError::PrefixOnly(kind));
            }
            if mode == Mode::DryRun {
                return Err(InvalidateError::NoDryRun);
            }
            let secret = secret.ok_or(InvalidateError::NoSecret)?;
            let route = pattern.clone();
            let secret = Some(secret.expose().to_owned());
            (target.recipe_urls(), Proof::InBody, InvalidateRequest { route, secret, kind: None, dry_run: false })
        }
        ServerKind::Skew => {
            if secret.is_none() && target.credentials().is_empty() {
                return Err(InvalidateError::NoSecret);
            }
            let urls = target.bases().iter().map(|base| below(base, "/admin/invalidate-route")).collect();
            let route = pattern.clone();
            let dry_run = mode == Mode::DryRun;
            (urls, Proof::Bearer, InvalidateRequest { route, secret: None, kind: Some(kind), dry_run })
        }
    };
    let answer: InvalidateAnswer = admin::ask(target, urls, proof, &body).await?;
    if answer.ok {
        Ok(answer)
    } else {
        Err(InvalidateError::Rejected("the server answered that it did not".to_owned()))
    }
}

/// The same of one user. The answer has no route.
async fn invalidate_user(
    target: &Target,
    id: &str,
    mode: Mode,
    server: ServerKind,
) -> Result<InvalidateAnswer, InvalidateError> {
    if server == ServerKind::Stock {
        return Err(InvalidateError::NoUsers("this app does not say that it is skew-server".to_owned()));
    }
    if target.admin_secret().is_none() && target.credentials().is_empty() {
        return Err(InvalidateError::NoSecret);
    }
    let urls = target.bases().iter().map(|base| below(base, "/admin/invalidate-user")).collect();
    let body = InvalidateUserRequest { user: id.to_owned(), dry_run: mode == Mode::DryRun };
    let answer: InvalidateUserAnswer =
        admin::ask(target, urls, Proof::Bearer, &body).await.map_err(|refusal| match refusal {
            Refusal::NoEndpoint(reason) => InvalidateError::NoUsers(reason),
            other => other.into(),
        })?;
    if !answer.ok {
        return Err(InvalidateError::Rejected("the server answered that it did not".to_owned()));
    }
    Ok(InvalidateAnswer {
        ok: true,
        route: String::new(),
        kind: None,
        matched: Some(answer.matched),
        routes: None,
        dry_run: answer.dry_run,
    })
}

impl From<Refusal> for InvalidateError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthorized(reason) => Self::Unauthorized(reason),
            Refusal::NoEndpoint(reason) => Self::NoEndpoint(reason),
            Refusal::Rejected(reason) => Self::Rejected(reason),
            Refusal::Unknown(reason) => Self::Unknown(reason),
            // What the documented recipe answers while some visitor has a route that is no string.
            Refusal::Broke(reason) => {
                Self::Unknown(format!("{reason}; the documented recipe fails so while a visitor's route is no string"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{Credentials, Secret};
    use crate::target::Settings;

    fn target(secret: Option<&str>) -> Target {
        let admin_secret = secret.map(|secret| Secret::new(secret, "a test").unwrap());
        // Nothing listens on port 1: whatever is sent fails as unknown.
        Target::new(Settings { url: "http://127.0.0.1:1".into(), admin_secret, ..Settings::default() }).unwrap()
    }

    fn invalidation(pattern: &str, kind: MatchKind) -> Invalidation {
        Invalidation::Route { pattern: pattern.into(), kind }
    }

    #[tokio::test]
    async fn what_a_stock_app_can_not_do_is_refused_before_anything_is_sent() {
        let target = target(Some("s3cret"));
        let ask = |kind, mode| {
            let invalidation = invalidation("/a", kind);
            let target = &target;
            async move { invalidate(target, &invalidation, mode, ServerKind::Stock).await.unwrap_err() }
        };
        for kind in [MatchKind::Exact, MatchKind::Segment, MatchKind::Regex] {
            assert!(matches!(ask(kind, Mode::Send).await, InvalidateError::PrefixOnly(_)));
        }
        assert!(matches!(ask(MatchKind::Prefix, Mode::DryRun).await, InvalidateError::NoDryRun));
        assert!(matches!(ask(MatchKind::Prefix, Mode::Send).await, InvalidateError::Unknown(_)));
    }

    #[tokio::test]
    async fn an_empty_pattern_and_a_missing_secret_are_refused_everywhere() {
        for server in [ServerKind::Stock, ServerKind::Skew] {
            let empty = invalidate(&target(Some("s")), &invalidation("", MatchKind::Prefix), Mode::Send, server).await;
            assert!(matches!(empty, Err(InvalidateError::Pattern(PatternError::Empty))));
            let bare = invalidate(&target(None), &invalidation("/a", MatchKind::Prefix), Mode::Send, server).await;
            assert!(matches!(bare, Err(InvalidateError::NoSecret)), "{bare:?}");
        }
    }

    #[test]
    fn only_what_may_have_been_carried_out_is_unknown_to_the_audit_log() {
        let broke = InvalidateError::from(Refusal::Broke("/api/x answered 500".into()));
        assert!(broke.to_string().contains("route is no string"), "{broke}");
        assert!(matches!(broke.outcome(), Outcome::Unknown { .. }));
        assert!(matches!(InvalidateError::NoSecret.outcome(), Outcome::Refused { .. }));
    }

    #[test]
    fn a_token_stands_in_for_the_admin_secret() {
        let token = Secret::new("t0ken", "a test").unwrap();
        let credentials = Credentials::new(Some(token), None, None).unwrap();
        let settings = Settings { url: "https://x.test".into(), credentials, ..Settings::default() };
        assert_eq!(Target::new(settings).unwrap().admin_secret().unwrap().expose(), "t0ken");
    }
}
