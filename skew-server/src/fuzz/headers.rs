//! Headers, each by itself: those that the whole of a request seldom reaches.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use skew_proto::wire;

use super::assert_version;
use crate::config::Config;
use crate::origin::{self, Origin, Proxy, Source};
use crate::{address, cookies as jar, visitor};

const FORWARDED: [HeaderName; 3] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("x-real-ip"),
];

/// Lines are headers. The first character of each says which one.
fn headers(data: &[u8], names: &[HeaderName]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(16) {
        let Some((kind, value)) = line.split_first() else { continue };
        let (Some(name), Ok(value)) = (names.get(usize::from(kind % 4)), HeaderValue::from_bytes(value)) else {
            continue;
        };
        headers.append(name, value);
    }
    headers
}

/// Who a request comes from. Lines are forwarding headers.
pub fn addresses(data: &[u8]) {
    let trusted_proxies = ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"].map(|net| net.parse().expect("a network"));
    let config = Config { trusted_proxies: trusted_proxies.to_vec(), ..Config::new("b1") };
    let sent = headers(data, &FORWARDED);
    let stranger = IpAddr::from([203, 0, 113, 9]);
    assert_eq!(address::of(&sent, stranger, &config), stranger, "a client says where it is");
    assert_eq!(address::known(&sent, stranger, &config), Some(stranger));

    let proxy = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let client = address::of(&sent, proxy, &config);
    assert_eq!(client, client.to_canonical(), "an address has two forms");
    let known = address::known(&sent, proxy, &config);
    assert!(
        known.is_none_or(|known| known == client && !address::is_trusted(known, &config.trusted_proxies)),
        "{known:?}"
    );

    // Whatever a client writes, its proxy appends where it really is.
    for really in ["198.51.100.7", "2001:db8::7"] {
        let mut appended = sent.clone();
        let list: Vec<&[u8]> = sent.get_all(&FORWARDED[0]).iter().map(HeaderValue::as_bytes).collect();
        let list = [&list.join(&b", "[..]), really.as_bytes()].join(&b", "[..]);
        appended.insert(&FORWARDED[0], HeaderValue::from_bytes(&list).expect("it was made of headers"));
        assert_eq!(address::of(&appended, proxy, &config).to_string(), really, "a client hides behind {sent:?}");
    }
}

/// Whose page sent a request. Lines are `Origin`, `Host` and `X-Forwarded-Host`.
pub fn origins(data: &[u8]) {
    let sent = headers(data, &[ORIGIN, HOST, HeaderName::from_static("x-forwarded-host")]);
    let allowed = [Origin::parse("https://admin.example.com").expect("an origin")];
    let source = |change: &dyn Fn(&mut HeaderMap), proxy| {
        let mut request = Request::new(());
        *request.headers_mut() = sent.clone();
        change(request.headers_mut());
        origin::source(&request.into_parts().0, &allowed, proxy)
    };
    let with = |origin: &'static str| {
        move |headers: &mut HeaderMap| {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
    };
    for proxy in [Proxy::Trusted, Proxy::Untrusted] {
        let as_sent = source(&|_| {}, proxy);
        assert_eq!(as_sent == Source::None, !sent.contains_key(ORIGIN), "{sent:?}");
        assert_eq!(source(&with("https://admin.example.com"), proxy), Source::Own, "what is allowed is allowed");
        for foreign in ["null", "", "file://admin.example.com", "https://admin.example.com/"] {
            assert_eq!(source(&with(foreign), proxy), Source::Foreign, "{foreign:?} of {sent:?}");
        }
    }
    // Who is no proxy of ours can't name the host by another header.
    let unforwarded = |headers: &mut HeaderMap| {
        headers.remove("x-forwarded-host");
    };
    assert_eq!(source(&|_| {}, Proxy::Untrusted), source(&unforwarded, Proxy::Untrusted), "{sent:?}");
}

/// The build that a browser's cookies name. Lines are `Cookie` headers.
pub fn cookies(data: &[u8]) {
    let mut sent = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(16) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            sent.append(COOKIE, value);
        }
    }
    let version = |headers: &_, name| visitor::version(headers, name, wire::MAX_VERSION_BYTES);
    let own = version(&sent, "__nkpv");
    if let Some(Ok(version)) = &own {
        assert_version(version);
    }
    let Some(all) = jar::joined(&sent) else { return };
    assert_eq!(jar::find(&all, "__nkpv").is_some_and(|value| !value.is_empty()), own.is_some(), "{all:?}");
    // Damage stays where it is: a cookie in a header of its own is read whatever comes with it, but for one of its name.
    if jar::find(&all, "fuzz-only").is_some() {
        return;
    }
    sent.append(COOKIE, HeaderValue::from_static("fuzz-only=b%201"));
    assert_eq!(version(&sent, "fuzz-only"), Some(Ok("b 1".to_owned())), "{all:?}");
}
