//! The command line, and what becomes of it.

use std::env::VarError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgGroup, Parser, ValueEnum};
use skew_server::manifest::{Manifest, ManifestError};
use skew_server::{Config, ConfigError, IpNet, Secret, SessionConfig};

/// A lean server that tracks which build and page every open browser tab of a site is on, and tells those who may know.
///
/// It speaks the protocol of the npm module nuxt-skew-protection. Sites without Nuxt take the script at
/// {base}/client.js. Secrets are read from files or the environment, never from the command line.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, next_line_help = true)]
#[command(group = ArgGroup::new("build").required(true).multiple(true).args(["build_id", "manifest"]))]
#[command(after_help = "Exit codes: 0 stopped by a signal, 1 error, 2 wrong usage.\n\
    More variables: SKEW_ADMIN_SECRET, SKEW_STATS_SECRET and NUXT_SESSION_PASSWORD hold the secrets themselves.")]
pub(crate) struct Args {
    /// Address to listen on
    #[arg(long, env = "SKEW_LISTEN", hide_env_values = true, default_value = "127.0.0.1:4400", value_name = "ADDRESS")]
    pub(crate) listen: String,

    /// The build that new visitors get now
    #[arg(long, env = "SKEW_BUILD_ID", hide_env_values = true, value_name = "ID")]
    build_id: Option<String>,

    /// Follow a site's builds/latest.json: its `id` becomes the current build, and its versions tell when that was released.
    /// Beside --build-id that build is current until the manifest answers
    #[arg(long, env = "SKEW_MANIFEST", hide_env_values = true, value_name = "URL_OR_PATH")]
    manifest: Option<String>,

    /// Time between two looks at the manifest
    #[arg(long, env = "SKEW_MANIFEST_INTERVAL", hide_env_values = true, default_value = "5s", value_parser = duration)]
    #[arg(value_name = "TIME")]
    pub(crate) manifest_interval: Duration,

    /// Where the endpoints live. An app mounted at /shop has them at /shop/__skew
    #[arg(long, env = "SKEW_BASE_PATH", hide_env_values = true, default_value = "/__skew", value_name = "PATH")]
    pub(crate) base_path: String,

    /// Cookie in which browsers carry their build. An app mounted at /shop has __nkpv_shop
    #[arg(long, env = "SKEW_COOKIE_NAME", hide_env_values = true, default_value = "__nkpv", value_name = "NAME")]
    cookie_name: String,

    /// Keep the page of each connection. Otherwise everybody is at / [default: off]
    #[arg(long, env = "SKEW_ROUTE_TRACKING", hide_env_values = true, value_parser = FalseyValueParser::new())]
    route_tracking: bool,

    /// Keep the address of each connection [default: off]
    #[arg(long, env = "SKEW_IP_TRACKING", hide_env_values = true, value_parser = FalseyValueParser::new())]
    ip_tracking: bool,

    /// Proxy whose forwarded headers are believed; repeatable [default: none]
    #[arg(long = "trusted-proxy", env = "SKEW_TRUSTED_PROXY", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "CIDR", value_parser = network)]
    trusted_proxies: Vec<IpNet>,

    /// Origin of the site, such as https://shop.example.com, where a proxy rewrites Host so that the server can't know it;
    /// repeatable. There is no CORS: pages of another origin can't use it [default: none]
    #[arg(long = "allow-origin", env = "SKEW_ALLOW_ORIGIN", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "ORIGIN")]
    allowed_origins: Vec<String>,

    /// File with the bearer secret that may read stats and act [default: $SKEW_ADMIN_SECRET]
    #[arg(long, env = "SKEW_ADMIN_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    admin_secret_file: Option<PathBuf>,

    /// File with a bearer secret that may read stats and not act [default: $SKEW_STATS_SECRET]
    #[arg(long, env = "SKEW_STATS_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    stats_secret_file: Option<PathBuf>,

    /// File with the application's session password: its admins may then read stats and act [default: $NUXT_SESSION_PASSWORD]
    #[arg(long, env = "SKEW_NUXT_SESSION_PASSWORD_FILE", hide_env_values = true, value_name = "FILE")]
    nuxt_session_password_file: Option<PathBuf>,

    /// Role that makes a user of the application an admin; repeatable
    #[arg(long = "admin-role", env = "SKEW_ADMIN_ROLE", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "ROLE", default_value = "admin")]
    admin_roles: Vec<String>,

    /// E-mail address that makes a user of the application an admin; repeatable [default: none]
    #[arg(long = "admin-email", env = "SKEW_ADMIN_EMAIL", hide_env_values = true, value_delimiter = ',')]
    #[arg(value_name = "EMAIL")]
    admin_emails: Vec<String>,

    /// Subscribers get at most one stats message in this time
    #[arg(long, env = "SKEW_STATS_INTERVAL", hide_env_values = true, default_value = "100ms", value_parser = duration)]
    #[arg(value_name = "TIME")]
    stats_interval: Duration,

    /// Form of the log on stderr
    #[arg(long, env = "SKEW_LOG_FORMAT", hide_env_values = true, default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,

