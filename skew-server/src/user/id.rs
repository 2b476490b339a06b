//! The id of a user as it is kept and shown: as it is, or as a keyed hash.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use skew_proto::text::is_harmful;

use crate::config::{UserConfig, UserHash};

/// Longest id that is kept as it is, in bytes.
const MAX_ID_BYTES: usize = 256;

/// Before a hash.
const HASHED: &str = "h_";

/// Before the id of a visitor, which proves nothing.
const VISITOR: &str = "v_";

/// Bytes of a hash that are shown: enough that nobody meets two that are the same.
const HASH_BYTES: usize = 16;

/// Makes ids such as are kept of those that are sent.
pub(crate) struct Ids {
    hash: UserHash,
    users: Key,
    /// Another one, so that no visitor's id has the hash of a user's.
    visitors: Key,
    origin: KeyOrigin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyOrigin {
    Given,
    MadeUp,
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ids").field("hash", &self.hash).finish_non_exhaustive()
    }
}

impl Ids {
    /// Takes over the key that `before` has made up: a reload is to leave everybody who they are.
    pub(crate) fn new(config: &UserConfig, before: Option<&Self>) -> Self {
        let (users, origin) = match (&config.hash_key, before) {
            (Some(key), _) => (Key::new(HMAC_SHA256, key.bytes()), KeyOrigin::Given),
            (None, Some(before)) if before.origin == KeyOrigin::MadeUp => (before.users.clone(), KeyOrigin::MadeUp),
            (None, _) => (Key::new(HMAC_SHA256, &rand::random::<[u8; 32]>()), KeyOrigin::MadeUp),
        };
        let visitors = Key::new(HMAC_SHA256, sign(&users, VISITOR.as_bytes()).as_ref());
        Self { hash: config.hash, users, visitors, origin }
    }

    /// A user's id as it is kept; nothing of one that says nothing.
    pub(crate) fn user(&self, id: &str) -> Option<Arc<str>> {
        // One that looks like ours would be taken for somebody else's.
        let is_like_ours = id.starts_with(HASHED) || id.starts_with(VISITOR);
        let kept = if is_like_ours || self.is_hashed(id) { hash(&self.users, id) } else { id.into() };
        (!is_blank(id)).then_some(kept)
    }

    /// The same of an id that anybody could have made up, so that it is never a user's.
    pub(crate) fn visitor(&self, id: &str) -> Option<Arc<str>> {
        let kept = format!("{VISITOR}{id}");
        let kept = if self.is_hashed(&kept) { hash(&self.visitors, id) } else { kept.into() };
        (!is_blank(id)).then_some(kept)
    }

    fn is_hashed(&self, id: &str) -> bool {
        let is_asked_for = match self.hash {
            UserHash::Always => true,
            UserHash::Auto => id.contains('@'),
            UserHash::Never => false,
        };
        is_asked_for || id.len() > MAX_ID_BYTES || id.contains(is_harmful)
    }
}

fn hash(key: &Key, id: &str) -> Arc<str> {
    let tag = sign(key, id.as_bytes());
    format!("{HASHED}{}", URL_SAFE_NO_PAD.encode(&tag.as_ref()[..HASH_BYTES])).into()
}

fn is_blank(id: &str) -> bool {
    id.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Secret;

    const KEY: &str = "an-example-key-of-32-bytes-or-more";

    fn ids(hash: UserHash, key: Option<&str>) -> Ids {
        let hash_key = key.map(|key| Secret::new(key).unwrap());
        Ids::new(&UserConfig { hash, hash_key, ..UserConfig::default() }, None)
    }

    fn is_hash(id: &str) -> bool {
        let is_of_base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        id.strip_prefix(HASHED).is_some_and(|hash| hash.len() == 22 && hash.bytes().all(is_of_base64))
    }

    #[test]
    fn a_hash_is_the_beginning_of_hmac_sha256() {
        // By openssl: printf 'kim@example.com' | openssl dgst -sha256 -hmac an-example-key-of-32-bytes-or-more
        let shown = ids(UserHash::Auto, Some(KEY)).user("kim@example.com").unwrap();
        assert_eq!(&*shown, EXPECTED);
    }

    const EXPECTED: &str = "h_adPEirnkhDvtnrlbIHz2vA";

    #[test]
    fn emails_are_hashed_unless_told_otherwise() {
        let shown = |hash, id: &str| ids(hash, Some(KEY)).user(id).unwrap();
        assert!(is_hash(&shown(UserHash::Auto, "kim@example.com")));
        assert_eq!(&*shown(UserHash::Auto, "42"), "42");
        assert!(is_hash(&shown(UserHash::Always, "42")));
        assert_eq!(&*shown(UserHash::Never, "kim@example.com"), "kim@example.com");
    }

    #[test]
    fn what_is_long_or_harmful_is_hashed_in_any_case() {
        let ids = ids(UserHash::Never, Some(KEY));
        let longest = "x".repeat(MAX_ID_BYTES);
        assert_eq!(ids.user(&longest).as_deref(), Some(&*longest));
        for id in [&format!("{longest}x"), "a\nb", "a\u{1b}[2J", "a\u{202e}b", "a\u{9b}b"] {
            assert!(is_hash(&ids.user(id).unwrap()), "{id:?}");
        }
    }

    #[test]
    fn one_key_makes_one_hash_and_another_another() {
        let shown = |key| ids(UserHash::Always, key).user("42").unwrap();
        assert_eq!(shown(Some(KEY)), shown(Some(KEY)));
        assert_ne!(shown(Some(KEY)), shown(Some("another-key-of-32-bytes-or-more-is")));
        assert_ne!(shown(None), shown(None));
    }

    #[test]
    fn a_key_that_was_made_up_outlives_a_reload() {
        let config = UserConfig { hash: UserHash::Always, ..UserConfig::default() };
        let first = Ids::new(&config, None);
        let second = Ids::new(&config, Some(&first));
        assert_eq!(first.user("42"), second.user("42"));
        let given = UserConfig { hash_key: Some(Secret::new(KEY).unwrap()), ..config.clone() };
        let third = Ids::new(&given, Some(&second));
        assert_ne!(second.user("42"), third.user("42"));
        assert_ne!(third.user("42"), Ids::new(&config, Some(&third)).user("42"), "a key that is taken away is gone");
    }

    #[test]
    fn an_id_that_says_nothing_is_none() {
        let ids = ids(UserHash::Always, None);
        assert_eq!([ids.user(""), ids.user(" \t"), ids.visitor(" ")], [None, None, None]);
    }

    proptest! {
        #[test]
        fn nobody_is_taken_for_another_by_the_choice_of_an_id(
            user in "([hv]_)?[ab@]{1,3}",
            visitor in "([hv]_)?[ab@]{1,3}",
        ) {
            for hash in [UserHash::Auto, UserHash::Always, UserHash::Never] {
                let ids = ids(hash, Some(KEY));
                let (known, claimed) = (ids.user(&user).unwrap(), ids.visitor(&visitor).unwrap());
                prop_assert_ne!(&known, &claimed);
                prop_assert!(!known.starts_with(VISITOR) && (is_hash(&known) || *known == *user));
                prop_assert!(is_hash(&claimed) || claimed.strip_prefix(VISITOR) == Some(&*visitor));
            }
        }
    }
}
