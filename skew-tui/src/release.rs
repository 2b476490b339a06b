//! Telling a server which build is current.

use skew_proto::{ReleaseAnswer, ReleaseRequest};

use crate::admin::{self, Proof, Refusal};
use crate::audit::Outcome;
use crate::target::{Target, below};

/// Why no build was released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// There is nothing to prove the right with.
    #[error("no secret to release with; set SKEW_ADMIN_SECRET or pass --admin-secret-file")]
    NoSecret,
    /// The server knows who asks and does not let them, or does not know.
    #[error("{0}; check SKEW_ADMIN_SECRET or --admin-secret-file")]
    Unauthorized(String),
    /// There is no such endpoint.
    #[error(
        "{0}; only skew-server is told of a release, while a stock app knows its build by itself, from its deploy; if this \
         is skew-server, name its path with --base-path"
    )]
    NoEndpoint(String),
    /// The server refused.
    #[error("{0}")]
    Rejected(String),
    /// The server may or may not have received it.
    #[error("{0}; whether the build was released is unknown")]
    Unknown(String),
}

impl ReleaseError {
    /// What the audit log says of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let reason = self.to_string();
        if matches!(self, Self::Unknown(_)) { Outcome::unknown(&reason) } else { Outcome::refused(&reason) }
    }
}

impl From<Refusal> for ReleaseError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthorized(reason) => Self::Unauthorized(reason),
            Refusal::NoEndpoint(reason) => Self::NoEndpoint(reason),
            Refusal::Rejected(reason) => Self::Rejected(reason),
            Refusal::Broke(reason) | Refusal::Unknown(reason) => Self::Unknown(reason),
        }
    }
}

/// Makes `version` the current build, and answers what the server said.
///
/// # Errors
///
/// When there is no secret (then nothing was sent), or the server refuses or does not answer.
pub async fn release(target: &Target, version: &str) -> Result<ReleaseAnswer, ReleaseError> {
    if target.admin_secret().is_none() && target.credentials().is_empty() {
        return Err(ReleaseError::NoSecret);
    }
    let urls = target.bases().iter().map(|base| below(base, "/admin/release")).collect();
    let body = ReleaseRequest { version: version.to_owned() };
    let answer: ReleaseAnswer = admin::ask(target, urls, Proof::Bearer, &body).await?;
    if answer.ok { Ok(answer) } else { Err(ReleaseError::Rejected("the server answered that it did not".to_owned())) }
}
