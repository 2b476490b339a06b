//! The HTTP client of one target.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Certificate, Client, ClientBuilder, Identity, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;

use super::error::{HttpError, root_cause};
use crate::target::Target;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a plain request may take: some servers never answer one.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How many redirects are followed, all of them within the site's own origin.
const MAX_REDIRECTS: usize = 5;

/// The HTTP client of one target. Every request carries the target's credentials, and none leaves its origin.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    /// Made when it is needed: reading the system's certificates takes time.
    upgrading: Arc<OnceLock<Client>>,
    target: Arc<Target>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
}

impl Http {
    /// A client for `target`. `silence` is how long a stream may bring no byte.
    pub(crate) fn new(target: Arc<Target>, silence: Duration) -> Result<Self, HttpError> {
        let client = build(&target, |builder| builder.read_timeout(silence))?;
        Ok(Self { client, upgrading: Arc::default(), target })
    }

    /// A client that opens a connection for each request, as different visitors do, so that a load balancer may send each to
    /// another process.
    pub(crate) fn unshared(target: Arc<Target>) -> Result<Self, HttpError> {
        let client = build(&target, |builder| builder.pool_max_idle_per_host(0))?;
        Ok(Self { client, upgrading: Arc::default(), target })
    }

    /// The target, for its paths and secrets.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// A `GET` whose answer may be a stream.
    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url).headers(self.target.credentials().headers().clone())
    }

    /// A `GET` on a connection that can be upgraded.
    pub(crate) fn upgrade(&self, url: Url) -> Result<RequestBuilder, HttpError> {
        let client = match self.upgrading.get() {
            Some(client) => client,
            None => {
                // An upgrade exists in HTTP/1.1 only, and TLS would settle on HTTP/2 where it may.
                let client = build(&self.target, ClientBuilder::http1_only)?;
                self.upgrading.get_or_init(|| client)
            }
        };
        Ok(client.get(url).headers(self.target.credentials().headers().clone()))
    }

    /// A `POST` of a JSON body. It names no origin: this is no browser.
    pub(crate) fn post<T: Serialize>(&self, url: Url, body: &T) -> RequestBuilder {
        self.client.post(url).headers(self.target.credentials().headers().clone()).json(body)
    }

    /// A `POST` of a JSON body without any credentials.
    pub(crate) fn post_as_stranger<T: Serialize>(&self, url: Url, body: &T) -> RequestBuilder {
        self.client.post(url).json(body)
    }

    /// A `POST` with the admin secret as bearer token, where there is one, in place of the token.
    pub(crate) fn post_as_admin<T: Serialize>(&self, url: Url, body: &T) -> RequestBuilder {
        self.post(url, body).headers(self.admin())
    }

    /// A `GET` in the same way.
    pub(crate) fn get_as_admin(&self, url: Url) -> RequestBuilder {
        self.get(url).headers(self.admin())
    }

    fn admin(&self) -> HeaderMap {
        let mut admin = HeaderMap::new();
        let secret =
            self.target.admin_secret().map(|secret| HeaderValue::try_from(format!("Bearer {}", secret.expose())));
        if let Some(Ok(mut bearer)) = secret {
            bearer.set_sensitive(true);
            admin.insert(AUTHORIZATION, bearer);
        }
        admin
    }

    /// Reads what lies at `url`, past every cache.
    pub(crate) async fn read(&self, url: Url, limit: usize) -> Result<Answer, HttpError> {
        self.answer(self.get(url).header(CACHE_CONTROL, "no-cache"), limit).await
    }

    /// Sends a request and reads its answer, of at most `limit` bytes, to the end.
    pub(crate) async fn answer(&self, request: RequestBuilder, limit: usize) -> Result<Answer, HttpError> {
        let answer = async {
            let response = request.send().await?;
            if let Some(elsewhere) = redirection(&response) {
                return Err(HttpError::Redirected(elsewhere));
            }
            let status = response.status();
            let mut body = Vec::new();
            let mut pieces = response.bytes_stream();
            while let Some(piece) = pieces.next().await {
                let piece = piece?;
                if body.len() + piece.len() > limit {
                    return Err(HttpError::TooLarge(limit));
                }
                body.extend_from_slice(&piece);
            }
            Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
        };
        tokio::time::timeout(REQUEST_TIMEOUT, answer).await.unwrap_or(Err(HttpError::TimedOut(REQUEST_TIMEOUT)))
    }
}

/// Where an answer sends to, if it does. Redirects within the origin have been followed by then.
pub(crate) fn redirection(response: &Response) -> Option<String> {
    let location = response.status().is_redirection().then(|| response.headers().get(LOCATION))??;
    let url = response.url().join(location.to_str().ok()?).ok()?;
    // The rest of it may hold a token of a log-in in progress.
    Some(url.origin().ascii_serialization())
}

fn build(target: &Target, with: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Client, HttpError> {
    let setup = |what: &str, error: &reqwest::Error| HttpError::Setup(format!("{what}: {}", root_cause(error)));
    let roots = match target.ca_pem() {
        Some(pem) => {
            let roots = Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|error| setup("the CA file holds no usable certificates", &error))?;
            if roots.is_empty() {
                return Err(HttpError::Setup("the CA file holds no certificates; it must be PEM".to_owned()));
            }
            roots
        }
        None => Vec::new(),
    };
    let identity = target.client_cert().map(|pem| {
        Identity::from_pem(pem.expose().as_bytes()).map_err(|error| {
            setup("the client certificate can't be used; its file must hold certificate and key", &error)
        })
    });
    let identity = identity.transpose()?;

    let builder = || {
        let builder = Client::builder()
            .user_agent(concat!("skew-tui/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::custom(within_origin));
        let builder = match (target.address(), target.url().host_str()) {
            // Port 0 stands for that of the URL.
            (Some(address), Some(host)) => builder.resolve(host, (address, 0).into()).no_proxy(),
            _ => builder,
        };
        let builder = match &identity {
            Some(identity) => builder.identity(identity.clone()),
            None => builder,
        };
        with(builder)
    };
    match builder().tls_certs_merge(roots.clone()).build() {
        Ok(client) => Ok(client),
        // A machine without any CA certificates, such as a bare container, can still trust the ones it was given, and
        // needs none for plain http.
        Err(_) if !roots.is_empty() || target.url().scheme() == "http" => {
            builder().tls_certs_only(roots).build().map_err(|error| setup("TLS can't be set up", &error))
        }
        Err(error) => {
            let what = "TLS can't be set up; install your system's CA certificates or pass --ca-file";
            Err(setup(what, &error))
        }
    }
}

fn within_origin(attempt: Attempt<'_>) -> Action {
    let same = attempt.previous().last().is_some_and(|previous| previous.origin() == attempt.url().origin());
    if !same {
        attempt.stop()
    } else if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}
