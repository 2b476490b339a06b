//! What a site's plain pages tell, asked once each. A site that does not answer here is waited for all the same.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, HeaderMap, SET_COOKIE};
use skew_proto::Health;
use tokio::time::timeout;
use tracing::debug;

use crate::http::{Http, HttpError};
use crate::state::site::Site;
use crate::target::{Target, below};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Largest page that is searched, in bytes: what names the build stands in its head.
const MAX_PAGE_BYTES: usize = 512 * 1024;

/// What the module's cookie is called, or begins with where the app does not lie at the root.
const COOKIE: &str = "__nkpv";

/// How the script of `skew-server` is told which build a page is.
const BUILD_OF_PAGE: [&str; 2] = ["data-build=", "skew-build"];

/// Asks a site's plain pages.
pub(super) struct Probe {
    /// A client for each target.
    clients: Vec<Http>,
    version_cookie: Option<bool>,
    looked: bool,
}

impl Probe {
    /// Of a recording there is nobody to ask.
    pub(super) fn new<'a>(targets: impl Iterator<Item = &'a Arc<Target>>) -> Result<Self, HttpError> {
        let clients = targets.map(|target| Http::new(Arc::clone(target), PATIENCE)).collect::<Result<_, _>>()?;
        Ok(Self { clients, version_cookie: None, looked: false })
    }

    /// For how long the youngest server has been up, in milliseconds, where they say so.
    pub(super) async fn server_is_up_for(&self) -> Option<u64> {
        let asked = self.clients.iter().map(|http| timeout(PATIENCE, up_for(http)));
        join_all(asked).await.into_iter().filter_map(|answer| answer.ok()?).min()
    }

    /// Whether the site's pages set the version cookie. None while that is not known.
    pub(super) fn version_cookie(&self) -> Option<bool> {
        self.version_cookie
    }

    /// Finds out whether pages set the version cookie, once figures are there. True at the moment when they turn out not to.
    pub(super) async fn finds_no_version_cookie(&mut self, site: &Site) -> bool {
        // Tabs that are on several builds must have been told theirs.
        if site.figures.versions.len() > 1 {
            self.version_cookie = Some(true);
            return false;
        }
        if self.looked || site.stats.is_none() {
            return false;
        }
        self.looked = true;
        let Some(http) = self.clients.first() else { return false };
        self.version_cookie = timeout(PATIENCE, page_names_build(http, site)).await.ok().flatten();
        self.version_cookie == Some(false)
    }
}

/// For how long a server has been up, in milliseconds.
async fn up_for(http: &Http) -> Option<u64> {
    for base in http.target().bases() {
        let Ok(answer) = http.read(below(base, "/health"), MAX_ANSWER_BYTES).await else { continue };
        if let (StatusCode::OK, Ok(health)) = (answer.status, serde_json::from_str::<Health>(&answer.body)) {
            return Some(health.uptime.saturating_mul(1_000));
        }
    }
    None
}

/// Whether a site's page tells its tabs which build they are.
async fn page_names_build(http: &Http, site: &Site) -> Option<bool> {
    // The module sets its cookie for what a browser opens as a page, and for nothing else.
    let page = http.get(http.target().url().clone()).header("sec-fetch-dest", "document").header(ACCEPT, "text/html");
    let response = page.send().await.inspect_err(|error| debug!(%error, "no page")).ok()?;
    if !response.status().is_success() {
        return None;
    }
    if names_build(response.headers(), site.current.as_deref()) {
        return Some(true);
    }
    if site.server.is_none() {
        return Some(false);
    }
    let page = read(response).await?;
    Some(BUILD_OF_PAGE.iter().any(|mark| page.contains(mark)))
}

/// Whether a cookie holds the build: by its name, or by its value where it was given another name.
fn names_build(headers: &HeaderMap, current: Option<&str>) -> bool {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split_once('='));
    let mut pairs = cookies.map(|(name, rest)| (name.trim(), rest.split(';').next().unwrap_or_default()));
    pairs.any(|(name, value)| name.starts_with(COOKIE) || current == Some(value))
}

/// The beginning of a page.
async fn read(mut response: reqwest::Response) -> Option<String> {
    let mut page = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        page.extend_from_slice(&piece);
        if page.len() > MAX_PAGE_BYTES {
            break;
        }
    }
    Some(String::from_utf8_lossy(&page).into_owned())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn a_build_is_named_by_the_module_s_cookie_or_by_one_with_the_build_in_it() {
        let named = |cookies: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
            }
            names_build(&headers, Some("b2"))
        };
        assert!(named(&["nuxt-session=x; Path=/", "__nkpv=b1; Path=/"]));
        assert!(named(&["__nkpv_shop=b1"]) && named(&["build=b2; HttpOnly"]));
        assert!(!named(&[]) && !named(&["nuxt-session=__nkpv"]) && !named(&["build=b22"]));
    }
}
