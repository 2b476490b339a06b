//! Admission by JSON web tokens.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use skew_server::{ClaimRule, JwtAlgorithm, JwtConfig, JwtKeys};

use super::StartError;
use super::secret::{secret, text};
use super::values::{duration, filled};

#[derive(Debug, Args)]
#[command(next_help_heading = "JSON web tokens")]
pub(super) struct JwtArgs {
    /// Algorithm that tokens are signed by, whatever they say themselves: HS256, HS384 or HS512, or any of RS256, RS384, RS512,
    /// PS256, PS384, PS512, ES256, ES384 and EdDSA; repeatable [default: none, and no token is looked at]
    #[arg(long = "jwt-algorithm", env = "SKEW_JWT_ALGORITHM", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "NAME", value_parser = algorithm)]
    algorithms: Vec<JwtAlgorithm>,

    /// File with the shared secret of HS algorithms, of 32 bytes or more, or with a public key as PEM; repeatable [default: none]
    #[arg(long, env = "SKEW_JWT_KEY_FILE", hide_env_values = true, value_delimiter = ',', value_name = "FILE")]
    jwt_key_file: Vec<PathBuf>,

    /// Address of the key set of who signs the tokens [default: none]
    #[arg(long = "jwt-jwks-url", env = "SKEW_JWT_JWKS_URL", hide_env_values = true, value_name = "URL")]
    #[arg(conflicts_with = "jwt_key_file")]
    jwks_url: Option<String>,

    /// The key set is read again when it is older than this, and when a token names a key that is not in it
    #[arg(long = "jwt-jwks-refresh", env = "SKEW_JWT_JWKS_REFRESH", hide_env_values = true, value_name = "TIME")]
    #[arg(default_value = "10m", value_parser = duration)]
    jwks_refresh: Duration,

    /// Cookie in which tokens come as well as in the Authorization header [default: none]
    #[arg(long = "jwt-cookie", env = "SKEW_JWT_COOKIE", hide_env_values = true, value_name = "NAME")]
    cookie: Option<String>,

    /// Who must have made a token, by its claim iss; repeatable [default: anybody with the key]
    #[arg(long = "jwt-issuer", env = "SKEW_JWT_ISSUER", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "ISSUER")]
    issuers: Vec<String>,

    /// Whom a token must be meant for, by its claim aud; repeatable [default: tokens without aud alone]
    #[arg(long = "jwt-audience", env = "SKEW_JWT_AUDIENCE", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "AUDIENCE")]
    audiences: Vec<String>,

    /// Claim, such as role=viewer, that lets the holder of a token read stats; repeatable, and one is enough [default: none]
    #[arg(long = "jwt-read", env = "SKEW_JWT_READ", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "CLAIM=VALUE")]
    readers: Vec<ClaimRule>,

    /// Claim, such as groups=ops, that lets the holder of a token read stats and act; repeatable, and one is enough [default: none]
    #[arg(long = "jwt-admin", env = "SKEW_JWT_ADMIN", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "CLAIM=VALUE")]
    admins: Vec<ClaimRule>,
}

impl JwtArgs {
    /// Nothing where no option speaks of tokens. Where one does, the library says what is missing.
    pub(super) fn config(&self) -> Result<Option<JwtConfig>, StartError> {
        let is_asked_for = !self.algorithms.is_empty()
            || !self.jwt_key_file.is_empty()
            || self.jwks_url.is_some()
            || !self.readers.is_empty()
            || !self.admins.is_empty();
        if !is_asked_for {
            return Ok(None);
        }
        Ok(Some(JwtConfig {
            algorithms: self.algorithms.clone(),
            keys: self.keys()?,
            cookie: self.cookie.clone(),
            issuers: filled(&self.issuers),
            audiences: filled(&self.audiences),
            readers: self.readers.clone(),
            admins: self.admins.clone(),
        }))
    }

    /// What a key file holds follows from the algorithms, never from what it looks like.
    fn keys(&self) -> Result<JwtKeys, StartError> {
        use JwtAlgorithm::{HS256, HS384, HS512};
        if let Some(url) = &self.jwks_url {
            return Ok(JwtKeys::Jwks { url: url.clone(), refresh: self.jwks_refresh });
        }
        if self.algorithms.iter().any(|algorithm| matches!(algorithm, HS256 | HS384 | HS512)) {
            let secrets = self.jwt_key_file.iter().map(|path| secret(path));
            Ok(JwtKeys::Secrets(secrets.collect::<Result<_, _>>()?))
        } else {
            let keys = self.jwt_key_file.iter().map(|path| text(path));
            Ok(JwtKeys::Public(keys.collect::<Result<_, _>>()?))
        }
    }
}

fn algorithm(name: &str) -> Result<JwtAlgorithm, String> {
    name.parse().map_err(|_| "write one such as RS256; see --help for all".to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        jwt: JwtArgs,
    }

    fn config(arguments: &[&str]) -> Option<JwtConfig> {
        Only::try_parse_from(std::iter::once(&"x").chain(arguments)).unwrap().jwt.config().unwrap()
    }

    #[test]
    fn no_option_is_no_token_and_any_is_looked_at() {
        assert!(config(&[]).is_none());
        assert!(config(&["--jwt-admin", "groups=ops"]).is_some());
        assert!(config(&["--jwt-algorithm", "RS256"]).is_some());
    }

    #[test]
    fn what_a_key_file_holds_follows_from_the_algorithm() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n").unwrap();
        let path = file.path().to_str().unwrap();
        let keys = |algorithm| config(&["--jwt-algorithm", algorithm, "--jwt-key-file", path]).unwrap().keys;
        assert!(matches!(keys("RS256"), JwtKeys::Public(keys) if keys.len() == 1));
        assert!(matches!(keys("HS256"), JwtKeys::Secrets(keys) if keys.len() == 1));
    }

    #[test]
    fn what_is_no_algorithm_and_no_rule_is_wrong_usage() {
        for arguments in [["--jwt-algorithm", "none"], ["--jwt-algorithm", "rs256"], ["--jwt-read", "role"]] {
            assert_eq!(Only::try_parse_from(["x", arguments[0], arguments[1]]).unwrap_err().exit_code(), 2);
        }
        let both = ["x", "--jwt-jwks-url", "https://a.example/k", "--jwt-key-file", "k"];
        assert_eq!(Only::try_parse_from(both).unwrap_err().exit_code(), 2);
    }
}
