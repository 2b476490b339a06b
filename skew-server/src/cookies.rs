//! Reading `Cookie` headers.

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use percent_encoding::{CONTROLS, percent_decode_str, percent_encode};

/// All cookies of a request as one text. Browsers send one header, HTTP/2 may split it. In a header that is no text the bytes
/// beyond ASCII are escaped, so that [`decode`] finds the damage where it is.
pub(crate) fn joined(headers: &HeaderMap) -> Option<String> {
    let text =
        |bytes| std::str::from_utf8(bytes).map_or_else(|_| percent_encode(bytes, CONTROLS).into(), Cow::Borrowed);
    let parts: Vec<Cow<'_, str>> = headers.get_all(COOKIE).iter().map(|value| text(value.as_bytes())).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The first cookie of that name, as it was sent. The stock server takes the first one too.
pub(crate) fn find<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    cookies.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim();
        (key.trim() == name).then(|| value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value))
    })
}

/// All cookies but those of that name, or nothing where there are no others.
pub(crate) fn without(cookies: &str, name: &str) -> Option<String> {
    let is_other = |pair: &&str| pair.split('=').next().is_some_and(|key| key.trim() != name);
    let others: Vec<&str> =
        cookies.split(';').filter(is_other).map(str::trim).filter(|pair| !pair.is_empty()).collect();
    (!others.is_empty()).then(|| others.join("; "))
}

/// A value without its percent escapes, or nothing where they hide no text.
pub(crate) fn decode(value: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(value).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_cookie_of_a_name_counts() {
        let cookies = "a=1;__nkpv=b%201 ; __nkpv=b2; quoted=\"x\"; empty=; junk";
        assert_eq!(find(cookies, "__nkpv"), Some("b%201"));
        assert_eq!(find(cookies, "quoted"), Some("x"));
        assert_eq!(find(cookies, "empty"), Some(""));
        assert_eq!(find(cookies, "nkpv"), None);
        assert_eq!(find(cookies, "junk"), None);
    }

    #[test]
    fn a_cookie_is_taken_out_wherever_it_is() {
        assert_eq!(without("a=1; __nkpv=b ;__nkpv=c; x", "__nkpv").as_deref(), Some("a=1; x"));
        assert_eq!(without("a=__nkpv; __nkpv2=b", "__nkpv").as_deref(), Some("a=__nkpv; __nkpv2=b"));
        assert_eq!(without(" __nkpv=b; ", "__nkpv"), None);
    }

    #[test]
    fn escapes_that_hide_no_text_are_damage() {
        assert_eq!(decode("b%201").as_deref(), Some("b 1"));
        assert_eq!(decode("100%").as_deref(), Some("100%"));
        assert_eq!(decode("%ff"), None);
    }

    #[test]
    fn bytes_that_are_no_text_damage_their_own_cookie_alone() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_bytes(b"bad=\xff\xfe; plain=b1; word=gr\xc3\xbcn").unwrap());
        let cookies = joined(&headers).unwrap();
        let read = |name| decode(find(&cookies, name).unwrap());
        assert_eq!(read("bad"), None);
        assert_eq!(read("plain").as_deref(), Some("b1"));
        assert_eq!(read("word").as_deref(), Some("gr\u{fc}n"));
    }

    #[test]
    fn several_headers_are_one_text() {
        let mut headers = HeaderMap::new();
        assert_eq!(joined(&headers), None);
        headers.append(COOKIE, "a=1".parse().unwrap());
        headers.append(COOKIE, "b=2".parse().unwrap());
        assert_eq!(joined(&headers).as_deref(), Some("a=1; b=2"));
    }
}
