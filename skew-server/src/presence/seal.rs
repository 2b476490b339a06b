//! What only its receiver is to read: letters about one connection, with its secret id and perhaps somebody's cookies. Redis never has them in
//! clear.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::config::Secret;

const NONCE_BYTES: usize = 12;

/// What the key is for, so that nothing else made of the same secret opens the same seals.
const PURPOSE: &[u8] = b"skew: letters between instances, 1";

/// Before what is sealed: no letter that is not sealed begins like this.
const MARK: &[u8] = b"sealed:";

/// Seals and opens; all instances with the same secret have the same.
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(crate) fn new(secret: &Secret) -> Option<Self> {
        let key = Salt::new(HKDF_SHA256, &[]).extract(secret.bytes());
        let mut bytes = [0; 32];
        key.expand(&[PURPOSE], HKDF_SHA256).ok()?.fill(&mut bytes).ok()?;
        Some(Self(RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()?))
    }

    /// A letter that is opened where it is for, and nowhere else.
    pub(crate) fn seal(&self, mut letter: Vec<u8>, receiver: u32) -> Option<Vec<u8>> {
        let nonce = self.0.seal_in_place_append_tag(Aad::from(receiver.to_be_bytes()), &mut letter).ok()?;
        let text = STANDARD_NO_PAD.encode([&nonce.as_ref()[..], &letter].concat());
        Some([MARK, text.as_bytes()].concat())
    }

    /// A letter for this receiver, where it was sealed by one of us.
    pub(crate) fn open(&self, sealed: &[u8], receiver: u32) -> Option<Vec<u8>> {
        let mut bytes = STANDARD_NO_PAD.decode(sealed.strip_prefix(MARK)?).ok()?;
        if bytes.len() < NONCE_BYTES {
            return None;
        }
        let (nonce, letter) = bytes.split_at_mut(NONCE_BYTES);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        self.0.open_in_place(nonce, Aad::from(receiver.to_be_bytes()), letter).ok().map(|letter| letter.to_vec())
    }
}

/// Whether this is to be opened before it can be read.
pub(crate) fn is_sealed(letter: &[u8]) -> bool {
    letter.starts_with(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &[u8] = b"the cookie is s3cret";

    fn sealer(key: &str) -> Sealer {
        Sealer::new(&Secret::new(key).unwrap()).unwrap()
    }

    #[test]
    fn a_letter_is_opened_by_the_same_secret_by_its_receiver_alone() {
        let ours = sealer("an-example-key-of-32-bytes-or-more");
        let sealed = ours.seal(LETTER.to_vec(), 7).unwrap();
        assert!(is_sealed(&sealed) && !is_sealed(LETTER));
        assert_ne!(Some(&sealed), ours.seal(LETTER.to_vec(), 7).as_ref(), "each has a nonce of its own");
        assert_eq!(ours.open(&sealed, 7).as_deref(), Some(LETTER));
        assert_eq!(ours.open(&sealed, 8), None);
        assert_eq!(sealer("another-key-of-32-bytes-or-more-is").open(&sealed, 7), None);
        for text in [&b""[..], b"sealed:", b"sealed:AAAA", b"sealed:not base64!", LETTER] {
            assert_eq!(ours.open(text, 7), None);
        }
        let bytes = STANDARD_NO_PAD.decode(&sealed[MARK.len()..]).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"s3cret"));
    }
}
