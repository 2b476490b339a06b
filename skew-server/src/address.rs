//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::config::{AddressHeader, Config};

const CF_CONNECTING_IP: HeaderName = HeaderName::from_static("cf-connecting-ip");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The client's address: the socket's, or what a trusted proxy says it is by the first of the believed headers that is there.
pub(crate) fn of(headers: &HeaderMap, peer: IpAddr, config: &Config) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, &config.trusted_proxies) {
        return peer;
    }
    let said = config.address_headers.iter().find_map(|header| match header {
        AddressHeader::CfConnectingIp => single(headers, &CF_CONNECTING_IP),
        AddressHeader::XForwardedFor => forwarded_for(headers, peer, &config.trusted_proxies),
        AddressHeader::XRealIp => single(headers, &X_REAL_IP),
    });
    said.unwrap_or(peer)
}

/// The client's address where it is known that it is the client's: what a trusted proxy says of somebody who is no proxy itself, or that of
/// a socket on the open network. Behind a private address that nobody has named as a proxy there can be one all the same, and then it
/// is everybody's address.
pub(crate) fn known(headers: &HeaderMap, peer: IpAddr, config: &Config) -> Option<IpAddr> {
    let (peer, trusted) = (peer.to_canonical(), &config.trusted_proxies);
    if is_trusted(peer, trusted) {
        Some(of(headers, peer, config)).filter(|client| !is_trusted(*client, trusted))
    } else {
        known_peer(peer, config)
    }
}

/// The address of a socket's other end where it is known to be a client's: of all that a trusted proxy sends nothing is known before the
/// first request.
pub(crate) fn known_peer(peer: IpAddr, config: &Config) -> Option<IpAddr> {
    Some(peer.to_canonical()).filter(|peer| !is_trusted(*peer, &config.trusted_proxies) && !is_private(*peer))
}

/// Whether an address is of a network of somebody's own, or of no network.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            // 100.64.0.0/10 is what providers and overlay networks have behind one address.
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|net| net.contains(&address))
}

