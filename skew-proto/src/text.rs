//! Text from outside, made harmless.
//!
//! Routes, versions, ids and addresses are whatever an anonymous visitor sent. What is displayed or logged goes through
//! [`clean`] or [`cut`]; what scripts read goes through [`json_line`], which loses nothing and escapes what a terminal could
//! act on.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Stands where a harmful character stood, so that a person sees that there was one.
pub const REPLACEMENT: char = '\u{fffd}';

/// Whether a character could move the cursor, reorder or hide text: controls (C0, DEL, C1), line and paragraph separators,
/// bidirectional marks, zero-width and other invisible characters.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every harmful character replaced by [`REPLACEMENT`].
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_harmful) {
        Cow::Owned(text.replace(is_harmful, REPLACEMENT.encode_utf8(&mut [0; 4])))
    } else {
        Cow::Borrowed(text)
    }
}

/// [`clean`], and at most `max_chars` characters, the last one an ellipsis where something was cut. For showing only: a cut
/// text must never become a pattern.
#[must_use]
pub fn cut(text: &str, max_chars: usize) -> String {
    // One character more than fits tells whether anything is left out, without walking a megabyte of it.
    let mut shown: String =
        text.chars().take(max_chars + 1).map(|c| if is_harmful(c) { REPLACEMENT } else { c }).collect();
    if let Some((last, _)) = shown.char_indices().nth(max_chars) {
        shown.truncate(last);
        shown.pop();
        if max_chars > 0 {
            shown.push('…');
        }
    }
    shown
}

/// Stands for the part of an address that is hidden.
pub const MASK: char = '•';

/// An address without the part that tells a person: `203.0.•.•`, `2001:db8:•`. What is no address is hidden whole, and what
/// is masked already stays as it is.
#[must_use]
pub fn mask_address(address: &str) -> String {
    match ip(address) {
        Some(ip) => masked(ip),
        None if is_masked(address) => address.to_owned(),
        None => MASK.to_string(),
    }
}

/// Whether a text is an IP address, with or without a port.
#[must_use]
pub fn is_address(text: &str) -> bool {
    ip(text).is_some()
}

fn ip(text: &str) -> Option<IpAddr> {
    text.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip())).ok()
}

fn masked(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            format!("{a}.{b}.{MASK}.{MASK}")
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            format!("{a:x}:{b:x}:{MASK}")
        }
    }
}

/// Whether a text is what [`masked`] makes of an address.
fn is_masked(text: &str) -> bool {
    let some_address = text.replacen(":•", "::", 1).replace(MASK, "0");
    some_address.parse().is_ok_and(|ip| masked(ip) == text)
}

/// JSON text with every unpaired surrogate escape (`\ud800` without its other half) replaced by `\ufffd`.
///
/// JavaScript strings may hold half a character, a visitor can send one as route, and Node writes it into its JSON as it is. No
/// Unicode text can hold it, so a reader would have to refuse the whole message.
#[must_use]
pub fn mend_surrogates(json: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let escape = at + found;
        let Some(unit) = escaped_unit(&json[escape..]) else {
            // Another escape, such as `\\` or `\n`: its second character begins none. It is whole even where it is no ASCII.
            let second = json[escape + 1..].chars().next().map_or(0, char::len_utf8);
            at = escape + 1 + second;
            continue;
        };
        let pair = matches!(unit, 0xd800..=0xdbff)
            && matches!(escaped_unit(&json[escape + UNIT_LENGTH..]), Some(0xdc00..=0xdfff));
        if pair {
            at = escape + 2 * UNIT_LENGTH;
            continue;
        }
        if matches!(unit, 0xd800..=0xdfff) {
            mended.push_str(&json[kept..escape]);
            mended.push_str("\\ufffd");
            kept = escape + UNIT_LENGTH;
        }
        at = escape + UNIT_LENGTH;
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    mended.push_str(&json[kept..]);
    Cow::Owned(mended)
}

/// Length of `\u` and four digits.
const UNIT_LENGTH: usize = 6;

/// The UTF-16 unit of the `\u` escape that a text begins with.
fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

/// A size in words: `713 B`, `1.4 MB`. Units are powers of 1,000, and what is not whole is cut.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(unit, _)| *unit <= bytes) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10)),
        None => format!("{bytes} B"),
    }
}

