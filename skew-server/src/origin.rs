//! Which site's page has sent a request.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use url::Url;

const X_FORWARDED_HOST: &str = "x-forwarded-host";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Scheme, host and port of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: String,
    authority: Authority,
}

/// Host and port. The default port of a scheme is the same as none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    host: String,
    port: Option<u16>,
}

/// Who a request's headers say has sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// They do not say: no page at all, or one of the site's own that has just loaded a resource.
    None,
    /// A page of the site's own, or of an origin that is allowed.
    Own,
    /// A page of some other site.
    Foreign,
}

/// Marks a request that came over TLS of this server's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverTls;

/// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    Trusted,
    Untrusted,
}

impl Origin {
    /// Reads `https://example.com:8443`. A path, a user, `null` and schemes other than http and https are refused.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let authority = Authority::parse(&scheme, rest)?;
        Some(Self { scheme, authority })
    }
}

impl Authority {
    fn parse(scheme: &str, text: &str) -> Option<Self> {
        // Only a bare host and port: the parser would take a path, a query and a user as well, undo escapes and pass over tabs.
        let is_bare = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']'));
        if !matches!(scheme, "http" | "https") || text.is_empty() || !is_bare {
            return None;
        }
        let url = Url::parse(&format!("{scheme}://{text}/")).ok()?;
        // `Url` drops the port where it is the scheme's default.
        Some(Self { host: url.host_str()?.to_owned(), port: url.port() })
    }
}

/// Says whose page sent the request. The site's own is the one that the request names as its host. Where it is known that the client
/// speaks TLS a page without is another's; where it is not, TLS may have ended in front of this server.
///
/// A browser sends `Origin` with every POST, WebSocket and request for a stream of another site's page. What such a page loads as a
/// script or an image comes without, and a browser of these years says by `Sec-Fetch-Site` what it is.
pub(crate) fn source(parts: &Parts, allowed: &[Origin], proxy: Proxy) -> Source {
    let mut origins = parts.headers.get_all(ORIGIN).iter();
    let Some(header) = origins.next() else { return loaded_by(parts) };
    let Some(origin) = header.to_str().ok().and_then(Origin::parse) else { return Source::Foreign };
    if origins.next().is_some() {
        return Source::Foreign;
    }
    let own = (origin.scheme == "https" || !is_known_tls(parts, proxy))
        && hosts(parts, proxy).any(|host| Authority::parse(&origin.scheme, host).as_ref() == Some(&origin.authority));
    if own || allowed.contains(&origin) { Source::Own } else { Source::Foreign }
}

/// Whose page has loaded this, where it may be one of the site's own. A person who opens an address by hand is `none`.
fn loaded_by(parts: &Parts) -> Source {
    let mut sites = parts.headers.get_all(SEC_FETCH_SITE).iter();
    if sites.all(|site| site == "same-origin" || site == "none") { Source::None } else { Source::Foreign }
}

fn is_known_tls(parts: &Parts, proxy: Proxy) -> bool {
    parts.extensions.get::<OverTls>().is_some()
        || proxy == Proxy::Trusted && header(&parts.headers, X_FORWARDED_PROTO).is_some_and(|proto| proto == "https")
}

