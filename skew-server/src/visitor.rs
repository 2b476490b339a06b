//! What a stream's request says about the one who opens it: build, page, address, credentials.
//!
//! A viewer's stream is never refused for what its page has sent: what is damaged or too long counts under
//! [`wire::OTHER`].

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode;
use skew_proto::wire;

use crate::app::App;
use crate::hooks::Credentials;
use crate::hub::outbox::Hangup;
use crate::limits::AddressKey;
use crate::origin::{self, Proxy, Source};
use crate::{address, cookies};

const SESSION_HEADER: HeaderName = HeaderName::from_static("x-nuxt-session-session");

/// One who opens a stream.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// Nothing where the request names no build.
    pub(crate) version: Option<String>,
    pub(crate) route: String,
    /// Nothing without address tracking.
    pub(crate) ip: Option<IpAddr>,
    pub(crate) hangup: Option<Hangup>,
}

impl Visitor {
    pub(crate) fn of(parts: &Parts, app: &App) -> Self {
        let settings = app.settings();
        let config = &settings.config;
        let route = route_of_query(parts.uri.query().unwrap_or_default());
        let ip = if config.ip_tracking {
            peer(parts).map(|peer| address::of(&parts.headers, peer, &config.trusted_proxies))
        } else {
            None
        };
        Self {
            version: version(&parts.headers, &config.cookie_name),
            route: if config.route_tracking || route == wire::TUI_ROUTE { route.into_owned() } else { "/".into() },
            ip,
            hangup: parts.extensions.get().cloned(),
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
    let trusted = peer(parts).is_some_and(|peer| address::is_trusted(peer, &settings.config.trusted_proxies));
    origin::source(parts, &settings.allowed_origins, if trusted { Proxy::Trusted } else { Proxy::Untrusted })
}

/// Whom limits by address take the sender for, where that is known.
pub(crate) fn address_key(parts: &Parts, app: &App) -> Option<AddressKey> {
    let settings = app.settings();
    let address = address::known(&parts.headers, peer(parts)?, &settings.config.trusted_proxies)?;
    AddressKey::of(address)
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip())
}

/// Why a text is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RouteError {
    #[error("route must begin with /")]
    NoPath,
    #[error("route is longer than {} bytes", wire::MAX_ROUTE_BYTES)]
    TooLong,
}

/// The path of a page: query and hash are cut, since they hold what is nobody's business.
pub(crate) fn path(route: &str) -> Result<&str, RouteError> {
    let path = route.split(['?', '#']).next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(RouteError::NoPath);
    }
    if path.len() > wire::MAX_ROUTE_BYTES {
        return Err(RouteError::TooLong);
    }
    Ok(path)
}

/// The page that `?route=` names; `/` where it names none.
fn route_of_query(query: &str) -> Cow<'_, str> {
    let mut routes = query.split('&').filter_map(|pair| pair.strip_prefix("route="));
    let Some(route) = routes.next().filter(|route| !route.is_empty()) else { return "/".into() };
    if routes.next().is_some() {
        return wire::OTHER.into();
    }
    // A browser's own encoder writes a space as %20, an HTML form's as a plus sign.
    let spaced = route.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    decoded.ok().and_then(|route| path(&route).ok().map(str::to_owned)).map_or(wire::OTHER.into(), Cow::Owned)
}

/// The build in the cookie.
fn version(headers: &HeaderMap, cookie_name: &str) -> Option<String> {
    let cookies = cookies::joined(headers)?;
    let value = cookies::find(&cookies, cookie_name).filter(|value| !value.is_empty())?;
    let version = cookies::decode(value).filter(|version| version.len() <= wire::MAX_VERSION_BYTES);
    Some(version.map_or_else(|| wire::OTHER.to_owned(), Cow::into_owned))
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn query_and_hash_are_cut_from_a_route() {
        assert_eq!(path("/checkout?token=1#pay"), Ok("/checkout"));
        assert_eq!(path("/#/spa"), Ok("/"));
        assert_eq!(path("https://x/"), Err(RouteError::NoPath));
        assert_eq!(path("?x"), Err(RouteError::NoPath));
        assert_eq!(path(&format!("/{}", "x".repeat(512))), Err(RouteError::TooLong));
        let long_query = format!("/a?{}", "x".repeat(5000));
        assert_eq!(path(&long_query), Ok("/a"));
    }

    #[test]
    fn the_first_route_is_that_of_the_query() {
        assert_eq!(route_of_query(""), "/");
        assert_eq!(route_of_query("route="), "/");
        assert_eq!(route_of_query("x=1&route=%2Fa%20b%3Fq%3D1"), "/a b");
        assert_eq!(route_of_query("route=/gr%C3%B6%C3%9Fe"), "/größe");
    }

    #[test]
    fn a_damaged_route_counts_under_other() {
        for query in
            ["route=/a&route=/b", "route=%2F%ff", "route=checkout", "route=%00", &format!("route=/{}", "x".repeat(512))]
        {
            assert_eq!(route_of_query(query), wire::OTHER, "{query}");
        }
    }

    #[test]
    fn the_build_is_that_of_the_cookie() {
        let read = |cookies: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, cookies.parse().unwrap());
            version(&headers, "__nkpv")
        };
        assert_eq!(read("a=1; __nkpv=build%20old").as_deref(), Some("build old"));
        assert_eq!(read("__nkpv=__proto__").as_deref(), Some("__proto__"));
        assert_eq!(read("__nkpv="), None);
        assert_eq!(read("a=1"), None);
        assert_eq!(read("__nkpv=%ff").as_deref(), Some(wire::OTHER));
        assert_eq!(read(&format!("__nkpv={}", "x".repeat(129))).as_deref(), Some(wire::OTHER));
    }

    proptest! {
        #[test]
        fn every_query_gives_a_route_that_can_be_kept(query in ".{0,80}|(route=[%/a-f0-9?#+&]{0,40})") {
            let route = route_of_query(&query);
            prop_assert!(route == wire::OTHER || path(&route) == Ok(&*route));
        }
    }
}
