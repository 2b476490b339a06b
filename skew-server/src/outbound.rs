//! Requests of the server's own: to a site's release list, to whoever signs its tokens.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use skew_proto::text::cut;
use url::Url;

const NAME: &str = concat!("skew-server/", env!("CARGO_PKG_VERSION"));

/// A client that gives up after `time`.
pub(crate) fn client(url: &Url, time: Duration, redirects: fn() -> Policy) -> Result<Client, String> {
    let builder = || Client::builder().timeout(time).user_agent(NAME).redirect(redirects());
    let built = match builder().build() {
        // A machine without CA certificates can ask over plain HTTP all the same.
        Err(_) if url.scheme() == "http" => builder().tls_certs_only([]).build(),
        built => built,
    };
    built.map_err(describe)
}

/// The body of an answer, if it is not longer than `max` bytes.
pub(crate) async fn read(mut answer: Response, max: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(describe)? {
        if bytes.len() + chunk.len() > max {
            return Err(format!("it is over {max} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A URL without what may be secret in it.
pub(crate) fn name_of(url: &Url) -> String {
    let (scheme, path) = (url.scheme(), url.path());
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}{port}{path}", url.host_str().unwrap_or_default())
}

/// An error with its causes, without the URL, which is said already and may hold a secret.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    cut(&text, 300)
}
