//! How a connection, or the try to make one, can end.

use crate::http::HttpError;

/// Why a connection is no more.
#[derive(Debug)]
pub(crate) enum Ended {
    /// There is no such endpoint in this place; there may be one in another.
    Missing(String),
    /// The server refuses these credentials.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What was asked, and the server's words.
        reason: String,
    },
    /// The place is a wrong one: the same try would end the same way.
    Hopeless(String),
    /// No byte came for too long.
    Stale,
    /// Anything that may be better the next time.
    Lost(String),
}

impl From<HttpError> for Ended {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Setup(_) | HttpError::Redirected(_) => Self::Hopeless(error.to_string()),
            HttpError::Unreachable(_) | HttpError::TimedOut(_) | HttpError::TooLarge(_) => {
                Self::Lost(error.to_string())
            }
        }
    }
}
