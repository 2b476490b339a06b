//! Opening sealed sessions: the `Fe26.2` format of iron, as h3 and nuxt-auth-utils seal their cookies.
//!
//! Eight parts between asterisks: prefix, password id, encryption salt, iv, ciphertext, expiry, integrity salt, integrity
//! tag. Both keys are derived from the password by PBKDF2-HMAC-SHA1 over the salt's hex text.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A seal is good this long after its expiry, since clocks differ. It is what iron allows.
pub(super) const CLOCK_SKEW_MS: u64 = 60_000;

/// How the keys are derived from the password, which the seal does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// By one iteration, as h3 1 does. It takes some microseconds.
    Once,
    /// By 8192 iterations, as h3 2 does. It takes some milliseconds: keep it off the reactor.
    Long,
}

impl Stretch {
    fn iterations(self) -> NonZeroU32 {
        const LONG: NonZeroU32 = NonZeroU32::new(8192).expect("is not 0");
        match self {
            Self::Once => NonZeroU32::MIN,
            Self::Long => LONG,
        }
    }
}

/// Longest seal that is looked at, in bytes. Cookies in chunks can be longer than one cookie, and nobody's is longer than this.
pub(crate) const MAX_SEAL_BYTES: usize = 16 * 1024;

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The sealed JSON text.
    pub(crate) content: Vec<u8>,
    /// When the seal expires, in milliseconds since 1970, the allowance for clocks included. It has none without an age limit.
    pub(crate) expires_at: Option<u64>,
}

/// Why a seal was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    #[error("not a sealed session")]
    Malformed,
    #[error("the session has expired")]
    Expired,
    #[error("the session was altered or sealed with another password")]
    BadTag,
}

/// The parts of a seal, none of them trusted yet.
struct Parts<'a> {
    /// Everything that the tag covers.
    covered: &'a str,
    encryption_salt: &'a str,
    iv: [u8; 16],
    ciphertext: Vec<u8>,
    expires_at: Option<u64>,
    integrity_salt: &'a str,
    tag: Vec<u8>,
}

/// Opens a seal. One that was made with the other [`Stretch`] has a tag that is not right.
pub(crate) fn open(sealed: &str, password: &[u8], stretch: Stretch, now_ms: u64) -> Result<Opened, SealError> {
    let parts = parse(sealed)?;
    if parts.expires_at.is_some_and(|expires_at| expires_at <= now_ms) {
        return Err(SealError::Expired);
    }
    let key = derive(password, parts.integrity_salt, stretch.iterations());
    let tag = hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), parts.covered.as_bytes(), &parts.tag);
    tag.map_err(|_| SealError::BadTag)?;
    let content = decrypt(&parts, password, stretch.iterations()).ok_or(SealError::Malformed)?;
    Ok(Opened { content, expires_at: parts.expires_at })
}

fn parse(sealed: &str) -> Result<Parts<'_>, SealError> {
    if sealed.len() > MAX_SEAL_BYTES {
        return Err(SealError::Malformed);
    }
    let fields: Vec<&str> = sealed.split('*').collect();
    let ["Fe26.2", "", encryption_salt, iv, ciphertext, expiry, integrity_salt, tag] = fields[..] else {
        return Err(SealError::Malformed);
    };
    let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed);
    let expires_at = match expiry {
        "" => None,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            let expires_at: u64 = digits.parse().map_err(|_| SealError::Malformed)?;
            Some(expires_at.saturating_add(CLOCK_SKEW_MS))
        }
        _ => return Err(SealError::Malformed),
    };
    Ok(Parts {
        covered: &sealed[..sealed.len() - integrity_salt.len() - tag.len() - 2],
        encryption_salt,
        iv: decode(iv)?.try_into().map_err(|_| SealError::Malformed)?,
        ciphertext: decode(ciphertext)?,
        expires_at,
        integrity_salt,
        tag: decode(tag)?,
    })
}

fn derive(password: &[u8], salt: &str, iterations: NonZeroU32) -> [u8; 32] {
    let mut key = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, iterations, salt.as_bytes(), password, &mut key);
    key
}

fn decrypt(parts: &Parts<'_>, password: &[u8], iterations: NonZeroU32) -> Option<Vec<u8>> {
    let key = derive(password, parts.encryption_salt, iterations);
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &key).ok()?).ok()?;
    let mut bytes = parts.ciphertext.clone();
    let content = key.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from(parts.iv))).ok()?;
    Some(content.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{Opened, SealError, Stretch};

    const NOW_MS: u64 = 1_795_325_225_073;

    fn vectors() -> Vec<Value> {
        let text = include_str!("../../tests/vectors/nuxt-session.json");
        serde_json::from_str::<Value>(text).unwrap()["cases"].as_array().unwrap().clone()
    }

    fn open_case(case: &Value) -> Result<Opened, SealError> {
        open(case["sealed"].as_str().unwrap(), case["password"].as_str().unwrap().as_bytes(), NOW_MS)
    }

    /// By whichever stretch it was sealed.
    fn open(sealed: &str, password: &[u8], now_ms: u64) -> Result<Opened, SealError> {
        match super::open(sealed, password, Stretch::Once, now_ms) {
            Err(SealError::BadTag) => super::open(sealed, password, Stretch::Long, now_ms),
            opened => opened,
        }
    }

    #[test]
    fn every_vector_of_the_reference_comes_out_as_there() {
        for case in vectors() {
            let opened = open_case(&case);
            let name = &case["name"];
            match case["expect"].as_str().unwrap() {
                "ok" => {
                    let content: Value = serde_json::from_slice(&opened.unwrap().content).unwrap();
                    assert_eq!(content, case["reference_says"], "{name}");
                }
                "expired" => assert_eq!(opened, Err(SealError::Expired), "{name}"),
                "bad hmac" => assert_eq!(opened, Err(SealError::BadTag), "{name}"),
                "malformed" => assert_eq!(opened, Err(SealError::Malformed), "{name}"),
                "malformed or bad hmac" => {
                    assert!(matches!(opened, Err(SealError::Malformed | SealError::BadTag)), "{name}");
                }
                other => panic!("unknown expectation {other}"),
            }
        }
    }

    #[test]
    fn an_expiry_holds_to_the_minute() {
        let cases = vectors();
        let case = cases.iter().find(|case| case["name"] == "expires in the year 2100").unwrap();
        let (sealed, password) = (case["sealed"].as_str().unwrap(), case["password"].as_str().unwrap().as_bytes());
        const EXPIRY: u64 = 4_102_444_800_000;
        assert_eq!(open(sealed, password, EXPIRY + 59_999).unwrap().expires_at, Some(EXPIRY + 60_000));
        assert_eq!(open(sealed, password, EXPIRY + 60_000), Err(SealError::Expired));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
        #[test]
        fn no_text_panics(sealed in r"(Fe26\.2)?\*?\*[a-f0-9]{0,8}(\*[A-Za-z0-9_-]{0,24}){0,8}") {
            let _ = open(&sealed, b"an-example-password-of-32-chars-or-more", NOW_MS);
        }

        #[test]
        fn no_altered_seal_opens(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_*-]") {
            let case = &vectors()[0];
            let mut sealed = case["sealed"].as_str().unwrap().to_owned();
            let at = at.index(sealed.len());
            prop_assume!(sealed[at..=at] != with);
            // The last character of a base64 text has bits that say nothing; decoding is strict about them.
            sealed.replace_range(at..=at, &with);
            prop_assert!(open(&sealed, case["password"].as_str().unwrap().as_bytes(), NOW_MS).is_err());
        }
    }
}
