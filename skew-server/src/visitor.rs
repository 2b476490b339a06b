//! What a stream's request says about the one who opens it: build, page, address, credentials.
//!
//! A viewer's stream is never refused for what its page has sent: what is damaged or too long counts under
//! [`wire::OTHER`].

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode;
use skew_proto::text::cut;
use skew_proto::wire;

use crate::app::App;
use crate::config::Config;
use crate::failure::ApiError;
use crate::hooks::Credentials;
use crate::limits::AddressKey;
use crate::metrics::Limit;
use crate::origin::{self, Proxy, Source};
use crate::{address, cookies, user};

/// Of a text from outside, this much goes into a log line.
const LOGGED_CHARS: usize = 200;

pub(crate) const SESSION_HEADER: HeaderName = HeaderName::from_static("x-nuxt-session-session");

/// One who opens a stream. It has no `Debug`, since whose it is must not get into a log.
pub(crate) struct Visitor {
    /// Nothing where the request names no build.
    pub(crate) version: Option<String>,
    pub(crate) route: String,
    /// Nothing without address tracking.
    pub(crate) ip: Option<IpAddr>,
    /// Whose connection it is, where that is known.
    pub(crate) user: Option<Arc<str>>,
}

impl Visitor {
    pub(crate) async fn of(parts: &Parts, source: Source, app: &App) -> Self {
        let settings = app.settings();
        let config = &settings.config;
        let limits = &config.limits;
        let route = route_of_query(parts.uri.query().unwrap_or_default(), limits.route_bytes)
            .unwrap_or_else(|error| counted_as_other(app, error).into());
        let ip =
            if config.ip_tracking { peer(parts).map(|peer| address::of(&parts.headers, peer, config)) } else { None };
        // An operator who looks on is nobody's visit.
        let user = if route == wire::TUI_ROUTE { None } else { user::of(parts, source, app).await };
        Self {
            version: version(&parts.headers, &config.cookie_name, limits.version_bytes)
                .map(|version| version.unwrap_or_else(|error| counted_as_other(app, error).to_owned())),
            route: if config.route_tracking || route == wire::TUI_ROUTE { route.into_owned() } else { "/".into() },
            ip,
            user,
        }
    }
}

impl Credentials {
    /// Keeps what says who sent the request. A cookie is sent along whatever page made the browser send the request, so it says
    /// nothing when that was another site's.
    pub(crate) fn of(parts: &Parts, source: Source) -> Self {
        let header = |name| Some(parts.headers.get(name)?.to_str().ok()?.into());
        let cookie = match source {
            Source::None | Source::Own => cookies::joined(&parts.headers).map(Into::into),
            Source::Foreign => None,
        };
        Self { cookie, authorization: header(&AUTHORIZATION), session: header(&SESSION_HEADER) }
    }
}

/// Whose page sent the request.
pub(crate) fn source(parts: &Parts, app: &App) -> Source {
    let settings = app.settings();
    origin::source(parts, &settings.allowed_origins, proxy(parts, &settings.config))
}

/// Whether it came by a proxy that is believed.
pub(crate) fn proxy(parts: &Parts, config: &Config) -> Proxy {
    let is_trusted = peer(parts).is_some_and(|peer| address::is_trusted(peer, &config.trusted_proxies));
    if is_trusted { Proxy::Trusted } else { Proxy::Untrusted }
}

/// [`source`] of a request that must not be another site's page's.
///
/// # Errors
///
/// When it is. It is counted, and the first one is logged: it may be the site's own page behind a proxy that hides its host.
pub(crate) fn own(parts: &Parts, app: &App) -> Result<Source, ApiError> {
    let source = source(parts, app);
    if source != Source::Foreign {
        return Ok(source);
    }
    if app.live.metrics.foreign.inc() == 0 {
        let sent =
            |name| parts.headers.get(name).map(|value| cut(&String::from_utf8_lossy(value.as_bytes()), LOGGED_CHARS));
        tracing::warn!(
            origin = ?sent(ORIGIN),
            host = ?sent(HOST),
            "refused a page of another site, the first of all; where it is the site's own, have the proxy pass Host on or give \
             --allow-origin"
        );
    }
    Err(ApiError::forbidden("the page's origin is not allowed; see --allow-origin"))
}

/// Whom limits by address take the sender for, where that is known.
pub(crate) fn address_key(parts: &Parts, app: &App) -> Option<AddressKey> {
    AddressKey::of(address::known(&parts.headers, peer(parts)?, &app.settings().config)?)
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip())
}

/// Why a text is no page, or no build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("route must begin with /")]
    NoPath,
    #[error("route is longer than {0} bytes")]
    LongRoute(usize),
    #[error("version is longer than {0} bytes")]
    LongVersion(usize),
    #[error("it is damaged")]
    Damaged,
}

