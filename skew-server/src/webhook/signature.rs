//! Signatures by the scheme of [Standard Webhooks](https://www.standardwebhooks.com): whoever has the secret can tell that a request is
//! ours, whole, and not sent again by somebody who has seen it.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What stands before a secret in base64.
const PREFIX: &[u8] = b"whsec_";

/// By the scheme. A shorter one could be found by trying.
const LEAST_BYTES: usize = 24;

/// What requests are signed with.
#[derive(Clone)]
pub(crate) struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// That of a secret: the bytes as they are, or those behind `whsec_` in base64.
    pub(crate) fn of(secret: &[u8]) -> Option<Self> {
        let bytes = match secret.strip_prefix(PREFIX) {
            Some(encoded) => STANDARD.decode(encoded).ok()?,
            None => secret.to_owned(),
        };
        (bytes.len() >= LEAST_BYTES).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    fn sign(&self, id: &str, seconds: u64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

/// The header `webhook-signature`: one signature for each key.
pub(super) fn signatures(keys: &[Key], id: &str, seconds: u64, body: &[u8]) -> String {
    keys.iter().map(|key| key.sign(id, seconds, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the scheme's own libraries.
    const SECRET: &[u8] = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn signatures_are_those_of_the_scheme() {
        let key = Key::of(SECRET).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(signatures(std::slice::from_ref(&key), id, 1_614_265_330, BODY), SIGNATURE);
        let plain = STANDARD.decode(&SECRET[PREFIX.len()..]).unwrap();
        let both = signatures(&[Key::of(&plain).unwrap(), key], id, 1_614_265_330, BODY);
        assert_eq!(both, format!("{SIGNATURE} {SIGNATURE}"), "the same secret as it is");
    }
}
