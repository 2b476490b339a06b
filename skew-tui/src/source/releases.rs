//! The site's release list, which tells when each build was released.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use skew_proto::Releases;
use tracing::debug;

use crate::http::Http;

/// Time between two looks at the list.
pub(super) const EVERY: Duration = Duration::from_secs(60);

/// Largest list that is read, in bytes.
const MAX_LIST_BYTES: usize = 4 << 20;

/// Reads the site's release list, where it has one. Not having one is fine.
pub(super) async fn read(http: &Http, urls: &[Url]) -> Option<Releases> {
    for url in urls {
        match http.read(url.clone(), MAX_LIST_BYTES).await {
            Ok(answer) if answer.status == StatusCode::OK => match Releases::decode(&answer.body) {
                Ok(releases) => return Some(releases),
                Err(_) => debug!(path = url.path(), "this is no release list"),
            },
            Ok(answer) => debug!(path = url.path(), status = answer.status.as_u16(), "no release list"),
            Err(error) => debug!(path = url.path(), %error, "no release list"),
        }
    }
    None
}
