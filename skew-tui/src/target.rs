//! One site, and how it is to be reached: raw settings become validated ones in one step.

mod targets;

use std::net::IpAddr;

use reqwest::Url;
use skew_proto::{text, wire};

pub use targets::{Resolve, Targets};

use crate::credentials::{Credentials, Secret};

/// Which transport a source takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TransportChoice {
    /// SSE, and a WebSocket where the site has no SSE.
    #[default]
    Auto,
    /// SSE only.
    Sse,
    /// A WebSocket only.
    Ws,
    /// A stats endpoint, asked every few seconds.
    Poll,
}

/// Where credentials may go without encryption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// To this machine only.
    #[default]
    LoopbackOnly,
    /// Anywhere: the operator has said so.
    Anywhere,
}

/// What an operator says of a site. [`Target::new`] checks it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The site, such as `https://shop.example.com` or `https://example.com/shop`.
    pub url: String,
    /// Base path of the endpoints on that host, where it is known. Else the URL's path is tried first, then the root.
    pub base_path: Option<String>,
    /// The transport.
    pub transport: TransportChoice,
    /// The stats endpoint for polling. Else `{base}/admin/stats` is tried, then `/api/admin/stats`.
    pub stats_path: Option<String>,
    /// The invalidation endpoint of a stock app. Else `/api/admin/invalidate-route`.
    pub invalidate_path: Option<String>,
    /// What is sent with every request.
    pub credentials: Credentials,
    /// The secret of invalidations. Else the token is.
    pub admin_secret: Option<Secret>,
    /// Certificates to trust besides the system's, as PEM.
    pub ca_pem: Option<String>,
    /// A client certificate and its key, as PEM.
    pub client_cert: Option<Secret>,
    /// Where credentials may go without encryption.
    pub plain_http: PlainHttp,
}

/// Why a site can't be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The URL can't be read.
    #[error("{url} is no URL of a site ({reason}); write it like https://shop.example.com")]
    Url {
        /// What was given, cleaned.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The URL holds a user name or a password.
    #[error(
        "the URL holds a password, which every process on this machine can read; use --header-file or --token-file"
    )]
    Userinfo,
    /// A path option is no path.
    #[error("--{option} must be a path on the site, such as {example}")]
    Path {
        /// The option's name.
        option: &'static str,
        /// What it could be.
        example: &'static str,
    },
    /// No URL at all.
    #[error("a URL is needed, such as https://shop.example.com")]
    None,
    /// An address is of a host that no URL names.
    #[error("--resolve names {host}, which no URL does")]
    Resolve {
        /// The host, cleaned.
        host: String,
    },
    /// Credentials would cross the network readable by everybody on the way.
    #[error("credentials would go to {host} unencrypted; use https://, or --insecure-http if you know the network")]
    PlainHttp {
        /// The host, cleaned.
        host: String,
    },
}

/// One site, with all settings checked.
#[derive(Debug, Clone)]
pub struct Target {
    site: Url,
    /// Roots the app may be mounted at, the URL's own path first. None has a `/` at its end but in the path `/` itself.
    mounts: Vec<Url>,
    bases: Vec<Url>,
    settings: Settings,
    address: Option<IpAddr>,
}

impl Target {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// When one can't be used, or credentials would travel unencrypted to another machine.
    pub fn new(settings: Settings) -> Result<Self, TargetError> {
        let site = site_url(&settings.url)?;
        let exposed = site.scheme() == "http" && !is_loopback(&site);
        let has_secrets = !settings.credentials.is_empty() || settings.admin_secret.is_some();
        if exposed && has_secrets && settings.plain_http == PlainHttp::LoopbackOnly {
            return Err(TargetError::PlainHttp { host: host_label(&site) });
        }

        let mut mounts = vec![site.clone()];
        if site.path() != "/" {
            mounts.push(with_path(&site, "/"));
        }
        let bases = match &settings.base_path {
            Some(path) => vec![with_path(&site, path_option(path, "base-path", wire::DEFAULT_BASE_PATH)?)],
            None => mounts.iter().map(|mount| below(mount, wire::DEFAULT_BASE_PATH)).collect(),
        };
        for (path, option, example) in [
            (&settings.stats_path, "stats-path", wire::RECIPE_STATS_PATH),
            (&settings.invalidate_path, "invalidate-path", wire::RECIPE_INVALIDATE_PATH),
        ] {
            path.as_deref().map(|path| path_option(path, option, example)).transpose()?;
        }
        Ok(Self { site, mounts, bases, settings, address: None })
    }

