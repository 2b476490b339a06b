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
        let host = error.url().and_then(|url| url.host_str()).map(|host| format!(" to {host}")).unwrap_or_default();
        let cause = root_cause(&error);
        Self::Unreachable(match (error.is_connect(), error.is_timeout()) {
            (true, true) => format!("no connection{host} came about in time"),
            (true, false) => format!("no connection{host}: {cause}"),
            (false, _) => format!("the request{host} failed: {cause}"),
        })
    }
}

/// What lies at the bottom of an error: the layers above it only say that something failed.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    let mut text = root.to_string();
    if text.contains("UnknownIssuer") {
        text.push_str("; if the site has a certificate of your own authority, pass --ca-file");
    }
    text
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
        assert_eq!(
            words(StatusCode::SERVICE_UNAVAILABLE, nitro),
            "503 Service Unavailable: SEO Pro key not configured"
        );
        assert_eq!(words(StatusCode::UNAUTHORIZED, "<html>\u{1b}[2J"), "401 Unauthorized");
        let hostile = r#"{"message":"\u001b]0;x\u0007"}"#;
        assert!(!words(StatusCode::FORBIDDEN, hostile).contains('\u{1b}'));
    }
}