/// One line of JSON in which every harmful character is escaped as `\u…`, so that the whole text survives and no terminal
/// acts on it. No newline at the end.
///
/// # Errors
///
/// Only what the value's own `Serialize` refuses.
pub fn json_line<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut out = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut out, Escaping))?;
    // serde_json writes UTF-8, and what `Escaping` adds is ASCII.
    Ok(String::from_utf8(out).unwrap_or_default())
}

/// JSON text with every harmful character escaped as `\u…`, and on one line. It means what it meant, and keeps its order and
/// the digits of its numbers, which a parsed value would lose. The text must be valid JSON.
#[must_use]
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // JSON allows these between its parts only, where any other space means the same.
            '\n' | '\r' | '\t' => line.push(' '),
            // All others can only stand in a string, where this means the same.
            c if is_harmful(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    line.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => line.push(c),
        }
    }
    Cow::Owned(line)
}

struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_harmful) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(harmful) = chars.next() {
                for unit in harmful.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_and_bidi_are_replaced_and_seen() {
        assert_eq!(clean("/a\u{1b}[2Jb"), "/a\u{fffd}[2Jb");
        assert_eq!(clean("/\u{202e}txt\u{200b}\u{9b}\u{7f}"), "/\u{fffd}txt\u{fffd}\u{fffd}\u{fffd}");
        assert!(matches!(clean("/größe/東京"), Cow::Borrowed(_)));
    }

    #[test]
    fn cutting_marks_the_cut() {
        assert_eq!(cut("/checkout", 9), "/checkout");
        assert_eq!(cut("/checkout", 5), "/che…");
        assert_eq!(cut("/checkout", 0), "");
        assert_eq!(cut("東京都", 2), "東…");
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_matters() {
        let sizes = [0, 999, 1_000, 1_449_999, 2_000_000_000, u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "1.4 MB", "2.0 GB", "18446744.0 TB"]);
    }

    #[test]
    fn an_address_keeps_its_network_alone() {
        for (address, masked) in [
            ("203.0.113.9", "203.0.•.•"),
            ("203.0.113.9:4711", "203.0.•.•"),
            ("::ffff:203.0.113.9", "203.0.•.•"),
            ("2001:db8:1:2::3", "2001:db8:•"),
            ("[2001:db8::3]:80", "2001:db8:•"),
            ("::1", "0:0:•"),
            ("203.0.113.9, 10.0.0.1", "•"),
            ("evil.•.•", "•"),
            ("7:•", "•"),
            ("", "•"),
        ] {
            assert_eq!(mask_address(address), masked, "{address}");
            assert_eq!(mask_address(masked), masked, "what is masked stays as it is");
        }
    }

    #[test]
    fn half_a_character_is_replaced_and_a_whole_one_kept() {
        for (json, mended) in [
            (r#""/\ud800""#, r#""/\ufffd""#),
            (r#""\uD83D\uDE00 \udc00\ud83d""#, r#""\uD83D\uDE00 \ufffd\ufffd""#),
            (r#""\ud800\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud800 \u0041 \n""#, r#""\\ud800 \u0041 \n""#),
            (r#""\ud80"#, r#""\ud80"#),
            ("\"\\é\\", "\"\\é\\"),
        ] {
            assert_eq!(mend_surrogates(json), mended);
        }
    }

    #[test]
    fn json_keeps_the_whole_text_escaped() {
        let line = json_line(&["\u{1b}]0;x\u{7}", "\u{9b}\u{202e}\u{e0041}", "é"]).unwrap();
        assert_eq!(line, "[\"\\u001b]0;x\\u0007\",\"\\u009b\\u202e\\udb40\\udc41\",\"é\"]");
    }

    proptest! {
        #[test]
        fn nothing_harmful_survives(text in any::<String>(), max in 0usize..40) {
            prop_assert!(!clean(&text).contains(is_harmful));
            let cut = cut(&text, max);
            prop_assert!(!cut.contains(is_harmful) && cut.chars().count() <= max);
        }

        #[test]
        fn what_is_mended_is_read_wherever_json_allows(
            units in prop::collection::vec(prop_oneof![any::<u16>(), 0xd7fe..0xe002u16], 0..12),
        ) {
            let json = format!("\"{}\"", units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>());
            let read: String = serde_json::from_str(&mend_surrogates(&json)).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn mending_never_fails(text in any::<String>()) {
            prop_assert!(mend_surrogates(&text).len() <= text.len());
        }

        #[test]
        fn a_json_line_is_harmless_and_reads_back_whole(text in any::<String>()) {
            let line = json_line(&text).unwrap();
            prop_assert!(!line.contains(is_harmful));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