/// Each proxy adds the address it has seen at the right, so everything left of the first one that is no proxy of ours can be a
/// lie. Where all are proxies of ours, the left-most is the client. The walk ends at what is no address, and never turns to
/// another header, which the client could have sent itself.
fn forwarded_for(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> Option<IpAddr> {
    let values = headers.get_all(&X_FORWARDED_FOR);
    values.iter().next()?;
    let mut nearest = peer;
    for entry in values.iter().rev().flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
        let Some(address) = parse(entry) else { break };
        nearest = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    Some(nearest)
}

fn single(headers: &HeaderMap, name: &HeaderName) -> Option<IpAddr> {
    headers.get(name).and_then(|value| parse(value.as_bytes()))
}

/// Some proxies write a port behind the address.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn trusting(proxies: &[&str]) -> Config {
        let trusted_proxies = proxies.iter().map(|net| net.parse().unwrap()).collect();
        Config { trusted_proxies, ..Config::new("b1") }
    }

    fn from<V: AsRef<[u8]>>(peer: &str, trusted: &[&str], headers: &[(&'static str, V)]) -> String {
        by(&trusting(trusted), peer, headers)
    }

    fn by<V: AsRef<[u8]>>(config: &Config, peer: &str, headers: &[(&'static str, V)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        }
        of(&map, peer.parse().unwrap(), config).to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        let headers = [("x-forwarded-for", "203.0.113.9"), ("cf-connecting-ip", "203.0.113.8")];
        assert_eq!(from("198.51.100.1", &[], &headers), "198.51.100.1");
        assert_eq!(from("198.51.100.1", &["10.0.0.0/8"], &headers), "198.51.100.1");
    }

    #[test]
    fn an_address_is_known_from_a_trusted_proxy_or_the_open_network() {
        let known = |peer: &str, trusted: &[&str], forwarded: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(forwarded) = forwarded {
                headers.insert(X_FORWARDED_FOR, HeaderValue::from_static(forwarded));
            }
            super::known(&headers, peer.parse().unwrap(), &trusting(trusted)).map(|address| address.to_string())
        };
        let private = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.0.1", "100.64.0.1", "::1"];
        for peer in private.into_iter().chain(["fd00::1", "fe80::1", "::ffff:10.0.0.1", "0.0.0.0"]) {
            assert_eq!(known(peer, &[], Some("203.0.113.9")), None, "{peer}");
        }
        assert_eq!(known("203.0.113.1", &[], Some("203.0.113.9")).as_deref(), Some("203.0.113.1"));
        assert_eq!(known("100.128.0.1", &[], None).as_deref(), Some("100.128.0.1"));
        assert_eq!(known("2001:db8::1", &[], None).as_deref(), Some("2001:db8::1"));
        let proxy = ["127.0.0.1/32"];
        assert_eq!(known("127.0.0.1", &proxy, Some("203.0.113.9")).as_deref(), Some("203.0.113.9"));
        assert_eq!(known("127.0.0.1", &proxy, Some("10.0.0.7")).as_deref(), Some("10.0.0.7"), "an intranet's client");
        // A proxy that does not say for whom it asks asks for everybody.
        assert_eq!(known("127.0.0.1", &proxy, None), None);
        assert_eq!(known("127.0.0.1", &proxy, Some("unknown")), None);
    }

    #[test]
    fn a_mapped_address_is_shown_and_trusted_as_ipv4() {
        assert_eq!(from::<&str>("::ffff:127.0.0.1", &[], &[]), "127.0.0.1");
        assert_eq!(from("::ffff:127.0.0.1", &["127.0.0.0/8"], &[("x-real-ip", "::ffff:203.0.113.9")]), "203.0.113.9");
    }

    #[test]
    fn the_headers_have_the_order_they_are_given_in() {
        let all =
            [("x-real-ip", "203.0.113.3"), ("x-forwarded-for", "203.0.113.2"), ("cf-connecting-ip", "203.0.113.1")];
        let stock = [AddressHeader::CfConnectingIp, AddressHeader::XForwardedFor, AddressHeader::XRealIp];
        let config = Config { address_headers: stock.into(), ..trusting(&["127.0.0.1/32"]) };
        assert_eq!(by(&config, "127.0.0.1", &all), "203.0.113.1");
        assert_eq!(by(&config, "127.0.0.1", &all[..2]), "203.0.113.2");
        assert_eq!(by(&config, "127.0.0.1", &all[..1]), "203.0.113.3");
        let config = Config { address_headers: vec![AddressHeader::XRealIp], ..config };
        assert_eq!(by(&config, "127.0.0.1", &all), "203.0.113.3");
        assert_eq!(by(&config, "127.0.0.1", &all[1..]), "127.0.0.1");
    }

    #[test]
    fn a_header_of_cloudflares_is_believed_only_where_asked_for() {
        // Any other proxy passes it on as the client has sent it.
        let forged = [("cf-connecting-ip", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(from("127.0.0.1", &["127.0.0.1/32"], &forged), "203.0.113.9");
        assert_eq!(from("127.0.0.1", &["127.0.0.1/32"], &forged[..1]), "127.0.0.1");
    }

    #[test]
    fn forwarded_addresses_are_walked_from_the_right_through_trusted_proxies() {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8"];
        let walk = |value: &str| from("127.0.0.1", &trusted, &[("x-forwarded-for", value)]);
        assert_eq!(walk("6.6.6.6, 203.0.113.9, 10.0.0.2"), "203.0.113.9");
        assert_eq!(walk("10.0.0.3, 10.0.0.2"), "10.0.0.3");
        assert_eq!(walk("203.0.113.9:4711"), "203.0.113.9");
        assert_eq!(walk("[2001:db8::1]:80, 10.0.0.2"), "2001:db8::1");
        assert_eq!(walk("203.0.113.9, <script>, 10.0.0.2"), "10.0.0.2");
        assert_eq!(walk("unknown"), "127.0.0.1");
        let two = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(from("127.0.0.1", &trusted, &two), "203.0.113.9");
    }

    #[test]
    fn nothing_in_a_list_turns_the_walk_to_a_header_of_the_clients_own() {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8"];
        for (list, expected) in [
            (&b"\xff, 203.0.113.9"[..], "203.0.113.9"),
            (b"203.0.113.9, \xff", "127.0.0.1"),
            (b"\xff, 10.0.0.2", "10.0.0.2"),
            (b"unknown", "127.0.0.1"),
            (b"", "127.0.0.1"),
        ] {
            let headers = [("x-forwarded-for", list), ("x-real-ip", b"6.6.6.6")];
            assert_eq!(from("127.0.0.1", &trusted, &headers), expected, "{list:?}");
        }
    }
}
