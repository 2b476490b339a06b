//! Why a request came to nothing, in one line.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;
use skew_proto::{Failure, text};

/// Why a request has no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// The connections can't be set up at all, whatever the site does.
    #[error("{0}")]
    Setup(String),
    /// No connection, or it broke.
    #[error("{0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The answer is larger than anything this endpoint sends.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The site sends its visitors to another origin, where credentials don't follow.
    #[error("the site redirects to {0}; use that URL if it is the site you mean, or check the credentials")]
    Redirected(String),
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(one_line(&error.without_url()))
    }
}

/// An error with its causes in one line, without saying anything twice.
pub(crate) fn one_line(error: &dyn Error) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        if !line.contains(&part) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&part);
        }
        next = error.source();
    }
    if line.contains("UnknownIssuer") {
        line.push_str("; if the site has a certificate of your own authority, pass --ca-file");
    }
    line
}

/// What a server said with a status that is no success: its status, and its own words where they are words.
pub(crate) fn words(status: StatusCode, body: &str) -> String {
    const CHARS: usize = 160;
    let said = serde_json::from_str::<Failure>(body).map(|failure| failure.message).unwrap_or_default();
    if said.is_empty() { status.to_string() } else { format!("{status}: {}", text::cut(&said, CHARS)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_quoted_where_it_has_something_to_say() {
        let nitro = r#"{"error":true,"statusCode":503,"message":"SEO Pro key not configured"}"#;
        assert_eq!(words(StatusCode::SERVICE_UNAVAILABLE, nitro), "503 Service Unavailable: SEO Pro key not configured");
        assert_eq!(words(StatusCode::UNAUTHORIZED, "<html>\u{1b}[2J"), "401 Unauthorized");
        let hostile = r#"{"message":"\u001b]0;x\u0007"}"#;
        assert!(!words(StatusCode::FORBIDDEN, hostile).contains('\u{1b}'));
    }
}
