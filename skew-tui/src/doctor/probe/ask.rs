//! One request, its whole answer, and why there is none.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};

use crate::doctor::failure::Failure;
use crate::http::{Http, redirection, words};

/// An answer. Of a body that is too long, the beginning.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    /// The other origin that it sends to.
    pub(super) elsewhere: Option<String>,
    path: String,
}

impl Reply {
    /// How the path answered, in words without secrets.
    pub(super) fn said(&self, http: &Http) -> String {
        format!("{} answered {}", self.path, http.target().redact(&words(self.status, &self.body)))
    }
}

/// Sends a request and reads its answer.
pub(super) async fn ask(request: RequestBuilder, limit: usize, patience: Duration) -> Result<Reply, Failure> {
    let answer = async {
        let response = request.send().await.map_err(|error| Failure::of(&error))?;
        let elsewhere = redirection(&response);
        let (status, headers, path) = (response.status(), response.headers().clone(), response.url().path().to_owned());
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.map_err(|error| Failure::of(&error))?);
            if body.len() > limit {
                body.truncate(limit);
                break;
            }
        }
        Ok(Reply { status, headers, body: String::from_utf8_lossy(&body).into_owned(), elsewhere, path })
    };
    tokio::time::timeout(patience, answer).await.unwrap_or(Err(Failure::TimedOut))
}