    /// How the site is called: its host, and its path where it has one. Cleaned and cut.
    #[must_use]
    pub fn label(&self) -> String {
        const CHARS: usize = 80;
        let path = self.site.path().trim_end_matches('/');
        text::cut(&format!("{}{path}", host_label(&self.site)), CHARS)
    }

    /// The same target, reached at this address whatever its name resolves to.
    #[must_use]
    pub fn at(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// The address it is reached at, where its name does not decide.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The site's URL, without query and fragment.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.site
    }

    /// The transport that was asked for.
    #[must_use]
    pub fn transport(&self) -> TransportChoice {
        self.settings.transport
    }

    /// URLs that the endpoints may lie below, the likeliest first.
    pub(crate) fn bases(&self) -> &[Url] {
        &self.bases
    }

    /// Whether the base path was given, so that no other one is tried.
    pub(crate) fn base_given(&self) -> bool {
        self.settings.base_path.is_some()
    }

    /// Where stats may be asked for by polling, the likeliest first.
    pub(crate) fn stats_urls(&self) -> Vec<Url> {
        if let Some(path) = &self.settings.stats_path {
            return vec![with_path(&self.site, path)];
        }
        let own = self.bases.iter().map(|base| below(base, "/admin/stats"));
        own.chain(self.mounts.iter().map(|mount| below(mount, wire::RECIPE_STATS_PATH))).collect()
    }

    /// Where a stock app's invalidation recipe may be, the likeliest first.
    pub(crate) fn recipe_urls(&self) -> Vec<Url> {
        if let Some(path) = &self.settings.invalidate_path {
            return vec![with_path(&self.site, path)];
        }
        self.mounts.iter().map(|mount| below(mount, wire::RECIPE_INVALIDATE_PATH)).collect()
    }

    /// Where the site's release list may be, the likeliest first.
    pub(crate) fn release_urls(&self) -> Vec<Url> {
        self.mounts.iter().map(|mount| below(mount, "/_nuxt/builds/latest.json")).collect()
    }

    /// What is sent with every request.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.settings.credentials
    }

    /// The secret that invalidates: the admin secret, else the token.
    pub(crate) fn admin_secret(&self) -> Option<&Secret> {
        self.settings.admin_secret.as_ref().or_else(|| self.settings.credentials.token())
    }

    /// Certificates to trust besides the system's.
    pub(crate) fn ca_pem(&self) -> Option<&str> {
        self.settings.ca_pem.as_deref()
    }

    /// The client certificate with its key.
    pub(crate) fn client_cert(&self) -> Option<&Secret> {
        self.settings.client_cert.as_ref()
    }

    /// `text` without any secret of this target in it.
    pub(crate) fn redact(&self, text: &str) -> String {
        let text = self.settings.credentials.redact(text);
        match &self.settings.admin_secret {
            Some(secret) => text.replace(secret.expose(), "…"),
            None => text,
        }
    }
}

/// `url` with `path` appended to its path.
pub(crate) fn below(url: &Url, path: &str) -> Url {
    with_path(url, &format!("{}{path}", url.path().trim_end_matches('/')))
}

fn with_path(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url
}

fn site_url(given: &str) -> Result<Url, TargetError> {
    const SHOWN_CHARS: usize = 80;
    let wrong = |reason: &str| TargetError::Url { url: text::cut(given, SHOWN_CHARS), reason: reason.to_owned() };
    // Looked for first, so that no error repeats a password.
    let authority = given.split_once("://").map_or(given, |(_, rest)| rest).split(['/', '?', '#']).next();
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err(TargetError::Userinfo);
    }
    let mut url: Url = given.parse().map_err(|error: url::ParseError| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("only http and https are spoken"));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// A path of an option: it begins with `/`, and a `/` at its end is dropped.
fn path_option<'a>(path: &'a str, option: &'static str, example: &'static str) -> Result<&'a str, TargetError> {
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains(['?', '#']);
    is_path.then(|| path.trim_end_matches('/')).ok_or(TargetError::Path { option, example })
}