    /// How much is logged
    #[arg(long, env = "SKEW_LOG_LEVEL", hide_env_values = true, default_value = "info", value_name = "LEVEL")]
    pub(crate) log_level: LogLevel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("can't read the secret file {}: {error}", path.display())]
    SecretFile { path: PathBuf, error: std::io::Error },
    #[error("{variable} is not UTF-8 text; put the secret into a file and name that")]
    SecretEncoding { variable: String },
    #[error("{place}: {error}")]
    Secret { place: String, error: ConfigError },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}; give --build-id to start without it")]
    Manifest(#[from] ManifestError),
    #[error("can't listen on {address}: {error}")]
    Listen { address: String, error: std::io::Error },
    #[error("can't start the runtime: {0}")]
    Runtime(std::io::Error),
}

impl Args {
    /// Reads the files that the arguments name.
    pub(crate) async fn load(&self) -> Result<(Config, Option<Manifest>), StartError> {
        let manifest = self.manifest.as_deref().map(Manifest::new).transpose()?;
        let build_id = match (&self.build_id, &manifest) {
            (Some(build_id), _) => build_id.clone(),
            (None, Some(manifest)) => manifest.read().await?.current.version,
            (None, None) => return Err(ConfigError::BuildId.into()),
        };
        let password = secret(self.nuxt_session_password_file.as_deref(), "NUXT_SESSION_PASSWORD")?;
        let session = password.map(|password| SessionConfig {
            password,
            roles: filled(&self.admin_roles),
            emails: filled(&self.admin_emails),
        });
        let config = Config {
            base_path: self.base_path.clone(),
            cookie_name: self.cookie_name.clone(),
            route_tracking: self.route_tracking,
            ip_tracking: self.ip_tracking,
            trusted_proxies: self.trusted_proxies.clone(),
            allowed_origins: self.allowed_origins.clone(),
            admin_secrets: secret(self.admin_secret_file.as_deref(), "SKEW_ADMIN_SECRET")?.into_iter().collect(),
            stats_secrets: secret(self.stats_secret_file.as_deref(), "SKEW_STATS_SECRET")?.into_iter().collect(),
            session,
            stats_interval: self.stats_interval,
            ..Config::new(build_id)
        };
        Ok((config, manifest))
    }
}

/// The entries of a list that say something: an empty variable and a comma at the end leave empty ones.
fn filled(list: &[String]) -> Vec<String> {
    list.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// A secret from a file, without the line break that editors put at its end, else from the environment.
fn secret(file: Option<&Path>, variable: &str) -> Result<Option<Secret>, StartError> {
    let (text, place) = match (file, std::env::var(variable)) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| StartError::SecretFile { path: path.to_owned(), error })?;
            let text =
                text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line)).to_owned();
            (text, format!("the secret file {}", path.display()))
        }
        (None, Ok(text)) => (text, variable.to_owned()),
        (None, Err(VarError::NotPresent)) => return Ok(None),
        (None, Err(VarError::NotUnicode(_))) => {
            return Err(StartError::SecretEncoding { variable: variable.to_owned() });
        }
    };
    Secret::new(&text).map(Some).map_err(|error| StartError::Secret { place, error })
}

/// `100ms`, `5s` or `2m`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number = number.parse::<u32>().ok().filter(|number| *number > 0);
    let unit = match unit {
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "m" => Some(Duration::from_secs(60)),
        _ => None,
    };
    number
        .zip(unit)
        .map(|(number, unit)| unit * number)
        .ok_or_else(|| "write a time such as 100ms, 5s or 2m".to_owned())
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse().map(|address: std::net::IpAddr| IpNet::from(address));
    text.parse().or(address).map_err(|_| "write a network such as 10.0.0.0/8, or an address".to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_option_has_a_variable_and_none_holds_a_secret() {
        for arg in Args::command().get_arguments() {
            let id = arg.get_id().as_str();
            assert!(arg.get_env().is_some_and(|name| name.to_string_lossy().starts_with("SKEW_")), "{id}");
            assert!(!id.contains("secret") && !id.contains("password") || id.ends_with("_file"), "{id}");
        }
    }

    #[test]
    fn a_build_id_or_a_manifest_is_needed() {
        let error = Args::try_parse_from(["skew-server"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--build-id"), "{error}");
        assert!(Args::try_parse_from(["skew-server", "--build-id", "b", "--manifest", "x.json"]).is_ok());
    }

    #[tokio::test]
    async fn empty_roles_and_addresses_make_nobody_an_admin() {
        let mut password = tempfile::NamedTempFile::new().unwrap();
        password.write_all(b"an-example-password-of-32-chars-or-more\n").unwrap();
        let password = password.path().to_str().unwrap();
        let arguments = ["skew-server", "--build-id", "b", "--nuxt-session-password-file", password];
        let more = ["--admin-role", "ops, lead,", "--admin-email", ""];
        let (config, _) = Args::parse_from(arguments.into_iter().chain(more)).load().await.unwrap();
        let session = config.session.unwrap();
        assert_eq!((session.roles, session.emails), (vec!["ops".to_owned(), "lead".to_owned()], vec![]));
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for text in ["100", "0s", "-1s", "1h", "s", "", "99999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_may_be_one_address() {
        assert_eq!(network("127.0.0.1").unwrap().to_string(), "127.0.0.1/32");
        assert_eq!(network("2001:db8::/32").unwrap().to_string(), "2001:db8::/32");
        assert!(network("localhost").is_err());
    }
}