/// The page that a client of its own says it shows: [`path`] by the limits of now, and counted where it is past them.
pub(crate) fn page<'a>(route: &'a str, app: &App) -> Result<&'a str, Unfit> {
    let page = path(route, app.settings().config.limits.route_bytes);
    page.inspect_err(|error| count(app, *error))
}

fn counted_as_other(app: &App, error: Unfit) -> &'static str {
    count(app, error);
    wire::OTHER
}

fn count(app: &App, error: Unfit) {
    match error {
        Unfit::LongRoute(_) => app.live.metrics.limited(Limit::RouteBytes),
        Unfit::LongVersion(_) => app.live.metrics.limited(Limit::VersionBytes),
        Unfit::NoPath | Unfit::Damaged => {}
    }
}

/// The path of a page: query and hash are cut, since they hold what is nobody's business.
pub(crate) fn path(route: &str, most: usize) -> Result<&str, Unfit> {
    let path = route.split(['?', '#']).next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(Unfit::NoPath);
    }
    if path.len() > most {
        return Err(Unfit::LongRoute(most));
    }
    Ok(path)
}

/// The page that `?route=` names; `/` where it names none.
fn route_of_query(query: &str, most: usize) -> Result<Cow<'_, str>, Unfit> {
    let mut routes = query.split('&').filter_map(|pair| pair.strip_prefix("route="));
    let Some(route) = routes.next().filter(|route| !route.is_empty()) else { return Ok("/".into()) };
    if routes.next().is_some() {
        return Err(Unfit::Damaged);
    }
    // A browser's own encoder writes a space as %20, an HTML form's as a plus sign.
    let spaced = route.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8().map_err(|_| Unfit::Damaged)?;
    Ok(path(&decoded, most)?.to_owned().into())
}

/// The build in the cookie.
pub(crate) fn version(headers: &HeaderMap, cookie_name: &str, most: usize) -> Option<Result<String, Unfit>> {
    let cookies = cookies::joined(headers)?;
    let value = cookies::find(&cookies, cookie_name).filter(|value| !value.is_empty())?;
    Some(match cookies::decode(value) {
        Some(version) if version.len() > most => Err(Unfit::LongVersion(most)),
        Some(version) => Ok(version.into_owned()),
        None => Err(Unfit::Damaged),
    })
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn query_and_hash_are_cut_from_a_route() {
        let path = |route| path(route, 16);
        assert_eq!(path("/checkout?token=1#pay"), Ok("/checkout"));
        assert_eq!(path("/#/spa"), Ok("/"));
        assert_eq!(path("https://x/"), Err(Unfit::NoPath));
        assert_eq!(path("?x"), Err(Unfit::NoPath));
        assert_eq!(path("/sixteen-bytes-x"), Ok("/sixteen-bytes-x"));
        assert_eq!(path("/sixteen-bytes-xx"), Err(Unfit::LongRoute(16)));
        assert_eq!(path("/a?and-a-query-that-is-longer"), Ok("/a"));
    }

    #[test]
    fn the_first_route_is_that_of_the_query() {
        for (query, route) in
            [("", "/"), ("route=", "/"), ("x=1&route=%2Fa%20b%3Fq%3D1", "/a b"), ("route=/gr%C3%B6%C3%9Fe", "/größe")]
        {
            assert_eq!(route_of_query(query, 512).as_deref(), Ok(route));
        }
    }

    #[test]
    fn a_route_that_is_damaged_or_too_long_is_none() {
        let long = format!("route=/{}", "x".repeat(16));
        for (query, reason) in [
            ("route=/a&route=/b", Unfit::Damaged),
            ("route=%2F%ff", Unfit::Damaged),
            ("route=checkout", Unfit::NoPath),
            ("route=%00", Unfit::NoPath),
            (&long, Unfit::LongRoute(16)),
        ] {
            assert_eq!(route_of_query(query, 16), Err(reason), "{query}");
        }
    }

    #[test]
    fn the_build_is_that_of_the_cookie() {
        let read = |cookies: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, cookies.parse().unwrap());
            version(&headers, "__nkpv", 16)
        };
        assert_eq!(read("a=1; __nkpv=build%20old"), Some(Ok("build old".into())));
        assert_eq!(read("__nkpv=__proto__"), Some(Ok("__proto__".into())));
        assert_eq!(read("__nkpv="), None);
        assert_eq!(read("a=1"), None);
        assert_eq!(read("__nkpv=%ff"), Some(Err(Unfit::Damaged)));
        assert_eq!(read(&format!("__nkpv={}", "x".repeat(17))), Some(Err(Unfit::LongVersion(16))));
    }

    proptest! {
        #[test]
        fn every_query_gives_a_route_that_can_be_kept(query in ".{0,80}|(route=[%/a-f0-9?#+&]{0,40})") {
            if let Ok(route) = route_of_query(&query, 20) {
                prop_assert_eq!(path(&route, 20), Ok(&*route));
            }
        }
    }
}
