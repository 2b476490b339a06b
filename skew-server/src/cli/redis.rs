//! Several instances as one, over Redis.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use skew_server::{Config, ConfigError, RedisConfig};

use super::StartError;
use super::secret::{secret_or_variable, text};

#[derive(Debug, Args)]
#[command(next_help_heading = "Several instances")]
pub(crate) struct RedisArgs {
    /// Redis 6.2 or later, or Valkey, over which all instances of one deployment are one: redis://HOST:PORT/DATABASE, with
    /// rediss:// for TLS; redis+sentinel://HOST:PORT,HOST:PORT/MASTER; redis+cluster://HOST:PORT,HOST:PORT. In the environment or
    /// the configuration file USER:PASSWORD@ may stand before the host [default: memory only]
    #[arg(long, env = "SKEW_REDIS", hide_env_values = true, value_name = "URL", hide_default_value = true)]
    redis: Option<String>,

    /// User of Redis's access control list [default: the one in the URL]
    #[arg(long, env = "SKEW_REDIS_USER", hide_env_values = true, value_name = "NAME")]
    redis_user: Option<String>,

    /// File with the password for Redis [default: $SKEW_REDIS_PASSWORD]
    #[arg(long, env = "SKEW_REDIS_PASSWORD_FILE", hide_env_values = true, value_name = "FILE")]
    redis_password_file: Option<PathBuf>,

    /// Certificates in PEM of who signs the certificate of Redis [default: those that the system trusts]
    #[arg(long, env = "SKEW_REDIS_CA", hide_env_values = true, value_name = "FILE")]
    redis_ca: Option<PathBuf>,

    /// What all keys in Redis begin with: another one for each deployment. It has one part in braces, or is put into braces
    #[arg(long, env = "SKEW_REDIS_PREFIX", hide_env_values = true, value_name = "PREFIX", default_value = "{skew}")]
    redis_prefix: String,

    /// Name of this instance, of 1 to 64 visible characters without / [default: the host's name and the port]
    #[arg(long, env = "SKEW_INSTANCE", hide_env_values = true, value_name = "NAME")]
    instance: Option<String>,
}

impl RedisArgs {
    /// Reads the files that the arguments name.
    pub(super) fn apply(&self, listen: &str, config: &mut Config) -> Result<(), StartError> {
        config.instance = Some(self.instance.clone().unwrap_or_else(|| default_name(listen)));
        let Some(url) = self.redis.as_deref().filter(|url| !url.is_empty()) else { return Ok(()) };
        let mut redis: RedisConfig = url.parse().map_err(ConfigError::from)?;
        if let Some(password) = secret_or_variable(self.redis_password_file.as_deref(), "SKEW_REDIS_PASSWORD")? {
            redis.password = Some(password);
        }
        if let Some(user) = self.redis_user.as_ref().filter(|user| !user.is_empty()) {
            redis.user = Some(user.clone());
        }
        redis.ca = self.redis_ca.as_deref().map(text).transpose()?;
        redis.set_prefix(&self.redis_prefix).map_err(ConfigError::from)?;
        config.redis = Some(redis);
        Ok(())
    }
}

/// Refuses a password on the command line, which everybody on the machine can read.
pub(super) fn check_source(matches: &ArgMatches) -> Result<(), StartError> {
    let is_given = matches.value_source("redis") == Some(ValueSource::CommandLine);
    let url = matches.get_one::<String>("redis").filter(|_| is_given);
    // What can't be read is told by what reads it, without being repeated.
    let has_password = |url: &String| url.parse::<RedisConfig>().is_ok_and(|redis| redis.password.is_some());
    if url.is_some_and(has_password) { Err(StartError::PasswordInArguments) } else { Ok(()) }
}

/// One that no other process on any host has at the same time.
fn default_name(listen: &str) -> String {
    let host: String =
        host_name().chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).take(50).collect();
    let host = if host.is_empty() { "skew" } else { &host };
    match listen.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()) {
        Some(port @ 1..) => format!("{host}-{port}"),
        // The port is known later, and a process has its number.
        _ => format!("{host}-{}", std::process::id()),
    }
}

#[cfg(unix)]
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(windows)]
fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Args;
    use super::*;

    fn check(redis: &str) -> Result<(), StartError> {
        check_source(&Args::command().get_matches_from(["skew-server", "--build-id", "b", "--redis", redis]))
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_with_what_to_do_instead() {
        for url in ["redis://:s3cret@h", "redis+sentinel://skew:s3cret@h/main"] {
            let error = check(url).unwrap_err().to_string();
            assert!(error.contains("--redis-password-file") && !error.contains("s3cret"), "{error}");
        }
        assert!(check("redis://skew@h").is_ok());
    }

    #[test]
    fn what_is_no_url_is_told_without_a_password_in_it() {
        let args = Args::parse_from(["skew-server", "--build-id", "b", "--redis", "redis://:s3cret@h:x"]);
        let error = args.config("b".to_owned()).unwrap_err().to_string();
        assert!(error.contains("must name a host") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn an_instance_has_a_name_of_its_own_by_default() {
        let names = ["127.0.0.1:4400", "127.0.0.1:4401", "127.0.0.1:0", "[::1]:4402"].map(default_name);
        assert!(names[0].ends_with("-4400") && names[1].ends_with("-4401") && names[3].ends_with("-4402"), "{names:?}");
        assert!(names[2].ends_with(&std::process::id().to_string()), "{names:?}");
    }
}
