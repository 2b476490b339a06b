//! Comparing a secret without telling by the time taken how much of it was right.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use crate::config::Secret;

/// Whether `given` is one of `secrets`. Digests are compared, so that not even the length shows; and all of them, so that it does
/// not show which one it was.
pub(crate) fn is_one_of(given: &str, secrets: &[Secret]) -> bool {
    let given = digest(&SHA256, given.as_bytes());
    secrets.iter().fold(false, |found, secret| {
        let secret = digest(&SHA256, secret.bytes());
        verify_slices_are_equal(given.as_ref(), secret.as_ref()).is_ok() | found
    })
}

/// The token of `Authorization: Bearer …`.
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_right() {
        let secrets = [Secret::new("old").unwrap(), Secret::new("new").unwrap()];
        assert!(is_one_of("old", &secrets) && is_one_of("new", &secrets));
        assert!(!is_one_of("ol", &secrets) && !is_one_of("oldnew", &secrets) && !is_one_of("", &secrets));
        assert!(!is_one_of("", &[]));
    }

    #[test]
    fn a_bearer_token_is_read_whatever_its_case() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }
}