fn host_label(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, TargetError> {
        Target::new(Settings { url: url.into(), ..Settings::default() })
    }

    fn strings(urls: &[Url]) -> Vec<&str> {
        urls.iter().map(Url::as_str).collect()
    }

    fn token() -> Credentials {
        Credentials::new(Some(Secret::new("s3cret", "a test").unwrap()), None, None).unwrap()
    }

    #[test]
    fn a_url_with_a_path_is_tried_there_first_and_then_at_the_root() {
        let target = target("https://x.test/shop/?a=1#b").unwrap();
        assert_eq!(strings(target.bases()), ["https://x.test/shop/__skew", "https://x.test/__skew"]);
        assert_eq!(
            strings(&target.stats_urls()),
            [
                "https://x.test/shop/__skew/admin/stats",
                "https://x.test/__skew/admin/stats",
                "https://x.test/shop/api/admin/stats",
                "https://x.test/api/admin/stats"
            ]
        );
        assert_eq!(strings(&target.release_urls())[0], "https://x.test/shop/_nuxt/builds/latest.json");
        assert_eq!(target.label(), "x.test/shop");
    }

    #[test]
    fn paths_that_are_given_are_taken_as_they_are() {
        let settings = Settings {
            url: "http://127.0.0.1:4400/shop".into(),
            base_path: Some("/skew/".into()),
            stats_path: Some("/api/s".into()),
            invalidate_path: Some("/api/i".into()),
            ..Settings::default()
        };
        let target = Target::new(settings).unwrap();
        assert_eq!(strings(target.bases()), ["http://127.0.0.1:4400/skew"]);
        assert_eq!(strings(&target.stats_urls()), ["http://127.0.0.1:4400/api/s"]);
        assert_eq!(strings(&target.recipe_urls()), ["http://127.0.0.1:4400/api/i"]);
        let wrong = Settings { url: "http://x".into(), base_path: Some("skew".into()), ..Settings::default() };
        assert_eq!(
            Target::new(wrong).unwrap_err().to_string(),
            "--base-path must be a path on the site, such as /__skew"
        );
    }

    #[test]
    fn what_is_no_site_is_refused_with_the_way_out() {
        for url in ["shop.example.com", "ftp://x", "https://", ""] {
            assert!(target(url).unwrap_err().to_string().contains("https://shop.example.com"), "{url}");
        }
        let error = target("https://me:pa55word@x").unwrap_err();
        assert!(error == TargetError::Userinfo && !error.to_string().contains("pa55"));
        assert_eq!(target("https://me:pa55 @x:y:z").unwrap_err(), TargetError::Userinfo);
        assert!(!target("http\u{1b}[2J").unwrap_err().to_string().contains('\u{1b}'));
    }

    #[test]
    fn credentials_never_go_unencrypted_to_another_machine() {
        let with_token = |url: &str, plain_http| {
            Target::new(Settings { url: url.into(), credentials: token(), plain_http, ..Settings::default() })
        };
        for url in ["http://127.0.0.1:1", "http://localhost", "http://a.localhost", "http://[::1]", "https://x.test"] {
            assert!(with_token(url, PlainHttp::LoopbackOnly).is_ok(), "{url}");
        }
        for url in ["http://x.test", "http://10.0.0.1", "http://localhost.x.test"] {
            assert!(matches!(with_token(url, PlainHttp::LoopbackOnly), Err(TargetError::PlainHttp { .. })), "{url}");
            assert!(with_token(url, PlainHttp::Anywhere).is_ok());
            assert!(target(url).is_ok(), "without credentials there is nothing to protect");
        }
    }

    #[test]
    fn a_target_shows_no_secret() {
        let settings = Settings {
            url: "https://x.test".into(),
            credentials: token(),
            admin_secret: Some(Secret::new("adm1n-secret", "a test").unwrap()),
            client_cert: Some(Secret::new("PRIVATE KEY", "a test").unwrap()),
            ..Settings::default()
        };
        let target = Target::new(settings).unwrap();
        let shown = format!("{target:?} {}", target.redact("s3cret and adm1n-secret"));
        assert!(!["s3cret", "adm1n", "PRIVATE"].iter().any(|part| shown.contains(part)), "{shown}");
    }
}