fn hosts(parts: &Parts, proxy: Proxy) -> impl Iterator<Item = &str> {
    let forwarded = match proxy {
        Proxy::Trusted => header(&parts.headers, X_FORWARDED_HOST).and_then(|list| list.split(',').next()),
        Proxy::Untrusted => None,
    };
    let host =
        header(&parts.headers, HOST.as_str()).or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    forwarded.map(str::trim).into_iter().chain(host)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn source_of(headers: &[(&str, &str)], allowed: &[&str], proxy: Proxy) -> Source {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let allowed: Vec<Origin> = allowed.iter().map(|text| Origin::parse(text).unwrap()).collect();
        source(&request.body(()).unwrap().into_parts().0, &allowed, proxy)
    }

    fn compare(origin: &str, host: &str) -> Source {
        source_of(&[("origin", origin), ("host", host)], &[], Proxy::Untrusted)
    }

    #[test]
    fn the_sites_own_page_is_known_by_the_host() {
        assert_eq!(compare("https://shop.example.com", "shop.example.com"), Source::Own);
        assert_eq!(compare("https://SHOP.example.com", "shop.Example.com:443"), Source::Own);
        assert_eq!(compare("http://localhost:3000", "localhost:3000"), Source::Own);
        assert_eq!(compare("http://[::1]:3000", "[::1]:3000"), Source::Own);
    }

    #[test]
    fn one_host_is_the_same_however_it_is_written() {
        for (origin, host) in [
            ("http://[::1]", "[0:0:0:0:0:0:0:1]:80"),
            ("http://127.0.0.1:4400", "127.0.0.1:4400"),
            ("https://xn--bcher-kva.example", "b\u{fc}cher.example"),
            ("https://shop.example.com.", "shop.example.com."),
            ("https://shop.example.com", "shop.example.com:443"),
        ] {
            let authority = |scheme, text| Authority::parse(scheme, text).unwrap();
            let origin = Origin::parse(origin).unwrap();
            assert_eq!(origin.authority, authority(&origin.scheme, host), "{host}");
        }
    }

    #[test]
    fn everything_else_is_foreign() {
        for (origin, host) in [
            ("https://evil.example", "shop.example.com"),
            ("https://shop.example.com.evil.example", "shop.example.com"),
            ("https://shop.example.com:8443", "shop.example.com"),
            ("http://shop.example.com:443", "shop.example.com"),
            ("null", "shop.example.com"),
            ("", "shop.example.com"),
            ("https://evil.example", "evil.example@shop.example.com"),
            ("https://shop.example.com/", "shop.example.com"),
            ("file://shop.example.com", "shop.example.com"),
            ("https://shop.example.com.", "shop.example.com"),
            ("https://shop.example.com:0", "shop.example.com"),
            ("https://shop.example.com:99999", "shop.example.com"),
            ("https://shop.example.com:80", "shop.example.com"),
            ("https://shop%2eexample.com", "shop.example.com"),
            ("https://shop.exam\tple.com", "shop.example.com"),
            ("https://user@shop.example.com", "shop.example.com"),
            ("https://shop.example.com https://shop.example.com", "shop.example.com"),
            ("https://shop.example.com, https://evil.example", "shop.example.com"),
            ("https://evil.example", "shop.example.com, evil.example"),
            ("https://[::1]", "[::2]"),
            ("http://127.0.0.1", "localhost"),
            ("chrome-extension://shop.example.com", "shop.example.com"),
        ] {
            assert_eq!(compare(origin, host), Source::Foreign, "{origin} {host}");
        }
    }

    #[test]
    fn no_origin_is_no_page() {
        assert_eq!(source_of(&[("host", "a")], &[], Proxy::Untrusted), Source::None);
    }

    #[test]
    fn several_origins_are_nobodys() {
        let own = ("origin", "https://a");
        assert_eq!(source_of(&[own, ("host", "a")], &[], Proxy::Untrusted), Source::Own);
        assert_eq!(source_of(&[own, own, ("host", "a")], &[], Proxy::Untrusted), Source::Foreign);
        let foreign = ("origin", "https://evil.example");
        assert_eq!(
            source_of(&[own, foreign, ("host", "a")], &["https://evil.example"], Proxy::Untrusted),
            Source::Foreign
        );
    }

    #[test]
    fn what_another_sites_page_loads_is_foreign_also_without_an_origin() {
        let loaded = |sites: &[&str]| {
            let headers: Vec<_> = sites.iter().map(|site| ("sec-fetch-site", *site)).collect();
            source_of(&headers, &[], Proxy::Untrusted)
        };
        assert_eq!([&["same-origin"][..], &["none"], &[]].map(loaded), [Source::None; 3]);
        let foreign = [&["cross-site"][..], &["same-site"], &["new-word"], &[""], &["same-origin", "cross-site"]];
        assert_eq!(foreign.map(loaded), [Source::Foreign; 5]);
        let allowed = [("origin", "https://admin.example.com"), ("host", "a"), ("sec-fetch-site", "cross-site")];
        assert_eq!(source_of(&allowed, &["https://admin.example.com"], Proxy::Untrusted), Source::Own);
    }

    #[test]
    fn a_page_without_tls_is_foreign_where_the_site_is_known_to_have_it() {
        let check = |origin, proto, proxy| {
            source_of(&[("origin", origin), ("host", "a"), ("x-forwarded-proto", proto)], &[], proxy)
        };
        assert_eq!(check("http://a", "https", Proxy::Trusted), Source::Foreign);
        assert_eq!(check("https://a", "https", Proxy::Trusted), Source::Own);
        assert_eq!(check("https://a", "http", Proxy::Trusted), Source::Own, "TLS has ended before the proxy");
        assert_eq!(check("http://a", "https", Proxy::Untrusted), Source::Own);
    }

    #[test]
    fn allowed_origins_are_compared_whole() {
        let allowed = ["https://admin.example.com"];
        let check = |origin| source_of(&[("origin", origin), ("host", "a")], &allowed, Proxy::Untrusted);
        assert_eq!(check("https://admin.example.com:443"), Source::Own);
        assert_eq!(check("http://admin.example.com"), Source::Foreign);
        assert_eq!(check("https://x.admin.example.com"), Source::Foreign);
    }

    #[test]
    fn only_a_trusted_proxy_names_another_host() {
        let headers =
            [("origin", "https://a.example"), ("host", "127.0.0.1:4400"), ("x-forwarded-host", "a.example, b")];
        assert_eq!(source_of(&headers, &[], Proxy::Trusted), Source::Own);
        assert_eq!(source_of(&headers, &[], Proxy::Untrusted), Source::Foreign);
    }
}
