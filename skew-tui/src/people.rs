//! Asking a server of users: who is here, and giving them a message.

use skew_proto::{MessageAnswer, MessageRequest, UsersPage};

use crate::admin::{self, Proof, Refusal};
use crate::audit::Outcome;
use crate::target::{Target, below};

/// Users on one page, the most that a server gives.
const PAGE: usize = 1_000;

/// Why a server of users was not asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// There is nothing to prove the right with.
    #[error("no secret to ask with; set SKEW_ADMIN_SECRET or pass --admin-secret-file")]
    NoSecret,
    /// The server knows who asks and does not let them, or does not know.
    #[error("{0}; check SKEW_ADMIN_SECRET or --admin-secret-file")]
    Unauthorized(String),
    /// There is no such endpoint.
    #[error("{0}; only skew-server has it, from the version on that counts users: update it, or check --base-path")]
    NoEndpoint(String),
    /// The server refused or failed.
    #[error("{0}")]
    Rejected(String),
    /// The server may or may not have received it.
    #[error("{0}; whether it was carried out is unknown")]
    Unknown(String),
}

impl PeopleError {
    /// What the audit log says of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let reason = self.to_string();
        if matches!(self, Self::Unknown(_)) { Outcome::unknown(&reason) } else { Outcome::refused(&reason) }
    }
}

impl From<Refusal> for PeopleError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthorized(reason) => Self::Unauthorized(reason),
            Refusal::NoEndpoint(reason) => Self::NoEndpoint(reason),
            Refusal::Rejected(reason) => Self::Rejected(reason),
            Refusal::Broke(reason) | Refusal::Unknown(reason) => Self::Unknown(reason),
        }
    }
}

/// The users of a target, page by page.
#[derive(Debug)]
pub struct Users<'a> {
    target: &'a Target,
    /// What to ask for next; nothing once all are told.
    next: Option<Option<String>>,
}

impl<'a> Users<'a> {
    /// From the first on.
    #[must_use]
    pub fn of(target: &'a Target) -> Self {
        Self { target, next: Some(None) }
    }

    /// The next page. Nothing where there is none.
    ///
    /// # Errors
    ///
    /// When there is no secret (then nothing was sent), or the server refuses or does not answer.
    pub async fn next(&mut self) -> Result<Option<UsersPage>, PeopleError> {
        let Some(after) = &self.next else { return Ok(None) };
        if self.target.admin_secret().is_none() && self.target.credentials().is_empty() {
            return Err(PeopleError::NoSecret);
        }
        let urls = self.target.bases().iter().map(|base| {
            let mut url = below(base, "/admin/users");
            url.query_pairs_mut().append_pair("limit", &PAGE.to_string());
            if let Some(after) = after {
                url.query_pairs_mut().append_pair("after", after);
            }
            url
        });
        let page: UsersPage = admin::look(self.target, urls.collect()).await?;
        // A server that names the same page again would never come to an end.
        self.next = page.next.clone().filter(|next| Some(next) != after.as_ref()).map(Some);
        Ok(Some(page))
    }
}

/// Sends a message, and answers what the server said.
///
/// # Errors
///
/// When there is no secret (then nothing was sent), or the server refuses or does not answer.
pub async fn send(target: &Target, request: &MessageRequest) -> Result<MessageAnswer, PeopleError> {
    if target.admin_secret().is_none() && target.credentials().is_empty() {
        return Err(PeopleError::NoSecret);
    }
    let urls = target.bases().iter().map(|base| below(base, "/admin/message")).collect();
    let answer: MessageAnswer = admin::ask(target, urls, Proof::Bearer, request).await?;
    if answer.ok { Ok(answer) } else { Err(PeopleError::Rejected("the server answered that it did not".to_owned())) }
}
